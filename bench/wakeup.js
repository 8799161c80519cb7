// SPDX-License-Identifier: MIT
'use strict';

/**
 * How long a committed row waits for its call (lib/delays.js says what that holds), and what waiting costs.
 */

const { figure } = require('./lib/report.js');
const { measureDelays } = require('./lib/delays.js');
const { onStage, pause } = require('./lib/stage.js');
const { workOf } = require('./lib/proc.js');

/** @import { Context, Figure, Result } from './lib/report.js' */

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
      const { p50, p99, max } = await measureDelays(stage, fake, { synchronous, inserts, gapMs: GAP_MS });
      await stage.allCompleted(20000);
      const name = `commit to request, ${synchronous} writer`;
      figures.push(
        figure(`${name}, p50`, p50, 'ms', { budget: 2 }),
        figure(`${name}, p99`, p99, 'ms', { budget: 10 }),
        figure(`${name}, max`, max, 'ms')
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
