// SPDX-License-Identifier: MIT
'use strict';

/**
 * @typedef {object} Recorded one request as the fake provider saw it
 * @property {number} n 1 for the first request since the start
 * @property {number} at when its last byte had arrived: Unix milliseconds with fractions
 * @property {number} monotonicMs the same on the machine's monotonic clock, which all processes share
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} headers without the value of a key
 * @property {any} body parsed JSON; the text when it is no JSON
 * @property {boolean} chat whether it asked for an answer, and not for a list or the health
 * @property {number | null} status that was answered
 * @property {number} tokensSent
 * @property {number | null} endedAt
 * @property {boolean} finished the whole answer was handed to the network
 * @property {boolean} aborted the client closed the connection before
 * @property {boolean} cut the script broke the connection
 * @property {string | null} scriptError what the script threw; the request was answered with 500
 *
 * @typedef {{count: number, open: number, peak: number, finished: number, aborted: number}} FakeStats of chat requests; `peak` is
 *   the most that were open at a time
 */

const SECRET_HEADERS = new Set(['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']);

/** What the fake provider remembers of its requests, the newest `max` of them. */
class RequestLog {
  /** @param {number} max */
  constructor(max) {
    this.max = max;
    /** @type {Recorded[]} */
    this.entries = [];
    this.lastN = 0;
    /** @type {FakeStats} */
    this.stats = { count: 0, open: 0, peak: 0, finished: 0, aborted: 0 };
  }

  /** Forgets what was; what is open stays open. */
  clear() {
    this.entries = [];
    this.stats = { count: 0, open: this.stats.open, peak: this.stats.open, finished: 0, aborted: 0 };
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {string} path
   * @param {any} body
   * @param {boolean} chat
   * @returns {Recorded}
   */
  begin(request, path, body, chat) {
    /** @type {Recorded} */
    const entry = {
      n: ++this.lastN,
      at: performance.timeOrigin + performance.now(),
      monotonicMs: Number(process.hrtime.bigint()) / 1e6,
      method: request.method ?? '',
      path,
      headers: publicHeaders(request.headers),
      body,
      chat,
      status: null,
      tokensSent: 0,
      endedAt: null,
      finished: false,
      aborted: false,
      cut: false,
      scriptError: null,
    };
    this.entries.push(entry);
    // In large steps, because taking the first of many thousands away moves all the others.
    if (this.entries.length > this.max * 2) this.entries.splice(0, this.entries.length - this.max);
    if (chat) {
      this.stats.count += 1;
      this.stats.open += 1;
      this.stats.peak = Math.max(this.stats.peak, this.stats.open);
    }
    return entry;
  }

  /**
   * @param {Recorded} entry
   * @param {boolean} finished
   */
  end(entry, finished) {
    entry.endedAt = performance.timeOrigin + performance.now();
    entry.finished = finished && !entry.cut;
    entry.aborted = !finished && !entry.cut;
    if (!entry.chat) return;
    this.stats.open -= 1;
    if (entry.finished) this.stats.finished += 1;
    if (entry.aborted) this.stats.aborted += 1;
  }

  /** @returns {Recorded[]} */
  list() {
    return this.max === 0 ? [] : this.entries.slice(-this.max);
  }
}

/**
 * @param {import('node:http').IncomingHttpHeaders} headers
 * @returns {Record<string, string>}
 */
function publicHeaders(headers) {
  /** @type {Record<string, string>} */
  const shown = {};
  for (const [name, value] of Object.entries(headers)) shown[name] = SECRET_HEADERS.has(name) ? '***' : String(value);
  return shown;
}

module.exports = { RequestLog };
