// SPDX-License-Identifier: MIT
'use strict';

const { randomBytes } = require('node:crypto');
const { LlmJobsError, describe } = require('./error.js');
const { openDriver } = require('./driver.js');
const { table } = require('./schema.js');
const { prepareTable } = require('./queue/table.js');
const { readJob } = require('./queue/options.js');
const { selectJob, toJob } = require('./queue/job.js');
const { Waiters } = require('./queue/waiters.js');

/** @import { Driver, Statement, Value } from './driver.js' */
/** @import { AddOptions, NewJob } from './queue/options.js' */
/** @import { Job, Status } from './queue/job.js' */

const SQL = {
  insert:
    `INSERT INTO ${table} (id, queue, name, model, data, opts, priority, status, max_attempts, run_at, expires_at, parent_job_id, ` +
    'dedup_key, supersede_key, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  // The list of states repeats the index's own, else SQLite would not use it.
  byDedupKey:
    `SELECT id FROM ${table} WHERE dedup_key = ? ` +
    "AND status IN ('waiting', 'active', 'delayed', 'waiting-children')",
  byId: `${selectJob} WHERE id = ?`,
  cancelIdle:
    `UPDATE ${table} SET status = 'cancelled', error = ?, finished_on = ?, cancel_requested = 1, partial = NULL ` +
    "WHERE id = ? AND status IN ('waiting', 'delayed', 'waiting-children')",
  cancelActive: `UPDATE ${table} SET cancel_requested = 1 WHERE id = ? AND status = 'active'`,
};

/**
 * Each state is counted by a subquery of its own that one index answers, all of them in one statement and so at one moment.
 * Ended rows always have finished_on.
 */
const COUNTS = {
  waiting: "status = 'waiting'",
  active: "status = 'active'",
  completed: "status = 'completed' AND finished_on IS NOT NULL",
  failed: "status = 'failed' AND finished_on IS NOT NULL",
  delayed: "status = 'delayed'",
  'waiting-children': "status = 'waiting-children'",
  cancelled: "status = 'cancelled' AND finished_on IS NOT NULL",
};

/** Where the private parts of a Queue are kept: the connection and the people who wait. */
const driverOf = Symbol('driver');
const waitersOf = Symbol('waiters');
const statementsOf = Symbol('statements');

/**
 * Table llm_jobs of the app's own database, seen through the app's own connection. Every method but `waitFor` is synchronous and
 * takes part in the transaction that the app has open on that connection; no method ever needs a worker to be running.
 *
 * The journal mode belongs to the app: a worker needs WAL and says DB_NOT_WAL otherwise; `Queue` works with any.
 */
class Queue {
  /**
   * Creates table llm_jobs when the database has none, adds the columns and indexes that an older one lacks, and touches nothing
   * else. Throws BAD_CONFIG for a connection that it cannot use and DB_SCHEMA for a table that it cannot complete.
   * @param {unknown} db an open connection of better-sqlite3 or node:sqlite, or a Drizzle instance over one
   * @param {{queue?: string}} [options] the queue to which jobs are added that name none
   */
  constructor(db, options = {}) {
    // 1. Options
    if (options === null || typeof options !== 'object') {
      throw new LlmJobsError('BAD_CONFIG', `the options of Queue must be an object such as {queue: "default"}; got ${describe(options)}`);
    }
    const unknown = Object.keys(options).find((key) => key !== 'queue');
    if (unknown !== undefined) {
      throw new LlmJobsError('BAD_CONFIG', `Queue has no option ${describe(unknown)}; it has queue`);
    }
    const queue = options.queue ?? 'default';
    if (typeof queue !== 'string' || queue === '') {
      throw new LlmJobsError('BAD_CONFIG', `option queue of Queue must be a non-empty string such as "default"; got ${describe(options.queue)}`);
    }

    // 2. The connection
    const driver = openDriver(db);

    // 3. The table
    prepareTable(driver);

    /** The queue to which jobs are added that name none. @readonly */
    this.queue = queue;
    /** @type {Driver} */
    this[driverOf] = driver;
    /** @type {Waiters} */
    this[waitersOf] = new Waiters(driver);
    /** @type {Map<string, Statement>} */
    this[statementsOf] = new Map();
    Object.defineProperties(this, {
      [driverOf]: { enumerable: false },
      [waitersOf]: { enumerable: false },
      [statementsOf]: { enumerable: false },
    });
  }

  /**
   * Adds a job and returns its id. It exists when the app's transaction commits, or at once when none is open.
   * With a dedupKey that a job has which has not ended, nothing is added and that job's id is returned.
   * @param {string} name job type, `"summarize"`
   * @param {Record<string, any>} data the request: `{prompt}`, `{messages}` or `{input}` and the like
   * @param {AddOptions} [options]
   * @returns {string}
   */
  add(name, data, options) {
    const now = Date.now();
    const job = readJob(name, data, options, this.queue, now);
    // Without a key one statement does it; with one, nobody may end the other job between our insert and our look.
    return job.dedupKey === null ? insert(this, job, now) : this[driverOf].transaction(() => insert(this, job, now));
  }

  /**
   * Adds all the jobs or, if one of them is wrong, none.
   * @param {{name: string, data: Record<string, any>, options?: AddOptions}[]} jobs
   * @returns {string[]} the ids, in the order of the jobs
   */
  addBulk(jobs) {
    if (!Array.isArray(jobs)) {
      throw new LlmJobsError('BAD_JOB', `addBulk takes an array of {name, data, options}; got ${describe(jobs)}`);
    }
    const now = Date.now();
    const rows = jobs.map((job, index) => {
      try {
        return readJob(job?.name, job?.data, job?.options, this.queue, now);
      } catch (error) {
        throw error instanceof LlmJobsError ? new LlmJobsError(error.code, `job ${index} of addBulk: ${error.message}`) : error;
      }
    });
    return this[driverOf].transaction(() => rows.map((row) => insert(this, row, now)));
  }

  /**
   * @param {string} id
   * @returns {Job | null} null when there is no such job
   */
  get(id) {
    const row = prepared(this, SQL.byId).get([checkId(id)]);
    return row ? toJob(row) : null;
  }

  /**
   * How many jobs of the table are in which state: of all queues, or of the one named. Of all queues is quick whatever the table
   * holds; of one queue reads every ended row.
   * @param {{queue?: string}} [options]
   * @returns {Record<Status, number>}
   */
  counts({ queue } = {}) {
    const only = queue === undefined ? '' : ' AND queue = ?';
    const parts = Object.entries(COUNTS).map(([status, where]) => `(SELECT count(*) FROM ${table} WHERE ${where}${only}) AS "${status}"`);
    const row = prepared(this, `SELECT ${parts.join(', ')}`).get(queue === undefined ? [] : parts.map(() => queue));
    return /** @type {Record<Status, number>} */ ({ ...row });
  }

  /**
   * Waits until the job has ended, whatever its end: look at `job.status`. Rejects with NOT_FOUND when there is no such job (any
   * more), with TIMEOUT after `timeoutMs`, and with the signal's reason. The job itself goes on in either case.
   * @param {string} id
   * @param {{timeoutMs?: number, signal?: AbortSignal}} [options] without timeoutMs it waits as long as it takes
   * @returns {Promise<Job>}
   */
  async waitFor(id, options = {}) {
    const { timeoutMs } = options;
    // Timers of JavaScript count in 32 bits, and fire at once beyond.
    if (timeoutMs !== undefined && !(Number.isFinite(timeoutMs) && timeoutMs >= 0 && timeoutMs <= 2147483647)) {
      throw new LlmJobsError('BAD_CONFIG', `timeoutMs must be a number of milliseconds from 0 to 2147483647; got ${describe(timeoutMs)}`);
    }
    return this[waitersOf].wait(checkId(id), options);
  }

  /**
   * Ends a job that has not started: its status is then `cancelled`, its error's code CANCELLED, and true is returned.
   * A job that runs is only marked (`cancel_requested`), for the worker to end it, and false is returned, as for a job that has
   * ended or does not exist.
   * @param {string} id
   * @returns {boolean}
   */
  cancel(id) {
    checkId(id);
    const now = Date.now();
    const error = JSON.stringify({ code: 'CANCELLED', message: 'The job was cancelled before it started.', at: now });
    return this[driverOf].transaction(() => {
      if (prepared(this, SQL.cancelIdle).run([error, now, id]).changes === 1) return true;
      prepared(this, SQL.cancelActive).run([id]);
      return false;
    });
  }
}

/**
 * Prepared when first used, then kept: an app that only adds never pays for the rest.
 * @param {Queue} queue
 * @param {string} sql
 * @returns {Statement}
 */
function prepared(queue, sql) {
  let statement = queue[statementsOf].get(sql);
  if (statement === undefined) {
    statement = queue[driverOf].prepare(sql);
    queue[statementsOf].set(sql, statement);
  }
  return statement;
}

/**
 * @param {Queue} queue
 * @param {NewJob} job
 * @param {number} now
 * @returns {string}
 */
function insert(queue, job, now) {
  const id = job.id ?? randomBytes(16).toString('hex');
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
    job.dedupKey,
    job.supersedeKey,
    now,
  ];
  if (prepared(queue, SQL.insert).run(values).changes === 1) return id;

  const running = job.dedupKey === null ? undefined : prepared(queue, SQL.byDedupKey).get([job.dedupKey]);
  if (running) return running.id;
  throw new LlmJobsError(
    'BAD_JOB',
    `there is already a job with id ${describe(id)}: leave options.id out for a random one, or use dedupKey to add a job only once`
  );
}

/**
 * @param {unknown} id
 * @returns {string}
 */
function checkId(id) {
  if (typeof id !== 'string' || id === '') {
    throw new LlmJobsError('BAD_JOB', `a job's id is the string that add returned; got ${describe(id)}`);
  }
  return id;
}

module.exports = { Queue };
