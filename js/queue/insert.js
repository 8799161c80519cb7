// SPDX-License-Identifier: MIT
'use strict';

const { randomFillSync } = require('node:crypto');
const { LlmJobsError, describe } = require('../error.js');
const { table } = require('../schema.js');
const { UNFINISHED, IDLE, REVISION, revisionFloor } = require('./store.js');
const { afterEnd } = require('./family.js');
const { noFlows } = require('./shape.js');

/** @import { Value } from '../driver.js' */
/** @import { Store } from './store.js' */
/** @import { NewJob } from './options.js' */

const SQL = {
  insert:
    `INSERT INTO ${table} (id, queue, name, model, data, opts, priority, status, max_attempts, run_at, expires_at, parent_job_id, ` +
    'dependency_count, dedup_key, supersede_key, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  byDedupKey: `SELECT id FROM ${table} WHERE dedup_key = ? AND status IN ${UNFINISHED}`,
  // A job that will not be added, since its dedup_key is taken, supersedes nobody.
  supersede:
    `UPDATE ${table} SET status = ?, error = ?, finished_on = ?, partial = NULL, revision = ${REVISION} ` +
    `WHERE supersede_key = ? AND status IN ${IDLE} ` +
    `AND NOT EXISTS (SELECT 1 FROM ${table} WHERE dedup_key = ? AND status IN ${UNFINISHED}) RETURNING id, parent_job_id`,
  // A parent that asks for an examination (0) goes on asking; whoever examines it counts this child too.
  adopt:
    `UPDATE ${table} SET dependency_count = iif(status = 'waiting-children' AND dependency_count <= 0, 0, dependency_count + 1), ` +
    `status = 'waiting-children', revision = iif(status = 'waiting-children', revision, ${REVISION}) WHERE id = ? AND status IN ${IDLE}`,
  statusOf: `SELECT status FROM ${table} WHERE id = ?`,
};

/**
 * Adds one row, with what follows from its keys and its parent. A job with a key or a parent needs a transaction around it, else
 * somebody may end the other row between two statements.
 * @param {Store} store
 * @param {NewJob} job
 * @param {number} now
 * @returns {{id: string, added: boolean}} added is false when a job with its dedupKey has not ended: then the id is that job's
 */
function insert(store, job, now) {
  const id = job.id ?? newId();
  if (job.supersedeKey !== null) supersede(store, job, now);
  /** @type {Value[]} */
  const values = [
    id,
    job.queue,
    job.name,
    job.model,
    job.data,
    job.opts,
    job.priority,
    job.status,
    job.maxAttempts,
    job.runAt,
    job.expiresAt,
    job.parentId,
    job.dependencyCount,
    job.dedupKey,
    job.supersedeKey,
    now,
  ];
  if (store.run(SQL.insert, values) === 0) return { id: existing(store, job, id), added: false };
  if (job.parentId !== null && !job.inFlow) adopt(store, job.parentId, now);
  return { id, added: true };
}

/** @param {NewJob} job whether its row needs a transaction around it */
function needsTransaction(job) {
  return job.dedupKey !== null || job.supersedeKey !== null || job.parentId !== null;
}

/**
 * @param {Store} store
 * @param {NewJob} job
 * @param {number} now
 */
function supersede(store, job, now) {
  const error = JSON.stringify({ code: 'SUPERSEDED', message: 'a newer job with its supersede_key has taken its place', at: now });
  const ended = store.all(SQL.supersede, [store.shape().cancelled, error, now, revisionFloor(now), job.supersedeKey, job.dedupKey]);
  afterEnd(store, /** @type {{id: string, parent_job_id: string | null}[]} */ (ended), now);
}

/**
 * @param {Store} store
 * @param {string} parentId
 * @param {number} now
 */
function adopt(store, parentId, now) {
  if (!store.shape().waitsForChildren) throw noFlows();
  if (store.run(SQL.adopt, [revisionFloor(now), parentId]) === 1) return;
  const parent = store.get(SQL.statusOf, [parentId]);
  const reason =
    parent === undefined ? 'there is no such job' : parent.status === 'active' ? 'it runs already' : `it has ended (${parent.status})`;
  throw new LlmJobsError(
    'BAD_JOB',
    `options.parentId ${describe(parentId)} can have no more children: ${reason}; add a parent and its children together with addFlow`
  );
}

/**
 * @param {Store} store
 * @param {NewJob} job
 * @param {string} id
 * @returns {string} of the job with its dedupKey
 */
function existing(store, job, id) {
  const running = job.dedupKey === null ? undefined : store.get(SQL.byDedupKey, [job.dedupKey]);
  if (running) return running.id;
  throw new LlmJobsError(
    'BAD_JOB',
    `there is already a job with id ${describe(id)}: leave options.id out for a new one, or use dedupKey to add a job only once`
  );
}

const POOL_IDS = 256;
const RANDOM_BYTES = 8;
const pool = Buffer.alloc(RANDOM_BYTES * POOL_IDS);
let used = POOL_IDS;

const bytes = Buffer.alloc(16);
let lastMs = 0;
let count = 0;
const MAX_COUNT = 0xffff;

/**
 * 32 hex digits: 12 of Unix milliseconds, 4 that count within one of them, 16 random ones. Ids grow with time, so that the index of
 * ids grows at its end, where the last pages are at hand; wholly random ones touch a page anywhere in the file for each row. Those
 * of one process grow without exception, also when the clock is set back. Random bytes are drawn from a pool, because asking the
 * system for 8 of them costs more than the row.
 */
function newId() {
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    count = 0;
  } else if (count === MAX_COUNT) {
    lastMs += 1;
    count = 0;
  } else {
    count += 1;
  }
  if (used === POOL_IDS) {
    randomFillSync(pool);
    used = 0;
  }
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(count, 6);
  pool.copy(bytes, 8, RANDOM_BYTES * used, RANDOM_BYTES * (used + 1));
  used += 1;
  return bytes.toString('hex');
}

module.exports = { insert, newId, needsTransaction };
