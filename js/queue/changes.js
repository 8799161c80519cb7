// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError } = require('../error.js');
const { table, ms } = require('../schema.js');

/** @import { Store } from './store.js' */

/**
 * What has changed in the table since a position.
 *
 * A change of a row gives it a revision larger than any in the table; a row that has only been added has revision 0 and is
 * noticed by its seq, the largest too. Writers come one after the other, so both only grow in the order of the commits, and a
 * position is a pair: how far the changes have been read, and how far the additions. The two sets have no row in common.
 *
 * SQLite gives the seq of the newest row again when that row has been deleted. Therefore a position also names the row that
 * stood there (id, and when it was added): if another one stands there now, or none, what was added later begins behind the last
 * row that was there before.
 *
 * In a table without an INTEGER PRIMARY KEY, VACUUM and a rebuild give rows other numbers, in the same order. A position finds its
 * rows again by their ids.
 *
 * @typedef {object} Position
 * @property {number} revision changes up to this one have been read
 * @property {number} within rows of that revision up to this seq: rows that changed together share it
 * @property {string | null} withinId of the row with that seq; null: all rows of that revision have been read, or none
 * @property {number} seq additions up to this one have been read
 * @property {string | null} id of the row with that seq; null: there was none
 * @property {number | null} at its created_at
 *
 * @typedef {object} Change
 * @property {string} id
 * @property {number} revision
 * @property {Position} position behind this change
 */

const ALL = Number.MAX_SAFE_INTEGER;
/** Of one look; the rows themselves are read one by one. */
const LIMIT = 500;

const SQL = {
  newest: `SELECT rowid AS seq, id, ${ms('created_at')} AS created_at FROM ${table} ORDER BY rowid DESC LIMIT 1`,
  lastRevision: `SELECT max(revision) AS revision FROM ${table} WHERE revision > 0`,
  idAt: `SELECT id FROM ${table} WHERE rowid = ?`,
  seqOf: `SELECT rowid AS seq FROM ${table} WHERE id = ?`,
  newestOf: `SELECT rowid AS seq, id, ${ms('created_at')} AS created_at FROM ${table} WHERE ${ms('created_at')} <= ? AND rowid < ? ORDER BY rowid DESC LIMIT 1`,
  // The row value stands first: of two bounds SQLite seeks by the one that it meets first.
  changed: `SELECT rowid AS seq, id, revision FROM ${table} WHERE (revision, rowid) > (?, ?) AND revision > 0 ORDER BY revision, rowid LIMIT ?`,
  added: `SELECT rowid AS seq, id, ${ms('created_at')} AS created_at FROM ${table} WHERE rowid > ? AND rowid <= ? AND revision = 0 ORDER BY rowid LIMIT ?`,
};

/** @type {Position} */
const START = { revision: 0, within: 0, withinId: null, seq: 0, id: null, at: null };

/**
 * @param {Store} store
 * @returns {Position} behind everything that the table holds
 */
function now(store) {
  const revision = store.get(SQL.lastRevision)?.revision ?? 0;
  return at({ ...START, revision, within: ALL }, store.get(SQL.newest));
}

/**
 * @param {Position} position
 * @param {import('../driver.js').Row | undefined} row
 * @returns {Position}
 */
function at(position, row) {
  return row === undefined ? { ...position, seq: 0, id: null, at: null } : { ...position, seq: row.seq, id: row.id, at: row.created_at };
}

/**
 * @param {Store} store
 * @param {Position} from
 * @returns {{changes: Change[], end: Position, more: boolean}} end lies behind rows that need not be looked at again
 */
function read(store, from) {
  // 1. Changes
  /** @type {Change[]} */
  const changes = [];
  let position = grounded(store, from);
  // Numbers fall back only when somebody deletes the row with the largest by plain SQL; better to go on there than to hear nothing.
  const last = store.get(SQL.lastRevision)?.revision ?? 0;
  if (last < position.revision) position = { ...position, revision: last, within: ALL, withinId: null };
  for (const row of store.all(SQL.changed, [position.revision, position.within, LIMIT])) {
    position = { ...position, revision: row.revision, within: row.seq, withinId: row.id };
    changes.push({ id: row.id, revision: row.revision, position });
  }
  if (changes.length === LIMIT) return { changes, end: position, more: true };

  // 2. Additions; what is added or changed between these statements belongs to the next look
  const newest = store.get(SQL.newest);
  const added = store.all(SQL.added, [position.seq, newest?.seq ?? 0, LIMIT]);
  for (const row of added) {
    position = at(position, row);
    changes.push({ id: row.id, revision: 0, position });
  }
  if (added.length === LIMIT) return { changes, end: position, more: true };
  // Rows behind the last of these have changed since they were added: they come, or came, as changes.
  return { changes, end: at(position, newest), more: false };
}

/**
 * @param {Store} store
 * @param {Position} from
 * @returns {Position} that stands on rows which are still there
 */
function grounded(store, from) {
  let position = from;
  if (position.withinId !== null && store.get(SQL.idAt, [position.within])?.id !== position.withinId) {
    const moved = store.get(SQL.seqOf, [position.withinId]);
    // A row that is gone leaves its number behind.
    if (moved !== undefined) position = { ...position, within: moved.seq };
  }
  if (position.id === null || store.get(SQL.idAt, [position.seq])?.id === position.id) return position;
  const moved = store.get(SQL.seqOf, [position.id]);
  if (moved !== undefined) return { ...position, seq: moved.seq };
  // A row of an older table may have no time; then the numbers are all there is.
  if (position.at === null) return position;
  return at(position, store.get(SQL.newestOf, [position.at, position.seq]));
}

/** @param {Position} position @returns {string} */
function write({ revision, within, withinId, seq, id, at: time }) {
  return Buffer.from(JSON.stringify([2, revision, within, withinId, seq, id, time])).toString('base64url');
}

/**
 * @param {string} cursor
 * @returns {Position}
 */
function parse(cursor) {
  if (cursor === 'start') return START;
  /** @type {unknown} */
  let parts;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    parts = null;
  }
  const isCount = (/** @type {unknown} */ value) => Number.isSafeInteger(value) && Number(value) >= 0;
  const isId = (/** @type {unknown} */ value) => value === null || typeof value === 'string';
  // Cursors of version 1 have no withinId.
  if (Array.isArray(parts) && parts[0] === 1 && parts.length === 6) parts = [2, parts[1], parts[2], null, ...parts.slice(3)];
  if (Array.isArray(parts) && parts[0] === 2 && parts.length === 7) {
    const [, revision, within, withinId, seq, id, time] = parts;
    const isWhole = [revision, within, seq].every(isCount) && [withinId, id].every(isId) && (time === null || typeof time === 'number');
    if (isWhole) return { revision, within, withinId, seq, id, at: time };
  }
  throw new LlmJobsError('BAD_CONFIG', 'options.cursor of watch must be the cursor of a change that watch gave, or "start"');
}

module.exports = { now, read, write, parse };
