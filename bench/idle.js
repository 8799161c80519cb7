// SPDX-License-Identifier: MIT
'use strict';

/**
 * What a stack costs that has nothing to do: its processes' CPU and wake-ups, with one and with many jobs in it that may not run
 * before next year. All stacks stand side by side and are measured at the same time, so that what else the machine does falls on
 * all; they sleep nearly always and do not notice each other.
 */

const path = require('node:path');
const fs = require('node:fs');
const os = require('node:os');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { setTimeout: pause } = require('node:timers/promises');
const { setup } = require('../scripts/setup.js');
const { serving } = require('./peers/serving.js');
const { startClockServer, PROGRAM } = require('./lib/clock-server.js');
const { monotonicMs } = require('./lib/clock.js');
const { workOf } = require('./lib/proc.js');
const { figure, spread } = require('./lib/report.js');
const { openStand } = require('./lib/stand.js');

/** @import { Context, Figure, Result } from './lib/report.js' */
/** @import { Stand } from './lib/stand.js' */

const CONCURRENCY = 5;
const EMPTY = path.join(__dirname, 'lib', 'empty.js');
const names = ['llm-jobs', 'loop+undici, woken', 'loop+undici, polling', 'plainjob+undici', 'bullmq+undici'];

/** @typedef {{cpu: number, ticks: number, wakes: number}} Cost % of one core by the scheduler and by /proc/PID/stat; wake-ups a second */

/**
 * @param {number[]} pids
 * @returns {{cpuMs: number, tickCpuMs: number, switches: number}}
 */
function workOfAll(pids) {
  const works = pids.map(workOf);
  const sum = (/** @type {'cpuMs' | 'tickCpuMs' | 'switches'} */ key) => works.reduce((all, one) => all + one[key], 0);
  return { cpuMs: sum('cpuMs'), tickCpuMs: sum('tickCpuMs'), switches: sum('switches') };
}

/**
 * @param {number[][]} groups of process ids
 * @param {number} seconds
 * @returns {Promise<Cost[]>} of each group
 */
async function watch(groups, seconds) {
  const before = groups.map(workOfAll);
  const begun = monotonicMs();
  await pause(seconds * 1000);
  const ms = monotonicMs() - begun;
  return groups.map((pids, i) => {
    const after = workOfAll(pids);
    return {
      cpu: ((after.cpuMs - before[i].cpuMs) / ms) * 100,
      wakes: ((after.switches - before[i].switches) / ms) * 1000,
      ticks: ((after.tickCpuMs - before[i].tickCpuMs) / ms) * 100,
    };
  });
}

/** The process of an app that does nothing. */
async function openEmpty() {
  const child = fork(EMPTY, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

/** @param {Cost} cost @param {Cost} empty @returns {Cost} */
const without = (cost, empty) => ({ cpu: cost.cpu - empty.cpu, ticks: cost.ticks - empty.ticks, wakes: cost.wakes - empty.wakes });

/** @typedef {{name: string, jobs: number, stand: Stand, whole: Cost[], worker: Cost[]}} Sleeper `worker`: its processes beside the app's */

/**
 * @param {Sleeper[]} sleepers
 * @param {number[]} counts
 * @returns {import('./lib/report.js').Table}
 */
function tableOf(sleepers, counts) {
  const cells = (/** @type {string} */ name, /** @type {number} */ jobs) => {
    const { whole } = /** @type {Sleeper} */ (sleepers.find((one) => one.name === name && one.jobs === jobs));
    return [spread(whole.map((one) => one.cpu)), spread(whole.map((one) => one.wakes))];
  };
  const shown = (/** @type {number} */ jobs) => `${jobs.toLocaleString('en')} ${jobs === 1 ? 'job' : 'jobs'}`;
  return {
    id: 'idle',
    title: 'What a whole stack costs that waits',
    columns: ['stack', ...counts.flatMap((jobs) => [`${shown(jobs)}: CPU of one core, %`, 'wake-ups a second'])],
    rows: names.map((name) => ({ name, cells: counts.flatMap((jobs) => cells(name, jobs)) })),
  };
}

/** @param {Sleeper[]} sleepers @returns {Figure[]} */
function figuresOf(sleepers) {
  const median = (/** @type {Cost[]} */ costs, /** @type {keyof Cost} */ key) => spread(costs.map((one) => one[key])).median;
  return sleepers
    .filter(({ name }) => name === 'llm-jobs')
    .flatMap(({ jobs, whole, worker }) => {
      const beside = `llm-jobs, ${jobs.toLocaleString('en')} waiting`;
      return [
        figure(`${beside}: CPU of one core`, median(whole, 'cpu'), '%', { budget: 0.2 }),
        figure("  of that the worker's process", median(worker, 'cpu'), '%', { note: `${median(worker, 'wakes').toFixed(1)} wake-ups a second` }),
        figure('  the whole by /proc/PID/stat', median(whole, 'ticks'), '%', { note: 'in steps of 10 ms' }),
      ];
    });
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const windows = quick ? 1 : 5;
  const seconds = quick ? 2 : 10;
  const counts = [1, quick ? 1000 : 100000];
  await setup({ comparing: true, parts: ['addon', PROGRAM] });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-idle-'));
  const server = await startClockServer(dir);
  const empty = await openEmpty();
  /** @type {Sleeper[]} */
  const sleepers = [];
  try {
    for (const jobs of counts) {
      for (const name of names) {
        note(`${name} with ${jobs} jobs`);
        const stand = await openStand(name, { url: server.url, concurrency: CONCURRENCY });
        sleepers.push({ name, jobs, stand, whole: [], worker: [] });
        await stand.tell('later', { count: jobs });
      }
    }
    // What starting and filling have left to do is not idleness; collectors and stores come to it after a while.
    await pause(quick ? 1000 : 10000);
    const emptyPid = /** @type {number} */ (empty.pid);
    const groups = sleepers.flatMap(({ stand }) => [[stand.app, ...stand.others], stand.others]);
    for (let i = 1; i <= windows; i++) {
      note(`window ${i} of ${windows}, ${seconds} s`);
      const [nothing, ...costs] = await watch([[emptyPid], ...groups], seconds);
      sleepers.forEach(({ whole, worker }, k) => {
        whole.push(without(costs[2 * k], nothing));
        worker.push(costs[2 * k + 1]);
      });
    }
  } finally {
    empty.kill();
    for (const { stand } of sleepers) await stand.close();
    server.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
  return {
    settings: {
      windows: `${windows} of ${seconds} s, all stacks at the same time; the table shows the median and, in brackets, the lowest and the highest`,
      'what is counted': "all processes of the stack, its Redis and the app's, less an empty Node process; CPU by the scheduler's own count, a wake-up is a voluntary switch",
      'jobs that wait': `may not run before next year: a delay (llm-jobs, BullMQ, plainjob), a column run_at with an index (the loops); ${CONCURRENCY * 4} more are completed`,
      concurrency: `${CONCURRENCY}; plainjob: ${CONCURRENCY} workers`,
      ...Object.fromEntries(names.map((name) => [name, serving[name].about])),
    },
    tables: [tableOf(sleepers, counts)],
    figures: figuresOf(sleepers),
  };
}

module.exports = { about: 'what a stack costs that waits: CPU and wake-ups, against four other stacks', run };
