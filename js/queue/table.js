// SPDX-License-Identifier: MIT
'use strict';

const schema = require('../schema.js');
const { LlmJobsError } = require('../error.js');

/** @import { Driver } from '../driver.js' */
/** @import { Column, Index } from '../schema.js' */

/**
 * What table llm_jobs of this database lacks, found by reading only.
 * @param {Driver} driver
 * @returns {{exists: boolean, present: Set<string>, columns: Column[], indexes: Index[]}}
 */
function missing(driver) {
  const present = new Set(driver.prepare(`SELECT name FROM pragma_table_info('${schema.table}')`).all().map((row) => row.name));
  const named = new Set(driver.prepare("SELECT name FROM sqlite_master WHERE type = 'index'").all().map((row) => row.name));
  return {
    exists: present.size > 0,
    present,
    columns: schema.columns.filter((column) => !column.optional && !present.has(column.name)),
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
  if (lacks.exists) requireRowid(driver);
  if (lacks.columns.length === 0 && lacks.indexes.length === 0) return;

  driver.transaction(() => {
    // Another process may have done the same since; under the write lock the answer stays true.
    const { exists, present, columns, indexes } = missing(driver);
    if (exists) columns.forEach((column) => addColumn(driver, column));
    else driver.exec(schema.createTable);
    const isNew = columns.some((column) => column.name === 'run_at');
    if (exists && isNew && schema.fillNeeds.every((name) => present.has(name))) fillRunAt(driver);
    indexes.forEach((index) => driver.exec(index.sql));
  });
}

/**
 * Every statement names rows by their rowid.
 * @param {Driver} driver
 */
function requireRowid(driver) {
  try {
    driver.prepare(`SELECT rowid FROM ${schema.table}`);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('rowid')) throw error;
    throw new LlmJobsError(
      'DB_SCHEMA',
      `Table ${schema.table} is declared WITHOUT ROWID, and the queue needs the rowid as the order of arrival: rebuild the table as docs/table.md tells`
    );
  }
}

/**
 * What a trigger of the app refuses is left to the worker, which does the same before it looks for delayed jobs.
 * @param {Driver} driver
 */
function fillRunAt(driver) {
  try {
    driver.transaction(() => driver.exec(schema.fill));
  } catch (error) {
    if (!/constraint/i.test(String(/** @type {any} */ (error).code) + /** @type {any} */ (error).errstr)) throw error;
  }
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
