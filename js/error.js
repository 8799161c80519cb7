// SPDX-License-Identifier: MIT
'use strict';

/**
 * The only error class of this package: a sentence that names the culprit and the remedy, and a `code` to branch on. The codes
 * are those of rows and events (docs/errors.md) plus NOT_FOUND, TIMEOUT, WORKER_CRASHED,
 * RESTART_LIMIT and ADDON_MISSING. Neither carries a key or a prompt.
 */
class LlmJobsError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    /** What to branch on. @type {string} */
    this.code = code;
  }
}

Object.defineProperty(LlmJobsError.prototype, 'name', {
  value: 'LlmJobsError',
  enumerable: false,
  writable: true,
  configurable: true,
});

/**
 * What a message may show of a wrong value. Text is cut short, and objects are only named, so that neither a prompt nor a key
 * that was put in the wrong place ends up in a log.
 * @param {unknown} value
 * @returns {string}
 */
function describe(value) {
  if (value === null) return 'null';
  if (typeof value === 'string') return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}

module.exports = { LlmJobsError, describe };
