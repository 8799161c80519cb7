// SPDX-License-Identifier: MIT
'use strict';

const { checkFields, checkNumber } = require('./settings.js');

/**
 * What a worker process may use. Over a limit it takes fewer jobs at a time, half as many after each beat until it is below; then
 * the slots come back step by step. Far over the memory limit fewer jobs will not help, and the process is replaced.
 *
 * @typedef {object} LimitSettings
 * @property {{maxUsage: number}} cpu percent of one core
 * @property {{maxMB: number}} memory resident memory of the process
 *
 * @typedef {{cpuUsage: number, memoryUsage: number, avgResponseTime: number}} Metrics percent of one core, MB, ms
 *
 * @typedef {object} Verdict
 * @property {number | null} [concurrency] the slots from now on, null: all; absent when nothing changes
 * @property {'cpu' | 'memory'} [reason] why it was throttled, and is not yet as it was
 * @property {boolean} replace
 */

/** @type {LimitSettings} */
const DEFAULTS = { cpu: { maxUsage: 80 }, memory: { maxMB: 1024 } };
/** @type {LimitSettings} */
const HIGH_LOAD = { cpu: { maxUsage: 90 }, memory: { maxMB: 2048 } };

const FAR_OVER = 1.5;
/** Beats in a row that show a process far over its memory; one alone may have met a large answer on its way. */
const FAR_BEATS = 2;
/** Below this part of each limit slots come back, so that a worker near its limit is not throttled and released all the time. */
const BELOW = 0.9;
/** Steps in which all slots come back. */
const STEPS = 8;

/**
 * @param {unknown} given what the app says in securityPolicy.resourceLimits: some of the settings, nothing, or false for no limits
 * @param {{highLoad?: boolean}} [preset]
 * @returns {LimitSettings | false}
 */
function limitSettings(given, { highLoad = false } = {}) {
  if (given === false) return false;
  const defaults = highLoad ? HIGH_LOAD : DEFAULTS;
  const { cpu, memory } = checkFields('securityPolicy.resourceLimits', given, defaults);
  const settings = {
    cpu: checkFields('securityPolicy.resourceLimits.cpu', cpu, defaults.cpu),
    memory: checkFields('securityPolicy.resourceLimits.memory', memory, defaults.memory),
  };
  checkNumber('securityPolicy.resourceLimits.cpu.maxUsage', settings.cpu.maxUsage, 1, 100000);
  checkNumber('securityPolicy.resourceLimits.memory.maxMB', settings.memory.maxMB, 1, 1048576);
  return settings;
}

/** The limits of one process; a new one begins with all its slots. */
class Limits {
  /** @type {number | null} */ #slots = null;
  /** @type {'cpu' | 'memory' | undefined} */ #reason;
  #farBeats = 0;

  /** @param {LimitSettings} settings */
  constructor(settings) {
    this.settings = settings;
  }

  get throttled() {
    return this.#slots !== null;
  }

  /**
   * @param {Metrics} metrics of the last beat
   * @param {number} concurrency the slots of the configuration
   * @returns {Verdict}
   */
  judge({ cpuUsage, memoryUsage }, concurrency) {
    const cpu = cpuUsage / this.settings.cpu.maxUsage;
    const memory = memoryUsage / this.settings.memory.maxMB;
    this.#farBeats = memory > FAR_OVER ? this.#farBeats + 1 : 0;
    const before = this.#slots;
    if (memory > 1 || cpu > 1) {
      this.#reason = memory > 1 ? 'memory' : 'cpu';
      this.#slots = Math.max(1, Math.floor((before ?? concurrency) / 2));
    } else if (before !== null && memory < BELOW && cpu < BELOW) {
      const more = before + Math.ceil(concurrency / STEPS);
      this.#slots = more >= concurrency ? null : more;
    }
    const verdict = { reason: this.#reason, replace: this.#farBeats >= FAR_BEATS };
    return this.#slots === before ? verdict : { ...verdict, concurrency: this.#slots };
  }
}

module.exports = { Limits, limitSettings };
