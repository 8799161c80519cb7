// SPDX-License-Identifier: MIT
'use strict';

/**
 * From one stream to a thousand at once, fifty tokens a second each: what they cost the engine's one thread, and how old a token is when
 * the app gets its event. The provider (bench/c/bench_paced_server.c) writes the time of its sending into each token; the
 * clock is the monotonic one, which all processes share. The app here is this process, with nothing else to do.
 */

const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { release } = require('../../scripts/setup/addon.js');
const { memoryOf, threadsOf, workOf } = require('../lib/proc.js');
const { figure, quantile, spread } = require('../lib/report.js');
const { onStage, pause } = require('../lib/stage.js');
const { point } = require('./rows.js');

/** @import { Context, Figure, Series, Table } from '../lib/report.js' */

const PROGRAM = 'bench_paced_server';
const TOKENS_A_SECOND = 50;
/** The burst of the calls is over, and the worker has given back what only its start has needed. */
const SETTLE_MS = 1000;
/** How long the streams go on beyond the measurement at least, so that all of them are open during it. */
const LONGER_S = 12;

/** @typedef {{engine: number, worker: number, rssMb: number, threads: number, p50: number, p99: number, worst: number, arrived: number, dropped: number}} Run */

/**
 * @param {number} streams
 * @param {number} seconds
 * @returns {Promise<Run>}
 */
function runOnce(streams, seconds) {
  return onStage(async (stage) => {
    const tokens = (seconds + LONGER_S) * TOKENS_A_SECOND;
    const server = spawn(path.join(release, PROGRAM), [String(tokens), String(1000 / TOKENS_A_SECOND)], { stdio: ['pipe', 'pipe', 'inherit'] });
    stage.ends.push(() => void server.stdin.end());
    const [port] = await once(server.stdout, 'data');
    const worker = await stage.worker({
      concurrency: streams,
      securityPolicy: undefined,
      providers: { fake: { kind: 'openai-compatible', baseUrl: `http://127.0.0.1:${Number(port)}/v1` } },
    });
    const pid = /** @type {number} */ (worker.pid);
    const ages = /** @type {number[]} */ ([]);
    const open = new Set();
    let measuring = false;
    worker.on('token', ({ id, text }) => {
      open.add(id);
      if (!measuring) return;
      const now = Number(process.hrtime.bigint() / 1000n);
      for (const sent of text.split(' ')) if (sent.length > 8) ages.push((now - Number(sent)) / 1000);
    });
    await worker.subscribe({ tokens: true });
    stage.insert(streams, (/** @type {number} */ i) => `stream ${i}`);
    const end = Date.now() + 30000;
    while (open.size < streams) {
      if (Date.now() > end) throw new Error(`only ${open.size} of ${streams} streams are open`);
      await pause(50);
    }
    await pause(SETTLE_MS);

    const before = workOf(pid);
    const begun = process.hrtime.bigint();
    measuring = true;
    await pause(seconds * 1000);
    measuring = false;
    const ms = Number(process.hrtime.bigint() - begun) / 1e6;
    const after = workOf(pid);
    const [threads, { rssMb }] = [threadsOf(pid), memoryOf(pid)];
    const { droppedTokens: dropped } = await worker.stats();

    ages.sort((one, other) => one - other);
    const cpuMs = (/** @type {(name: string) => boolean} */ counts) =>
      [...after.threads].filter(([, { name }]) => counts(name)).reduce((sum, [id, one]) => sum + one.cpuMs - (before.threads.get(id)?.cpuMs ?? 0), 0);
    return {
      engine: (cpuMs((name) => name === 'llm-jobs') / ms) * 100,
      worker: (cpuMs(() => true) / ms) * 100,
      rssMb,
      threads,
      p50: quantile(ages, 0.5),
      p99: quantile(ages, 0.99),
      worst: quantile(ages, 1),
      arrived: ((ages.length / ms) * 1e5) / (streams * TOKENS_A_SECOND),
      dropped,
    };
  });
}

/**
 * @param {Context} context
 * @returns {Promise<{settings: Record<string, string>, tables: Table[], figures: Figure[], series: Series[]}>}
 */
async function measureStreams({ quick, note }) {
  const { counts, rounds, seconds } = quick ? { counts: [1, 10], rounds: 1, seconds: 1 } : { counts: [1, 10, 100, 300, 1000], rounds: 5, seconds: 2 };
  const runs = new Map(counts.map((count) => [count, /** @type {Run[]} */ ([])]));
  for (let round = 0; round < rounds; round++) {
    for (const count of counts) {
      note(`round ${round + 1} of ${rounds}: ${count} streams for ${seconds} s`);
      runs.get(count)?.push(await runOnce(count, seconds));
    }
  }
  const of = (/** @type {number} */ count, /** @type {keyof Run} */ key) => spread((runs.get(count) ?? []).map((run) => run[key]));
  const line = (/** @type {string} */ name, /** @type {keyof Run} */ key) => ({ name, points: counts.map((count) => point(count, of(count, key))) });
  const x = { label: `streams at once, ${TOKENS_A_SECOND} tokens per second each`, log: true };
  const keys = /** @type {const} */ (['engine', 'worker', 'rssMb', 'threads', 'p50', 'p99', 'worst', 'arrived']);
  const [one, most] = [counts[0], counts[counts.length - 1]];
  return {
    settings: {
      streams: `${TOKENS_A_SECOND} tokens a second each, for ${seconds} s; concurrency as many as there are streams; the app subscribes to the text`,
      'rounds of streams': `${rounds}, interleaved, each with a new worker; median, lowest and highest`,
    },
    tables: [
      {
        title: 'streams at once',
        columns: ['streams', "engine's thread, % of a core", 'whole worker, %', 'RSS, MB', 'threads', 'token → event p50, ms', 'p99, ms', 'worst, ms', 'arrived, % of sent'],
        rows: counts.map((count) => ({ name: String(count), cells: keys.map((key) => of(count, key)) })),
      },
    ],
    figures: [
      figure(`the engine's thread at ${most} streams, CPU of one core`, of(most, 'engine').median, '%', { budget: 60 }),
      figure(`the whole worker at ${most} streams, CPU of one core`, of(most, 'worker').median, '%', { note: 'with its JavaScript thread, which hands the events on' }),
      figure(`token to event at ${most} streams, p99`, of(most, 'p99').median, 'ms', { budget: 20 }),
      figure(`threads at ${one} stream`, of(one, 'threads').median, ''),
      figure(`threads at ${most} streams`, of(most, 'threads').high, '', { budget: of(one, 'threads').high }),
      figure(`tokens dropped because nobody read, at ${most} streams`, of(most, 'dropped').high, '', { note: 'the most of any run' }),
    ],
    series: [
      { name: 'scale-streams-cpu', title: 'Processor time of streams', x, y: { label: 'CPU, % of one core' }, lines: [line('whole worker', 'worker'), line("engine's thread", 'engine')] },
      { name: 'scale-streams-age', title: "Age of a token at the app's event", x, y: { label: 'ms from sending to event' }, lines: [line('p99', 'p99'), line('p50', 'p50')] },
      { name: 'scale-streams-memory', title: 'Memory of the worker with open streams', x, y: { label: 'RSS, MB' }, lines: [line('worker', 'rssMb')] },
    ],
  };
}

module.exports = { measureStreams, PROGRAM };
