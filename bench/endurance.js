// SPDX-License-Identifier: MIT
'use strict';

/**
 * The memory of each stack's processes over half an hour under the same load: all stacks run side by side, each gets the same number
 * of jobs a second. The bare C loop, which nobody would use, is left out.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { setup } = require('../scripts/setup.js');
const { peers } = require('./peers/index.js');
const { startNginx, TOKENS } = require('./lib/nginx.js');
const { startRedis } = require('./lib/redis.js');
const { memoryOf, workOf } = require('./lib/proc.js');
const { figure } = require('./lib/report.js');
const { pause } = require('./lib/stage.js');

/** @import { Context, Figure, Result, Series, Table } from './lib/report.js' */

const OWN = 'llm-jobs';
const names = Object.keys(peers).filter((name) => name !== 'bare C loop');
const ENDURER = path.join(__dirname, 'lib', 'endurer.js');
const CONCURRENCY = 10;
const PER_SECOND = 20;
/** Memory whose straight line moves less over the last two thirds of the time is flat: pages of allocators come and go. */
const FLAT_MB = 1;

/** @typedef {{s: number, rssMb: number, anonymousMb: number}} Sample */
/** @typedef {{name: string, pid: number, samples: Sample[], cpuMs: number}} Watched a process */
/** @typedef {{name: string, child: import('node:child_process').ChildProcess, next: () => Promise<any>, watched: Watched[]}} Entrant */

/**
 * Opens a stack in processes of its own.
 * @param {{ends: (() => unknown)[]}} stage
 * @param {string} name
 * @param {string} url
 * @param {number} seconds
 * @returns {Promise<Entrant>}
 */
async function enter(stage, name, url, seconds) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-endurance-'));
  stage.ends.push(() => fs.rmSync(dir, { recursive: true, force: true }));
  const redis = peers[name].redis ? await startRedis(dir, false) : null;
  if (redis !== null) stage.ends.push(() => redis.close());
  const options = { name, dir, redisPort: redis?.port ?? 0, url, stream: true, concurrency: CONCURRENCY, full: false, seconds, perSecond: PER_SECOND };
  const child = fork(ENDURER, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exit = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name} ended with ${code ?? signal} before it had done its work`);
  });
  exit.catch(() => {});
  stage.ends.push(async () => {
    child.kill('SIGKILL');
    await exit.catch(() => {});
  });
  const next = async () => (await Promise.race([once(child, 'message'), exit]))[0];
  const { pids } = await next();
  const app = /** @type {number} */ (child.pid);
  const watch = (/** @type {string} */ what, /** @type {number} */ pid) => ({ name: what, pid, samples: [], cpuMs: 0 });
  // A stack without a process of its own makes the calls in the app's, which is its worker then.
  const watched = pids.length > 0 ? [watch(`${name}, worker`, pids[0]), watch(`${name}, the app's process`, app)] : [watch(`${name}, worker`, app)];
  if (redis !== null) watched.push(watch(`${name}, Redis`, redis.pid));
  return { name, child, next, watched };
}

/** @param {Watched} one @param {number} s */
function look(one, s) {
  const { rssMb, anonymousMb } = memoryOf(one.pid);
  one.samples.push({ s, rssMb, anonymousMb });
}

/**
 * @param {Watched} one
 * @param {'rssMb' | 'anonymousMb'} key
 * @param {number} from seconds
 * @returns {number} MB an hour, of the straight line through what came later
 */
function slope({ samples }, key, from) {
  const late = samples.filter(({ s }) => s >= from);
  const mean = (/** @type {(one: Sample) => number} */ of) => late.reduce((sum, one) => sum + of(one), 0) / late.length;
  const x = mean(({ s }) => s);
  const y = mean((sample) => sample[key]);
  const squares = late.reduce((sum, one) => sum + (one.s - x) ** 2, 0);
  return squares === 0 ? 0 : (late.reduce((sum, one) => sum + (one.s - x) * (one[key] - y), 0) / squares) * 3600;
}

/** @param {number} seconds */
const inWords = (seconds) => (seconds >= 60 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds)} s`);

/** @param {number} mb of the line's rise */
const inAWord = (mb) => (Math.abs(mb) < FLAT_MB ? 'flat' : mb > 0 ? 'rises' : 'falls');

/** @param {Watched[]} all @param {number} seconds @returns {Table} */
function tableOf(all, seconds) {
  const [first, from] = [seconds / 30, seconds / 3];
  const at = (/** @type {Watched} */ { samples }, /** @type {number} */ s) => (samples.find((one) => one.s >= s) ?? samples[samples.length - 1]).rssMb;
  return {
    id: 'memory',
    title: `RSS of each process, and how it grew in the last ${inWords(seconds - from)}`,
    columns: ['process', `after ${inWords(first)}, MB`, `${inWords(from)}, MB`, 'at the end, MB', 'highest, MB', 'anonymous at the end, MB', 'growth, MB an hour', 'CPU, % of a core'],
    rows: all.map((one) => {
      const last = one.samples[one.samples.length - 1];
      const rising = slope(one, 'rssMb', from);
      const values = [at(one, first), at(one, from), last.rssMb, Math.max(...one.samples.map(({ rssMb }) => rssMb)), last.anonymousMb, rising, one.cpuMs / seconds / 10];
      return {
        name: one.name,
        cells: values.map((value) => ({ median: value, low: value, high: value })),
        note: inAWord((rising * (seconds - from)) / 3600),
      };
    }),
  };
}

/** Those that make the calls, without the twins of other stacks: more lines are hard to tell apart. */
const DRAWN = ['llm-jobs', 'grouped+undici', 'grouped+fetch', 'p-queue+sdk', 'plainjob+undici', 'bullmq+undici', 'bullmq+sdk'];

/** A point for each minute, or for each tenth of a short run. @param {Watched[]} all @param {number} seconds @returns {Series} */
function seriesOf(all, seconds) {
  const step = Math.min(60, seconds / 10);
  return {
    name: 'endurance',
    title: 'Memory (RSS) of the process that makes the calls',
    x: { label: 'minutes' },
    y: { label: 'RSS, MB' },
    lines: DRAWN.map((name) => {
      const { samples } = /** @type {Watched} */ (all.find((one) => one.name === `${name}, worker`));
      /** @type {Series['lines'][number]['points']} */
      const points = [];
      for (let until = step; until <= seconds + step / 2; until += step) {
        const some = samples.filter(({ s }) => s > until - step && s <= until).map(({ rssMb }) => Number(rssMb.toFixed(2))).sort((a, b) => a - b);
        if (some.length > 0) points.push([Number((until / 60).toFixed(3)), some[Math.floor(some.length / 2)], some[0], some[some.length - 1]]);
      }
      return { name, points };
    }),
  };
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const seconds = quick ? 10 : 1800;
  const everyMs = quick ? 1000 : 10000;
  await setup({ comparing: true });
  const stage = { ends: /** @type {(() => unknown)[]} */ ([]) };
  try {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-nginx-'));
    stage.ends.push(() => fs.rmSync(dir, { recursive: true, force: true }));
    const nginx = await startNginx(dir);
    stage.ends.push(() => nginx.close());
    /** @type {Entrant[]} */
    const entrants = [];
    for (const name of names) entrants.push(await enter(stage, name, nginx.stream, seconds));
    const all = entrants.flatMap(({ watched }) => watched);
    for (const one of all) one.cpuMs = -workOf(one.pid).cpuMs;
    const begun = performance.now();
    // All tick once a second, but not at the same moment.
    const ends = entrants.map(async ({ child, next }, i) => {
      await pause((i * 1000) / entrants.length);
      child.send('go');
      return next();
    });
    let over = false;
    const done = Promise.all(ends).finally(() => (over = true));
    done.catch(() => {});
    for (let i = 1; !over && i * everyMs <= seconds * 1000; i++) {
      await Promise.race([done, pause(begun + i * everyMs - performance.now())]);
      all.forEach((one) => look(one, (performance.now() - begun) / 1000));
      note(`${inWords((i * everyMs) / 1000)}: ${all.map(({ name, samples }) => `${name} ${samples[samples.length - 1].rssMb.toFixed(0)}`).join(', ')}`);
    }
    const jobs = (await done).map((one) => one.done);
    for (const one of all) one.cpuMs += workOf(one.pid).cpuMs;
    for (const [i, { name, child, next }] of entrants.entries()) {
      child.send('end');
      const { stored } = await next();
      if (stored !== jobs[i]) throw new Error(`${name} has stored ${stored} of ${jobs[i]} results`);
    }
    return resultOf(all, seconds, everyMs, jobs[0]);
  } finally {
    while (stage.ends.length > 0) await stage.ends.pop()?.();
  }
}

/** @param {Watched[]} all @param {number} seconds @param {number} everyMs @param {number} jobs @returns {Result} */
function resultOf(all, seconds, everyMs, jobs) {
  const own = /** @type {Watched} */ (all.find(({ name }) => name === `${OWN}, worker`));
  const highest = Math.max(...own.samples.map(({ rssMb }) => rssMb));
  const last = own.samples[own.samples.length - 1];
  const hours = ((seconds / 3) * 2) / 3600;
  return {
    settings: {
      load: `${PER_SECOND} jobs a second for each stack, all of a second's at once, ${CONCURRENCY} at a time, for ${inWords(seconds)}: ${jobs} jobs each; all stacks run side by side, so the machine is the same for all`,
      answers: `streams of ${TOKENS} tokens from nginx, whose bytes are there at once; plain HTTP, since nginx speaks it to all alike`,
      rows: 'what has ended stays where it is, in the table or in Redis, as each stack has it by default',
      samples: `RSS and anonymous memory from /proc, every ${everyMs / 1000} s`,
      flat: `the straight line through the last ${inWords((seconds / 3) * 2)} moves less than ${FLAT_MB} MB over them`,
    },
    tables: [tableOf(all, seconds)],
    series: [seriesOf(all, seconds)],
    figures: [
      figure('jobs a second for each stack', PER_SECOND, ''),
      figure(`${OWN}'s worker, RSS at the end`, last.rssMb, 'MB', { budget: 50 }),
      figure(`${OWN}'s worker, highest RSS`, highest, 'MB'),
      figure(`${OWN}'s worker, anonymous memory at the end`, last.anonymousMb, 'MB'),
      figure(`${OWN}'s worker, growth of the RSS`, slope(own, 'rssMb', seconds / 3), 'MB an hour', { budget: FLAT_MB / hours }),
    ],
  };
}

module.exports = { about: "memory of every stack's processes over half an hour of the same load", run };
