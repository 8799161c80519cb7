// SPDX-License-Identifier: MIT
'use strict';

/** Where things are. */

const os = require('node:os');
const path = require('node:path');

const root = path.resolve(__dirname, '..', '..');
const modules = path.join(root, 'node_modules');

/** Static libraries live here, outside the clone, so that the next clone finds them. */
const cache =
  process.env.LLM_JOBS_CACHE || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'llm-jobs');

const executable = process.platform === 'win32' ? '.exe' : '';

module.exports = {
  root,
  modules,
  cache,
  build: path.join(root, 'build'),
  /** The Node whose major version current Electron embeds; everything but set-up itself runs on it. */
  node: path.join(modules, 'node', 'bin', `node${executable}`),
  /** Its headers, in the package that also holds its executable. */
  nodeHeaders() {
    const system = process.platform === 'win32' ? 'win' : process.platform;
    const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
    return path.join(modules, 'node', 'node_modules', `${prefix}-${system}-${process.arch}`);
  },
  nodeGyp: path.join(modules, 'node-gyp', 'bin', 'node-gyp.js'),
  gyp: path.join(modules, 'node-gyp', 'gyp', 'gyp_main.py'),
  sqlite: path.join(modules, 'better-sqlite3', 'deps', 'sqlite3'),
};
