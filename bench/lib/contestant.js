// SPDX-License-Identifier: MIT
'use strict';

/**
 * The process that would be the app's: it opens one of the stacks of bench/peers, lets it work once to get warm, waits for "go",
 * lets it work again and says how long that took and how late its event loop was meanwhile.
 */

const { monitorEventLoopDelay } = require('node:perf_hooks');
const { withPeer, told } = require('./opened.js');

/** The step of the loop's monitor. What it reports holds the step, which is taken off. */
const STEP_MS = 2;

const { name, warm, jobs, ...options } = JSON.parse(process.argv[2]);
const prompts = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => `A question of some length, as in a short chat, number ${i}.`);

withPeer(name, options, async (peer) => {
  await peer.work(prompts(warm));
  process.send?.({ ready: true, pids: peer.pids ?? [] });
  await told();
  const loop = monitorEventLoopDelay({ resolution: STEP_MS });
  loop.enable();
  const begun = process.hrtime.bigint();
  await peer.work(prompts(jobs));
  const ms = Number(process.hrtime.bigint() - begun) / 1e6;
  loop.disable();
  const late = (/** @type {number} */ share) => Math.max(0, loop.percentile(share) / 1e6 - STEP_MS);
  process.send?.({ ms, loopP50: late(50), loopP99: late(99), loopMax: Math.max(0, loop.max / 1e6 - STEP_MS) });
});
