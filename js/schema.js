// SPDX-License-Identifier: MIT
'use strict';

/**
 * The SQL of table llm_jobs, made from js/schema.json. This file is the only place that turns the data into text:
 * `Queue` runs it as it is, and scripts/embed-schema.js writes the same text into the engine at build time.
 */

const schema = require('./schema.json');

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {string} declare what stands behind the name in CREATE TABLE
 * @property {boolean} optional a table without it is complete
 * @property {string | null} add what stands behind the name in ALTER TABLE ADD COLUMN; null: it cannot be added later
 *
 * @typedef {object} Index
 * @property {string} name
 * @property {string} sql
 */

/** @type {string} */
const table = schema.table;

/** @type {readonly Column[]} */
const columns = schema.columns.map((/** @type {{name: string, declare: string, add?: string | null, optional?: boolean}} */ column) => ({
  name: column.name,
  declare: column.declare,
  optional: column.optional === true,
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

/** Gives delayed rows of the original schema their run_at. @type {string} */
const fill = schema.fill.sql;
/** The columns that it reads. @type {readonly string[]} */
const fillNeeds = schema.fill.needs;

/**
 * A time of a row in milliseconds. Values before LAST_SECOND are seconds, whole or with a fraction: tables of the original schema
 * hold them, and its code may go on writing them.
 */
const LAST_SECOND = 1e11;

/** @param {string} column @returns {string} SQL */
const ms = (column) => `CAST(iif(${column} < 100000000000, ${column} * 1000 + 0.5, ${column}) AS INTEGER)`;

/** @param {number | null} time of a row @returns {number | null} Unix milliseconds */
const toMs = (time) => (typeof time === 'number' ? Math.round(time < LAST_SECOND ? time * 1000 : time) : time);

module.exports = { table, columns, createTable, indexes, fill, fillNeeds, ms, toMs, LAST_SECOND };
