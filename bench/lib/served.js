// SPDX-License-Identifier: MIT
'use strict';

/**
 * The process that would be the app's: it opens one of the stacks of bench/peers/serving.js, lets it warm up and then does what
 * it is told by messages {order, …}, each of which it answers with one message.
 */

const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { setTimeout: pause } = require('node:timers/promises');
const { serving } = require('../peers/serving.js');
const { marked } = require('./clock-server.js');
const { monotonicMs } = require('./clock.js');
const { randomFrom } = require('./random.js');

/** @import { Serving } from '../peers/serving.js' */

/** Calls open connections, compile statements and fill caches; an app pays that once. */
const WARM = 20;

const { name, ...options } = JSON.parse(process.argv[2]);

/** @param {Serving} stack @param {number} count @param {number} limitMs */
async function untilCompleted(stack, count, limitMs) {
  const end = monotonicMs() + limitMs;
  while ((await stack.completed()) < count) {
    if (monotonicMs() > end) throw new Error(`${name} has completed ${await stack.completed()} of ${count} jobs`);
    await pause(20);
  }
}

/**
 * Adds jobs with random gaps, however long each takes.
 * @param {Serving} stack
 * @param {{first: number, count: number, seed: number, gapMs: [number, number]}} plan
 * @returns {Promise<{number: number, called: number, returned: number}[]>}
 */
async function steady(stack, { first, count, seed, gapMs }) {
  const random = randomFrom(seed);
  const before = await stack.completed();
  const adds = [];
  for (let i = 0; i < count; i++) {
    const called = monotonicMs();
    await stack.add(marked(first + i));
    adds.push({ number: first + i, called, returned: monotonicMs() });
    await pause(gapMs[0] + random() * (gapMs[1] - gapMs[0]));
  }
  await untilCompleted(stack, before + count, 20000);
  return adds;
}

/**
 * Adds jobs one after another, each when an observer has seen the end of the last.
 * @param {Serving} stack
 * @param {{first: number, count: number, seed: number, gapMs: [number, number], limitMs: number}} plan at most so many, and none after limitMs
 */
async function single(stack, { first, count, seed, gapMs, limitMs }) {
  const random = randomFrom(seed);
  const observer = fork(path.join(__dirname, 'observer.js'), [JSON.stringify({ watched: stack.watched })]);
  const exit = once(observer, 'exit').then(([code]) => {
    throw new Error(`the observer has ended with ${code}`);
  });
  const next = async () => (await Promise.race([once(observer, 'message'), exit]))[0];
  await next();
  const end = monotonicMs() + limitMs;
  const seen = [];
  for (let i = 0; i < count && monotonicMs() < end; i++) {
    const message = next();
    await stack.add(marked(first + i));
    const { at, count: ends } = await message;
    if (ends !== 1) throw new Error(`the observer of ${name} has seen ${ends} jobs end instead of one`);
    seen.push({ number: first + i, at });
    await pause(gapMs[0] + random() * (gapMs[1] - gapMs[0]));
  }
  const told = next();
  observer.send('how often?');
  const resolution = await told;
  observer.disconnect();
  await exit.catch(() => {});
  return { seen, resolution };
}

/**
 * Adds jobs at a steady rate while the stack works off a backlog.
 * @param {Serving} stack
 * @param {{backlog: number, perSecond: number, seconds: number, settleMs: number}} plan
 */
async function busy(stack, { backlog, perSecond, seconds, settleMs }) {
  const jobs = seconds * perSecond;
  /** @type {number[]} how long a call took until it returned or its promise was kept, ms */
  const took = [];
  /** @type {number[]} how long after its time a call had returned or its promise was kept, ms */
  const late = [];
  let refused = 0;
  if (backlog > 0) {
    const filled = await stack.completed();
    await stack.fill(backlog, 'A question of some length, as in a short chat.');
    await untilCompleted(stack, filled + 1, 10000);
  }
  await pause(settleMs);
  const before = await stack.completed();
  const begun = monotonicMs();
  /** @param {number} due @returns {Promise<void> | void} */
  const addOne = (due) => {
    const called = monotonicMs();
    const done = () => {
      const now = monotonicMs();
      took.push(now - called);
      late.push(now - due);
    };
    const failed = (/** @type {any} */ error) => {
      if (!String(error.code).startsWith('SQLITE_BUSY')) throw error;
      refused++;
      done();
    };
    try {
      const added = stack.add('A question of some length, as in a short chat, of the app.');
      if (added instanceof Promise) return added.then(done, failed);
    } catch (error) {
      failed(error);
      return;
    }
    done();
  };
  const open = [];
  for (let i = 0; i < jobs; ) {
    // What a long turn has held up follows at once: the rate stays what it is.
    while (i < jobs && monotonicMs() >= begun + (i * 1000) / perSecond) open.push(addOne(begun + (i++ * 1000) / perSecond));
    if (i < jobs) await pause(Math.max(1, Math.ceil(begun + (i * 1000) / perSecond - monotonicMs())));
  }
  await Promise.all(open);
  const ms = monotonicMs() - begun;
  const completed = (await stack.completed()) - before;
  return { took, late, refused, ms, completed, left: WARM + backlog + jobs - before - completed };
}

/** @type {Record<string, (stack: Serving, plan: any) => unknown>} */
const orders = {
  steady,
  single,
  busy,
  later: (stack, { count }) => stack.fillLater(count),
};

async function main() {
  const stack = await serving[name].open(options);
  for (let i = 0; i < WARM; i++) await stack.add(marked(0));
  await untilCompleted(stack, WARM, 20000);
  process.send?.({ pids: stack.pids });
  for (;;) {
    const [{ order, ...plan }] = await once(process, 'message');
    if (order === 'end') break;
    process.send?.({ answer: (await orders[order](stack, plan)) ?? null });
  }
  await stack.close();
  process.exit(0);
}

process.on('disconnect', () => process.exit(0));
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
