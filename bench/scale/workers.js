// SPDX-License-Identifier: MIT
'use strict';

/**
 * Several worker processes on one file, as the option `workers` makes them: against an endpoint that answers at once, where processor time
 * is what they share, and against one that takes its time, where they bring slots. Every call is counted at the endpoint.
 */

const { countEnds } = require('../lib/ends.js');
const { workOf } = require('../lib/proc.js');
const { figure, spread } = require('../lib/report.js');
const { onStage } = require('../lib/stage.js');
const { point } = require('./rows.js');

/** @import { Context, Figure, Series, Table } from '../lib/report.js' */

/** What the slow endpoint waits: bench/lib/slow.js. */
const { DELAY_MS } = require('../lib/slow.js');

/** @typedef {{jobsPerSecond: number, cpuPerThousand: number}} Run */
/** @typedef {{url: string, calls: () => Promise<number>}} Endpoint */
/** @typedef {{name: string, about: string, concurrency: number, jobs: (workers: number) => number, open: (stage: any) => Promise<Endpoint>}} Kind */

/**
 * @param {import('../lib/nginx.js').Nginx} nginx
 * @param {boolean} quick
 * @returns {Kind[]}
 */
function kindsOf(nginx, quick) {
  return [
    {
      name: 'endpoint that answers at once',
      about: 'nginx',
      concurrency: 20,
      jobs: () => (quick ? 500 : 5000),
      open: async () => ({ url: nginx.plain, calls: nginx.calls }),
    },
    {
      name: `endpoint that takes ${DELAY_MS} ms`,
      about: 'the fake provider in a process of its own',
      concurrency: 5,
      jobs: (workers) => workers * (quick ? 40 : 160),
      open: async (stage) => {
        const fake = await stage.provider({ script: require.resolve('../lib/slow.js'), maxLog: 0 });
        return { url: fake.openaiUrl, calls: fake.count };
      },
    },
  ];
}

/**
 * @param {import('better-sqlite3').Database} db
 * @param {number} count
 */
function add(db, count) {
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO llm_jobs (name, model, data)
     SELECT 'bench', 'bench/m', '{"prompt":"A question of some length, as in a short chat.","stream":false}' FROM n`,
  ).run(count);
}

/**
 * @param {Kind} kind
 * @param {number} workers
 * @returns {Promise<Run>}
 */
function runOnce({ name, concurrency, jobs, open }, workers) {
  return onStage(async (stage) => {
    const endpoint = await open(stage);
    const pool = await stage.worker({
      concurrency,
      securityPolicy: undefined,
      ...(workers > 1 && { workers: { min: workers, max: workers } }),
      providers: { bench: { kind: 'openai-compatible', baseUrl: endpoint.url } },
    });
    const ends = countEnds(pool);
    // Each process has its connections.
    const [warm, count] = [workers * concurrency * 2, jobs(workers)];
    add(stage.db, warm);
    await ends.reached(warm);

    const calls = await endpoint.calls();
    const cpuMs = () => pool.members.reduce((/** @type {number} */ sum, /** @type {any} */ { pid }) => sum + workOf(pid).cpuMs, 0);
    const before = cpuMs();
    const begun = performance.now();
    add(stage.db, count);
    const ms = (await ends.reached(warm + count)) - begun;
    const used = cpuMs() - before;

    const made = (await endpoint.calls()) - calls;
    if (made !== count) throw new Error(`${workers} workers, ${name}: ${made} calls for ${count} jobs`);
    const { n } = stage.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed' AND attempts = 1 AND stalls = 0 AND result->>'text' <> ''").get();
    if (n !== warm + count) throw new Error(`${workers} workers, ${name}: ${n} of ${warm + count} jobs have completed with their first call`);
    return { jobsPerSecond: (count / ms) * 1000, cpuPerThousand: used / count };
  });
}

/**
 * @param {Context} context
 * @param {import('../lib/nginx.js').Nginx} nginx
 * @returns {Promise<{settings: Record<string, string>, tables: Table[], figures: Figure[], series: Series[]}>}
 */
async function measureWorkers({ quick, note }, nginx) {
  const { counts, rounds } = quick ? { counts: [1, 2], rounds: 1 } : { counts: [1, 2, 4, 8], rounds: 5 };
  const kinds = kindsOf(nginx, quick).map((kind) => ({ ...kind, runs: new Map(counts.map((count) => [count, /** @type {Run[]} */ ([])])) }));
  for (let round = 0; round < rounds; round++) {
    for (const count of counts) {
      for (const kind of kinds) {
        note(`round ${round + 1} of ${rounds}: ${count} workers, ${kind.name}`);
        kind.runs.get(count)?.push(await runOnce(kind, count));
      }
    }
  }
  const of = (/** @type {typeof kinds[number]} */ { runs }, /** @type {number} */ count, /** @type {keyof Run} */ key) =>
    spread((runs.get(count) ?? []).map((run) => run[key]));
  const most = counts[counts.length - 1];
  const x = { label: 'worker processes on one file', log: true };
  const lines = (/** @type {keyof Run} */ key) => kinds.map((kind) => ({ name: kind.name, points: counts.map((count) => point(count, of(kind, count, key))) }));
  return {
    settings: {
      workers: kinds.map(({ name, about, concurrency }) => `${name} (${about}): ${concurrency} jobs at a time in each process`).join('; '),
      'rounds of workers': `${rounds}, interleaved; median, lowest and highest; every job was called once, counted at the endpoint and in the rows`,
    },
    tables: kinds.map((kind) => ({
      title: `worker processes, ${kind.name}`,
      columns: ['workers', 'jobs/s', 'CPU s per 1,000 jobs'],
      rows: counts.map((count) => ({ name: String(count), cells: [of(kind, count, 'jobsPerSecond'), of(kind, count, 'cpuPerThousand')] })),
    })),
    figures: kinds.map((kind) =>
      figure(`jobs/s of ${most} workers as a multiple of one, ${kind.name}`, of(kind, most, 'jobsPerSecond').median / of(kind, 1, 'jobsPerSecond').median, '×'),
    ),
    series: [
      { name: 'scale-workers', title: 'Jobs per second with more worker processes', x, y: { label: 'jobs per second', log: true }, lines: lines('jobsPerSecond') },
      { name: 'scale-workers-cpu', title: 'Processor time of more worker processes', x, y: { label: 'CPU seconds per 1,000 jobs' }, lines: lines('cpuPerThousand') },
    ],
  };
}

module.exports = { measureWorkers };
