// SPDX-License-Identifier: MIT
'use strict';

/** Where things are. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { isMusl } = require('../../js/addon.js');

const root = path.resolve(__dirname, '..', '..');
const modules = path.join(root, 'node_modules');

/** Static libraries live here, outside the clone, so that the next clone finds them. */
const cache =
  process.env.LLM_JOBS_CACHE || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'llm-jobs');

const musl = process.platform === 'linux' && isMusl();

/** The npm package `node` has every version for Linux with glibc, and for other systems some. There the Node that runs this does. */
const ownNode = process.platform === 'linux' && !musl;

/** @param {string} name of an npm package that is a Node: `node`, `node22` */
const nodeOf = (name) => path.join(modules, name, 'bin', 'node');

module.exports = {
  root,
  modules,
  cache,
  build: path.join(root, 'build'),
  musl,
  ownNode,
  nodeOf,
  /** The Node whose major version current Electron embeds; everything but set-up itself runs on it. */
  node: ownNode ? nodeOf('node') : process.execPath,
  /** @returns {string | null} the folder of its headers; null: it came without, and node-gyp has to fetch them */
  nodeHeaders() {
    if (ownNode) return path.join(modules, 'node', 'node_modules', `node-${process.platform}-${process.arch}`);
    const prefix = path.resolve(fs.realpathSync(process.execPath), '..', '..');
    return fs.existsSync(path.join(prefix, 'include', 'node', 'node_api.h')) ? prefix : null;
  },
  nodeGyp: path.join(modules, 'node-gyp', 'bin', 'node-gyp.js'),
  gyp: path.join(modules, 'node-gyp', 'gyp', 'gyp_main.py'),
  sqlite: path.join(modules, 'better-sqlite3', 'deps', 'sqlite3'),
};
