// SPDX-License-Identifier: MIT
'use strict';

/**
 * What tests of the real worker share: a directory with a database, a fake provider, workers, and the end of all of them.
 *
 * The tests read and write the database with better-sqlite3 in their own process. That is safe because the addon, which has a
 * SQLite of its own, is loaded by the forked workers only: two copies of SQLite on one file in one process would drop each
 * other's locks.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const BetterSqlite3 = require('better-sqlite3');
const { Queue, startWorker } = require('../../../js/index.js');
const { startFakeProvider } = require('../../../js/testing.js');

/** A busy machine is no reason to run fewer jobs at a time. */
const UNLIMITED = { resourceLimits: { cpu: { maxUsage: 100000 } } };

/** @typedef {import('../../../js/host.js').Worker} Worker */

/** Everything that one test starts; `close` ends it, whatever state it is in. */
class World {
  constructor() {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'));
    this.file = path.join(this.dir, 'app.db');
    /** @type {(() => unknown)[]} in order of creation, run backwards */
    this.ends = [];
    /** @type {{code: string, line: string}[] | any[]} what the workers logged, to be printed when a test fails */
    this.log = [];
  }

  /**
   * Makes the app's database, in WAL mode, and returns the app's connection to it.
   * @param {{sql?: string, wal?: boolean}} [options] `sql` makes tables of the app
   */
  database({ sql = '', wal = true } = {}) {
    const db = new BetterSqlite3(this.file, { timeout: 5000 });
    this.ends.push(() => db.close());
    if (wal) db.pragma('journal_mode = WAL');
    if (sql !== '') db.exec(sql);
    this.db = db;
    return db;
  }

  /** Makes table llm_jobs for a test that needs it before there is a worker. */
  createTable() {
    new Queue(this.db);
    return this;
  }

  /** @param {import('../../../js/testing/options.js').FakeOptions} [options] */
  async provider(options) {
    const fake = await startFakeProvider(options);
    this.ends.push(() => fake.close());
    this.fake = fake;
    return fake;
  }

  /**
   * Lets a server of the test's own listen on the loopback interface until the test ends.
   * @param {import('node:http').Server | import('node:net').Server} server
   * @returns {Promise<number>} its port
   */
  async listen(server) {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    this.ends.push(
      () =>
        new Promise((resolve) => {
          server.close(resolve);
          if ('closeAllConnections' in server) server.closeAllConnections();
        }),
    );
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  }

  /**
   * Starts a worker on the database, which serves the fake provider under the name `fake` unless the test says otherwise. One that
   * a test ends stays ended: the tests of restarts ask for them.
   * @param {Record<string, any>} [config]
   * @returns {Promise<Worker>}
   */
  async worker(config = {}) {
    const fake = this.fake && { kind: 'openai-compatible', baseUrl: this.fake.openaiUrl };
    const onLog = (/** @type {string} */ level, /** @type {string} */ line) => this.log.push(`${level}: ${line}`);
    const worker = await startWorker({ database: this.file, providers: { fake }, onLog, restart: false, securityPolicy: UNLIMITED, ...config });
    this.ends.push(() => worker.stop({ deadlineMs: 0 }));
    return worker;
  }

  /**
   * Runs SQL in a process of its own, as any program of any language would.
   * @param {string} sql
   * @returns {string} what it printed
   */
  cli(sql) {
    const input = `.timeout 5000\n${sql}`;
    return execFileSync('sqlite3', ['-bail', this.file], { input, encoding: 'utf8', timeout: 20000, stdio: 'pipe' });
  }

  /**
   * As `cli`, while this process goes on: it may have a provider to run.
   * @param {string} sql
   * @returns {Promise<void>}
   */
  async cliMeanwhile(sql) {
    const child = spawn('sqlite3', ['-bail', this.file], { stdio: ['pipe', 'ignore', 'pipe'] });
    this.ends.push(() => child.kill('SIGKILL'));
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    child.stdin.end(`.timeout 20000\n${sql}`);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`sqlite3 ended with ${code}: ${said}`);
  }

  /**
   * A plain INSERT of one row; what is left out is as the table has it.
   * @param {Record<string, string | number | object | null>} [columns] objects become JSON
   * @returns {string} the id
   */
  insert(columns = {}) {
    const row = { name: 'test', model: 'fake/m', data: { prompt: 'Hello' }, ...columns };
    const names = Object.keys(row);
    const values = Object.values(row).map((value) => (value !== null && typeof value === 'object' ? JSON.stringify(value) : value));
    const sql = `INSERT INTO llm_jobs (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) RETURNING id`;
    return this.db.prepare(sql).get(values).id;
  }

  /**
   * @param {string} id
   * @returns {any} the row, its JSON columns parsed
   */
  row(id) {
    const row = this.db.prepare('SELECT * FROM llm_jobs WHERE id = ?').get(id);
    for (const name of ['data', 'opts', 'result', 'error', 'history']) if (row[name] !== null) row[name] = JSON.parse(row[name]);
    return row;
  }

  /**
   * @param {string} id
   * @param {number} [limitMs]
   * @returns {Promise<any>} the row once it has ended
   */
  async ended(id, limitMs) {
    const has = () => ['completed', 'failed', 'cancelled'].includes(this.row(id).status);
    await this.until(has, () => `job ${id} to end; it is ${JSON.stringify(this.row(id))}`, limitMs);
    return this.row(id);
  }

  /**
   * @param {() => unknown} condition may be async
   * @param {string | (() => string)} what is waited for, for the message
   * @param {number} [limitMs]
   */
  async until(condition, what, limitMs = 15000) {
    const end = Date.now() + limitMs;
    while (!(await condition())) {
      if (Date.now() > end) {
        const log = this.log.slice(-20).join('\n  ');
        throw new Error(`waited ${limitMs} ms in vain for ${typeof what === 'function' ? what() : what}\n  ${log}`);
      }
      await pause(5);
    }
  }

  /** @returns {Promise<string[]>} the last prompts of all calls, in the order of their arrival */
  async prompts() {
    const requests = await this.fake.log();
    return requests.filter((one) => one.chat).map((one) => one.body.messages.at(-1).content);
  }

  async close() {
    const errors = [];
    while (this.ends.length > 0) {
      try {
        await this.ends.pop()?.();
      } catch (error) {
        errors.push(error);
      }
    }
    fs.rmSync(this.dir, { recursive: true, force: true });
    if (errors.length > 0) throw errors[0];
  }
}

/**
 * A new world for each test of the suite that calls it, under `this.world` of the returned object.
 * @returns {{world: World}}
 */
function useWorld() {
  const holder = /** @type {{world: World}} */ ({});
  beforeEach(() => void (holder.world = new World()));
  afterEach(() => holder.world.close());
  return holder;
}

/**
 * Ends a worker as a crash or a power cut would, and waits until its process is gone.
 * @param {Worker} worker
 * @param {NodeJS.Signals} [signal]
 */
async function kill(worker, signal = 'SIGKILL') {
  const { pid } = worker;
  if (pid === undefined) return;
  const gone = new Promise((resolve) => worker.once('exit', resolve));
  process.kill(pid, signal);
  await gone;
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Numbers from 0 to 1 that are the same in every run, so that a failure can be repeated (mulberry32).
 * @param {number} seed
 */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

module.exports = { World, useWorld, kill, pause, seeded };
