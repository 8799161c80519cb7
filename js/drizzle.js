// SPDX-License-Identifier: MIT
'use strict';

/**
 * Table llm_jobs for Drizzle, made from js/schema.json like the table that `Queue` and the worker make, so that neither
 * can drift from the other. `require('llm-jobs/drizzle')` loads drizzle-orm, which is the app's own: nothing else in this package
 * does. What drizzle-kit makes of it is told in docs/drizzle.md.
 *
 * The columns are named as in the table. JSON is text, because text is what the table holds and what the worker reads; times are
 * whole milliseconds. Neither converts anything, so a row read through Drizzle is the row that plain SQL reads.
 */

const { sql } = require('drizzle-orm');
const { check, index, integer, sqliteTable, text, uniqueIndex } = require('drizzle-orm/sqlite-core');
const schema = require('./schema.json');

/**
 * The types cannot be worked out from the data, so they are written down; test/js/drizzle.test.js compares them with it.
 * @typedef {import('drizzle-orm/sqlite-core').SQLiteTextBuilderInitial<'', [string, ...string[]], undefined>} Text
 * @typedef {import('drizzle-orm/sqlite-core').SQLiteIntegerBuilderInitial<''>} Integer
 * @typedef {import('drizzle-orm').NotNull<Text>} RequiredText
 * @typedef {import('drizzle-orm').HasDefault<RequiredText>} DefaultText
 * @typedef {import('drizzle-orm').HasDefault<import('drizzle-orm').NotNull<Integer>>} DefaultInteger
 * @typedef {'waiting' | 'active' | 'completed' | 'failed' | 'delayed' | 'waiting-children' | 'cancelled'} Status
 *
 * @typedef {object} Columns
 * @property {import('drizzle-orm').IsPrimaryKey<DefaultInteger>} seq
 * @property {DefaultText} id
 * @property {DefaultText} queue
 * @property {RequiredText} name
 * @property {Text} model
 * @property {RequiredText} data
 * @property {Text} opts
 * @property {DefaultInteger} priority
 * @property {import('drizzle-orm').$Type<DefaultText, Status>} status
 * @property {DefaultInteger} progress
 * @property {Text} partial
 * @property {Text} result
 * @property {Text} error
 * @property {Text} history
 * @property {DefaultInteger} attempts
 * @property {DefaultInteger} max_attempts
 * @property {DefaultInteger} stalls
 * @property {Integer} run_at
 * @property {Integer} expires_at
 * @property {Text} parent_job_id
 * @property {DefaultInteger} dependency_count
 * @property {Text} dedup_key
 * @property {Text} supersede_key
 * @property {DefaultInteger} cancel_requested
 * @property {Text} lease_owner
 * @property {Text} lease_token
 * @property {Integer} lease_until
 * @property {Text} lane
 * @property {DefaultInteger} created_at
 * @property {Integer} processed_on
 * @property {Integer} finished_on
 * @property {DefaultInteger} revision
 */

/** The text between the parenthesis at `from` and the one that closes it. Quoted text may hold parentheses of its own. */
function enclosed(/** @type {string} */ text, /** @type {number} */ from) {
  let depth = 0;
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "'") quoted = !quoted;
    else if (!quoted && text[at] === '(') depth++;
    else if (!quoted && text[at] === ')' && --depth === 0) return text.slice(from + 1, at);
  }
  throw new Error(`schema.json has unequal parentheses in: ${text}`);
}

/** What stands in parentheses behind a word of a column's declaration, null when the word is not there. */
function clause(/** @type {string} */ declare, /** @type {string} */ word) {
  const at = declare.indexOf(`${word} (`);
  return at < 0 ? null : enclosed(declare, at + word.length + 1);
}

/** @param {{name: string, declare: string}} source */
function column({ name, declare }) {
  const type = declare.split(' ', 1)[0];
  if (type !== 'INTEGER' && type !== 'TEXT') throw new Error(`js/drizzle.js does not know the type ${type} of column ${name}`);
  /** @type {any} */
  let made = type === 'INTEGER' ? integer(name) : text(name);
  if (declare.includes('PRIMARY KEY')) made = made.primaryKey();
  // Drizzle marks every primary key NOT NULL; the table does not, and drizzle-kit would rebuild it for that difference.
  made.config.notNull = declare.includes('NOT NULL');

  const computed = clause(declare, 'DEFAULT');
  const literal = / DEFAULT (?:'([^']*)'|(-?\d+))/.exec(declare);
  if (computed !== null) made = made.default(sql.raw(`(${computed})`));
  else if (literal) made = made.default(literal[1] ?? Number(literal[2]));
  return made;
}

/**
 * drizzle-kit writes an index's expressions down joined by commas and takes them apart at every comma again, so that one with a
 * comma of its own would come out as two columns. Handed over in the pieces that it makes anyway, it comes out whole.
 * @param {{name: string, unique: boolean, on: string, where: string}} source
 */
function indexOf({ name, unique, on, where }) {
  const pieces = on.split(',').map((piece) => sql.raw(/^ *\w+ *$/.test(piece) ? piece.trim() : piece));
  return (unique ? uniqueIndex(name) : index(name)).on(pieces[0], ...pieces.slice(1)).where(sql.raw(where));
}

/** @type {Columns} */
const columns = /** @type {any} */ (Object.fromEntries(schema.columns.map((source) => [source.name, column(source)])));

/**
 * drizzle-kit turns unique() into an index of its own, which the table does not have: there UNIQUE is part of CREATE TABLE. The
 * only clauses that drizzle-kit writes there as they are are checks, so the last one closes its parenthesis early and brings the
 * UNIQUE with it.
 */
const uniques = schema.columns.filter(({ declare }) => declare.includes(' UNIQUE')).map(({ name }) => `), UNIQUE (${name}`);
const rules = schema.columns.flatMap(({ declare }) => {
  const rule = clause(declare, 'CHECK');
  return rule === null ? [] : [rule];
});
/** The table's checks have no names; these are the ones that drizzle-kit gives them when it reads the table. */
const checks = rules.map((rule, at) => {
  const last = at === rules.length - 1;
  return check(`${schema.table}_check_${at + 1}`, sql.raw(last ? rule + uniques.join('') : rule));
});

const llmJobs = sqliteTable('llm_jobs', columns, () => [...schema.indexes.map(indexOf), ...checks]);

module.exports = { llmJobs };
