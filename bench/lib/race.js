// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { peers } = require('../peers/index.js');
const { startRedis } = require('./redis.js');
const { memoryOf, workOf, TICK_MS } = require('./proc.js');

/**
 * @typedef {object} Run
 * @property {number} jobsPerSecond
 * @property {number} cpuPerThousand seconds of all of the stack's processes, its Redis included, for 1,000 jobs
 * @property {number} peakMb of all of its processes together, each at its own peak
 * @property {number} loopP50 how late the event loop of the process that would be the app's was, ms
 * @property {number} loopP99
 */

/**
 * One run of one stack in processes of its own, in a new folder. Throws when a job is missing afterwards.
 * @param {string} name of bench/peers/index.js
 * @param {{url: string, stream: boolean, concurrency: number, full: boolean, jobs: number, warm: number}} options
 * @returns {Promise<Run>}
 */
async function race(name, options) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-race-'));
  const redis = peers[name].redis ? await startRedis(dir, options.full) : null;
  const child = fork(path.join(__dirname, 'contestant.js'), [JSON.stringify({ name, dir, redisPort: redis?.port ?? 0, ...options })], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exit = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name} ended with ${code ?? signal} before it had done its work`);
  });
  const next = async () => (await Promise.race([once(child, 'message'), exit]))[0];
  try {
    const { pids } = await next();
    const all = [/** @type {number} */ (child.pid), ...pids, ...(redis === null ? [] : [redis.pid])];
    const before = all.map((pid) => workOf(pid).tickCpuMs);
    child.send('go');
    const { ms, loopP50, loopP99 } = await next();
    // A short run may end between two ticks; it has not cost nothing.
    const cpuMs = Math.max(TICK_MS, all.reduce((sum, pid, i) => sum + workOf(pid).tickCpuMs - before[i], 0));
    const peakMb = all.reduce((sum, pid) => sum + memoryOf(pid).peakMb, 0);
    child.send('end');
    const { stored } = await next();
    if (stored !== options.jobs + options.warm) throw new Error(`${name} has stored ${stored} of ${options.jobs + options.warm} results`);
    return { jobsPerSecond: (options.jobs / ms) * 1000, cpuPerThousand: cpuMs / options.jobs, peakMb, loopP50, loopP99 };
  } finally {
    const ended = exit.catch(() => {});
    if (child.exitCode === null && child.signalCode === null && child.connected === false) child.kill('SIGKILL');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
    await redis?.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

module.exports = { race };
