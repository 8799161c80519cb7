// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('./error.js');
const { openDriver } = require('./driver.js');
const { prepareTable } = require('./queue/table.js');
const { readJob } = require('./queue/options.js');
const check = require('./queue/check.js');
const { readFlow, insertFlow } = require('./queue/flow.js');
const { insert, needsTransaction } = require('./queue/insert.js');
const { selectJob, toJob } = require('./queue/job.js');
const { counts, list, children } = require('./queue/list.js');
const { cancel, retryOne, retryMany, remove, prune } = require('./queue/end.js');
const { readList, readRetry, readPrune, readRemove, readWatch, readCounts, readWait } = require('./queue/terms.js');
const { Store } = require('./queue/store.js');
const { Waiters } = require('./queue/waiters.js');
const { watch } = require('./queue/watch.js');

/** @import { AddOptions } from './queue/options.js' */
/** @import { FlowIds } from './queue/flow.js' */
/** @import { Status } from './queue/job.js' */
/** @import { ListOptions, PruneOptions, RetryFilter, WatchOptions } from './queue/terms.js' */
/** @import { AnyTypes, DataOf, FlowOf, JobId, JobOf, JobOfId, NameOf, NewJobOf } from './queue/types.js' */

const BY_ID = `${selectJob} WHERE id = ?`;

/**
 * Table llm_jobs of the app's own database, seen through the app's own connection. Every method but `waitFor` and `watch` is
 * synchronous and takes part in the transaction that the app has open on that connection; no method ever needs a worker to be
 * running.
 *
 * The journal mode belongs to the app: a worker needs WAL and says DB_NOT_WAL otherwise; `Queue` works with any.
 *
 * @template {{[Name in keyof Types]: {data: object, result?: unknown}}} [Types=AnyTypes] the app's jobs: the name of each with the
 *   types of its data and result
 */
class Queue {
  /** @type {Store} */ #store;
  /** @type {Waiters} */ #waiters;

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
    this.#store = new Store(driver);
    this.#waiters = new Waiters(driver);
  }

  /**
   * Adds a job and returns its id. It exists when the app's transaction commits, or at once when none is open.
   * With a dedupKey that a job has which has not ended, nothing is added and that job's id is returned. With a supersedeKey, the
   * older jobs of that key which have not started are cancelled.
   * @template {NameOf<Types>} Name
   * @param {Name} name job type, `"summarize"`
   * @param {DataOf<Types, Name>} data the request: `{prompt}`, `{messages}` or `{input}` and the like
   * @param {AddOptions} [options]
   * @returns {JobId<Name>}
   */
  add(name, data, options) {
    const now = Date.now();
    const job = readJob(name, data, options, this.queue, now);
    const work = () => insert(this.#store, job, now).id;
    return needsTransaction(job) ? this.#store.transaction(work) : work();
  }

  /**
   * Adds all the jobs or, if one of them is wrong, none.
   * @param {readonly NewJobOf<Types>[]} jobs
   * @returns {string[]} the ids, in the order of the jobs
   */
  addBulk(jobs) {
    if (!Array.isArray(jobs)) {
      throw new LlmJobsError('BAD_JOB', `addBulk takes an array of {name, data, options}; got ${describe(jobs)}`);
    }
    const now = Date.now();
    const rows = jobs.map((job, index) => {
      try {
        check.keys(check.object(job, 'a job of a list', '{name, data, options}'), 'it', ['name', 'data', 'options']);
        return readJob(job.name, job.data, job.options, this.queue, now);
      } catch (error) {
        throw error instanceof LlmJobsError ? new LlmJobsError(error.code, `job ${index} of addBulk: ${error.message}`) : error;
      }
    });
    return this.#store.transaction(() => rows.map((row) => insert(this.#store, row, now).id));
  }

  /**
   * Adds a job and the jobs that it waits for, of any depth: all of them or none. The parent runs when its children have ended,
   * and its templates may use their results. A child that fails or is cancelled fails its parent, unless the child's
   * `options.onFailure` is `'ignore'`. With a dedupKey of the root that a job has which has not ended, nothing is added and the
   * ids of that job and its children are returned.
   * @param {FlowOf<Types>} flow `{name, data, options, children: [...]}`
   * @returns {FlowIds}
   */
  addFlow(flow) {
    const now = Date.now();
    const root = readFlow(flow, this.queue, now);
    return this.#store.transaction(() => insertFlow(this.#store, root, now));
  }

  /**
   * @template {string} Id
   * @param {Id} id
   * @returns {JobOfId<Types, Id> | null} null when there is no such job
   */
  get(id) {
    const row = this.#store.get(BY_ID, [checkId(id)]);
    return row ? /** @type {any} */ (toJob(row)) : null;
  }

  /**
   * One page of the jobs that fit, the newest first unless told otherwise. `cursor` is null on the last page; otherwise the next
   * page is `list({...options, cursor})`.
   * @param {ListOptions} [options]
   * @returns {{jobs: JobOf<Types>[], cursor: string | null}}
   */
  list(options) {
    return /** @type {any} */ (list(this.#store, readList(options)));
  }

  /**
   * How many jobs of the table are in which state: of all queues, or of the one named. Of all queues is quick whatever the table
   * holds; of one queue reads every ended row.
   * @param {{queue?: string}} [options]
   * @returns {Record<Status, number>}
   */
  counts(options) {
    return counts(this.#store, readCounts(options));
  }

  /**
   * The children of a job, whatever their state, in order of arrival: the order of `{{children.<n>}}` in templates.
   * @param {string} id
   * @returns {JobOf<Types>[]}
   */
  children(id) {
    return /** @type {any} */ (children(this.#store, checkId(id)));
  }

  /**
   * Waits until the job has ended, whatever its end: look at `job.status`. Rejects with NOT_FOUND when there is no such job (any
   * more), with TIMEOUT after `timeoutMs`, and with the signal's reason. The job itself goes on in either case.
   * @template {string} Id
   * @param {Id} id
   * @param {{timeoutMs?: number, signal?: AbortSignal}} [options] without timeoutMs it waits as long as it takes
   * @returns {Promise<JobOfId<Types, Id>>}
   */
  async waitFor(id, options) {
    return /** @type {Promise<any>} */ (this.#waiters.wait(checkId(id), readWait(options)));
  }

  /**
   * The jobs that are added or change from now on, or since a cursor, each with the cursor behind it. A loop that goes on with the
   * last cursor it kept, also in another process or after a crash, misses no change and sees none twice. A job that has changed
   * several times since the last look comes once, as it is now; `progress`, `partial` and deletion are no changes.
   *
   *     for await (const { job, cursor } of queue.watch({ cursor: kept })) …
   *
   * @param {WatchOptions} [options]
   * @returns {AsyncGenerator<{cursor: string, job: JobOf<Types>}, void, undefined>}
   */
  watch(options) {
    return /** @type {any} */ (watch(this.#store, readWatch(options)));
  }

  /**
   * Ends a job that has not started: its status is then `cancelled` (`failed` where an older table's CHECK knows no such state), its
   * error's code CANCELLED, and true is returned. The
   * children that it waits for are cancelled by the worker. A job that runs is only marked (`cancel_requested`), for the worker to
   * end it, and false is returned, as for a job that has ended or does not exist.
   * @param {string} id
   * @returns {boolean}
   */
  cancel(id) {
    return cancel(this.#store, checkId(id));
  }

  /**
   * Lets failed or cancelled jobs run again, with all their attempts. Given an id, returns whether the job waits again: false for
   * one that has not ended, is completed or does not exist; throws BAD_JOB when a newer job has its dedupKey or supersedeKey.
   * Given a filter, returns how many jobs wait again.
   * @overload
   * @param {string} what
   * @returns {boolean}
   */
  /**
   * @overload
   * @param {RetryFilter} what
   * @returns {number}
   */
  /**
   * @param {string | RetryFilter} what
   * @returns {boolean | number}
   */
  retry(what) {
    if (typeof what === 'string') return retryOne(this.#store, checkId(what));
    if (what === null || typeof what !== 'object') {
      throw new LlmJobsError('BAD_JOB', `retry takes a job's id, or a filter such as {code: "AUTH"}; got ${describe(what)}`);
    }
    return retryMany(this.#store, readRetry(what));
  }

  /**
   * Deletes a job and returns whether there was one. Throws BAD_JOB for a job that runs, for a child that its unfinished parent
   * needs, and for a parent of unfinished children; the latter two can be forced.
   * @param {string} id
   * @param {{force?: boolean}} [options]
   * @returns {boolean}
   */
  remove(id, options) {
    return remove(this.#store, checkId(id), readRemove(options));
  }

  /**
   * Deletes ended jobs, the oldest first, and returns how many. Children that an unfinished parent needs stay.
   * @param {PruneOptions} options `{olderThanMs}`, `{keep}` or both
   * @returns {number}
   */
  prune(options) {
    return prune(this.#store, readPrune(options));
  }
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
