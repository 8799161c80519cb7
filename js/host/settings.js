// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('../error.js');

/** A day; JavaScript's timers count in 32 bits and fire at once beyond 24 days. */
const MAX_MS = 86400000;

/**
 * The numbers of one option of startWorker, as the app gave them, completed by their defaults.
 * @template {Record<string, any>} T
 * @param {string} name
 * @param {any} given
 * @param {T} defaults
 * @returns {T}
 */
function checkFields(name, given, defaults) {
  // As everywhere in a configuration, null is the same as leaving out.
  if (given === undefined || given === null) return { ...defaults };
  const names = Object.keys(defaults);
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new LlmJobsError('BAD_CONFIG', `${name} must be an object {${names.join(', ')}}; got ${describe(given)}`);
  }
  const unknown = Object.keys(given).find((key) => !names.includes(key));
  if (unknown !== undefined) throw new LlmJobsError('BAD_CONFIG', `${name}.${unknown}: unknown key; ${name} has ${names.join(', ')}`);
  const said = Object.entries(given).filter(([, value]) => value !== undefined && value !== null);
  return { ...defaults, ...Object.fromEntries(said) };
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} min
 * @param {number} [max]
 */
function checkNumber(name, value, min, max = MAX_MS) {
  if (typeof value === 'number' && value >= min && value <= max) return;
  throw new LlmJobsError('BAD_CONFIG', `${name} must be a number from ${min} to ${max}; got ${describe(value)}`);
}

module.exports = { checkFields, checkNumber, MAX_MS };
