// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('../error.js');

/** Questions that may wait for an answer at a time, the number of messages that the engine keeps. */
const MAX_WAITING = 1024;

/**
 * @typedef {object} Waiting
 * @property {string} channel
 * @property {(payload: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {NodeJS.Timeout} timer
 *
 * @typedef {object} AskOptions
 * @property {number} timeoutMs
 * @property {(payload: any, source?: unknown) => void} [onAnswer] called at once with the payload, before any later message is heard; the promise
 *   resolves when other messages may have been
 * @property {boolean} [always] also when so many others wait that no more should be asked
 */

/** Questions to the worker that wait for their answers; each is told from the others by its id. */
class Requests {
  /**
   * @param {(message: {id: string, channel: string, payload: unknown}) => void} post
   * @param {(line: string) => void} [onTimeout] hears of each question that got no answer; heartbeats speak for themselves
   */
  constructor(post, onTimeout = () => {}) {
    this.post = post;
    this.onTimeout = onTimeout;
    this.lastId = 0;
    /** @type {Map<unknown, Waiting>} */
    this.waiting = new Map();
    /** @type {string | null} why no question can be asked any more */
    this.closed = null;
  }

  /**
   * @param {string} channel
   * @param {unknown} payload
   * @param {AskOptions} options
   * @returns {Promise<any>}
   */
  ask(channel, payload, { timeoutMs, onAnswer, always = false }) {
    return new Promise((resolve, reject) => {
      if (typeof channel !== 'string' || channel === '') {
        throw new LlmJobsError('BAD_CONFIG', `a channel is a string such as "worker:stats"; got ${describe(channel)}`);
      }
      if (this.closed !== null) throw new LlmJobsError('WORKER_CRASHED', `${channel}: ${this.closed}`);
      if (this.waiting.size >= MAX_WAITING && !always) {
        throw new LlmJobsError('BUSY', `${channel}: ${MAX_WAITING} questions already wait for the worker's answers`);
      }
      const id = String(++this.lastId);
      const settle = (/** @type {any} */ answer) => {
        resolve(answer);
        onAnswer?.(answer);
      };
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        if (!always) this.onTimeout(`${channel} (request ${id}) was not answered within ${timeoutMs} ms`);
        reject(new LlmJobsError('TIMEOUT', `${channel} was not answered within ${timeoutMs} ms; the worker is busy or hangs`));
      }, timeoutMs);
      this.waiting.set(id, { channel, resolve: settle, reject, timer });
      try {
        this.post({ id, channel, payload });
      } catch (error) {
        // Not the error's own words: they may quote the payload.
        this.waiting.delete(id);
        clearTimeout(timer);
        reject(new LlmJobsError('INVALID', `${channel}: its payload cannot be sent (${error instanceof Error ? error.name : typeof error}); it must be plain JSON`));
      }
    });
  }

  /** @param {{id: unknown, payload?: unknown, error?: {code?: unknown, message?: unknown}}} message */
  answer({ id, payload, error }) {
    const one = this.waiting.get(id);
    // An answer that comes after its question has timed out.
    if (!one) return;
    this.waiting.delete(id);
    clearTimeout(one.timer);
    if (error) one.reject(new LlmJobsError(String(error.code), String(error.message)));
    else one.resolve(payload);
  }

  /** @param {string} why */
  close(why) {
    this.closed = why;
    for (const { channel, reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new LlmJobsError('WORKER_CRASHED', `${channel}: ${why}`));
    }
    this.waiting.clear();
  }
}

module.exports = { Requests };
