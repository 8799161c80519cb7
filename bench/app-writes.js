// SPDX-License-Identifier: MIT
'use strict';

/**
 * What an app that writes to its own database notices of a worker at full speed: the time of each small write, with the busy
 * timeout that its driver comes with.
 */

const path = require('node:path');
const { askChild } = require('./lib/child.js');
const { figure } = require('./lib/report.js');
const { onStage, pause } = require('./lib/stage.js');

/** @import { Context, Result, Table } from './lib/report.js' */

const APP = path.join(__dirname, 'lib', 'app.js');
const PER_SECOND = 500;
const CONCURRENCY = 20;
const TOKENS = 50;
const WAYS = { own: 'INSERT into its own table', add: 'Queue.add' };

/** @typedef {{p50: number, p99: number, max: number, over5Ms: number, count: number, busy: number, perSecond: number}} App */
/** @typedef {{name: string, app: App, jobs: number, transactions: number}} Measured without a worker there are no jobs */

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const seconds = quick ? 2 : 20;
  const backlog = quick ? 40000 : 250000;
  /** @type {Measured[]} */
  const all = [];
  for (const [way, means] of Object.entries(WAYS)) {
    note(`${means}, no worker`);
    const app = await onStage((stage) => askChild(stage, APP, { file: stage.file, seconds: seconds / 4, perSecond: PER_SECOND, way }));
    all.push({ name: `${means}, no worker`, app, jobs: 0, transactions: 0 });
  }
  for (const stream of [false, true]) {
    for (const [way, means] of Object.entries(WAYS)) {
      const name = `${means}, ${stream ? `streams of ${TOKENS} tokens` : 'whole answers'}`;
      note(name);
      all.push(await measure({ name, way, stream, seconds, backlog }));
    }
  }
  return {
    settings: {
      app: `${PER_SECOND} writes a second for ${seconds} s, synchronous=NORMAL, the default timeout of better-sqlite3`,
      worker: `concurrency ${CONCURRENCY}, ${backlog} jobs waiting; the provider answers at once, from a process of its own`,
    },
    tables: [tableOf(all)],
    figures: [
      ...all.filter(({ jobs }) => jobs > 0).map(({ name, app }) => figure(`${name}, p99`, app.p99, 'ms', { budget: 5 })),
      figure('SQLITE_BUSY in all', all.reduce((sum, { app }) => sum + app.busy, 0), 'times', { budget: 0 }),
    ],
  };
}

/**
 * @param {{name: string, way: string, stream: boolean, seconds: number, backlog: number}} plan
 * @returns {Promise<Measured>}
 */
function measure({ name, way, stream, seconds, backlog }) {
  return onStage(async (stage) => {
    const fake = await stage.provider({ tokens: TOKENS, maxLog: 100 });
    stage.db
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO llm_jobs (name, model, data) SELECT 'bench', 'fake/m', ? FROM n`
      )
      .run(backlog, JSON.stringify({ prompt: 'A question of some length, as in a short chat.', stream }));
    stage.db.pragma('wal_checkpoint(TRUNCATE)');
    const worker = await stage.worker({
      concurrency: CONCURRENCY,
      providers: { fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl } },
    });
    await pause(1000);
    const before = await worker.stats();
    const begun = process.hrtime.bigint();
    const app = await askChild(stage, APP, { file: stage.file, seconds, perSecond: PER_SECOND, way });
    const after = await worker.stats();
    const took = Number(process.hrtime.bigint() - begun) / 1e9;
    const { n: left } = stage.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'waiting'").get();
    if (left === 0) throw new Error('the worker had nothing left to do before the app had ended; its backlog is too small');
    const rate = (/** @type {'completed' | 'writes'} */ key) => (after[key] - before[key]) / took;
    return { name, app, jobs: rate('completed'), transactions: rate('writes') };
  });
}

/** @param {Measured[]} all @returns {Table} */
function tableOf(all) {
  return {
    id: 'writes',
    title: 'how long a write keeps the thread of the app',
    columns: ['the app writes, the worker runs', 'p50 ms', 'p99 ms', 'worst ms', 'over 5 ms, %', "worker's jobs/s", 'its transactions/s'],
    rows: all.map(({ name, app, jobs, transactions }) => {
      const cells = [app.p50, app.p99, app.max, (app.over5Ms / app.count) * 100, jobs, transactions];
      return { name, cells: cells.map((value) => ({ median: value, low: value, high: value })) };
    }),
  };
}

module.exports = { about: 'what 500 small writes a second of an app notice of a worker at full speed', run };
