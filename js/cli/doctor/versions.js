// SPDX-License-Identifier: MIT
'use strict';

const { loadAddon } = require('../../addon.js');

/** @import { Database } from '../database.js' */
/** @import { Tell } from '../doctor.js' */

const REMEDY = 'update it to SQLite 3.51.3 or newer: older ones can corrupt a WAL database that two processes write';

/** Versions of the older lines into which the correction was carried back. */
const CORRECTED = [
  [3, 44, 6],
  [3, 50, 7],
];

/** @param {string} version */
function isSound(version) {
  const [major, minor, patch] = version.split('.').map(Number);
  if (major > 3 || (major === 3 && (minor > 51 || (minor === 51 && patch >= 3)))) return true;
  return CORRECTED.some(([a, b, c]) => major === a && minor === b && patch >= c);
}

/**
 * Both copies of SQLite that use the file: the app's side, as far as this process is like it, and the engine's.
 * @param {Database} database
 * @param {Tell} tell
 * @returns {boolean} whether the database can be read
 */
function examineVersions({ driver, library }, tell) {
  // 1. The driver; this statement touches no file
  const { version } = /** @type {{version: string}} */ (driver.prepare('SELECT sqlite_version() AS version').get());
  judge(`${library} has SQLite ${version}; your app may use another`, version, tell);
  // 2. The engine. Loading it opens nothing.
  try {
    const { sqlite } = JSON.parse(loadAddon().versions());
    judge(`the worker has SQLite ${sqlite}`, sqlite, tell);
  } catch (error) {
    tell('sqlite', 'problem', /** @type {Error} */ (error).message, 'without the addon no worker can run: reinstall llm-jobs');
  }
  // 3. The first read finds out whether this is a database
  try {
    driver.prepare('SELECT count(*) FROM sqlite_master').get();
    return true;
  } catch (error) {
    tellUnreadable(error, tell);
    return false;
  }
}

/** @param {unknown} error of either library @param {Tell} tell */
function tellUnreadable(error, tell) {
  const { code, errcode, message } = /** @type {any} */ (error);
  if (errcode === 26 || code === 'SQLITE_NOTADB') {
    tell('database', 'problem', 'the file is encrypted or not an SQLite database', 'llm-jobs needs an unencrypted database: give the jobs a file of their own');
  } else if (code === 'BAD_CONFIG') {
    tell('database', 'problem', message, 'doctor needs a library of SQLite to look into the file');
  } else {
    tell('database', 'problem', `the database cannot be read: ${message}`, 'restore a backup, or end what holds the file');
  }
}

/** @param {string} message @param {string} version @param {Tell} tell */
function judge(message, version, tell) {
  if (isSound(version)) tell('sqlite', 'ok', message);
  else tell('sqlite', 'warn', message, REMEDY);
}

module.exports = { examineVersions, tellUnreadable, isSound };
