// SPDX-License-Identifier: MIT
'use strict';

/**
 * Random operations on one queue with three workers, and a model of what may come of them.
 *
 * The model knows of each job how it was added, how the provider will answer it, and what was asked of it since. From that
 * follows which ends are allowed (model-ends.js); which of them it is depends on who was faster. What must never happen on the
 * way is in model-watch.js, and model-checks.js compares the rows with all that.
 */

const assert = require('node:assert/strict');
const { Queue } = require('../../../js/index.js');
const { pause, seeded } = require('./e2e.js');
const { canSet } = require('./clock.js');
const { REPEATS, makePlan, makeJob } = require('./model-jobs.js');
const { RawWorker } = require('./model-worker.js');
const { UNFINISHED, WATCH, WRONG } = require('./model-watch.js');

/** @import { Planned } from './model-ends.js' */

const WORKERS = 3;
const LEASE_MS = 1000; // the shortest there is, so that stopped workers lose theirs
const BACKLOG = 150; // more unfinished jobs than this, and the next steps only wait

/** @type {[number, string][]} what a step does, and how often out of a hundred times */
const STEPS = [
  [30, 'add'],
  [8, 'addWithKey'],
  [10, 'addFlow'],
  [9, 'cancel'],
  [4, 'retry'],
  [1, 'retryMany'],
  [4, 'transaction'],
  [2, 'repeat'],
  [1.2, 'kill'],
  [1.2, 'stop'],
  [1.2, 'release'],
  ...(canSet ? /** @type {[number, string][]} */ ([[1, 'jumpOne'], [1, 'jumpAll']]) : []),
  [26, 'wait'],
];

class Model {
  /** @param {import('./e2e.js').World} world @param {number} seed */
  constructor(world, seed) {
    this.world = world;
    this.random = seeded(seed);
    /** @type {Map<string, Planned>} */
    this.jobs = new Map();
    /** @type {string[]} ids in order, for picking one of the last; those of adds that came to nothing too */
    this.ids = [];
    /** @type {Set<string>} ids of jobs whose transaction was rolled back */
    this.never = new Set();
    /** @type {Map<string, 'going' | string>} of each key that repeats: that it goes on, or the occurrence that was to be the last */
    this.repeats = new Map();
    /** How far the machine's clock is ahead, for the app and for all workers but those whose own clock has jumped. */
    this.aheadMs = 0;
    this.jumps = 0;
    this.steps = 0;
    /** @type {Record<string, number>} */
    this.counts = {};
  }

  async open() {
    const { world } = this;
    this.openedAt = performance.now();
    const db = world.database({ sql: 'CREATE TABLE notes (job TEXT)' });
    world.createTable();
    db.pragma('busy_timeout = 300'); // a stopped worker may hold the lock, and only this process can make it go on
    db.exec(WATCH);
    this.queue = new Queue(db);
    await world.provider({ process: true, script: require.resolve('./model-provider.js'), maxLog: 1000000 });
    const config = {
      database: world.file,
      concurrency: 4,
      leaseMs: LEASE_MS,
      maxStalls: 1000000,
      pollIntervalMs: 20,
      providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl, breaker: { threshold: 1000000 } } },
    };
    this.workers = Array.from({ length: WORKERS }, (_, i) => new RawWorker(world, { ...config, workerId: `w${i}` }));
    for (const worker of this.workers) worker.start();
    for (const worker of this.workers) await worker.ready;
    this.sql = {
      insert: db.prepare(`
        INSERT INTO llm_jobs (id, name, model, data, opts, priority, status, max_attempts, run_at, expires_at, parent_job_id, dependency_count, dedup_key)
        VALUES (:id, 'job', :model, :data, :opts, :priority, :status, :max, :runAt, :expiresAt, :parent, :dependencies, :dedup)`),
      note: db.prepare('INSERT INTO notes VALUES (?)'),
      cancel: db.prepare(`UPDATE llm_jobs SET cancel_requested = 1 WHERE id = ? AND status IN ${UNFINISHED}`),
      status: db.prepare('SELECT status FROM llm_jobs WHERE id = ?').pluck(),
      dedupKey: db.prepare(`SELECT dedup_key FROM llm_jobs WHERE id = ? AND status IN ${UNFINISHED}`).pluck(),
      retrying: db.prepare('UPDATE app SET retrying = ?'),
      takeRetried: db.prepare('DELETE FROM retried RETURNING job').pluck(),
      left: db.prepare(`SELECT count(*) FROM llm_jobs WHERE status IN ${UNFINISHED}`).pluck(),
      occurrence: db.prepare(`SELECT id FROM llm_jobs WHERE dedup_key = ? AND status IN ${UNFINISHED}`).pluck(),
      violations: db.prepare('SELECT * FROM violations'),
      wrong: db.prepare(WRONG),
      rows: db.prepare("SELECT count(*) FROM llm_jobs WHERE name = 'job'").pluck(),
      dueNow: db.prepare("UPDATE llm_jobs SET run_at = 0 WHERE status IN ('waiting', 'delayed') AND attempts = 0 AND name = 'job'"),
    };
  }

  /** @param {number} n a whole number from 0 to n - 1 */
  below(n) {
    return Math.floor(this.random() * n);
  }

  chance(/** @type {number} */ p) {
    return this.random() < p;
  }

  /** @template T @param {readonly T[]} list @returns {T} */
  one(list) {
    return list[this.below(list.length)];
  }

  /** A worker, at random. */
  get worker() {
    return this.one(this.workers);
  }

  now() {
    return Date.now() + this.aheadMs;
  }

  count(/** @type {string} */ what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /**
   * A transaction of the app, by the app's clock; when a stopped worker holds the lock, it makes the workers go on.
   * @template T
   * @param {() => T} work
   * @returns {T}
   */
  write(work) {
    const realNow = Date.now;
    for (;;) {
      try {
        Date.now = () => realNow() + this.aheadMs;
        return this.world.db.transaction(work).immediate();
      } catch (error) {
        if (!String(/** @type {any} */ (error).code).startsWith('SQLITE_BUSY')) throw error;
        this.count('busy');
        for (const worker of this.workers) worker.resume();
      } finally {
        Date.now = realNow;
      }
    }
  }

  async step() {
    this.steps += 1;
    let chosen = this.random() * STEPS.reduce((sum, [weight]) => sum + weight, 0);
    const [, what] = STEPS.find(([weight]) => (chosen -= weight) < 0) ?? STEPS[0];
    if (what.startsWith('add') && this.sql.left.get() > BACKLOG) await this.wait();
    else await this[what]();
    // What a worker suffers ends after a while, which may be longer than its lease.
    for (const worker of this.workers) {
      if (worker.stopped && this.chance(0.02)) worker.resume();
      if (worker.released && this.chance(0.05)) worker.reopen();
      if (worker.clock.aheadMs !== this.aheadMs && this.chance(0.02)) worker.clock.set(this.aheadMs);
    }
  }

  /** A row by plain SQL. */
  async add() {
    const made = makeJob(this, { dedup: this.chance(0.15) ? `key${this.below(10)}` : null });
    try {
      this.write(() => this.sql.insert.run(made.row));
      this.know(made);
      this.count('add');
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'SQLITE_CONSTRAINT_UNIQUE' || made.row.dedup === null) throw error;
      this.count('duplicate');
    }
  }

  /** A job by `Queue`, with a dedupKey or a supersedeKey. */
  async addWithKey() {
    const made = makeJob(this);
    const key = `key${this.below(6)}`;
    if (this.chance(0.3)) {
      const id = this.write(() => this.queue.add('job', made.data, { ...made.options, dedupKey: key }));
      if (id === made.id) this.know(made);
      else assert.equal(this.sql.dedupKey.get(id), key, `${made.id} was not added because of ${id}`);
      this.count(id === made.id ? 'add' : 'duplicate');
      return;
    }
    const supersede = this.chance(0.5) ? 'active' : 'waiting';
    made.planned.supersede = key;
    assert.equal(this.write(() => this.queue.add('job', made.data, { ...made.options, supersedeKey: key, supersede })), made.id);
    this.know(made);
    this.count('supersede');
  }

  /** A parent and its children, by `Queue` or by plain SQL: in any order, the parent's columns as careless SQL may have them. */
  async addFlow() {
    const n = 1 + this.below(3);
    /** @type {string[]} */
    const ids = [];
    const careless = this.below(3);
    const parent = makeJob(this, {
      children: ids,
      status: careless === 0 ? 'waiting' : 'waiting-children',
      dependencies: careless === 1 ? n : 0,
    });
    const children = Array.from({ length: n }, () => makeJob(this, { parent: parent.id }));
    ids.push(...children.map((child) => child.id));
    if (this.chance(0.5)) {
      const node = (/** @type {any} */ { data, options }) => ({ name: 'job', data, options });
      this.write(() => this.queue.addFlow({ ...node(parent), children: children.map(node) }));
    } else {
      const rows = this.chance(0.5) ? [parent, ...children] : [...children, parent];
      this.write(() => rows.forEach(({ row }) => this.sql.insert.run(row)));
    }
    [parent, ...children].forEach((made) => this.know(made));
    this.count('flow');
  }

  /** One of the last jobs, so that some are still unfinished. */
  async cancel() {
    const id = this.recent(60);
    const known = id === undefined ? undefined : this.jobs.get(id);
    if (id === undefined || known === undefined) return;
    const bySql = this.chance(0.5);
    const asked = this.write(() => {
      if (bySql) return this.sql.cancel.run(id).changes > 0;
      const before = this.sql.status.get(id);
      const ended = this.queue.cancel(id);
      assert.equal(ended, ['waiting', 'delayed', 'waiting-children'].includes(before), `cancel of ${id}, which was ${before}`);
      return ended || before === 'active';
    });
    if (!asked) return;
    known.cancel = true;
    this.count('cancel');
  }

  async retry() {
    const id = this.recent(100);
    if (id === undefined || !this.jobs.has(id)) return;
    this.takeUp(() => {
      const before = this.sql.status.get(id);
      try {
        assert.equal(this.queue.retry(id), before === 'failed' || before === 'cancelled', `retry of ${id}, which was ${before}`);
      } catch (error) {
        if (/** @type {any} */ (error).code !== 'BAD_JOB') throw error;
        this.count('retryRefused');
      }
    });
  }

  /** All jobs, or some, that have failed for one reason. */
  async retryMany() {
    const code = this.one(['SERVER_ERROR', 'PROTOCOL', 'BAD_REQUEST', 'CHILD_FAILED', 'CANCELLED', 'EXPIRED', 'SUPERSEDED']);
    const took = this.takeUp(() => this.queue.retry({ code, name: 'job', limit: 1 + this.below(20) }));
    assert.equal(took.retried.length, took.result, `retry of all ${code}`);
  }

  /**
   * @template T
   * @param {() => T} work
   */
  takeUp(work) {
    const { result, retried } = this.write(() => {
      this.sql.retrying.run(1);
      const result = work();
      this.sql.retrying.run(0);
      return { result, retried: /** @type {string[]} */ (this.sql.takeRetried.all()) };
    });
    for (const id of retried) {
      /** @type {Planned} */ (this.jobs.get(id)).cancel = false;
      this.count('retried');
    }
    return { result, retried };
  }

  /** The app holds the write lock for a while, and adds rows of its own with jobs; sometimes it thinks better of it. */
  async transaction() {
    const { db } = this.world;
    const made = Array.from({ length: this.below(3) }, () => makeJob(this));
    this.write(() => {}); // whoever is stopped and holds the lock goes on
    try {
      db.exec('BEGIN IMMEDIATE');
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'SQLITE_BUSY') throw error;
      return;
    }
    for (const { id, row } of made) {
      this.sql.insert.run(row);
      this.sql.note.run(id);
    }
    await pause(this.chance(0.1) ? 100 + this.random() * 200 : 1 + this.random() * 15);
    const commits = this.chance(0.7);
    db.exec(commits ? 'COMMIT' : 'ROLLBACK');
    for (const one of made) {
      if (commits) this.know(one);
      else this.never.add(one.id);
    }
    this.count(commits ? 'commit' : 'rollback');
  }

  /** Begins one of the jobs that come again, or ends it by cancelling the occurrence that there is. */
  async repeat() {
    const index = this.below(REPEATS.length);
    const key = `repeat${index}`;
    const state = this.repeats.get(key);
    if (state === undefined) {
      const data = { prompt: `${key} ${JSON.stringify({ delayMs: this.below(12), plan: makePlan(this) })}` };
      this.write(() => this.queue.add('repeat', data, { model: 'fake/m0', dedupKey: key, repeat: REPEATS[index], backoff: { type: 'fixed', delayMs: 10 } }));
      this.repeats.set(key, 'going');
      this.count('repeat');
    } else if (state === 'going') {
      this.endRepeat(key);
    }
  }

  endRepeat(/** @type {string} */ key) {
    const id = this.write(() => {
      const last = this.sql.occurrence.get(key);
      this.queue.cancel(last);
      return last;
    });
    this.repeats.set(key, id);
    this.count('repeatEnded');
  }

  async kill() {
    const { worker } = this;
    await worker.kill();
    worker.start();
    this.count('kill');
  }

  async stop() {
    if (this.worker.stop()) this.count('stop');
  }

  async release() {
    const { worker } = this;
    if (!worker.stopped && worker.release()) this.count('release');
  }

  /** The clock of one worker jumps, by seconds or hours. */
  async jumpOne() {
    this.worker.clock.set(this.aheadMs + this.makeJump());
    this.count('jumpOne');
  }

  /** The machine's clock jumps. */
  async jumpAll() {
    this.setClocks(this.aheadMs + this.makeJump());
    this.count('jumpAll');
  }

  /** The app has its own idea of when its jobs are due, by its own clock: set back, it would wait for hours. */
  setClocks(/** @type {number} */ aheadMs) {
    const back = aheadMs < this.aheadMs;
    this.aheadMs = aheadMs;
    for (const worker of this.workers) worker.clock.set(aheadMs);
    if (back) this.write(() => this.sql.dueNow.run());
  }

  makeJump() {
    this.jumps += 1;
    const size = this.one([1, 2, 10, 60, 3600, 12 * 3600]) * 1000;
    return Math.round((this.chance(0.5) ? 1 : -1) * size * (0.5 + this.random()));
  }

  async wait() {
    await pause(this.random() * 4);
    this.count('wait');
  }

  /** @param {{id: string, planned: Planned}} made it has been committed */
  know({ id, planned }) {
    this.jobs.set(id, planned);
  }

  /** @returns {string | undefined} the id of one of the last n jobs */
  recent(/** @type {number} */ n) {
    return this.ids[Math.max(0, this.ids.length - 1 - this.below(n))];
  }
}

module.exports = { Model };
