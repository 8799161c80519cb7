// SPDX-License-Identifier: MIT
'use strict';

const { table, toMs } = require('../schema.js');

/** @import { Row } from '../driver.js' */

/**
 * @typedef {'waiting' | 'active' | 'completed' | 'failed' | 'delayed' | 'waiting-children' | 'cancelled'} Status
 *
 * @typedef {object} JobError
 * @property {string} code docs/errors.md has all
 * @property {string} message names the culprit and the remedy
 * @property {string} [provider]
 * @property {string} [model]
 * @property {number} [status] of HTTP
 * @property {number} [attempt] which try it was
 * @property {number} [at] Unix milliseconds
 */

/**
 * A row of llm_jobs as a plain object; docs/table.md tells of each column. Times are Unix milliseconds; what the row does not have is null.
 *
 * @template {string} [Name=string]
 * @template [Data=any]
 * @template [Result=any]
 * @typedef {object} Job
 * @property {string} id
 * @property {number} seq order of arrival
 * @property {string} queue
 * @property {Name} name job type
 * @property {string | null} model
 * @property {Data} data the request
 * @property {Record<string, any>} opts rarely used options
 * @property {number} priority
 * @property {Status} status
 * @property {number} progress 0 to 100
 * @property {string | null} partial text so far of a streaming job
 * @property {Result | null} result the answer: {text, usage, finishReason, model, provider, …}
 * @property {JobError | null} error the last trouble, kept while a retry is waited for
 * @property {any[]} history the last 10 tries
 * @property {number} attempts
 * @property {number} maxAttempts
 * @property {number} stalls
 * @property {number | null} runAt
 * @property {number | null} expiresAt
 * @property {string | null} parentJobId
 * @property {number} dependencyCount
 * @property {string | null} dedupKey
 * @property {string | null} supersedeKey
 * @property {boolean} cancelRequested
 * @property {string | null} lane
 * @property {number | null} createdAt
 * @property {number | null} processedOn
 * @property {number | null} finishedOn
 * @property {number} revision number of the last change, larger than that of any change before; 0: only added so far
 */

/** The lease is between the workers, so its columns are not read. */
const jobColumns =
  'rowid AS seq, id, queue, name, model, data, opts, priority, status, progress, partial, result, error, history, attempts, ' +
  'max_attempts, stalls, run_at, expires_at, parent_job_id, dependency_count, dedup_key, supersede_key, cancel_requested, lane, ' +
  'created_at, processed_on, finished_on, revision';
const selectJob = `SELECT ${jobColumns} FROM ${table}`;

/** @type {ReadonlySet<string>} */
const ENDED = new Set(['completed', 'failed', 'cancelled']);

/** @param {string} status */
function hasEnded(status) {
  return ENDED.has(status);
}

/**
 * @param {Row} row of selectJob
 * @returns {Job}
 */
function toJob(row) {
  return {
    id: row.id,
    seq: row.seq,
    queue: row.queue,
    name: row.name,
    model: row.model,
    data: parse(row.data),
    opts: parse(row.opts) ?? {},
    priority: row.priority,
    status: row.status,
    progress: row.progress,
    partial: row.partial,
    result: parse(row.result),
    error: parse(row.error),
    history: parse(row.history) ?? [],
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    stalls: row.stalls,
    runAt: toMs(row.run_at),
    expiresAt: toMs(row.expires_at),
    parentJobId: row.parent_job_id,
    dependencyCount: row.dependency_count,
    dedupKey: row.dedup_key,
    supersedeKey: row.supersede_key,
    cancelRequested: row.cancel_requested !== 0,
    lane: row.lane,
    createdAt: toMs(row.created_at),
    processedOn: toMs(row.processed_on),
    finishedOn: toMs(row.finished_on),
    revision: row.revision,
  };
}

/**
 * The table checks `data` and `opts`; another program may have written anything into the rest, and then its text is returned.
 * @param {string | null} text
 * @returns {any}
 */
function parse(text) {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

module.exports = { jobColumns, selectJob, toJob, hasEnded };
