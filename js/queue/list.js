// SPDX-License-Identifier: MIT
'use strict';

const { table } = require('../schema.js');
const { selectJob, toJob } = require('./job.js');

/** @import { Value } from '../driver.js' */
/** @import { Store } from './store.js' */
/** @import { Job, Status } from './job.js' */
/** @import { ListTerms } from './terms.js' */

/** Reading many jobs at once. */

/**
 * Each state as the condition of the one index that answers it. Ended rows always have finished_on.
 * @type {Record<Status, string>}
 */
const IN_STATE = {
  waiting: "status = 'waiting'",
  active: "status = 'active'",
  completed: "status = 'completed' AND finished_on IS NOT NULL",
  failed: "status = 'failed' AND finished_on IS NOT NULL",
  delayed: "status = 'delayed'",
  'waiting-children': "status = 'waiting-children'",
  cancelled: "status = 'cancelled' AND finished_on IS NOT NULL",
};

/** So many rows of a state are sorted within a few milliseconds. */
const FEW = 5000;

const CHILDREN = `${selectJob} WHERE parent_job_id = ? ORDER BY rowid`;

/**
 * @param {Store} store
 * @param {string | undefined} queue
 * @returns {Record<Status, number>}
 */
function counts(store, queue) {
  const only = queue === undefined ? '' : ' AND queue = ?';
  // Subqueries of one statement see one moment.
  const parts = Object.entries(IN_STATE).map(([status, where]) => `(SELECT count(*) FROM ${table} WHERE ${where}${only}) AS "${status}"`);
  const row = store.get(`SELECT ${parts.join(', ')}`, queue === undefined ? [] : parts.map(() => queue));
  return /** @type {Record<Status, number>} */ ({ ...row });
}

/**
 * @param {Store} store
 * @param {ListTerms} terms
 * @returns {{jobs: Job[], cursor: string | null}}
 */
function list(store, { statuses, filter, limit, after, newest }) {
  // Rows are walked in order of arrival until the page is full, which for a rare state would be the whole table. What few rows a
  // state has are found by its index and sorted instead. The plus signs hide from SQLite what it must not use.
  const few = statuses !== null && areFew(store, statuses);
  const states = statuses === null ? '' : ` AND (${statuses.map((status) => (few ? IN_STATE[status] : `+status = '${status}'`)).join(' OR ')})`;
  const sort = few ? '+rowid' : 'rowid';
  const from = after === null ? '' : ` AND rowid ${newest ? '<' : '>'} ?`;
  const sql = `${selectJob} WHERE 1${states}${filter.where}${from} ORDER BY ${sort}${newest ? ' DESC' : ''} LIMIT ?`;
  /** @type {Value[]} */
  const params = [...filter.params, ...(after === null ? [] : [after]), limit + 1];
  const rows = store.all(sql, params);
  const jobs = rows.slice(0, limit).map(toJob);
  // One row more than the page tells whether there is another page.
  return { jobs, cursor: rows.length > limit ? String(jobs[limit - 1].seq) : null };
}

/**
 * @param {Store} store
 * @param {Status[]} statuses
 */
function areFew(store, statuses) {
  const count = (/** @type {Status} */ status) => `(SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${IN_STATE[status]} LIMIT ${FEW}))`;
  const row = store.get(`SELECT ${statuses.map(count).join(' + ')} AS n`);
  return row !== undefined && row.n < FEW;
}

/**
 * @param {Store} store
 * @param {string} id
 * @returns {Job[]}
 */
function children(store, id) {
  return store.all(CHILDREN, [id]).map(toJob);
}

module.exports = { counts, list, children };
