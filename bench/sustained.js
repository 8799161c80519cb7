// SPDX-License-Identifier: MIT
'use strict';

/**
 * Full load that lasts: by default a worker that uses more than 80 % of a core takes fewer jobs at a time after each heartbeat that shows
 * it. What that costs, second by second, beside a worker without limits.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setup } = require('../scripts/setup.js');
const { countEnds } = require('./lib/ends.js');
const { startNginx } = require('./lib/nginx.js');
const { workOf } = require('./lib/proc.js');
const { figure, spread } = require('./lib/report.js');
const { onStage, pause } = require('./lib/stage.js');
const { fill, point } = require('./scale/rows.js');

/** @import { Context, Result } from './lib/report.js' */

const CONCURRENCY = 20;
/** More than any machine of today completes. */
const MOST_A_SECOND = 25000;
/** The limit judges a worker by its heartbeats; the first comes after 3 s, and halving the slots takes some. */
const FIRST_S = 3;
const WAYS = /** @type {const} */ ({ limited: 'default limits', lifted: 'resourceLimits: false' });

/** @typedef {keyof typeof WAYS} Way */
/** @typedef {{perSecond: number[], jobsPerSecond: number, early: number, late: number, cpu: number, fewest: number}} Run */

/**
 * @param {Way} way
 * @param {{seconds: number, template: string, baseUrl: string}} plan
 * @returns {Promise<Run>}
 */
function runOnce(way, { seconds, template, baseUrl }) {
  return onStage(async (stage) => {
    const worker = await stage.worker({
      concurrency: CONCURRENCY,
      securityPolicy: way === 'limited' ? undefined : { resourceLimits: false },
      providers: { bench: { kind: 'openai-compatible', baseUrl } },
    });
    const pid = /** @type {number} */ (worker.pid);
    const ends = countEnds(worker);
    let fewest = CONCURRENCY;
    worker.on('throttle', (/** @type {{concurrency: number}} */ { concurrency }) => (fewest = Math.min(fewest, concurrency)));
    const begun = performance.now();
    const before = workOf(pid).cpuMs;
    /** @type {number[]} */
    const perSecond = [];
    for (let second = 1, at = begun, done = 0; second <= seconds; second++) {
      await pause(Math.max(0, begun + second * 1000 - performance.now()));
      const [now, completed] = [performance.now(), ends.completed()];
      perSecond.push(((completed - done) / (now - at)) * 1000);
      [at, done] = [now, completed];
    }
    const ms = performance.now() - begun;
    const cpuMs = workOf(pid).cpuMs - before;
    const jobs = ends.completed();
    await worker.stop({ deadlineMs: 0 });
    const { n } = stage.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed' AND length(result->>'text') > 500").get();
    if (n < jobs) throw new Error(`${n} of ${jobs} jobs have their result`);
    if (stage.db.prepare("SELECT 1 FROM llm_jobs WHERE status = 'waiting' LIMIT 1").get() === undefined) throw new Error('the backlog was too small');
    const mean = (/** @type {number[]} */ rates) => rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    return {
      perSecond,
      jobsPerSecond: (jobs / ms) * 1000,
      early: mean(perSecond.slice(0, FIRST_S)),
      late: mean(perSecond.slice(-Math.ceil(seconds / 2))),
      cpu: (cpuMs / ms) * 100,
      fewest,
    };
  }, template);
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const { seconds, rounds } = quick ? { seconds: 5, rounds: 1 } : { seconds: 20, rounds: 3 };
  await setup({ comparing: true });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-sustained-'));
  const nginx = await startNginx(dir);
  const ways = /** @type {Way[]} */ (Object.keys(WAYS));
  const runs = new Map(ways.map((way) => [way, /** @type {Run[]} */ ([])]));
  try {
    const template = path.join(dir, 'backlog.db');
    fill(template, 'backlog', seconds * MOST_A_SECOND);
    for (let round = 0; round < rounds; round++) {
      // What one run leaves to the disk should not always meet the same way.
      for (const way of round % 2 === 0 ? ways : [...ways].reverse()) {
        note(`round ${round + 1} of ${rounds}: ${seconds} s with ${WAYS[way]}`);
        runs.get(way)?.push(await runOnce(way, { seconds, template, baseUrl: nginx.plain }));
      }
    }
  } finally {
    await nginx.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
  const of = (/** @type {Way} */ way, /** @type {(run: Run) => number} */ value) => spread((runs.get(way) ?? []).map(value));
  const keys = /** @type {const} */ (['jobsPerSecond', 'early', 'late', 'cpu', 'fewest']);
  return {
    settings: {
      load: `${CONCURRENCY} jobs at a time from a backlog against nginx, for ${seconds} s; whole answers`,
      limit: 'by default securityPolicy.resourceLimits.cpu.maxUsage is 80 % of one core, judged at each heartbeat (every 3 s)',
      rounds: `${rounds}, interleaved; median, lowest and highest`,
    },
    tables: [
      {
        title: `${seconds} s of full load`,
        columns: ['limits', 'jobs/s over all', `first ${FIRST_S} s`, `last ${Math.ceil(seconds / 2)} s`, 'CPU, % of a core', 'fewest slots'],
        rows: ways.map((way) => ({ name: WAYS[way], cells: keys.map((key) => of(way, (run) => run[key])) })),
      },
    ],
    figures: [
      figure('jobs/s with the default limits as a share of those without', of('limited', (run) => run.jobsPerSecond).median / of('lifted', (run) => run.jobsPerSecond).median, '×'),
      figure('the same in the last half', of('limited', (run) => run.late).median / of('lifted', (run) => run.late).median, '×'),
    ],
    series: [
      {
        name: 'sustained',
        title: 'Full load, with the default processor limit and without',
        x: { label: 'seconds since the start' },
        y: { label: 'jobs per second' },
        lines: ways.map((way) => ({
          name: WAYS[way],
          points: Array.from({ length: seconds }, (_, i) => point(i + 1, of(way, (run) => run.perSecond[i]))),
        })),
      },
    ],
  };
}

module.exports = { about: 'full load for 20 s, second by second, with the default processor limit and without', run };
