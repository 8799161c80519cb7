// SPDX-License-Identifier: MIT
'use strict';

const { checkFields, checkNumber } = require('./settings.js');

/**
 * When a worker that has died is started again: at growing intervals, and only so often within a while. Restarts leave the count
 * by growing old, never because a start succeeds: a worker that starts well and dies of its first job would otherwise be started
 * for ever. Nor do they grow old while no start has succeeded.
 *
 * @typedef {object} RestartSettings
 * @property {number} maxRestarts within the window; one more death gives the worker up
 * @property {number} windowMs
 * @property {number} delayMs before the first restart, doubled for each further one in the window
 * @property {number} maxDelayMs
 */

/** @type {RestartSettings} */
const DEFAULTS = { maxRestarts: 5, windowMs: 60000, delayMs: 500, maxDelayMs: 30000 };

/**
 * @param {unknown} given what the app says: some of the settings, nothing, or false for no restart
 * @returns {RestartSettings | false}
 */
function restartSettings(given) {
  if (given === false) return false;
  const settings = checkFields('restart', given, DEFAULTS);
  checkNumber('restart.maxRestarts', settings.maxRestarts, 0, 1000);
  checkNumber('restart.windowMs', settings.windowMs, 1);
  checkNumber('restart.delayMs', settings.delayMs, 0);
  checkNumber('restart.maxDelayMs', settings.maxDelayMs, 0);
  return settings;
}

class Restarts {
  /** @type {number[]} when the restarts that count were decided */ #times = [];

  /**
   * @param {RestartSettings | false} settings
   * @param {() => number} [now] monotonic milliseconds
   */
  constructor(settings, now = () => performance.now()) {
    this.settings = settings;
    this.now = now;
  }

  /**
   * Called for each death.
   * @param {boolean} wasReady whether that process had started well
   * @returns {{count: number, delayMs: number} | null} null: no more restarts
   */
  next(wasReady) {
    if (this.settings === false) return null;
    const { maxRestarts, windowMs, delayMs, maxDelayMs } = this.settings;
    const now = this.now();
    if (wasReady) this.#times = this.#times.filter((time) => time > now - windowMs);
    if (this.#times.length >= maxRestarts) return null;
    const delay = Math.min(maxDelayMs, delayMs * 2 ** this.#times.length);
    this.#times.push(now);
    return { count: this.#times.length, delayMs: delay };
  }
}

module.exports = { Restarts, restartSettings };
