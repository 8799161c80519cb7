// SPDX-License-Identifier: MIT
'use strict';

/**
 * The whole way, "row in, HTTP call, result stored", of this package and of what a Node developer would build instead, each in
 * processes of its own against one nginx with canned answers. Rounds are interleaved: each stack runs once in each, so that a
 * noisy minute hits all of them.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setup } = require('../scripts/setup');
const { peers } = require('./peers/index.js');
const { PROGRAM } = require('./peers/bare-c.js');
const { startNginx, TOKENS } = require('./lib/nginx.js');
const { race } = require('./lib/race.js');
const { figure, spread } = require('./lib/report.js');

/** @import { Context, Figure, Result, Table } from './lib/report.js' */
/** @import { Run } from './lib/race.js' */

/** @typedef {{shape: 'plain' | 'stream', concurrency: number, full: boolean, jobs: number, names: string[]}} Heat */

const names = Object.keys(peers);
/** Those whose results must survive a power cut; in memory and with fetch the difference would drown in the rest. */
const durable = names.filter((name) => name.endsWith('undici') || name === 'llm-jobs');

/** Long enough for about a second each. @type {Heat[]} */
const heats = [
  { shape: 'plain', concurrency: 1, full: false, jobs: 500, names },
  { shape: 'plain', concurrency: 10, full: false, jobs: 3000, names },
  { shape: 'plain', concurrency: 100, full: false, jobs: 5000, names },
  { shape: 'stream', concurrency: 1, full: false, jobs: 200, names },
  { shape: 'stream', concurrency: 10, full: false, jobs: 800, names },
  { shape: 'stream', concurrency: 100, full: false, jobs: 1500, names },
  { shape: 'plain', concurrency: 10, full: true, jobs: 2000, names: durable },
  { shape: 'plain', concurrency: 100, full: true, jobs: 4000, names: durable },
];

const quickHeats = heats.filter((heat) => heat.concurrency === 10).map((heat) => ({ ...heat, jobs: 60 }));

/** @param {Heat} heat */
function titleOf({ shape, concurrency, full, jobs }) {
  const answers = shape === 'plain' ? 'whole answers' : `streams of ${TOKENS} tokens`;
  return `${answers}, ${concurrency} at a time${full ? ', everything flushed' : ''} (${jobs} jobs)`;
}

/**
 * @param {Heat} heat
 * @param {Map<string, Run[]>} runs
 * @returns {Table}
 */
function tableOf(heat, runs) {
  const of = (/** @type {string} */ name, /** @type {keyof Run} */ key) => spread((runs.get(name) ?? []).map((run) => run[key]));
  const keys = /** @type {const} */ (['jobsPerSecond', 'cpuPerThousand', 'peakMb', 'loopP50', 'loopP99']);
  const { shape, concurrency, full } = heat;
  return {
    id: `${shape} ${concurrency}${full ? ' flushed' : ''}`,
    title: titleOf(heat),
    full,
    columns: ['stack', 'jobs/s', 'CPU s per 1,000 jobs', 'peak MB', 'app loop late p50 ms', 'p99 ms'],
    rows: heat.names.map((name) => ({ name, cells: keys.map((key) => of(name, key)) })),
  };
}

/** The budgets of design §12 that compare. @param {Heat} heat @param {Map<string, Run[]>} runs @returns {Figure[]} */
function budgetsOf({ shape, concurrency, full }, runs) {
  if (full || concurrency === 1) return [];
  const median = (/** @type {string} */ name, /** @type {keyof Run} */ key) => spread((runs.get(name) ?? []).map((run) => run[key])).median;
  const speed = (/** @type {string} */ other) => median('llm-jobs', 'jobsPerSecond') / median(other, 'jobsPerSecond');
  const cpu = (/** @type {string} */ other) => median('llm-jobs', 'cpuPerThousand') / median(other, 'cpuPerThousand');
  const where = `${shape}, ${concurrency} at a time`;
  const slow = names.filter((name) => name.endsWith('+sdk') || name.endsWith('+fetch'));
  const fastest = slow.reduce((best, name) => (median(name, 'jobsPerSecond') > median(best, 'jobsPerSecond') ? name : best));
  const leanest = names.filter((name) => name.endsWith('+sdk')).reduce((best, name) => (median(name, 'cpuPerThousand') < median(best, 'cpuPerThousand') ? name : best));
  return [
    figure(`jobs/s as a multiple of bullmq+undici, ${where}`, speed('bullmq+undici'), '×', { least: concurrency === 10 ? 2 : 3.5 }),
    figure(`jobs/s as a multiple of the fastest on fetch or the SDK, ${where}`, speed(fastest), '×', { least: 6, note: fastest }),
    figure(`jobs/s as a multiple of the bare C loop, ${where}`, speed('bare C loop'), '×', { least: 0.75 }),
    figure(`jobs/s as a multiple of the hand-written loop with group commit, ${where}`, speed('grouped+undici'), '×'),
    figure(`CPU per job as a share of bullmq+undici, ${where}`, cpu('bullmq+undici'), '×', { budget: 0.25 }),
    figure(`CPU per job as a share of the leanest on the SDK, ${where}`, cpu(leanest), '×', { budget: 0.125, note: leanest }),
    figure(`CPU per job as a multiple of the bare C loop, ${where}`, cpu('bare C loop'), '×', { budget: 1.3 }),
  ];
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const rounds = quick ? 1 : 5;
  await setup({ comparing: true, parts: ['addon', PROGRAM] });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-nginx-'));
  const nginx = await startNginx(dir);
  const tables = [];
  const figures = [];
  try {
    for (const heat of quick ? quickHeats : heats) {
      const runs = new Map(heat.names.map((name) => [name, /** @type {Run[]} */ ([])]));
      for (let round = 0; round < rounds; round++) {
        for (const name of heat.names) {
          note(`${titleOf(heat)}: round ${round + 1} of ${rounds}, ${name}`);
          const { shape, concurrency, full, jobs } = heat;
          const options = { url: nginx[shape], stream: shape === 'stream', concurrency, full, jobs, warm: Math.min(jobs, 200) };
          runs.get(name)?.push(await race(name, options));
        }
      }
      tables.push(tableOf(heat, runs));
      figures.push(...budgetsOf(heat, runs));
    }
  } finally {
    await nginx.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
  return { settings: settingsOf(rounds), tables, figures };
}

/** @param {number} rounds */
function settingsOf(rounds) {
  return {
    rounds: `${rounds}, interleaved; the table shows the median and, in brackets, the lowest and the highest`,
    endpoint: 'nginx with one worker, keep-alive, canned answers of 1,000 characters, on the same machine',
    'CPU and memory': "of the app's process and all others of the stack (the worker, Redis), without nginx",
    ...Object.fromEntries(names.map((name) => [name, `${peers[name].about}; ${peers[name].durability.usual}; flushed: ${peers[name].durability.full}`])),
  };
}

module.exports = { about: 'row in → call → stored result, of this package and of nine other stacks', run };
