// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const schema = require('../../schema.js');

/** @import { Driver } from '../../driver.js' */
/** @import { Tell } from '../doctor.js' */

/** quick_check reads the whole file; beyond this size it would take minutes. */
const LARGEST_CHECKED_BYTES = 1024 * 1024 * 1024;

/** Text of SQL without what means nothing, so that Drizzle's and ours compare equal. */
const plain = (/** @type {string} */ sql) => sql.replace(/IF NOT EXISTS/i, '').replace(/[`"\s;]/g, '').toLowerCase();

/**
 * @param {Driver} driver
 * @param {string} file
 * @param {Tell} tell
 * @returns {boolean} whether the jobs can be looked at
 */
function examineTable(driver, file, tell) {
  const all = (/** @type {string} */ sql) => driver.prepare(sql).all();

  // 1. The journal
  const mode = String(Object.values(driver.prepare('PRAGMA journal_mode').get() ?? {})[0]);
  if (mode === 'wal') tell('journal', 'ok', 'journal_mode is WAL');
  else tell('journal', 'problem', `journal_mode is ${mode}; the worker needs WAL`, 'let the app run "PRAGMA journal_mode = WAL" once');

  // 2. The pages
  const { size } = fs.statSync(file);
  if (size > LARGEST_CHECKED_BYTES) {
    tell('integrity', 'ok', `not checked: ${size} bytes would take long; run "PRAGMA quick_check" yourself`);
  } else {
    const verdict = check(driver);
    if (verdict === 'ok') tell('integrity', 'ok', 'quick_check finds nothing');
    else tell('integrity', 'problem', `quick_check says: ${verdict.replaceAll('\n', ' ')}`, 'restore a backup, or recover with ".recover" of the sqlite3 shell');
  }

  // 3. The table
  const present = new Set(all(`SELECT name FROM pragma_table_info('${schema.table}')`).map(({ name }) => name));
  if (present.size === 0) {
    tell('table', 'problem', `there is no table ${schema.table}`, 'start the worker, or call new Queue(db), on this file: either makes it');
    return false;
  }
  const columns = schema.columns.filter(({ name }) => !present.has(name));
  const lost = columns.filter(({ add }) => add === null);
  const names = (/** @type {{name: string}[]} */ list) => list.map(({ name }) => name).join(', ');
  if (lost.length > 0) tell('table', 'problem', `columns are missing: ${names(columns)}`, `${names(lost)} cannot be added: put back what was renamed or dropped`);
  else if (columns.length > 0) tell('table', 'warn', `columns are missing: ${names(columns)}`, 'the worker and new Queue(db) add them');
  else tell('table', 'ok', 'the table has all its columns');

  // 4. Its indexes
  const found = new Map(all("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").map(({ name, sql }) => [name, plain(sql)]));
  const absent = schema.indexes.filter(({ name }) => !found.has(name));
  const other = schema.indexes.filter(({ name, sql }) => found.has(name) && found.get(name) !== plain(sql));
  if (absent.length > 0) tell('indexes', 'warn', `indexes are missing: ${names(absent)}`, 'the worker and new Queue(db) add them');
  if (other.length > 0) tell('indexes', 'warn', `indexes are not as they should be: ${names(other)}`, 'drop them; new Queue(db) makes them again');
  if (absent.length + other.length === 0) tell('indexes', 'ok', 'the table has all its indexes');

  // 5. What the app hangs on it
  const triggers = all(`SELECT name FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = '${schema.table}'`);
  if (triggers.length === 0) tell('triggers', 'ok', 'the table has no triggers');
  else tell('triggers', 'warn', `the table has triggers: ${triggers.map(({ name }) => JSON.stringify(name)).join(', ')}`, 'the worker runs them: they must not call functions that only the app has');
  return columns.length === 0;
}

/** @param {Driver} driver */
function check(driver) {
  try {
    return String(Object.values(driver.prepare('PRAGMA quick_check(1)').get() ?? {})[0]);
  } catch (error) {
    return /** @type {Error} */ (error).message;
  }
}

module.exports = { examineTable };
