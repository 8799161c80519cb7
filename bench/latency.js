// SPDX-License-Identifier: MIT
'use strict';

/**
 * How long a job waits for its call, and its answer for being a result that others can read: of this package and of what one
 * would build instead. One job at a time or few; bench/app-adds.js has the load. The endpoint keeps time by the monotonic clock,
 * which all processes share. Rounds are interleaved: each stack runs once in each.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setup } = require('../scripts/setup.js');
const { serving } = require('./peers/serving.js');
const { startClockServer, PROGRAM } = require('./lib/clock-server.js');
const { figure, quantile, spread } = require('./lib/report.js');
const { openStand } = require('./lib/stand.js');

/** @import { Context, Figure, Result, Spread, Table } from './lib/report.js' */

/** Short enough for many samples, long enough for a stack to have gone back to sleep. */
const GAP_MS = [5, 100];
const SPARSE_GAP_MS = [20, 60];
const DENSE_GAP_MS = [2, 20];
const CONCURRENCY = 5;

const names = ['llm-jobs', 'loop+undici, woken', 'loop+undici, polling', 'plainjob+undici', 'bullmq+undici'];
/** Those whose results must survive a power cut; what polls waits longer than any disk takes. */
const flushed = ['llm-jobs', 'loop+undici, woken', 'bullmq+undici'];

/** @typedef {{fromReturn: number[], fromCall: number[], sparse: number[], dense: number[], everyMs: number, everyMsP99: number, share: number}} Round times in ms */

/**
 * @param {string} name
 * @param {{full: boolean, seed: number, count: number, singles: number, limitMs: number}} plan
 * @param {Awaited<ReturnType<typeof startClockServer>>} server
 * @returns {Promise<Round>}
 */
async function measure(name, { full, seed, count, singles, limitMs }, server) {
  const stand = await openStand(name, { url: server.url, concurrency: CONCURRENCY, full });
  try {
    /** @type {{number: number, called: number, returned: number}[]} */
    const adds = await stand.tell('steady', { first: 1, count, seed, gapMs: GAP_MS });
    const single = (/** @type {number} */ first, /** @type {number[]} */ gapMs) => stand.tell('single', { first, count: singles, seed, gapMs, limitMs });
    const sparse = await single(count + 1, SPARSE_GAP_MS);
    const dense = await single(count + singles + 1, DENSE_GAP_MS);
    const notes = await server.notes();
    const noteOf = (/** @type {number} */ number) => {
      const note = notes.get(number);
      if (note === undefined) throw new Error(`the endpoint has not seen job ${number} of ${name}`);
      return note;
    };
    const delays = (/** @type {{number: number, at: number}[]} */ seen) => seen.map(({ number, at }) => at - noteOf(number).sent);
    return {
      fromReturn: adds.map(({ number, returned }) => noteOf(number).came - returned),
      fromCall: adds.map(({ number, called }) => noteOf(number).came - called),
      sparse: delays(sparse.seen),
      dense: delays(dense.seen),
      ...sparse.resolution,
    };
  } finally {
    await stand.close();
  }
}

/** Of each round its median; of all rounds together what is rare. @param {Round[]} rounds @param {'fromReturn' | 'fromCall' | 'sparse' | 'dense'} key */
function times(rounds, key) {
  const ordered = (/** @type {number[]} */ all) => [...all].sort((one, other) => one - other);
  const all = ordered(rounds.flatMap((round) => round[key]));
  return {
    count: all.length,
    p50: spread(rounds.map((round) => quantile(ordered(round[key]), 0.5))),
    p99: quantile(all, 0.99),
    worst: all[all.length - 1],
  };
}

const exactly = (/** @type {number} */ value) => /** @type {Spread} */ ({ median: value, low: value, high: value });

/**
 * @param {Map<string, Round[]>} runs
 * @param {boolean} full
 * @returns {Table[]}
 */
function tablesOf(runs, full) {
  const how = full ? ', everything flushed' : '';
  const table = (
    /** @type {string} */ id,
    /** @type {string} */ title,
    /** @type {'fromReturn' | 'sparse' | 'dense'} */ key,
    /** @type {string[]} */ columns = [],
    /** @type {((rounds: Round[]) => Spread)[]} */ more = [],
  ) => ({
    id: `${id}${full ? ' full' : ''}`,
    title: `${title}${how}`,
    full,
    columns: ['stack', 'p50 ms', 'p99 ms', 'worst ms', ...columns, 'jobs'],
    rows: [...runs].map(([name, rounds]) => {
      const { count, p50, p99, worst } = times(rounds, key);
      return { name, cells: [p50, exactly(p99), exactly(worst), ...more.map((cell) => cell(rounds)), exactly(count)] };
    }),
  });
  const result = 'Last byte of the answer to a result that another process can read';
  return [
    table('to wire', 'Commit of a job to its request at the endpoint', 'fromReturn', ['p50 from the call of add ms'], [(rounds) => times(rounds, 'fromCall').p50]),
    table('to result', `${result}, gaps of ${SPARSE_GAP_MS.join(' to ')} ms`, 'sparse'),
    table('to result dense', `${result}, gaps of ${DENSE_GAP_MS.join(' to ')} ms`, 'dense'),
  ];
}

/** @param {Map<string, Round[]>} runs @param {boolean} full @returns {Figure[]} */
function figuresOf(runs, full) {
  const how = full ? ', writer with synchronous=FULL' : '';
  const own = runs.get('llm-jobs') ?? [];
  const wire = times(own, 'fromReturn');
  const sparse = times(own, 'sparse');
  const dense = times(own, 'dense');
  const of = (/** @type {string} */ name) => wire.p50.median / times(runs.get(name) ?? [], 'fromReturn').p50.median;
  return [
    figure(`llm-jobs: commit to request${how}, p50`, wire.p50.median, 'ms', { budget: 2 }),
    figure(`llm-jobs: commit to request${how}, p99`, wire.p99, 'ms', { budget: 10 }),
    figure(`llm-jobs: commit to request${how}, worst`, wire.worst, 'ms'),
    figure(`llm-jobs: last byte to result${how}, p50`, sparse.p50.median, 'ms'),
    figure(`llm-jobs: last byte to result${how}, p99`, sparse.p99, 'ms'),
    figure(`llm-jobs: last byte to result, jobs close together${how}, p50`, dense.p50.median, 'ms'),
    figure(`llm-jobs: last byte to result, jobs close together${how}, p99`, dense.p99, 'ms'),
    ...[...runs.keys()].slice(1).map((name) => figure(`commit to request${how}, p50 as a multiple of ${name}`, of(name), '×')),
  ];
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const rounds = quick ? 1 : 5;
  const count = quick ? 8 : 30;
  const singles = quick ? 5 : 25;
  const limitMs = quick ? 500 : 1300;
  await setup({ comparing: true, parts: ['addon', PROGRAM] });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-latency-'));
  const server = await startClockServer(dir);
  const heats = [{ full: false, runs: new Map(names.map((name) => [name, /** @type {Round[]} */ ([])])) }];
  if (!quick) heats.push({ full: true, runs: new Map(flushed.map((name) => [name, []])) });
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const { full, runs } of heats) {
        for (const [name, all] of runs) {
          note(`round ${round} of ${rounds}: ${name}${full ? ', flushed' : ''}`);
          all.push(await measure(name, { full, seed: round, count, singles, limitMs }, server));
        }
      }
    }
  } finally {
    server.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
  const looks = heats.flatMap(({ runs }) => [...runs.values()].flat()).filter((one) => one.everyMs > 0);
  const highest = (/** @type {'everyMs' | 'everyMsP99' | 'share'} */ key) => Math.max(...looks.map((one) => one[key]));
  return {
    settings: {
      rounds: `${rounds}, interleaved; p50 is the median of the rounds with the lowest and the highest, p99 and worst are of all rounds together`,
      'to the wire': `${count} jobs in a round, gaps of ${GAP_MS.join(' to ')} ms, the same for all stacks of a round; from the return of add() (BullMQ: from its promise) to the whole request at the endpoint`,
      'to the result': `up to ${singles} jobs in a round or ${limitMs / 1000} s, one at a time, each a gap after the end of the last; from the endpoint's last send() to what another process sees`,
      'resolution of that': `SQLite: a process looks every ${highest('everyMs').toFixed(2)} ms (p99 ${highest('everyMsP99').toFixed(2)}) and takes ${highest('share').toFixed(0)} % of a core for it, in the round with the most; Redis: it hears of the end by a blocked XREAD of BullMQ's events`,
      endpoint: 'bench/c/bench_clock_server.c: whole answers of 1,000 characters at once, kept connections',
      concurrency: `${CONCURRENCY}; plainjob: ${CONCURRENCY} workers`,
      ...Object.fromEntries(names.map((name) => [name, `${serving[name].about}; ${serving[name].durability.usual}`])),
      ...Object.fromEntries(quick ? [] : flushed.map((name) => [`${name}, flushed`, serving[name].durability.full])),
    },
    tables: heats.flatMap(({ full, runs }) => tablesOf(runs, full)),
    figures: heats.flatMap(({ full, runs }) => figuresOf(runs, full)),
  };
}

module.exports = { about: 'commit → request at the endpoint and last byte → readable result, against four other stacks', run };
