// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const { LlmJobsError } = require('../error.js');
const { openDriver } = require('../driver.js');
const { recognises } = require('../driver/node-sqlite.js');

/** @import { Driver } from '../driver.js' */

/**
 * A connection of this process. The engine's own SQLite never opens a file here: two copies of SQLite in one process on one file
 * break each other's locks.
 * @typedef {object} Database
 * @property {Driver} driver
 * @property {any} connection what `Queue` takes
 * @property {string} library
 * @property {() => void} close
 */

/**
 * node:sqlite when this Node has one that is recent enough for `Queue`, else better-sqlite3 of the project in which the command
 * was called.
 * @param {string} file
 * @param {{readOnly?: boolean}} [options]
 * @returns {Database}
 */
function openDatabase(file, { readOnly = false } = {}) {
  // Opening a file that does not exist would make an empty one.
  if (!fs.existsSync(file)) throw new LlmJobsError('NOT_FOUND', `there is no file ${path.resolve(file)}: correct the path of the database`);
  const { library, connection } = fromNode(file, readOnly) ?? fromCaller(file, readOnly);
  return { driver: openDriver(connection), connection, library, close: () => connection.close() };
}

/** @param {string} file @param {boolean} readOnly */
function fromNode(file, readOnly) {
  const sqlite = /** @type {any} */ (quietly(() => process.getBuiltinModule?.('node:sqlite')));
  if (sqlite === undefined) return undefined;
  const connection = new sqlite.DatabaseSync(file, { readOnly, timeout: 5000 });
  if (recognises(connection)) return { library: 'node:sqlite', connection };
  connection.close();
  return undefined;
}

/** @param {string} file @param {boolean} readOnly */
function fromCaller(file, readOnly) {
  const folders = [process.cwd(), __dirname];
  for (const folder of folders) {
    let BetterSqlite3;
    try {
      BetterSqlite3 = createRequire(path.join(folder, 'package.json'))('better-sqlite3');
    } catch {
      continue;
    }
    return { library: 'better-sqlite3', connection: new BetterSqlite3(file, { readonly: readOnly, fileMustExist: true }) };
  }
  throw new LlmJobsError('BAD_CONFIG', 'no SQLite was found: use Node ≥ 22.16, or run "npm install better-sqlite3" in this folder');
}

/**
 * node:sqlite announces itself as experimental, which is no news to somebody who looks at a queue.
 * @template T
 * @param {() => T} work
 */
function quietly(work) {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return work();
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

module.exports = { openDatabase };
