// SPDX-License-Identifier: MIT
'use strict';

/**
 * Random operations on one queue with three workers, and a model of what may come of them.
 *
 * The model knows of each job how it was added, how the provider will answer it, and what was asked of it since. From that
 * follows which ends are allowed; which of them it is depends on who was faster. What must never happen between two checks is
 * seen by triggers, which see every write of every process.
 */

const assert = require('node:assert/strict');
const { pause, seeded } = require('./e2e.js');
const { RawWorker, heldAtKills } = require('./model-worker.js');
const { parse } = require('./model-provider.js');

const WORKERS = 3;
const LANES = 4;
const LEASE_MS = 1000; // the shortest there is, so that stopped workers lose theirs
const BACKLOG = 150; // more unfinished jobs than this, and the next steps only wait
const QUIET_MS = 90000;

const UNFINISHED = "('waiting', 'delayed', 'waiting-children', 'active')";

/**
 * @typedef {object} Planned what the model knows of one job
 * @property {string[]} plan answers of the first calls, see model-provider.js
 * @property {number} max tries
 * @property {boolean} expires
 * @property {boolean} cancel somebody asked for it
 * @property {string | null} parent
 * @property {boolean} ignore the parent lives on when this one fails
 * @property {boolean} cancelSiblings of a parent
 * @property {string[]} children
 */

class Model {
  /** @param {import('./e2e.js').World} world @param {number} seed */
  constructor(world, seed) {
    this.world = world;
    this.random = seeded(seed);
    /** @type {Map<string, Planned>} */
    this.jobs = new Map();
    /** @type {string[]} ids in order, for picking one of the last */
    this.ids = [];
    this.counts = { add: 0, duplicate: 0, flow: 0, cancel: 0, kill: 0, stop: 0, lock: 0, wait: 0, busy: 0 };
  }

  async open() {
    const { world } = this;
    const db = world.database({ sql: 'CREATE TABLE violations (job TEXT, what TEXT)' });
    world.createTable();
    db.pragma('busy_timeout = 300'); // a stopped worker may hold the lock, and only this process can make it go on
    db.exec(TRIGGERS);
    await world.provider({ process: true, script: require.resolve('./model-provider.js'), maxLog: 1000000 });
    const config = {
      database: world.file,
      concurrency: 4,
      leaseMs: LEASE_MS,
      maxStalls: 1000000,
      pollIntervalMs: 20,
      providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl } },
    };
    this.workers = Array.from({ length: WORKERS }, (_, i) => new RawWorker(world, { ...config, workerId: `w${i}` }));
    for (const worker of this.workers) worker.start();
    for (const worker of this.workers) await worker.ready;
    this.insertRow = db.prepare(`
      INSERT INTO llm_jobs (id, name, model, data, opts, priority, status, max_attempts, run_at, expires_at, parent_job_id, dependency_count, dedup_key)
      VALUES (:id, 'model', :model, :data, :opts, :priority, :status, :max, :runAt, :expiresAt, :parent, :dependencies, :dedup)`);
    this.cancelRow = db.prepare(`UPDATE llm_jobs SET cancel_requested = 1 WHERE id = ? AND status IN ${UNFINISHED}`);
    this.left = db.prepare(`SELECT count(*) FROM llm_jobs WHERE status IN ${UNFINISHED}`).pluck();
    this.found = db.prepare('SELECT * FROM violations');
    this.wrong = db.prepare(INVARIANTS);
    this.rowCount = db.prepare('SELECT count(*) FROM llm_jobs').pluck();
  }

  /** @param {number} n a whole number from 0 to n - 1 */
  below(n) {
    return Math.floor(this.random() * n);
  }

  chance(/** @type {number} */ p) {
    return this.random() < p;
  }

  /** Runs a write of the app; when a stopped worker holds the lock, it makes the workers go on. */
  write(/** @type {() => any} */ work) {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!String(/** @type {any} */ (error).code).startsWith('SQLITE_BUSY')) throw error;
        this.counts.busy += 1;
        for (const worker of this.workers) worker.resume();
      }
    }
  }

  async step() {
    const what = this.random();
    if (what < 0.5) await this.add();
    else if (what < 0.62) await this.addFlow();
    else if (what < 0.72) this.cancel();
    else if (what < 0.735) await this.killOne();
    else if (what < 0.75) this.stopOne();
    else if (what < 0.78) await this.lock();
    else await this.wait(this.random() * 4);
    // A stopped worker goes on after a while, which may be longer than its lease.
    for (const worker of this.workers) if (worker.stopped && this.chance(0.02)) worker.resume();
  }

  /** @returns {string[]} */
  makePlan() {
    if (this.chance(0.8)) return [];
    const kinds = ['500', '500', '500', '400', 'cut', 'cut', 'cut', this.chance(0.2) ? '429:1' : '429:0'];
    return Array.from({ length: 1 + this.below(3) }, () => kinds[this.below(kinds.length)]);
  }

  /** @param {Partial<Planned> & {status?: string, dependencies?: number, dedup?: string | null}} [given] */
  makeJob(given = {}) {
    const id = `m${this.ids.length}`;
    const delayed = given.status === undefined && this.chance(0.2);
    const expires = this.chance(0.1);
    /** @type {Planned} */
    const job = {
      plan: this.makePlan(),
      max: 1 + this.below(3),
      expires,
      cancel: false,
      parent: given.parent ?? null,
      ignore: given.parent ? this.chance(0.5) : false,
      cancelSiblings: given.children !== undefined && this.chance(0.3),
      children: given.children ?? [],
    };
    const opts = {
      backoff: { type: 'fixed', delayMs: 1 + this.below(30) },
      ...(job.ignore ? { onFailure: 'ignore' } : {}),
      ...(job.cancelSiblings ? { cancelSiblings: true } : {}),
    };
    const row = {
      id,
      model: `fake/m${this.below(LANES)}`,
      data: JSON.stringify({ prompt: `${id} ${JSON.stringify({ delayMs: this.below(12), plan: job.plan })}` }),
      opts: JSON.stringify(opts),
      priority: this.below(5) - 2,
      status: given.status ?? (delayed && this.chance(0.5) ? 'delayed' : 'waiting'),
      max: job.max,
      runAt: delayed ? Date.now() + this.below(300) : null,
      expiresAt: expires ? Date.now() + this.below(400) : null,
      parent: job.parent,
      dependencies: given.dependencies ?? 0,
      dedup: given.dedup ?? null,
    };
    this.ids.push(id);
    return { id, job, row };
  }

  async add() {
    if (this.left.get() > BACKLOG) return this.wait(5);
    const { id, job, row } = this.makeJob({ dedup: this.chance(0.15) ? `key${this.below(10)}` : null });
    try {
      this.write(() => this.insertRow.run(row));
      this.jobs.set(id, job);
      this.counts.add += 1;
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'SQLITE_CONSTRAINT_UNIQUE' || row.dedup === null) throw error;
      this.counts.duplicate += 1;
    }
  }

  /** A parent and its children in one transaction, in any order, the parent's columns as careless SQL may have them. */
  async addFlow() {
    if (this.left.get() > BACKLOG) return this.wait(5);
    const n = 1 + this.below(3);
    /** @type {string[]} */
    const children = [];
    const careless = this.below(3);
    const parent = this.makeJob({
      children,
      status: careless === 0 ? 'waiting' : 'waiting-children',
      dependencies: careless === 1 ? n : 0,
    });
    const all = [parent];
    for (let i = 0; i < n; i++) {
      const child = this.makeJob({ parent: parent.id });
      children.push(child.id);
      if (this.chance(0.5)) all.push(child);
      else all.unshift(child);
    }
    const insert = this.world.db.transaction(() => all.forEach(({ row }) => this.insertRow.run(row)));
    this.write(() => insert.immediate());
    for (const { id, job } of all) this.jobs.set(id, job);
    this.counts.flow += 1;
  }

  /** One of the last jobs, so that some are still unfinished. */
  cancel() {
    if (this.ids.length === 0) return;
    const id = this.ids[Math.max(0, this.ids.length - 1 - this.below(60))];
    const changes = this.write(() => this.cancelRow.run(id).changes);
    if (changes === 0) return;
    /** @type {Planned} */ (this.jobs.get(id)).cancel = true;
    this.counts.cancel += 1;
  }

  async killOne() {
    const worker = this.workers[this.below(WORKERS)];
    await worker.kill();
    worker.start();
    this.counts.kill += 1;
  }

  stopOne() {
    if (this.workers[this.below(WORKERS)].stop()) this.counts.stop += 1;
  }

  /** A transaction of the app that takes its time. */
  async lock() {
    const { db } = this.world;
    this.write(() => db.exec('BEGIN IMMEDIATE'));
    await pause(1 + this.random() * 15);
    db.exec('COMMIT');
    this.counts.lock += 1;
  }

  async wait(/** @type {number} */ ms) {
    this.counts.wait += 1;
    await pause(ms);
  }

  /** What must hold at any time. */
  check(/** @type {string} */ when) {
    assert.deepEqual(this.found.all(), [], `${when}: a write that must not be`);
    assert.deepEqual(this.wrong.all(), [], `${when}: rows that must not be`);
    assert.equal(this.rowCount.get(), this.jobs.size, `${when}: rows`);
  }

  /** No more operations: everything must come to its end. */
  async quiet() {
    for (const worker of this.workers) worker.resume();
    const rows = this.world.db.prepare(`SELECT id, status, run_at - ${Date.now()} AS due, attempts, stalls, dependency_count, lease_owner, error
      FROM llm_jobs WHERE status IN ${UNFINISHED} LIMIT 5`);
    await this.world.until(() => this.left.get() === 0, () => `${this.left.get()} rows to end: ${JSON.stringify(rows.all())}`, QUIET_MS);
  }

  async checkEnds() {
    const rows = new Map(this.world.db.prepare('SELECT * FROM llm_jobs').all().map((row) => [row.id, row]));
    const held = heldAtKills(this.workers);
    /** @type {Map<string, number>} */
    const calls = new Map();
    for (const prompt of await this.world.prompts()) {
      const { id } = parse(prompt);
      calls.set(id, (calls.get(id) ?? 0) + 1);
    }
    this.calls = [...calls.values()].reduce((sum, n) => sum + n, 0);
    this.ends = {};
    for (const [id, job] of this.jobs) {
      const row = rows.get(id);
      assert.ok(row, `${id} is gone`);
      const error = row.error === null ? null : JSON.parse(row.error);
      const about = `${id}: ${JSON.stringify({ ...job, ...row, calls: calls.get(id) })}`;
      const end = row.status === 'completed' ? row.status : `${row.status} ${error?.code}`;
      this.ends[end] = (this.ends[end] ?? 0) + 1;
      this.checkEnd(job, row, error, calls.get(id) ?? 0, about, rows);
      // A kill or a lost lease is a stall, and each can cost one call; so can each 429, which is no try.
      const limited = job.plan.filter((step) => step.startsWith('429')).length;
      assert.ok((calls.get(id) ?? 0) <= row.attempts + limited + row.stalls + (row.status === 'cancelled' ? 1 : 0), about);
      assert.ok(row.stalls >= (held.get(id) ?? 0) - (row.status === 'cancelled' ? 1 : 0), about);
    }
  }

  /**
   * @param {Planned} job
   * @param {any} row
   * @param {any} error
   * @param {number} calls
   * @param {string} about
   * @param {Map<string, any>} rows
   */
  checkEnd(job, row, error, calls, about, rows) {
    const children = job.children.map((id) => ({ planned: /** @type {Planned} */ (this.jobs.get(id)), row: rows.get(id) }));
    const broken = children.filter((child) => child.row.status !== 'completed' && !child.planned.ignore);
    const undisturbed = row.stalls === 0;
    if (row.status === 'completed') {
      assert.equal(JSON.parse(row.result).text, `${row.id} ends`, about);
      assert.equal(error, null, about);
      assert.deepEqual(broken, [], `${about}: a child of it has failed`);
      assert.ok(calls > job.plan.length || job.plan.length === 0, about);
      return;
    }
    if (row.status === 'cancelled') {
      const { parent } = job;
      const swept = parent !== null && (rows.get(parent).status === 'cancelled' || (this.jobs.get(parent)?.cancelSiblings && rows.get(parent).status === 'failed'));
      if (error.code === 'EXPIRED') assert.ok(job.expires, about);
      else assert.ok(error.code === 'CANCELLED' && (job.cancel || swept), about);
      return;
    }
    assert.equal(row.status, 'failed', about);
    if (error.code === 'CHILD_FAILED') {
      assert.ok(broken.length > 0, about);
      assert.equal(calls, 0, about);
      return;
    }
    assert.deepEqual(broken, [], `${about}: its children say CHILD_FAILED`);
    assert.ok(['BAD_REQUEST', 'SERVER_ERROR', 'PROTOCOL'].includes(error.code), about);
    if (error.code === 'BAD_REQUEST') assert.ok(job.plan.includes('400'), about);
    else assert.equal(row.attempts, job.max, about);
    if (undisturbed && calls > 0) {
      const last = job.plan[calls - 1];
      assert.equal(error.code, { 400: 'BAD_REQUEST', 500: 'SERVER_ERROR', cut: 'PROTOCOL' }[last], about);
    }
  }

  summary() {
    const say = (/** @type {Record<string, number>} */ counts) => Object.entries(counts).map(([key, n]) => `${n} ${key}`).join(', ');
    const inFlight = this.workers.reduce((sum, worker) => sum + worker.killsInFlight, 0);
    const stalls = this.world.db.prepare('SELECT sum(stalls) FROM llm_jobs').pluck().get();
    return `${say(this.counts)}; ${inFlight} kills found jobs in flight, ${stalls} stalls; ${this.calls} calls; ends: ${say(this.ends ?? {})}`;
  }
}

const TRIGGERS = `
  CREATE TRIGGER see_ended AFTER UPDATE ON llm_jobs WHEN old.status IN ('completed', 'failed', 'cancelled')
    BEGIN INSERT INTO violations VALUES (new.id, 'changed after its end: ' || old.status || ' to ' || new.status); END;
  CREATE TRIGGER see_deleted AFTER DELETE ON llm_jobs BEGIN INSERT INTO violations VALUES (old.id, 'deleted'); END;
  CREATE TRIGGER see_attempts AFTER UPDATE OF attempts ON llm_jobs WHEN new.attempts > new.max_attempts
    BEGIN INSERT INTO violations VALUES (new.id, 'attempt ' || new.attempts || ' of ' || new.max_attempts); END;
  CREATE TRIGGER see_lease AFTER UPDATE OF lease_token ON llm_jobs
    WHEN old.status = 'active' AND new.status = 'active' AND new.lease_token IS NOT old.lease_token
    BEGIN INSERT INTO violations VALUES (new.id, 'taken over while active'); END;
  CREATE TRIGGER see_early AFTER UPDATE OF status ON llm_jobs
    WHEN new.status IN ('active', 'completed') AND EXISTS
      (SELECT 1 FROM llm_jobs AS c WHERE c.parent_job_id = new.id AND c.status IN ${UNFINISHED})
    BEGIN INSERT INTO violations VALUES (new.id, new.status || ' before its children have ended'); END;`;

const INVARIANTS = `
  SELECT 'token of two rows' AS what, lease_token AS id FROM llm_jobs WHERE status = 'active' GROUP BY lease_token HAVING count(*) > 1
  UNION ALL SELECT 'active without a lease', id FROM llm_jobs WHERE status = 'active' AND (lease_token IS NULL OR lease_owner IS NULL OR lease_until IS NULL)
  UNION ALL SELECT 'leased without being active', id FROM llm_jobs WHERE status <> 'active' AND lease_token IS NOT NULL
  UNION ALL SELECT 'more attempts than allowed', id FROM llm_jobs WHERE attempts > max_attempts OR attempts < 0
  UNION ALL SELECT 'ended without a time, or the other way', id FROM llm_jobs
    WHERE (status IN ('completed', 'failed', 'cancelled')) <> (finished_on IS NOT NULL)
  UNION ALL SELECT 'completed without a result, or the other way', id FROM llm_jobs WHERE (status = 'completed') <> (result IS NOT NULL)
  UNION ALL SELECT 'ended badly without a reason', id FROM llm_jobs WHERE status IN ('failed', 'cancelled') AND error IS NULL`;

module.exports = { Model };
