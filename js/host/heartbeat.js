// SPDX-License-Identifier: MIT
'use strict';

const { checkFields, checkNumber } = require('./settings.js');

/**
 * Asks a worker again and again whether it lives. The engine's own thread answers by way of the JavaScript thread, so that a
 * missing answer tells of either. After a miss the next beat follows at once: a worker that hangs from one moment to the next is
 * found out after intervalMs + maxRetries · timeoutMs at the latest.
 *
 * @typedef {object} HeartbeatSettings
 * @property {number} intervalMs from one beat to the next
 * @property {number} timeoutMs after which a beat without an answer is a miss
 * @property {number} maxRetries consecutive misses that give a worker up
 *
 * @typedef {object} HeartbeatEvents
 * @property {(timeoutMs: number, onAnswer: () => void) => Promise<any>} ask rejects with TIMEOUT when there is no answer; calls
 *   onAnswer before any message that follows the answer is heard
 * @property {(answer: any) => void} onBeat
 * @property {(misses: number) => void} onMiss consecutive ones
 * @property {() => void} onHung after the last of them; nothing is asked any more
 */

/** @type {HeartbeatSettings} */
const DEFAULTS = { intervalMs: 3000, timeoutMs: 2000, maxRetries: 3 };
/** @type {HeartbeatSettings} */
const HIGH_LOAD = { intervalMs: 5000, timeoutMs: 3000, maxRetries: 5 };

/** A timer that comes so much later than it should shows that this process did not run: then it can't have heard an answer. */
const LATE = 0.25;

/**
 * @param {unknown} given what the app says: some of the settings, nothing, or false for no heartbeat
 * @param {{highLoad?: boolean}} [preset]
 * @returns {HeartbeatSettings | false}
 */
function heartbeatSettings(given, { highLoad = false } = {}) {
  if (given === false) return false;
  const settings = checkFields('heartbeat', given, highLoad ? HIGH_LOAD : DEFAULTS);
  checkNumber('heartbeat.intervalMs', settings.intervalMs, 10);
  checkNumber('heartbeat.timeoutMs', settings.timeoutMs, 10);
  checkNumber('heartbeat.maxRetries', settings.maxRetries, 1, 1000);
  return settings;
}

class Heartbeat {
  /** @type {NodeJS.Timeout | undefined} */ #timer;
  #misses = 0;
  #over = false;

  /**
   * @param {HeartbeatSettings} settings
   * @param {HeartbeatEvents} events
   * @param {() => number} [now] monotonic milliseconds
   */
  constructor(settings, events, now = () => performance.now()) {
    this.settings = settings;
    this.events = events;
    this.now = now;
  }

  /** Consecutive beats without an answer. */
  get misses() {
    return this.#misses;
  }

  start() {
    this.#wait(this.settings.intervalMs);
  }

  stop() {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#timer = setTimeout(() => void this.#beat(), ms);
  }

  async #beat() {
    const { intervalMs, timeoutMs, maxRetries } = this.settings;
    const begun = this.now();
    const answer = await this.events.ask(timeoutMs, () => (this.#misses = 0)).catch((error) => ({ error }));
    if (this.#over) return;
    const ms = this.now() - begun;

    // 1. It lives. So it does when it answers with an error, unless that says that there was no answer.
    const code = answer?.error?.code;
    if (code === 'WORKER_CRASHED') return;
    if (code !== 'TIMEOUT') {
      this.#misses = 0;
      this.#wait(Math.max(0, intervalMs - ms));
      this.events.onBeat(code === undefined ? (answer ?? {}) : {});
      return;
    }

    // 2. This process was busy or the machine slept: the answer may be there, unread. That says nothing of the worker.
    if (ms > timeoutMs * (1 + LATE)) {
      this.#wait(0);
      return;
    }

    // 3. It does not
    this.#misses += 1;
    const hung = this.#misses >= maxRetries;
    if (hung) this.stop();
    else this.#wait(0);
    this.events.onMiss(this.#misses);
    if (hung) this.events.onHung();
  }
}

module.exports = { Heartbeat, heartbeatSettings };
