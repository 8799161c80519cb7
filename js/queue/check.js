// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('../error.js');

/**
 * Checks of single values. Each takes the value and the name the app used for it, and throws BAD_JOB with both, what was
 * expected, and the likely remedy.
 */

const INT32_MAX = 2147483647;
/** A time given in seconds instead of milliseconds lies before this one (1970-04-26 in milliseconds, year 2286 in seconds). */
const FIRST_MS = 1e10;
const LAST_MS = 8.64e15;

/**
 * @param {string} what
 * @returns {LlmJobsError}
 */
function badJob(what) {
  return new LlmJobsError('BAD_JOB', what);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {{max?: number, example: string}} rules
 * @returns {string}
 */
function text(value, name, { max = 1000, example }) {
  if (typeof value !== 'string' || value === '') {
    throw badJob(`${name} must be a non-empty string such as ${example}; got ${value === '' ? 'an empty one' : describe(value)}`);
  }
  if (value.length > max) throw badJob(`${name} must have at most ${max} characters; got ${value.length}`);
  if (value.includes('\0')) throw badJob(`${name} contains a NUL character, at which other programs end the text; remove it`);
  return value;
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {{min: number, max?: number, hint?: string}} rules
 * @returns {number}
 */
function integer(value, name, { min, max = INT32_MAX, hint = '' }) {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw badJob(`${name} must be a whole number from ${min} to ${max}; got ${describe(value)}${hint && `: ${hint}`}`);
  }
  return value;
}

/**
 * @param {unknown} value a Date or Unix milliseconds
 * @param {string} name
 * @returns {number} Unix milliseconds
 */
function time(value, name) {
  const ms = value instanceof Date ? value.getTime() : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0 || ms > LAST_MS) {
    throw badJob(`${name} must be a Date or Unix time in milliseconds; got ${describe(value)}`);
  }
  if (ms < FIRST_MS && !(value instanceof Date)) {
    throw badJob(`${name} must be Unix time in milliseconds; ${ms} looks like seconds: multiply it by 1000, or pass a Date`);
  }
  return Math.round(ms);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {boolean}
 */
function flag(value, name) {
  if (typeof value !== 'boolean') throw badJob(`${name} must be true or false; got ${describe(value)}`);
  return value;
}

/**
 * @template {string} T
 * @param {unknown} value
 * @param {string} name
 * @param {readonly T[]} allowed
 * @returns {T}
 */
function choice(value, name, allowed) {
  if (!allowed.includes(/** @type {T} */ (value))) {
    throw badJob(`${name} must be ${allowed.map((one) => JSON.stringify(one)).join(' or ')}; got ${describe(value)}`);
  }
  return /** @type {T} */ (value);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {string} example
 * @returns {Record<string, unknown>}
 */
function object(value, name, example) {
  const prototype = value !== null && typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  // Objects from another realm (a vm context) have another Object.prototype, whose own prototype is null too.
  const plain = prototype === null || (prototype !== undefined && !Array.isArray(value) && Object.getPrototypeOf(prototype) === null);
  if (!plain) throw badJob(`${name} must be an object such as ${example}; got ${typeof value === 'string' ? 'a string' : describe(value)}`);
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * Refuses keys that nobody would read: a misspelled option must not be lost in silence.
 * @param {Record<string, unknown>} value
 * @param {string} name
 * @param {readonly string[]} allowed
 * @param {Readonly<Record<string, string>>} [mistakes] likely wrong names and what is meant
 */
function keys(value, name, allowed, mistakes = {}) {
  for (const key of Object.keys(value)) {
    if (allowed.includes(key)) continue;
    const meant = Object.hasOwn(mistakes, key) ? mistakes[key] : allowed.find((one) => one.toLowerCase() === key.toLowerCase());
    throw badJob(`${name} has no ${describe(key)}${meant ? `; did you mean "${meant}"?` : `; it can have ${allowed.join(', ')}`}`);
  }
}

module.exports = { badJob, text, integer, time, flag, choice, object, keys, INT32_MAX };
