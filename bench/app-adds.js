// SPDX-License-Identifier: MIT
'use strict';

/**
 * What an app notices when it adds jobs while its stack works off a backlog: how long add() takes, and how late the app is with
 * it, because whatever of the stack runs on the app's thread comes first. Rounds are interleaved.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setup } = require('../scripts/setup.js');
const { serving } = require('./peers/serving.js');
const { startNginx } = require('./lib/nginx.js');
const { figure, quantile, spread } = require('./lib/report.js');
const { openStand } = require('./lib/stand.js');

/** @import { Context, Figure, Result, Table } from './lib/report.js' */

const PER_SECOND = 200;
const CONCURRENCY = 20;
const LONG_MS = 5;
/** After the backlog was filled: what filling left behind is over, and the stack runs at its speed. */
const SETTLE_MS = 300;
const IDLE = 'llm-jobs, nothing else to do';

const busyNames = ['llm-jobs', 'loop+undici, woken', 'grouped+undici, woken', 'plainjob+undici', 'bullmq+undici'];
const names = [IDLE, ...busyNames];
/** Jobs for a second: more than the stack does in one. */
const BACKLOG = { 'bullmq+undici': 12000, others: 20000 };

/** @typedef {{p50: number, p99: number, worst: number}} Times in ms */
/** @typedef {{took: Times, late: Times, long: number, refused: number, jobsPerSecond: number}} Round `long` in % of the calls */

/** @param {number[]} all @returns {Times} */
function timesOf(all) {
  const sorted = [...all].sort((one, other) => one - other);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), worst: sorted[sorted.length - 1] };
}

/**
 * @param {string} name
 * @param {number} seconds
 * @param {string} url
 * @returns {Promise<Round>}
 */
async function measure(name, seconds, url) {
  const stack = name === IDLE ? 'llm-jobs' : name;
  const stand = await openStand(stack, { url, concurrency: CONCURRENCY });
  try {
    const perSecond = name === 'bullmq+undici' ? BACKLOG[name] : BACKLOG.others;
    const backlog = name === IDLE ? 0 : Math.ceil(perSecond * (seconds + SETTLE_MS / 1000));
    const { took, late, refused, ms, completed, left } = await stand.tell('busy', { backlog, perSecond: PER_SECOND, seconds, settleMs: SETTLE_MS });
    if (backlog > 0 && left < CONCURRENCY) throw new Error(`${name} had nothing left to do before the app had ended; its backlog of ${backlog} is too small`);
    const long = (took.filter((/** @type {number} */ one) => one > LONG_MS).length / took.length) * 100;
    return { took: timesOf(took), late: timesOf(late), long, refused, jobsPerSecond: (completed / ms) * 1000 };
  } finally {
    await stand.close();
  }
}

/** @param {Map<string, Round[]>} runs @returns {Table[]} */
function tablesOf(runs) {
  const table = (/** @type {string} */ id, /** @type {string} */ title, /** @type {string[]} */ columns, /** @type {((round: Round) => number)[]} */ cells) => ({
    id,
    title,
    columns: ['stack', ...columns],
    rows: [...runs].map(([name, rounds]) => ({ name, cells: cells.map((cell) => spread(rounds.map(cell))) })),
  });
  return [
    table(
      'call',
      'How long a call of add() takes; of BullMQ, until its promise is kept',
      ['p50 ms', 'p99 ms', 'worst ms', `over ${LONG_MS} ms, %`, 'SQLITE_BUSY', 'jobs/s meanwhile'],
      [(one) => one.took.p50, (one) => one.took.p99, (one) => one.took.worst, (one) => one.long, (one) => one.refused, (one) => one.jobsPerSecond],
    ),
    table('late', 'From the time at which the app wanted to add the job until it was added', ['p50 ms', 'p99 ms', 'worst ms'], [
      (one) => one.late.p50,
      (one) => one.late.p99,
      (one) => one.late.worst,
    ]),
  ];
}

/** @param {Map<string, Round[]>} runs @returns {Figure[]} */
function figuresOf(runs) {
  const median = (/** @type {string} */ name, /** @type {(round: Round) => number} */ of) => spread((runs.get(name) ?? []).map(of)).median;
  const own = (/** @type {(round: Round) => number} */ of) => median('llm-jobs', of);
  return [
    figure('llm-jobs: add() beside the busy worker, p99', own((one) => one.took.p99), 'ms', { budget: LONG_MS }),
    figure('llm-jobs: add() refused with SQLITE_BUSY', Math.max(...(runs.get('llm-jobs') ?? []).map((one) => one.refused)), 'times', { budget: 0 }),
    ...busyNames.slice(1).flatMap((name) => [
      figure(`p99 of add() as a multiple of ${name}`, own((one) => one.took.p99) / median(name, (one) => one.took.p99), '×'),
      figure(`p99 of the lateness as a multiple of ${name}`, own((one) => one.late.p99) / median(name, (one) => one.late.p99), '×'),
    ]),
  ];
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const rounds = quick ? 1 : 5;
  const seconds = quick ? 0.5 : 3;
  await setup({ comparing: true });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-nginx-'));
  const nginx = await startNginx(dir);
  const runs = new Map(names.map((name) => [name, /** @type {Round[]} */ ([])]));
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const [name, all] of runs) {
        note(`round ${round} of ${rounds}: ${name}`);
        all.push(await measure(name, seconds, nginx.plain));
      }
    }
  } finally {
    await nginx.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
  return {
    settings: {
      rounds: `${rounds}, interleaved; the tables show the median of the rounds and, in brackets, the lowest and the highest`,
      app: `${PER_SECOND} calls of add() a second for ${seconds} s; Node's timers know whole milliseconds, which is in the lateness of all`,
      load: `${CONCURRENCY} jobs at a time from a backlog that does not end, whole answers from nginx on the same machine`,
      [IDLE]: 'the same without a backlog, for comparison',
      ...Object.fromEntries(busyNames.map((name) => [name, `${serving[name].about}; ${serving[name].durability.usual}`])),
    },
    tables: tablesOf(runs),
    figures: figuresOf(runs),
  };
}

module.exports = { about: "an app's own add() at 200 a second beside the busy stack: how long the call takes and how late it is", run };
