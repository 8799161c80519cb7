// SPDX-License-Identifier: MIT
'use strict';

/**
 * The SQL of table llm_jobs, made from src/queue/schema.json. This file is the only place that turns the data into text:
 * `Queue` runs it as it is, and scripts/embed-schema.js writes the same text into the engine at build time.
 */

const schema = require('../src/queue/schema.json');

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} declare what stands behind the name in CREATE TABLE
 * @property {string | null} add what stands behind the name in ALTER TABLE ADD COLUMN; null: it cannot be added later
 *
 * @typedef {object} Index
 * @property {string} name
 * @property {string} sql
 */

/** @type {string} */
const table = schema.table;

/** @type {readonly Column[]} */
const columns = schema.columns.map((/** @type {{name: string, declare: string, add?: string | null}} */ column) => ({
  name: column.name,
  declare: column.declare,
  add: column.add === undefined ? column.declare : column.add,
}));

const createTable =
  `CREATE TABLE IF NOT EXISTS ${table} (\n` +
  columns.map(({ name, declare }) => `  ${name} ${declare}`).join(',\n') +
  '\n)';

/** @type {readonly Index[]} */
const indexes = schema.indexes.map((index) => ({
  name: index.name,
  sql:
    `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX IF NOT EXISTS ${index.name} ON ${table} (${index.on})` +
    (index.where ? ` WHERE ${index.where}` : ''),
}));

module.exports = { table, columns, createTable, indexes };
