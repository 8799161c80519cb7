// SPDX-License-Identifier: MIT
'use strict';

/** Where things are. */

const os = require('node:os');
const path = require('node:path');
const { isMusl } = require('../../js/addon.js');

const root = path.resolve(__dirname, '..', '..');
const modules = path.join(root, 'node_modules');

/** Static libraries live here, outside the clone, so that the next clone finds them. */
const cache =
  process.env.LLM_JOBS_CACHE || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'llm-jobs');

const executable = process.platform === 'win32' ? '.exe' : '';
const musl = process.platform === 'linux' && isMusl();

/** @param {string} name of an npm package that is a Node: `node`, `node22` */
const nodeOf = (name) => path.join(modules, name, 'bin', `node${executable}`);

module.exports = {
  root,
  modules,
  cache,
  build: path.join(root, 'build'),
  musl,
  nodeOf,
  /** The Node whose major version current Electron embeds; everything but set-up itself runs on it. */
  node: musl ? process.execPath : nodeOf('node'),
  /** @returns {string | null} the folder of its headers; null: node-gyp has to fetch them, the package has none on Windows */
  nodeHeaders() {
    if (process.platform === 'win32') return null;
    if (musl) return path.resolve(process.execPath, '..', '..');
    const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
    return path.join(modules, 'node', 'node_modules', `${prefix}-${process.platform}-${process.arch}`);
  },
  nodeGyp: path.join(modules, 'node-gyp', 'bin', 'node-gyp.js'),
  gyp: path.join(modules, 'node-gyp', 'gyp', 'gyp_main.py'),
  sqlite: path.join(modules, 'better-sqlite3', 'deps', 'sqlite3'),
};
