// SPDX-License-Identifier: MIT
'use strict';

/**
 * A thousand streams at once, fifty tokens a second each: what they cost the engine's one thread, and how old a token is when
 * the app gets its event. The provider (bench/c/bench_paced_server.c) writes the time of its sending into each token; the
 * clock is the monotonic one, which all processes share. The app here is this process, with nothing else to do.
 */

const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const paths = require('../scripts/setup/paths');
const { setup } = require('../scripts/setup');
const { figure, quantile } = require('./lib/report.js');
const { onStage, pause } = require('./lib/stage.js');
const { memoryOf, threadsOf, workOf } = require('./lib/proc.js');

/** @import { Context, Result } from './lib/report.js' */

const PROGRAM = 'bench_paced_server';
const TOKENS_A_SECOND = 50;

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const streams = quick ? 100 : 1000;
  const seconds = quick ? 2 : 10;
  await setup({ parts: ['addon', PROGRAM] });
  return onStage(async (stage) => {
    // Streams outlive the measurement, so that all of them are open during it.
    const tokens = (seconds + 12) * TOKENS_A_SECOND;
    const server = spawn(path.join(paths.build, 'Release', PROGRAM), [String(tokens), String(1000 / TOKENS_A_SECOND)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    stage.ends.push(() => void server.stdin.end());
    const [port] = await once(server.stdout, 'data');
    const providers = { fake: { kind: 'openai-compatible', baseUrl: `http://127.0.0.1:${Number(port)}/v1` } };
    const worker = await stage.worker({ providers, concurrency: streams });
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
    stage.insert(streams, (i) => `stream ${i}`);
    const end = Date.now() + 30000;
    while (open.size < streams) {
      if (Date.now() > end) throw new Error(`only ${open.size} of ${streams} streams are open`);
      await pause(50);
    }
    await pause(500);

    note(`${streams} streams for ${seconds} s`);
    const statsBefore = await worker.stats();
    const before = workOf(worker.pid);
    const begun = process.hrtime.bigint();
    measuring = true;
    await pause(seconds * 1000);
    measuring = false;
    const ms = Number(process.hrtime.bigint() - begun) / 1e6;
    const after = workOf(worker.pid);
    const threads = threadsOf(worker.pid);
    const memory = memoryOf(worker.pid);
    const stats = await worker.stats();

    ages.sort((one, other) => one - other);
    const share = (/** @type {string | null} */ name) =>
      [...after.threads]
        .filter(([, one]) => name === null || one.name === name)
        .reduce((sum, [id, one]) => sum + one.cpuMs - (before.threads.get(id)?.cpuMs ?? 0), 0) / ms * 100;
    const { versions } = worker.ready;
    return {
      settings: {
        streams: `${streams} at once, ${TOKENS_A_SECOND} tokens a second each, for ${seconds} s`,
        worker: `concurrency ${streams}, else defaults, ${Object.entries(versions).map(([key, value]) => `${key} ${value}`).join(', ')}`,
      },
      figures: [
        figure('tokens a second that arrived', (ages.length / ms) * 1000, 'a second', { note: `${streams * TOKENS_A_SECOND} were sent` }),
        figure("the engine's thread, CPU of one core", share('llm-jobs'), '%', { budget: 60 }),
        figure('the whole worker, CPU of one core', share(null), '%', { note: 'with its JavaScript thread, which hands the events on' }),
        figure('token to event, p50', quantile(ages, 0.5), 'ms'),
        figure('token to event, p99', quantile(ages, 0.99), 'ms', { budget: 20 }),
        figure('token to event, max', ages[ages.length - 1] ?? 0, 'ms'),
        figure('tokens dropped because nobody read', stats.droppedTokens, ''),
        figure("turns of the engine's loop", (stats.turns - statsBefore.turns) / (ms / 1000), 'a second'),
        figure('threads', threads, ''),
        figure('RSS', memory.rssMb, 'MB'),
      ],
    };
  });
}

module.exports = { about: 'a thousand streams at once: CPU of the engine and age of a token at its event', run };
