// SPDX-License-Identifier: MIT
'use strict';

/**
 * The parts, in the order in which they run and stand in docs/benchmarks.md. Each is loaded when it is run, so that one part's needs
 * are not all's.
 * @type {Record<string, () => import('./lib/report.js').Part>}
 */
const parts = {
  'end-to-end': () => require('./end-to-end.js'),
  limits: () => require('./limits.js'),
  latency: () => require('./latency.js'),
  idle: () => require('./idle.js'),
  'app-adds': () => require('./app-adds.js'),
  'app-writes': () => require('./app-writes.js'),
  'loop-delay': () => require('./loop-delay.js'),
  memory: () => require('./memory.js'),
  endurance: () => require('./endurance.js'),
  scale: () => require('./scale.js'),
  sustained: () => require('./sustained.js'),
  queue: () => require('./queue.js'),
  rows: () => require('./rows.js'),
  'head-of-line': () => require('./head-of-line.js'),
  start: () => require('./start.js'),
};

/** Those that take so long that only their name runs them. @type {string[]} */
const long = ['endurance'];

module.exports = { parts, long };
