// SPDX-License-Identifier: MIT
'use strict';

const os = require('node:os');
const { LlmJobsError, describe } = require('../error.js');

/**
 * How many processes a pool has. What is decided here follows from what the members' heartbeats told and from the time that is
 * given; nothing here has a clock or a process of its own.
 *
 * One more is started when more jobs could run than all members have slots for, and they are short of processor time rather than
 * waiting for the network: jobs that wait for a provider need a larger `concurrency`, not another process. One more is started as
 * well beside a member that does not answer, whose own supervisor ends it: the work goes on meanwhile. Members that have had
 * nothing to do for long end, the youngest first.
 */

/**
 * @typedef {object} ScaleSettings
 * @property {number} min processes that are always there
 * @property {number} max processes at a time, those that end counted
 * @property {number} idleTimeoutMs after which one more than `min` that has nothing to do ends
 *
 * @typedef {object} Beat what a heartbeat says of the work
 * @property {number} active jobs that run
 * @property {boolean} backlog whether more could run if there were slots
 * @property {number} cpuUsage percent of one core
 * @property {boolean} throttledByCpu
 *
 * @typedef {object} View one member as the decision sees it
 * @property {number} slot from 1; the greatest is the youngest
 * @property {'starting' | 'ready' | 'restarting' | 'ending' | 'failed'} state
 * @property {number} misses heartbeats in a row without an answer
 * @property {boolean} covered another one was started because this one does not answer
 * @property {Load} load
 *
 * @typedef {{start?: {reason: 'backlog' | 'unresponsive', beside?: number}, end?: number}} Decision the slot beside which one is started;
 *   the slot that ends
 */

/** Beats in a row that must show the same before a process is started for it: one alone may have met a burst. */
const BUSY_BEATS = 3;
/** This part of the processor limit: from there on a member may be throttled at the next beat. */
const BUSY_PART = 0.75;
/** Without a limit, percent of one core. */
const BUSY_CPU = 60;
/** Missed heartbeats after which a member seems to hang; the third of the default ends it. */
const HANGS_AFTER = 2;

const MAX_PROCESSES = 64;
const MAX_BY_DEFAULT = 8;
const MAX_MS = 86400000;

/**
 * Checks the option `workers`.
 * @param {any} given
 * @param {number} [cores]
 * @returns {ScaleSettings}
 */
function scaleSettings(given, cores = os.availableParallelism()) {
  if (given === undefined || given === null) return { min: 1, max: 1, idleTimeoutMs: 30000 };
  if (typeof given !== 'object' || Array.isArray(given)) bad('workers', 'an object {min, max, idleTimeoutMs}', given);
  const unknown = Object.keys(given).find((key) => !['min', 'max', 'idleTimeoutMs'].includes(key));
  if (unknown !== undefined) throw new LlmJobsError('BAD_CONFIG', `workers.${unknown}: unknown key; workers has min, max, idleTimeoutMs`);
  const min = given.min ?? 1;
  if (!isCount(min)) bad('workers.min', `a whole number from 1 to ${MAX_PROCESSES}`, min);
  // A core is left to the app itself.
  const max = given.max ?? Math.max(min, Math.min(MAX_BY_DEFAULT, cores - 1));
  if (!isCount(max)) bad('workers.max', `a whole number from 1 to ${MAX_PROCESSES}`, max);
  if (max < min) bad('workers.max', `at least workers.min, which is ${min}`, max);
  const idleTimeoutMs = given.idleTimeoutMs ?? 30000;
  if (!(typeof idleTimeoutMs === 'number' && idleTimeoutMs >= 0 && idleTimeoutMs <= MAX_MS)) {
    bad('workers.idleTimeoutMs', `a number of milliseconds from 0 to ${MAX_MS}`, idleTimeoutMs);
  }
  return { min, max, idleTimeoutMs };
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isInteger(value) && /** @type {number} */ (value) >= 1 && /** @type {number} */ (value) <= MAX_PROCESSES;
}

/**
 * @param {string} path
 * @param {string} expected
 * @param {unknown} value
 * @returns {never}
 */
function bad(path, expected, value) {
  throw new LlmJobsError('BAD_CONFIG', `${path} must be ${expected}; got ${describe(value)}`);
}

/** What a member has had to do, as its heartbeats told. */
class Load {
  /** @type {number | null} */ #idleSince = null;
  #busyBeats = 0;
  #active = 0;

  /** @param {number | undefined} maxUsage the processor limit, percent of one core */
  constructor(maxUsage) {
    this.busyCpu = maxUsage === undefined ? BUSY_CPU : maxUsage * BUSY_PART;
  }

  /** Since when it has had nothing to do, null while it has. */
  get idleSince() {
    return this.#idleSince;
  }

  /** Beats in a row in which it was short of processor time and jobs waited. */
  get busyBeats() {
    return this.#busyBeats;
  }

  /** Jobs that ran at the last beat. */
  get active() {
    return this.#active;
  }

  /**
   * @param {Beat} beat
   * @param {number} now monotonic milliseconds
   */
  beat({ active, backlog, cpuUsage, throttledByCpu }, now) {
    const isBusy = backlog && (throttledByCpu || cpuUsage >= this.busyCpu);
    this.#active = active;
    this.#busyBeats = isBusy ? this.#busyBeats + 1 : 0;
    if (active > 0 || backlog) this.#idleSince = null;
    else this.#idleSince ??= now;
  }

  /**
   * A job has started or ended, or somebody waits for one: between two beats, much can happen.
   * @param {number} now
   */
  touch(now) {
    if (this.#idleSince !== null) this.#idleSince = now;
  }

  /** The pool has changed, or the process is another one: what was counted is of no use any more. */
  reset() {
    this.#busyBeats = 0;
    this.#idleSince = null;
  }
}

/**
 * @param {readonly View[]} members all of the pool, those that end included
 * @param {ScaleSettings} settings
 * @param {number} now monotonic milliseconds
 * @returns {Decision} at most one thing at a time
 */
function decide(members, { min, max, idleTimeoutMs }, now) {
  // Those that have failed for good have no process.
  const processes = members.filter(({ state }) => state !== 'failed').length;
  const staying = members.filter(({ state }) => state !== 'ending' && state !== 'failed').length;
  const hanging = members.filter(({ state, misses }) => state === 'ready' && misses >= HANGS_AFTER);
  const working = members.filter((one) => one.state === 'ready' && !hanging.includes(one));

  // 1. Beside one that hangs
  const alone = hanging.find(({ covered }) => !covered);
  if (alone !== undefined && processes < max) return { start: { reason: 'unresponsive', beside: alone.slot } };

  // 2. For more work than all can do. One that is about to begin may be enough.
  const beginning = members.some(({ state }) => state === 'starting' || state === 'restarting');
  const busy = working.length > 0 && working.every(({ load }) => load.busyBeats >= BUSY_BEATS);
  if (busy && !beginning && processes < max) return { start: { reason: 'backlog' } };

  // 3. One too many. While another does not answer it is needed, whatever it does now.
  if (staying <= min || hanging.length > 0) return {};
  const idle = working.filter(({ misses, load }) => misses === 0 && load.idleSince !== null && now - load.idleSince >= idleTimeoutMs);
  const youngest = idle.reduce((/** @type {View | null} */ last, one) => (last === null || one.slot > last.slot ? one : last), null);
  // The first one is the one that keeps the worker's id, and jobs of it come back at once when it dies.
  return youngest === null || youngest.slot === 1 ? {} : { end: youngest.slot };
}

module.exports = { scaleSettings, decide, Load, BUSY_BEATS };
