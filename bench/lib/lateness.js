// SPDX-License-Identifier: MIT
'use strict';

/**
 * How late a timer fires in this process's JavaScript thread, and how late it would be if the thread had never waited for a core:
 * Linux counts the time in which a thread could run and had none (the second number of schedstat).
 */

const fs = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { quantile } = require('./report.js');

const STEP_MS = 1;

/** @typedef {{p50: number, p99: number, max: number, ownP99: number, looks: number}} Late milliseconds; ownP99: without the waits for a core */

/** The thread that runs this has the process's id as its own. */
const file = `/proc/self/task/${process.pid}/schedstat`;

/** Begins to look, at each step; the returned function ends it. @returns {() => Late} */
function watchLateness() {
  const loop = monitorEventLoopDelay({ resolution: STEP_MS });
  const fd = fs.openSync(file, 'r');
  const bytes = Buffer.alloc(128);
  const waitedMs = () => Number(bytes.toString('latin1', 0, fs.readSync(fd, bytes, 0, bytes.length, 0)).split(' ')[1]) / 1e6;
  /** @type {number[]} */
  const own = [];
  let at = performance.now();
  let waited = waitedMs();
  const timer = setInterval(() => {
    const now = performance.now();
    const waitedNow = waitedMs();
    own.push(Math.max(0, now - at - STEP_MS - (waitedNow - waited)));
    at = now;
    waited = waitedNow;
  }, STEP_MS);
  loop.enable();
  return () => {
    loop.disable();
    clearInterval(timer);
    fs.closeSync(fd);
    const late = (/** @type {number} */ nanoseconds) => Math.max(0, nanoseconds / 1e6 - STEP_MS);
    return { p50: late(loop.percentile(50)), p99: late(loop.percentile(99)), max: late(loop.max), ownP99: quantile(own.toSorted((a, b) => a - b), 0.99), looks: loop.count };
  };
}

module.exports = { watchLateness, STEP_MS };
