// SPDX-License-Identifier: MIT
'use strict';

/**
 * A directory with a database and the processes around it: the worker under test, a provider in a process of its own, and
 * whatever writes. This process opens the database with better-sqlite3; the addon is loaded by the worker's process only.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const BetterSqlite3 = require('better-sqlite3');
const { Queue, startWorker } = require('../../js/index.js');
const { startFakeProvider } = require('../../js/testing.js');

/** A benchmark is what a worker does when nothing holds it back; an app's would take fewer jobs above 80 % of a core. */
const UNLIMITED = { resourceLimits: { cpu: { maxUsage: 100000 }, memory: { maxMB: 1048576 } } };

class Stage {
  /** @param {string} [from] a closed database file, which is copied; without it the database is new */
  constructor(from) {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-bench-'));
    this.file = path.join(this.dir, 'app.db');
    if (from !== undefined) copyFlushed(from, this.file);
    /** @type {(() => unknown)[]} run backwards */
    this.ends = [];
    this.db = new BetterSqlite3(this.file, { timeout: 10000 });
    this.ends.push(() => this.db.close());
    this.db.pragma('journal_mode = WAL');
    this.db.pragma('synchronous = NORMAL');
    new Queue(this.db);
  }

  /** @param {import('../../js/testing/options.js').FakeOptions} options */
  async provider(options) {
    const fake = await startFakeProvider({ ...options, process: true });
    this.ends.push(() => fake.close());
    return fake;
  }

  /**
   * @param {Record<string, any>} config
   */
  async worker(config) {
    const onLog = (/** @type {string} */ _level, /** @type {string} */ line) => process.stderr.write(`${line}\n`);
    const worker = await startWorker({ database: this.file, logLevel: 'error', onLog, securityPolicy: UNLIMITED, providers: {}, ...config });
    this.ends.push(() => worker.stop({ deadlineMs: 0 }));
    return worker;
  }

  /**
   * Inserts rows in one transaction.
   * @param {number} count
   * @param {(index: number) => string} prompt
   */
  insert(count, prompt) {
    const insert = this.db.prepare("INSERT INTO llm_jobs (name, model, data) VALUES ('bench', 'fake/m', ?)");
    this.db.transaction(() => {
      for (let i = 0; i < count; i++) insert.run(JSON.stringify({ prompt: prompt(i) }));
    })();
  }

  /**
   * Waits until all rows have ended. Throws when one did not complete: figures of failed jobs would mean something else.
   * @param {number} limitMs
   */
  async allCompleted(limitMs) {
    const left = this.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status IN ('waiting', 'active', 'delayed')");
    const bad = this.db.prepare("SELECT error FROM llm_jobs WHERE status IN ('failed', 'cancelled') OR (status = 'delayed' AND error IS NOT NULL)");
    const end = Date.now() + limitMs;
    while (left.get().n > 0) {
      if (Date.now() > end) throw new Error(`${left.get().n} jobs had not ended after ${limitMs} ms`);
      await pause(20);
    }
    const row = bad.get();
    if (row !== undefined) throw new Error(`a job did not complete: ${row.error}`);
  }

  async close() {
    while (this.ends.length > 0) await this.ends.pop()?.();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

/**
 * What is measured next must not wait for a copy that is still on its way to the disk.
 * @param {string} from
 * @param {string} to
 */
function copyFlushed(from, to) {
  fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE);
  const copy = fs.openSync(to, 'r+');
  fs.fsyncSync(copy);
  fs.closeSync(copy);
}

/**
 * @template T
 * @param {(stage: Stage) => Promise<T>} work
 * @param {string} [from] the database file to begin with
 * @returns {Promise<T>}
 */
async function onStage(work, from) {
  const stage = new Stage(from);
  try {
    return await work(stage);
  } finally {
    await stage.close();
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

module.exports = { onStage, pause };
