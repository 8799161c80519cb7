// SPDX-License-Identifier: MIT
'use strict';

/** @import { Message } from './generation.js' */

/** For so long a sleep that does not come keeps the engine from starting jobs. */
const SUSPEND_MS = 20000;

/**
 * What the app has asked of its worker and what stays so until it says otherwise: pauses, a drain, a sleep to come, held lanes, subscriptions. A process
 * knows of them only as long as it lives; the next one is told before it looks for its first job.
 */
class Standing {
  /** When the machine was said to be about to sleep, null when it is awake. */
  #suspendedAt = /** @type {number | null} */ (null);
  #paused = false;
  #drained = false;
  #tokens = false;
  /** @type {Set<string>} */ #queues = new Set();
  /** @type {Set<string>} */ #lanes = new Set();

  /** @param {() => number} [now] milliseconds */
  constructor(now = Date.now) {
    this.now = now;
  }

  /**
   * @param {string} channel of a message that the worker has agreed to
   * @param {any} payload
   */
  note(channel, payload) {
    if (channel === 'worker:pause' || channel === 'worker:resume') this.#pause(payload?.queue, channel === 'worker:pause');
    else if (channel === 'worker:drain') this.#drained = true;
    else if (channel === 'worker:power') this.#power(payload?.event);
    else if (channel === 'worker:hold') keep(this.#lanes, payload?.lane, payload?.held !== false);
    else if (channel === 'worker:subscribe' && payload?.jobId === undefined) this.#tokens = payload?.tokens === true;
  }

  /** @param {string} event */
  #power(event) {
    if (event === 'suspend') this.#suspendedAt = this.now();
    else if (event === 'resume') this.#suspendedAt = null;
  }

  /**
   * @param {string | undefined} queue
   * @param {boolean} paused
   */
  #pause(queue, paused) {
    if (queue === undefined) this.#paused = paused;
    else keep(this.#queues, queue, paused);
  }

  /**
   * @param {Iterable<string>} jobs whose text somebody follows
   * @returns {Message[]} without ids: nobody waits for the answers
   */
  messages(jobs) {
    const messages = [];
    if (this.#drained) messages.push({ channel: 'worker:drain', payload: { deadlineMs: 0 } });
    const suspended = this.#suspendedAt !== null && this.now() < this.#suspendedAt + SUSPEND_MS;
    if (suspended) messages.push({ channel: 'worker:power', payload: { event: 'suspend' } });
    if (this.#paused) messages.push({ channel: 'worker:pause' });
    for (const queue of this.#queues) messages.push({ channel: 'worker:pause', payload: { queue } });
    for (const lane of this.#lanes) messages.push({ channel: 'worker:hold', payload: { lane, held: true } });
    if (this.#tokens) messages.push({ channel: 'worker:subscribe', payload: { tokens: true } });
    for (const jobId of jobs) messages.push({ channel: 'worker:subscribe', payload: { jobId, tokens: true } });
    return messages;
  }
}

/**
 * @template T
 * @param {Set<T>} set
 * @param {T} value
 * @param {boolean} kept
 */
function keep(set, value, kept) {
  if (kept) set.add(value);
  else set.delete(value);
}

module.exports = { Standing };
