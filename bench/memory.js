// SPDX-License-Identifier: MIT
'use strict';

/**
 * What the worker's process weighs, and whether it grows: thousands of streamed jobs over https against a provider in another
 * process, while Linux is asked for the worker's memory between batches. An empty process, forked in the same way, is the
 * floor. Threads are counted while 1 and while 200 streams are open.
 */

const fs = require('node:fs');
const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { figure } = require('./lib/report.js');
const { onStage, pause } = require('./lib/stage.js');
const { memoryOf, threadsOf } = require('./lib/proc.js');
const { makeCertificates } = require('./lib/tls.js');

/** @import { Context, Figure, Result } from './lib/report.js' */

const TOKENS = 50;
const CONCURRENCY = 20;
const STREAMS = 200;
/** Growth over a full run that counts as flat: pages of the allocator come and go. */
const FLAT_MB = 1;
/** After about a second the worker gives back what only its start has needed; users' workers live longer than that. */
const SETTLE_MS = 2000;

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const jobs = quick ? 500 : 10000;
  const batch = quick ? 100 : 1000;
  return onStage(async (stage) => {
    const { tls, caFile, authorities } = makeCertificates(stage.dir);
    const fake = await stage.provider({ tls, tokens: TOKENS, maxLog: 1000 });
    const providers = { fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl, caFile } };
    const empty = await emptyFork(stage.dir);

    // 1. Growth
    const worker = await stage.worker({ providers, concurrency: CONCURRENCY });
    const pid = /** @type {number} */ (worker.pid);
    const start = memoryOf(pid);
    await pause(SETTLE_MS);
    const settled = memoryOf(pid);
    const samples = [];
    for (let done = batch; done <= jobs; done += batch) {
      stage.insert(batch, (i) => `Job ${i} says a few words`);
      await stage.allCompleted(120000);
      await pause(100);
      samples.push({ jobs: done, ...memoryOf(pid) });
      note(`${done} jobs: ${samples.at(-1)?.rssMb.toFixed(1)} MB`);
    }
    const last = samples[samples.length - 1];
    const slope = slopeOf(samples.map((one) => [one.jobs / 1000, one.rssMb]));
    const versions = worker.ready?.versions ?? {};
    await worker.stop();

    // 2. Threads
    const threads = await countThreads(stage, tls, caFile, note);

    return {
      settings: {
        jobs: `${jobs} over https, ${TOKENS} tokens each, streamed, ${CONCURRENCY} at a time; a sample every ${batch}`,
        trusted: `${authorities} authorities in caFile`,
        worker: Object.entries(versions).map(([key, value]) => `${key} ${value}`).join(', '),
        'RSS by sample, MB': samples.map((one) => one.rssMb.toFixed(1)).join(' '),
      },
      figures: [
        figure('empty fork, RSS', empty.rssMb, 'MB', { note: told(empty) }),
        figure('worker when ready, RSS', start.rssMb, 'MB', { note: told(start) }),
        figure(`worker ${SETTLE_MS / 1000} s later, RSS`, settled.rssMb, 'MB', { note: told(settled) }),
        figure(`worker after ${jobs} jobs, RSS`, last.rssMb, 'MB', { budget: 50, note: told(last) }),
        figure('worker over the empty fork, RSS', last.rssMb - empty.rssMb, 'MB', { budget: 6 }),
        // RSS holds pages of program code, which come and go and which all Node processes share; these are the worker's own.
        figure('worker over the empty fork, anonymous', last.anonymousMb - empty.anonymousMb, 'MB', { budget: 6 }),
        figure('growth over the run', (slope * jobs) / 1000, 'MB', {
          // A short run sees little but what is allocated once.
          budget: quick ? undefined : FLAT_MB,
          note: `${(slope * 1024).toFixed(1)} KB for each 1,000 jobs`,
        }),
        figure('worker, highest RSS since its start', last.peakMb, 'MB'),
        ...threads,
      ],
    };
  });
}

/** @param {{pssMb: number, anonymousMb: number}} memory */
const told = ({ pssMb, anonymousMb }) => `PSS ${pssMb.toFixed(1)}, anonymous ${anonymousMb.toFixed(1)}`;

/**
 * What any forked Node process weighs, with a channel to its parent and nothing else.
 * @param {string} dir
 */
async function emptyFork(dir) {
  const file = path.join(dir, 'empty.js');
  fs.writeFileSync(file, "process.on('message', () => {});\nprocess.on('disconnect', () => process.exit(0));\nprocess.send('up');\n");
  const child = fork(file, [], { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  await once(child, 'message');
  await pause(500);
  const memory = memoryOf(/** @type {number} */ (child.pid));
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
  return memory;
}

/**
 * The slope of the line that fits best. The first sample is left out: it holds what is allocated once.
 * @param {number[][]} points
 */
function slopeOf(points) {
  const used = points.slice(1);
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(used.map((point) => point[0]));
  const y = mean(used.map((point) => point[1]));
  const above = used.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / used.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

/**
 * @param {any} stage
 * @param {{key: string, cert: string}} tls
 * @param {string} caFile
 * @param {(line: string) => void} note
 * @returns {Promise<Figure[]>}
 */
async function countThreads(stage, tls, caFile, note) {
  const slow = await stage.provider({ tls, tokens: 20, firstTokenMs: 500, tokenMs: 100, maxLog: 0 });
  const fake = { kind: 'openai-compatible', baseUrl: slow.openaiUrl, caFile };
  const worker = await stage.worker({ providers: { fake }, concurrency: STREAMS });
  const pid = /** @type {number} */ (worker.pid);
  const counts = [];
  for (const streams of [1, STREAMS]) {
    stage.insert(streams, (/** @type {number} */ i) => `Stream ${i}`);
    const end = Date.now() + 30000;
    while ((await slow.stats()).open < streams) {
      if (Date.now() > end) throw new Error(`only ${(await slow.stats()).open} of ${streams} streams were open at a time`);
      await pause(10);
    }
    counts.push({ streams, threads: threadsOf(pid), ...memoryOf(pid) });
    note(`${streams} streams: ${counts.at(-1)?.threads} threads`);
    await stage.allCompleted(60000);
  }
  const [one, many] = counts;
  return [
    figure('threads at 1 stream', one.threads, ''),
    figure(`threads at ${STREAMS} streams`, many.threads, '', { budget: one.threads }),
    figure(`worker at ${STREAMS} open https streams, RSS`, many.rssMb, 'MB', { note: told(many) }),
  ];
}

module.exports = { about: "memory of the worker's process over 10,000 streamed https jobs, and its threads at 1 and 200 streams", run };
