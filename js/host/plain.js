// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('../error.js');

/** Deeper than any configuration that the engine takes. */
const MAX_DEPTH = 100;

/**
 * The configuration goes to the worker as JSON, which leaves out functions and makes null of NaN, so that a misspelt `onLog` or a
 * number that was reckoned wrongly would never be heard of. Throws BAD_CONFIG with the path of what JSON cannot hold.
 * @param {unknown} value
 * @param {string} [path]
 * @param {number} [depth]
 */
function checkPlain(value, path = '', depth = 0) {
  const kind = typeof value;
  if (value === null || value === undefined || kind === 'string' || kind === 'boolean') return;
  if (kind === 'number' && Number.isFinite(value)) return;
  const plain = Array.isArray(value) || (kind === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value)));
  if (!plain) throw new LlmJobsError('BAD_CONFIG', `${path}: must be plain JSON (strings, finite numbers, true, false, arrays, objects); got ${describe(value)}`);
  if (depth === MAX_DEPTH) throw new LlmJobsError('BAD_CONFIG', `${path.slice(0, 60)}: nested deeper than ${MAX_DEPTH}, or within itself`);
  for (const [key, one] of Object.entries(/** @type {object} */ (value))) {
    checkPlain(one, Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`, depth + 1);
  }
}

module.exports = { checkPlain };
