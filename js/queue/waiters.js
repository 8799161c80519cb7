// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError } = require('../error.js');
const { table } = require('../schema.js');
const { bus } = require('../bus.js');
const { selectJob, toJob, hasEnded } = require('./job.js');

/** @import { Driver, Statement } from '../driver.js' */
/** @import { Job } from './job.js' */
/** @import { JobNews } from '../bus.js' */

/**
 * @typedef {object} Waiter
 * @property {(job: Job) => void} resolve
 * @property {(error: unknown) => void} reject
 */

const FIRST_POLL_MS = 50;
const LAST_POLL_MS = 250;
/** Rows looked up in one poll, so that thousands of waiters do not stop the app's thread for longer than some milliseconds. */
const MAX_LOOKUPS = 500;

/**
 * Everybody who waits for a job of one queue. All of them share one timer and one query, whose pace slows down while nothing
 * ends; a worker of this process makes it look at once. The timer keeps the process alive: somebody wants the answer.
 */
class Waiters {
  /** @param {Driver} driver */
  constructor(driver) {
    this.driver = driver;
    /** @type {Map<string, Set<Waiter>>} in the order in which they are looked up */
    this.byId = new Map();
    /** @type {NodeJS.Timeout | null} */
    this.timer = null;
    this.pollMs = FIRST_POLL_MS;
    /** @type {{states: Statement, job: Statement} | null} prepared when somebody waits for the first time */
    this.statements = null;
    this.onJobs = (/** @type {JobNews[]} */ jobs) => this.hear(jobs);
  }

  /**
   * @param {string} id
   * @param {{timeoutMs?: number, signal?: AbortSignal}} options
   * @returns {Promise<Job>}
   */
  wait(id, { timeoutMs, signal }) {
    return new Promise((resolve, reject) => {
      /** @type {NodeJS.Timeout | undefined} */
      let timeout;
      const onAbort = () => waiter.reject(signal?.reason);
      const finish = () => {
        clearTimeout(timeout);
        signal?.removeEventListener('abort', onAbort);
        this.remove(id, waiter);
      };
      /** @type {Waiter} */
      const waiter = {
        resolve: (job) => (finish(), resolve(job)),
        reject: (error) => (finish(), reject(error)),
      };

      if (signal?.aborted) return void reject(signal.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeoutMs !== undefined) {
        const message = `job ${id} has not ended within ${timeoutMs} ms; it goes on, and its row will tell how it ends`;
        timeout = setTimeout(() => waiter.reject(new LlmJobsError('TIMEOUT', message)), timeoutMs);
      }
      this.add(id, waiter);
      this.look([id]);
    });
  }

  /**
   * @param {string} id
   * @param {Waiter} waiter
   */
  add(id, waiter) {
    if (this.byId.size === 0) bus.on('jobs', this.onJobs);
    const waiters = this.byId.get(id);
    if (waiters) waiters.add(waiter);
    else this.byId.set(id, new Set([waiter]));
    this.pollMs = FIRST_POLL_MS;
    this.schedule();
  }

  /**
   * @param {string} id
   * @param {Waiter} waiter
   */
  remove(id, waiter) {
    const waiters = this.byId.get(id);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.byId.delete(id);
    if (this.byId.size > 0) return;
    bus.off('jobs', this.onJobs);
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  schedule() {
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.poll();
    }, this.pollMs);
  }

  poll() {
    /** @type {string[]} */
    const ids = [];
    for (const id of this.byId.keys()) if (ids.push(id) === MAX_LOOKUPS) break;
    const ended = this.look(ids);
    // Who was looked up and stays goes to the end, so that everybody has a turn.
    if (this.byId.size > ids.length) ids.forEach((id) => this.moveToEnd(id));
    this.pollMs = ended > 0 ? FIRST_POLL_MS : Math.min(this.pollMs * 1.25, LAST_POLL_MS);
    if (this.byId.size > 0) this.schedule();
  }

  /** @param {string} id */
  moveToEnd(id) {
    const waiters = this.byId.get(id);
    if (!waiters) return;
    this.byId.delete(id);
    this.byId.set(id, waiters);
  }

  /** @param {JobNews[]} jobs */
  hear(jobs) {
    const ids = jobs.filter((job) => hasEnded(job.status) && this.byId.has(job.id)).map((job) => job.id);
    if (ids.length > 0) this.look(ids);
  }

  /**
   * Settles those of the ids whose jobs have ended or are gone. Says how many that were.
   * @param {string[]} ids
   * @returns {number}
   */
  look(ids) {
    // What the app sees inside its own open transaction may yet be rolled back.
    if (this.driver.inTransaction) return 0;
    let rows;
    try {
      this.statements ??= {
        states: this.driver.prepare(`SELECT j.value AS id, t.status FROM json_each(?) AS j LEFT JOIN ${table} AS t ON t.id = j.value`),
        job: this.driver.prepare(`${selectJob} WHERE id = ?`),
      };
      const { states, job } = this.statements;
      rows = states
        .all([JSON.stringify(ids)])
        .filter((row) => row.status === null || hasEnded(row.status))
        .map(({ id }) => ({ id, row: job.get([id]) }));
    } catch (error) {
      // A closed connection, for one: no later look would fare better, and nobody should wait for ever.
      ids.forEach((id) => this.settle(id, (waiter) => waiter.reject(error)));
      return ids.length;
    }
    for (const { id, row } of rows) {
      this.settle(id, (waiter) => (row ? waiter.resolve(toJob(row)) : waiter.reject(notFound(id))));
    }
    return rows.length;
  }

  /**
   * @param {string} id
   * @param {(waiter: Waiter) => void} end
   */
  settle(id, end) {
    for (const waiter of [...(this.byId.get(id) ?? [])]) end(waiter);
  }
}

/** @param {string} id */
function notFound(id) {
  return new LlmJobsError('NOT_FOUND', `there is no job ${id}: it was never added, its transaction was rolled back, or its row was removed`);
}

module.exports = { Waiters };
