// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('../error.js');
const check = require('./check.js');

/** @import { Value } from '../driver.js' */
/** @import { Status } from './job.js' */

/**
 * The options of the methods that concern many jobs, checked and turned into SQL. What is wrong with them is BAD_CONFIG.
 *
 * @typedef {'completed' | 'failed' | 'cancelled'} EndStatus
 *
 * @typedef {object} ListOptions
 * @property {Status | Status[]} [status]
 * @property {string} [queue]
 * @property {string} [name]
 * @property {string} [model]
 * @property {string} [parentId]
 * @property {number} [limit] jobs of one page, at most 1000; default 100
 * @property {string | null} [cursor] where the page before ended
 * @property {'newest' | 'oldest'} [order] by arrival; default newest first
 *
 * @typedef {object} RetryFilter
 * @property {string} [code] of the error: `'AUTH'`
 * @property {'failed' | 'cancelled'} [status] default: failed; with a code both
 * @property {string} [name]
 * @property {string} [queue]
 * @property {number} [limit] jobs of this call; default: all
 *
 * @typedef {object} PruneOptions at least one of olderThanMs and keep
 * @property {EndStatus | EndStatus[]} [status] default: all three
 * @property {number} [olderThanMs] only what ended longer ago
 * @property {number} [keep] the newest of each state that stay in any case
 * @property {number} [limit] rows of this call; default 1000
 *
 * @typedef {object} WatchOptions
 * @property {string | null} [cursor] of the last change that was seen, or `'start'`; default: from now on
 * @property {AbortSignal} [signal] ends the loop
 * @property {Iterable<string>} [ids] only these jobs
 * @property {number} [pollMs] default 100
 *
 * @typedef {{where: string, params: Value[]}} Filter
 * @typedef {{statuses: Status[] | null, filter: Filter, limit: number, after: number | null, newest: boolean}} ListTerms
 * @typedef {{statuses: string[], where: string, params: Value[], limit: number}} RetryTerms
 * @typedef {{statuses: string[], olderThanMs: number, keep: number, limit: number}} PruneTerms
 */

/** @type {readonly Status[]} */
const STATUSES = ['waiting', 'active', 'completed', 'failed', 'delayed', 'waiting-children', 'cancelled'];
/** @type {readonly EndStatus[]} */
const ENDS = ['completed', 'failed', 'cancelled'];
const MAX_PAGE = 1000;
const MAX_ROWS = 1e9;

/**
 * Whatever the checks of single values find is a fault of the call here, not of a job.
 * @template T
 * @param {string} method
 * @param {() => T} read
 * @returns {T}
 */
function terms(method, read) {
  try {
    return read();
  } catch (error) {
    throw error instanceof LlmJobsError ? new LlmJobsError('BAD_CONFIG', `${method}: ${error.message}`) : error;
  }
}

/**
 * @param {unknown} options
 * @param {readonly string[]} allowed
 * @param {string} example
 * @param {Record<string, string>} [mistakes]
 * @returns {Record<string, any>}
 */
function given(options, allowed, example, mistakes) {
  const known = options === undefined ? {} : check.object(options, 'options', example);
  check.keys(known, 'options', allowed, mistakes);
  return known;
}

/**
 * Conditions on columns, each beginning with AND.
 * @param {Record<string, any>} options
 * @param {Record<string, string>} columns
 * @returns {Filter}
 */
function filter(options, columns) {
  const keys = Object.keys(columns).filter((key) => options[key] !== undefined);
  keys.forEach((key) => check.text(options[key], `options.${key}`, { example: '"summarize"' }));
  return { where: keys.map((key) => ` AND ${columns[key]} = ?`).join(''), params: keys.map((key) => options[key]) };
}

/**
 * @template {string} T
 * @param {unknown} value
 * @param {readonly T[]} allowed
 * @returns {T[] | null}
 */
function statuses(value, allowed) {
  if (value === undefined) return null;
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw check.badJob('options.status is an empty list, which no job fits; leave it out for all');
  return [...new Set(list.map((one) => check.choice(one, 'options.status', allowed)))];
}

/** @param {unknown} value @param {number} otherwise @param {number} max */
function limitOf(value, otherwise, max) {
  return value === undefined ? otherwise : check.integer(value, 'options.limit', { min: 1, max });
}

/** @param {unknown} options @returns {ListTerms} */
function readList(options) {
  return terms('list', () => {
    const known = given(options, ['status', 'queue', 'name', 'model', 'parentId', 'limit', 'cursor', 'order'], '{status: "failed"}', {
      parentJobId: 'parentId',
      parent: 'parentId',
    });
    const { cursor = null, order = 'newest' } = known;
    if (cursor !== null && !(typeof cursor === 'string' && /^[1-9][0-9]{0,15}$/.test(cursor))) {
      throw check.badJob(`options.cursor must be the cursor that list returned with the page before; got ${describe(cursor)}`);
    }
    return {
      statuses: statuses(known.status, STATUSES),
      filter: filter(known, { queue: 'queue', name: 'name', model: 'model', parentId: 'parent_job_id' }),
      limit: limitOf(known.limit, 100, MAX_PAGE),
      after: cursor === null ? null : Number(cursor),
      newest: check.choice(order, 'options.order', ['newest', 'oldest']) === 'newest',
    };
  });
}

/** @param {unknown} options @returns {RetryTerms} */
function readRetry(options) {
  return terms('retry', () => {
    const known = given(options, ['code', 'status', 'name', 'queue', 'limit'], '{code: "AUTH"}');
    if (known.code !== undefined) check.text(known.code, 'options.code', { example: '"AUTH"' });
    const { where, params } = filter(known, { name: 'name', queue: 'queue' });
    // Another program may have written anything into the column.
    const ofCode = known.code === undefined ? '' : " AND iif(json_valid(error), json_extract(error, '$.code'), NULL) = ?";
    return {
      statuses: statuses(known.status, ['failed', 'cancelled']) ?? (known.code === undefined ? ['failed'] : ['failed', 'cancelled']),
      where: where + ofCode,
      params: known.code === undefined ? params : [...params, known.code],
      limit: limitOf(known.limit, MAX_ROWS, MAX_ROWS),
    };
  });
}

/** @param {unknown} options @returns {PruneTerms} */
function readPrune(options) {
  return terms('prune', () => {
    const known = given(options, ['status', 'olderThanMs', 'keep', 'limit'], '{olderThanMs: 604800000}', { age: 'olderThanMs', ageMs: 'olderThanMs' });
    if (known.olderThanMs === undefined && known.keep === undefined) {
      throw check.badJob('say what may go: {olderThanMs: 604800000} for what ended more than a week ago, {keep: 1000} for all but the newest 1000');
    }
    const count = (/** @type {'olderThanMs' | 'keep'} */ key, /** @type {number} */ max, /** @type {string} */ hint) =>
      known[key] === undefined ? 0 : check.integer(known[key], `options.${key}`, { min: 0, max, hint });
    return {
      statuses: statuses(known.status, ENDS) ?? [...ENDS],
      olderThanMs: count('olderThanMs', Number.MAX_SAFE_INTEGER, 'it counts milliseconds'),
      keep: count('keep', MAX_ROWS, 'it counts jobs'),
      limit: limitOf(known.limit, 1000, MAX_ROWS),
    };
  });
}

/** @param {unknown} options @returns {{cursor: string | null, signal: AbortSignal | undefined, ids: Set<string> | null, pollMs: number}} */
function readWatch(options) {
  return terms('watch', () => {
    const known = given(options, ['cursor', 'signal', 'ids', 'pollMs'], '{cursor, signal}');
    const { cursor = null, signal, ids, pollMs = 100 } = known;
    if (cursor !== null && typeof cursor !== 'string') throw check.badJob(`options.cursor must be the cursor of a change, or "start"; got ${describe(cursor)}`);
    signalOf(signal);
    if (ids !== undefined && (typeof ids === 'string' || typeof ids?.[Symbol.iterator] !== 'function')) {
      throw check.badJob(`options.ids must be an array of ids; got ${describe(ids)}`);
    }
    check.integer(pollMs, 'options.pollMs', { min: 1, max: 3600000, hint: 'it counts milliseconds' });
    return { cursor, signal, ids: ids === undefined ? null : new Set(ids), pollMs };
  });
}

/** @param {unknown} options @returns {string | undefined} the queue */
function readCounts(options) {
  return terms('counts', () => {
    const { queue } = given(options, ['queue'], '{queue: "default"}');
    return queue === undefined ? undefined : check.text(queue, 'options.queue', { example: '"default"' });
  });
}

/** @param {unknown} options @returns {{timeoutMs: number | undefined, signal: AbortSignal | undefined}} */
function readWait(options) {
  return terms('waitFor', () => {
    const { timeoutMs, signal } = given(options, ['timeoutMs', 'signal'], '{timeoutMs: 60000}', { timeout: 'timeoutMs' });
    // Timers of JavaScript count in 32 bits, and fire at once beyond.
    if (timeoutMs !== undefined && !(Number.isFinite(timeoutMs) && timeoutMs >= 0 && timeoutMs <= 2147483647)) {
      throw check.badJob(`options.timeoutMs must be a number of milliseconds from 0 to 2147483647; got ${describe(timeoutMs)}`);
    }
    return { timeoutMs, signal: signalOf(signal) };
  });
}

/** @param {any} signal @returns {AbortSignal | undefined} */
function signalOf(signal) {
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') throw check.badJob(`options.signal must be an AbortSignal; got ${describe(signal)}`);
  return signal;
}

/** @param {unknown} options @returns {boolean} */
function readRemove(options) {
  return terms('remove', () => {
    const { force = false } = given(options, ['force'], '{force: true}');
    return check.flag(force, 'options.force');
  });
}

module.exports = { readList, readCounts, readWait, readRetry, readPrune, readWatch, readRemove, terms };
