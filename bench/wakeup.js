// SPDX-License-Identifier: MIT
'use strict';

/**
 * How long a committed row waits for its call, and what waiting costs.
 *
 * A process of its own inserts rows one by one with plain SQL, with gaps of random length so that no timer of the worker can fall
 * into step with them, and notes the time right after each commit. The provider, another process, notes when each request has
 * arrived whole. Both use the monotonic clock, which is the same for all processes of a Linux machine. So a delay here holds the
 * wake-up, the claim (a commit of its own), the request, and both ways through the loopback interface.
 */

const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { figure, quantile } = require('./lib/report.js');
const { onStage, pause } = require('./lib/stage.js');
const { workOf } = require('./lib/proc.js');

/** @import { Context, Figure, Result } from './lib/report.js' */

const WRITER = path.join(__dirname, 'lib', 'writer.js');
const GAP_MS = [5, 120];

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const inserts = quick ? 30 : 300;
  const idleS = quick ? 3 : 20;
  return onStage(async (stage) => {
    const fake = await stage.provider({ tokens: 5 });
    const worker = await stage.worker({ providers: { fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl } } });
    // The first calls open connections and warm every cache; users' first job pays that once per start.
    stage.insert(20, (i) => `warm${i}`);
    await stage.allCompleted(20000);

    /** @type {Figure[]} */
    const figures = [];
    for (const synchronous of ['NORMAL', 'FULL']) {
      note(`${inserts} inserts with synchronous=${synchronous}`);
      await fake.clear();
      const commits = await writeFrom(stage, { synchronous, inserts });
      await stage.allCompleted(20000);
      const arrivals = new Map((await fake.log()).map((one) => [one.body.messages[0].content, one.monotonicMs]));
      const delays = commits.map(({ prompt, at }) => {
        const arrival = arrivals.get(prompt);
        if (arrival === undefined) throw new Error(`the provider never saw ${prompt}`);
        return arrival - at;
      });
      delays.sort((one, other) => one - other);
      const name = `commit to request, ${synchronous} writer`;
      figures.push(
        figure(`${name}, p50`, quantile(delays, 0.5), 'ms', { budget: 2 }),
        figure(`${name}, p99`, quantile(delays, 0.99), 'ms', { budget: 10 }),
        figure(`${name}, max`, quantile(delays, 1), 'ms')
      );
    }

    note(`${idleS} s of idleness`);
    figures.push(...(await idle(worker.pid, idleS)));
    const { versions } = worker.ready;
    return {
      settings: {
        inserts: `${inserts} for each kind of writer, gaps of ${GAP_MS.join(' to ')} ms`,
        worker: `defaults, ${Object.entries(versions).map(([key, value]) => `${key} ${value}`).join(', ')}`,
        idle: `${idleS} s`,
      },
      figures,
    };
  });
}

/**
 * @param {{file: string, ends: (() => unknown)[]}} stage
 * @param {{synchronous: string, inserts: number}} options
 * @returns {Promise<{prompt: string, at: number}[]>} the time of each commit
 */
async function writeFrom(stage, { synchronous, inserts }) {
  const options = JSON.stringify({ file: stage.file, synchronous, inserts, gapMs: GAP_MS });
  const writer = fork(WRITER, [options], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  stage.ends.push(() => writer.kill('SIGKILL'));
  const exit = once(writer, 'exit').then(([code]) => {
    throw new Error(`the writing process ended with ${code} before it had written everything`);
  });
  const [message] = await Promise.race([once(writer, 'message'), exit]);
  exit.catch(() => {});
  return message;
}

/**
 * @param {number} pid
 * @param {number} seconds
 * @returns {Promise<Figure[]>}
 */
async function idle(pid, seconds) {
  // What the last jobs have left to do is not idleness.
  await pause(1000);
  const before = workOf(pid);
  const begun = process.hrtime.bigint();
  await pause(seconds * 1000);
  const after = workOf(pid);
  const ms = Number(process.hrtime.bigint() - begun) / 1e6;
  const share = (/** @type {number} */ cpuMs) => (cpuMs / ms) * 100;
  const busiest = [...after.threads]
    .map(([id, { name, cpuMs, switches }]) => {
      const old = before.threads.get(id) ?? { cpuMs: 0, switches: 0 };
      return { name, share: share(cpuMs - old.cpuMs), wakes: ((switches - old.switches) / ms) * 1000 };
    })
    .filter((one) => one.share >= 0.001)
    .sort((one, other) => other.share - one.share);
  return [
    figure('idle worker, CPU of one core', share(after.cpuMs - before.cpuMs), '%', { budget: 0.2 }),
    ...busiest.map((one) => figure(`  thread ${one.name}`, one.share, '%', { note: `${one.wakes.toFixed(1)} wake-ups a second` })),
    figure('  the same by /proc/PID/stat', share(after.tickCpuMs - before.tickCpuMs), '%', { note: 'in steps of 10 ms' }),
    figure('idle worker, wake-ups', ((after.switches - before.switches) / ms) * 1000, 'a second'),
  ];
}

module.exports = { about: 'commit in another process → request at the provider, and what an idle worker costs', run };
