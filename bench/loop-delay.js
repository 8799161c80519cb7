// SPDX-License-Identifier: MIT
'use strict';

/**
 * How late JavaScript's event loops are while the worker does all it can: the worker's own, and that of the app's process, which
 * does nothing here but hear the worker's events. The provider is nginx, which answers at once.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setup } = require('../scripts/setup.js');
const { watchLateness, STEP_MS } = require('./lib/lateness.js');
const { startNginx, TOKENS } = require('./lib/nginx.js');
const { figure } = require('./lib/report.js');
const { onStage, pause } = require('./lib/stage.js');

/** @import { Context, Figure, Result } from './lib/report.js' */

const ENTRY = path.join(__dirname, 'lib', 'measured-worker.js');

/**
 * @param {{name: string, stream: boolean, tokens: boolean}} kind
 * @param {{concurrency: number, seconds: number}} plan
 * @param {string} baseUrl
 * @returns {Promise<Figure[]>}
 */
function measure({ name, stream, tokens }, { concurrency, seconds }, baseUrl) {
  return onStage(async (stage) => {
    /** @type {(line: string) => void} */
    let onLine = () => {};
    const worker = await stage.worker({
      concurrency,
      entry: ENTRY,
      providers: { bench: { kind: 'openai-compatible', baseUrl } },
      onLog: (/** @type {string} */ level, /** @type {string} */ line) => (line.startsWith('loop ') ? onLine(line) : level !== 'debug' && process.stderr.write(`${line}\n`)),
    });
    if (tokens) await worker.subscribe({ tokens: true });
    worker.on('token', () => {});
    const insert = stage.db.prepare(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO llm_jobs (name, model, data) SELECT 'bench', 'bench/m', json_object('prompt', 'A question.', 'stream', json(?)) FROM n`);
    insert.run(seconds * 15000, String(stream));
    // The burst of the insert and of the first calls is over.
    await pause(1000);
    const before = await worker.stats();
    const begun = performance.now();
    process.kill(/** @type {number} */ (worker.pid), 'SIGUSR2');
    const end = watchLateness();
    await pause(seconds * 1000);
    const inApp = end();
    const told = new Promise((resolve) => (onLine = resolve));
    process.kill(/** @type {number} */ (worker.pid), 'SIGUSR2');
    const inWorker = /** @type {import('./lib/lateness.js').Late} */ (JSON.parse(String(await told).slice(5)));
    const after = await worker.stats();
    if (after.completed === before.completed) throw new Error('no job was completed');
    return [
      figure(`jobs a second, ${name}`, (after.completed - before.completed) / ((performance.now() - begun) / 1000), 'a second'),
      figure(`the worker's JavaScript thread, p99, ${name}`, inWorker.p99, 'ms', { budget: 2 }),
      figure(`the app's main thread, p99, ${name}`, inApp.p99, 'ms', { budget: 2 }),
      figure(`the worker's JavaScript thread without its waits for a core, p99, ${name}`, inWorker.ownP99, 'ms'),
      figure(`the app's main thread without its waits for a core, p99, ${name}`, inApp.ownP99, 'ms'),
      figure(`the worker's JavaScript thread, worst, ${name}`, inWorker.max, 'ms'),
      figure(`the app's main thread, worst, ${name}`, inApp.max, 'ms'),
    ];
  });
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const plan = { concurrency: quick ? 10 : 100, seconds: quick ? 1 : 8 };
  await setup({ comparing: true });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-loop-'));
  const nginx = await startNginx(dir);
  const kinds = [
    { name: 'whole answers', stream: false, tokens: false },
    { name: 'streams', stream: true, tokens: false },
    { name: 'streams that the app follows', stream: true, tokens: true },
  ];
  const figures = [];
  try {
    for (const kind of kinds) {
      note(kind.name);
      figures.push(...(await measure(kind, plan, kind.stream ? nginx.stream : nginx.plain)));
    }
  } finally {
    await nginx.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
  return {
    settings: {
      load: `${plan.concurrency} jobs at a time from a backlog, for ${plan.seconds} s; streams of ${TOKENS} tokens that come at once`,
      delays: `how much later than it should a timer of ${STEP_MS} ms fires`,
      'waits for a core': 'as the kernel counts them (schedstat); the steps of the timer, whole milliseconds, stay in what is left',
    },
    figures,
  };
}

module.exports = { about: "how late JavaScript's event loops are at full load, in the worker and in the app", run };
