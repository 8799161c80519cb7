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

/** @import { Context, Figure, Result } from './lib/report.js' */

const APP = path.join(__dirname, 'lib', 'app.js');
const PER_SECOND = 500;
const CONCURRENCY = 20;
const TOKENS = 50;
const WAYS = { own: 'INSERT into its own table', add: 'Queue.add' };

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const seconds = quick ? 2 : 20;
  const backlog = quick ? 40000 : 250000;
  /** @type {Figure[]} */
  const figures = [];
  for (const [way, means] of Object.entries(WAYS)) {
    note(`${means}, no worker`);
    const alone = await onStage((stage) => askChild(stage, APP, { file: stage.file, seconds: seconds / 4, perSecond: PER_SECOND, way }));
    figures.push(...appFigures(`${means}, no worker`, alone, false));
  }
  for (const stream of [false, true]) {
    for (const [way, means] of Object.entries(WAYS)) {
      const name = `${means}, ${stream ? `streams of ${TOKENS} tokens` : 'whole answers'}`;
      note(name);
      figures.push(...(await measure({ name, way, stream, seconds, backlog })));
    }
  }
  return {
    settings: {
      app: `${PER_SECOND} writes a second for ${seconds} s, synchronous=NORMAL, the default timeout of better-sqlite3`,
      worker: `concurrency ${CONCURRENCY}, ${backlog} jobs waiting; the provider answers at once, from a process of its own`,
    },
    figures,
  };
}

/**
 * @param {{name: string, way: string, stream: boolean, seconds: number, backlog: number}} plan
 * @returns {Promise<Figure[]>}
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
    const rate = (/** @type {string} */ key) => (after[key] - before[key]) / took;
    return [
      ...appFigures(name, app, true),
      figure('  worker: jobs', rate('completed'), 'a second'),
      figure('  worker: transactions', rate('writes'), 'a second', {
        note: `${(rate('completed') / rate('writes')).toFixed(1)} jobs in each; found the lock taken ${rate('busy').toFixed(1)} times a second`,
      }),
    ];
  });
}

/**
 * @param {string} name
 * @param {{p50: number, p99: number, max: number, over5Ms: number, count: number, busy: number, perSecond: number}} app
 * @param {boolean} judged
 * @returns {Figure[]}
 */
function appFigures(name, app, judged) {
  return [
    figure(`${name}, p50`, app.p50, 'ms', { note: `${app.perSecond.toFixed(0)} writes a second` }),
    figure(`${name}, p99`, app.p99, 'ms', judged ? { budget: 5 } : {}),
    figure(`${name}, worst`, app.max, 'ms', { note: `${app.over5Ms} of ${app.count} took more than 5 ms` }),
    figure(`${name}, SQLITE_BUSY`, app.busy, 'times', { budget: 0 }),
  ];
}

module.exports = { about: 'what 500 small writes a second of an app notice of a worker at full speed', run };
