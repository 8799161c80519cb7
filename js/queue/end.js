// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('../error.js');
const { table, ms, LAST_SECOND } = require('../schema.js');
const { UNFINISHED, IDLE, REVISION, revisionFloor } = require('./store.js');
const { afterEnd, cancelChildren, examine, parkAgain } = require('./family.js');

/** @import { Value } from '../driver.js' */
/** @import { Store } from './store.js' */
/** @import { PruneTerms, RetryTerms } from './terms.js' */

/** Ending jobs, taking ended ones up again, and deleting rows: each call or batch is one transaction. */

/** Rows of one transaction: the worker's commits get their turn between two. */
const BATCH = 500;

const HAS_CHILD = `SELECT 1 FROM ${table} AS child WHERE child.parent_job_id = ${table}.id`;
const PARENT_NEEDS_IT = `SELECT 1 FROM ${table} AS parent WHERE parent.id = ${table}.parent_job_id AND parent.status IN ${UNFINISHED}`;

/** Its parameters: the status of a job with children, the time (of expires_at), the revision's floor. The last error and the history stay. */
const SET_WAITING =
  `SET status = iif(EXISTS (${HAS_CHILD}), ?, 'waiting'), dependency_count = 0, attempts = 0, stalls = 0, ` +
  `cancel_requested = 0, finished_on = NULL, run_at = NULL, expires_at = iif(${ms('expires_at')} <= ?, NULL, expires_at), progress = 0, ` +
  `partial = NULL, result = NULL, revision = ${REVISION}`;

const newestOf = (/** @type {string} */ side) =>
  `SELECT * FROM (SELECT finished_on, ${ms('finished_on')} AS ended, rowid AS seq FROM ${table} WHERE status = ? AND finished_on IS NOT NULL ` +
  `AND finished_on ${side} ${LAST_SECOND} ORDER BY finished_on DESC, rowid DESC LIMIT ?)`;

/** A newer job of its supersede_key that waits is seen by the unique index; one that runs is looked for here. */
const RETRIABLE =
  "status IN ('failed', 'cancelled') AND (supersede_key IS NULL OR NOT EXISTS (" +
  `SELECT 1 FROM ${table} AS newer WHERE newer.status = 'active' AND newer.supersede_key = ${table}.supersede_key AND newer.rowid > ${table}.rowid))`;

const SQL = {
  cancelIdle:
    `UPDATE ${table} SET status = ?, error = ?, finished_on = ?, cancel_requested = 1, partial = NULL, revision = ${REVISION} ` +
    `WHERE id = ? AND status IN ${IDLE} AND remote IS NULL RETURNING id, parent_job_id`,
  // Also of what the provider still works at for a job that nobody runs now: the worker has to end that too.
  cancelActive:
    `UPDATE ${table} SET cancel_requested = 1, revision = ${REVISION} ` +
    `WHERE id = ? AND (status = 'active' OR status IN ${IDLE}) AND cancel_requested = 0`,
  // "OR IGNORE": a row whose dedup_key or supersede_key another job has by now stays as it is.
  retryOne: `UPDATE OR IGNORE ${table} ${SET_WAITING} WHERE id = ? AND ${RETRIABLE} RETURNING parent_job_id`,
  retryBatch:
    `UPDATE OR IGNORE ${table} ${SET_WAITING} WHERE rowid IN (SELECT value FROM json_each(?)) AND ${RETRIABLE} ` +
    'RETURNING parent_job_id',
  top: `SELECT ifnull(max(revision), 0) AS top FROM ${table} WHERE revision > 0`,
  // Two look-ups, because one order over all rows would read them all.
  inherit:
    `UPDATE ${table} SET revision = ? + iif(revision = 0, 1, 0) WHERE rowid = ifnull((SELECT rowid FROM ${table} WHERE revision > 0 ORDER BY revision DESC LIMIT 1), ` +
    `(SELECT max(rowid) FROM ${table}))`,
  keysOf: `SELECT status, dedup_key, supersede_key FROM ${table} WHERE id = ?`,
  remove:
    `DELETE FROM ${table} WHERE id = ? AND status <> 'active' AND (? OR NOT EXISTS (${PARENT_NEEDS_IT}) AND NOT EXISTS (` +
    `${HAS_CHILD} AND child.status IN ${UNFINISHED})) RETURNING parent_job_id`,
  removable: `SELECT status, EXISTS (${PARENT_NEEDS_IT}) AS needed FROM ${table} WHERE id = ?`,
  oldestKept:
    `SELECT finished_on, rowid AS seq FROM ${table} WHERE status = ? AND finished_on IS NOT NULL ORDER BY finished_on DESC, rowid DESC LIMIT 1 OFFSET ?`,
  // Among ends of both units, which have to be sorted.
  oldestKeptMixed: `SELECT * FROM (${newestOf('<')} UNION ALL ${newestOf('>=')}) ORDER BY ended DESC, seq DESC LIMIT 1 OFFSET ?`,
  anySeconds: `SELECT 1 FROM ${table} WHERE status = ? AND finished_on < ${LAST_SECOND} LIMIT 1`,
  prune:
    `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE (finished_on, rowid) < (?, ?) AND status = ? ` +
    `AND finished_on IS NOT NULL AND finished_on <= ? AND finished_on >= ? AND NOT EXISTS (${PARENT_NEEDS_IT}) ` +
    `AND ${ms('finished_on')} + ifnull(iif(json_valid(opts), json_extract(opts, '$.keep.ageMs'), 0), 0) <= ? ` +
    'ORDER BY finished_on, rowid LIMIT ?)',
};

/**
 * @param {Store} store
 * @param {string} id
 * @returns {boolean} whether it has ended
 */
function cancel(store, id) {
  const now = Date.now();
  const error = JSON.stringify({ code: 'CANCELLED', message: 'The job was cancelled before it started.', at: now });
  return store.transaction(() => {
    const ended = store.all(SQL.cancelIdle, [store.shape().cancelled, error, now, revisionFloor(now), id]);
    afterEnd(store, /** @type {{id: string, parent_job_id: string | null}[]} */ (ended), now);
    if (ended.length === 0) store.run(SQL.cancelActive, [revisionFloor(now), id]);
    return ended.length === 1;
  });
}

/** Where the table has no status for it, a parent waits as any other, and the worker lets it. @param {Store} store */
const withChildren = (store) => (store.shape().waitsForChildren ? 'waiting-children' : 'waiting');

/**
 * @param {Store} store
 * @param {string} id
 * @returns {boolean} whether it waits again
 */
function retryOne(store, id) {
  const now = Date.now();
  return store.transaction(() => {
    const [row] = store.all(SQL.retryOne, [withChildren(store), now, revisionFloor(now), id]);
    if (row !== undefined) {
      parkAgain(store, [row.parent_job_id], now);
      return true;
    }
    const other = store.get(SQL.keysOf, [id]);
    if (other === undefined || (other.status !== 'failed' && other.status !== 'cancelled')) return false;
    const key = other.dedup_key === null ? `supersedeKey ${describe(other.supersede_key)}` : `dedupKey ${describe(other.dedup_key)}`;
    throw new LlmJobsError('BAD_JOB', `job ${id} cannot wait again: a newer job with its ${key} has not ended; that one does the work`);
  });
}

/**
 * @param {Store} store
 * @param {RetryTerms} terms
 * @returns {number} how many wait again
 */
function retryMany(store, { statuses, where, params, limit }) {
  let retried = 0;
  for (const status of statuses) {
    // The row value stands first: of two bounds SQLite seeks by the one that it meets first.
    const list =
      `SELECT rowid AS seq, finished_on FROM ${table} WHERE (finished_on, rowid) > (?, ?) AND status = ? AND finished_on IS NOT NULL${where} ` +
      'ORDER BY finished_on, rowid LIMIT ?';
    /** @type {Value[]} those that keys hold back are passed by */
    let after = [Number.MIN_SAFE_INTEGER, 0];
    for (let more = true; more && retried < limit; ) {
      const count = Math.min(BATCH, limit - retried);
      const rows = store.all(list, [...after, status, ...params, count]);
      if (rows.length > 0) retried += retryBatch(store, rows.map((row) => row.seq));
      const last = rows.at(-1);
      if (last) after = [last.finished_on, last.seq];
      more = rows.length === count;
    }
  }
  return retried;
}

/**
 * @param {Store} store
 * @param {number[]} seqs
 */
function retryBatch(store, seqs) {
  const now = Date.now();
  return store.transaction(() => {
    const rows = store.all(SQL.retryBatch, [withChildren(store), now, revisionFloor(now), JSON.stringify(seqs)]);
    parkAgain(store, rows.map((row) => row.parent_job_id), now);
    return rows.length;
  });
}

/**
 * A deleted row may have held the largest number of a change. Then another row inherits it: the worker counts on from the largest
 * that it finds, and a number that is given twice would hide the second change from everybody who has seen the first. The row with
 * the next largest number has been seen by them too; one that has only been added, perhaps not, so it gets a number that is new.
 * @template T
 * @param {Store} store
 * @param {() => T} work
 * @returns {T}
 */
function keepTop(store, work) {
  const before = store.get(SQL.top)?.top;
  const result = work();
  if (store.get(SQL.top)?.top < before) store.run(SQL.inherit, [before]);
  return result;
}

/**
 * @param {Store} store
 * @param {string} id
 * @param {boolean} force
 * @returns {boolean} whether there was such a job
 */
function remove(store, id, force) {
  const now = Date.now();
  return store.transaction(() => {
    const [row] = keepTop(store, () => store.all(SQL.remove, [id, force ? 1 : 0]));
    if (row !== undefined) {
      cancelChildren(store, [id], now);
      examine(store, [row.parent_job_id]);
      return true;
    }
    const left = store.get(SQL.removable, [id]);
    if (left === undefined) return false;
    const reason =
      left.status === 'active'
        ? 'a worker runs it; cancel it first'
        : left.needed
          ? 'its parent has not ended and needs it; with {force: true} the parent goes on without it'
          : 'it has children that have not ended; cancel it first, or remove it with {force: true}, which cancels them';
    throw new LlmJobsError('BAD_JOB', `job ${id} cannot be removed: ${reason}`);
  });
}

/**
 * The ends of an old table, and of code that goes on writing it, are in seconds: a part of the index of its own, whose bounds are
 * in seconds too.
 */
const UNITS = [
  { of: (/** @type {number} */ time) => time / 1000, first: Number.MIN_SAFE_INTEGER, last: LAST_SECOND },
  { of: (/** @type {number} */ time) => time, first: LAST_SECOND, last: Number.MAX_SAFE_INTEGER },
];

/**
 * The first row to be kept when the newest `keep` of a state stay.
 * @param {Store} store
 * @param {string} status
 * @param {number} keep
 * @returns {{ended: number, time: number, seq: number} | undefined} undefined: all are kept
 */
function oldestKept(store, status, keep) {
  if (store.get(SQL.anySeconds, [status]) === undefined) {
    const row = store.get(SQL.oldestKept, [status, keep - 1]);
    return row && { ended: row.finished_on, time: row.finished_on, seq: row.seq };
  }
  const row = store.get(SQL.oldestKeptMixed, [status, keep, status, keep, keep - 1]);
  return row && { ended: row.ended, time: row.finished_on, seq: row.seq };
}

/**
 * Deletes the oldest first; a child that an unfinished parent still needs stays.
 * @param {Store} store
 * @param {PruneTerms} terms
 * @returns {number} how many rows were deleted
 */
function prune(store, { statuses, olderThanMs, keep, limit }) {
  const until = Date.now() - olderThanMs;
  let removed = 0;
  for (const status of statuses) {
    const kept = keep > 0 ? oldestKept(store, status, keep) : { ended: Number.MAX_SAFE_INTEGER, time: Number.MAX_SAFE_INTEGER, seq: 0 };
    if (kept === undefined) continue;
    for (const { of, first, last } of UNITS) {
      if (last === LAST_SECOND && store.get(SQL.anySeconds, [status]) === undefined) continue;
      // In the row's own unit its very value, which a conversion might miss.
      const own = kept.time >= first && kept.time < last;
      const before = [Math.min(own ? kept.time : of(kept.ended), last), own ? kept.seq : 0];
      for (let more = true; more && removed < limit; ) {
        const count = Math.min(BATCH, limit - removed);
        const values = [...before, status, of(until), first, Date.now(), count];
        const deleted = store.transaction(() => keepTop(store, () => store.run(SQL.prune, values)));
        removed += deleted;
        more = deleted === count;
      }
    }
  }
  return removed;
}

module.exports = { cancel, retryOne, retryMany, remove, prune };
