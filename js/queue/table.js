// SPDX-License-Identifier: MIT
'use strict';

const schema = require('../schema.js');
const { LlmJobsError } = require('../error.js');

/** @import { Driver } from '../driver.js' */
/** @import { Column, Index } from '../schema.js' */

/**
 * What table llm_jobs of this database lacks, found by reading only.
 * @param {Driver} driver
 * @returns {{exists: boolean, columns: Column[], indexes: Index[]}}
 */
function missing(driver) {
  const present = new Set(driver.prepare(`SELECT name FROM pragma_table_info('${schema.table}')`).all().map((row) => row.name));
  const named = new Set(driver.prepare("SELECT name FROM sqlite_master WHERE type = 'index'").all().map((row) => row.name));
  return {
    exists: present.size > 0,
    columns: schema.columns.filter((column) => !present.has(column.name)),
    indexes: schema.indexes.filter((index) => !named.has(index.name)),
  };
}

/**
 * Creates table llm_jobs, or adds to an older one the columns and indexes it lacks. Nothing is ever renamed or dropped, no other
 * table and no PRAGMA is touched, and a table that is complete is only read, so that opening a queue takes no lock.
 * @param {Driver} driver
 */
function prepareTable(driver) {
  const lacks = missing(driver);
  if (lacks.columns.length === 0 && lacks.indexes.length === 0) return;

  driver.transaction(() => {
    // Another process may have done the same since; under the write lock the answer stays true.
    const { exists, columns, indexes } = missing(driver);
    if (exists) columns.forEach((column) => addColumn(driver, column));
    else driver.exec(schema.createTable);
    indexes.forEach((index) => driver.exec(index.sql));
  });
}

/**
 * @param {Driver} driver
 * @param {Column} column
 */
function addColumn(driver, column) {
  if (column.add === null) {
    throw new LlmJobsError(
      'DB_SCHEMA',
      `Table ${schema.table} has no column "${column.name}", and SQLite cannot add it to a table that exists: ` +
        `either ${schema.table} is a table of the app's own (rename it), or the column was renamed or dropped (put it back)`
    );
  }
  driver.exec(`ALTER TABLE ${schema.table} ADD COLUMN ${column.name} ${column.add}`);
}

module.exports = { prepareTable };
