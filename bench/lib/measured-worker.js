// SPDX-License-Identifier: MIT
'use strict';

/**
 * The worker's own entry, with a look at how late its JavaScript thread is. SIGUSR2 begins the measurement, the next one ends it and
 * prints the figures on standard output.
 */

const { monitorEventLoopDelay } = require('node:perf_hooks');

const STEP_MS = 1;
const loop = monitorEventLoopDelay({ resolution: STEP_MS });
let measuring = false;

process.on('SIGUSR2', () => {
  measuring = !measuring;
  if (measuring) {
    loop.reset();
    loop.enable();
    return;
  }
  loop.disable();
  const late = (/** @type {number} */ share) => Math.max(0, loop.percentile(share) / 1e6 - STEP_MS);
  process.stdout.write(`loop ${JSON.stringify({ p50: late(50), p99: late(99), max: Math.max(0, loop.max / 1e6 - STEP_MS), looks: loop.count })}\n`);
});

require('../../js/worker.js');
