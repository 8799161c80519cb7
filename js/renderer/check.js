// SPDX-License-Identifier: MIT
'use strict';

/**
 * What a page may say. It is taken for hostile: whoever can run a script in it says anything.
 */

const { LlmJobsError, describe } = require('../error.js');
const { checkPlain } = require('../host/plain.js');

/** Ceilings of what comes from a page. */
const MAX_DATA = 1048576;
const MAX_ID = 255;
const MAX_PRIORITY = 100;
const MAX_DELAY_MS = 86400000 * 366;

/**
 * @typedef {object} Rule of a job type that pages may add
 * @property {(data: any) => object} [check] returns the data that the job gets, or throws what the page is told
 * @property {object} [options] of `queue.add`; they win over what the page says
 *
 * @typedef {{name: string, data: any, options: Record<string, any>}} NewJob
 */

/**
 * @param {unknown} allow the option of serveRenderers
 * @returns {Map<string, Rule>}
 */
function readAllow(allow) {
  const isObject = allow !== null && typeof allow === 'object';
  if (!isObject) {
    throw new LlmJobsError('BAD_CONFIG', `allow must name the job types that pages may use, such as ["summarise"]; got ${describe(allow)}`);
  }
  /** @type {[string, Rule][]} */
  const entries = Array.isArray(allow) ? allow.map((name) => [name, {}]) : Object.entries(/** @type {object} */ (allow));
  for (const [name, rule] of entries) {
    if (typeof name !== 'string' || name === '') throw new LlmJobsError('BAD_CONFIG', `allow: a job type is a string; got ${describe(name)}`);
    checkRule(name, rule);
  }
  return new Map(entries);
}

/**
 * @param {string} name
 * @param {any} rule
 */
function checkRule(name, rule) {
  const fail = (/** @type {string} */ what) => {
    throw new LlmJobsError('BAD_CONFIG', `allow.${name}${what}`);
  };
  if (rule === null || typeof rule !== 'object') fail(` must be an object {check, options}; got ${describe(rule)}`);
  const unknown = Object.keys(rule).find((key) => key !== 'check' && key !== 'options');
  if (unknown !== undefined) fail(`.${unknown}: unknown key; there are check and options`);
  if (rule.check !== undefined && typeof rule.check !== 'function') fail(`.check must be a function (data); got ${describe(rule.check)}`);
  if (rule.options !== undefined && (rule.options === null || typeof rule.options !== 'object')) fail(`.options must be an object; got ${describe(rule.options)}`);
}

/**
 * @param {Map<string, Rule>} rules
 * @param {unknown} name
 * @param {unknown} data
 * @param {any} options
 * @returns {NewJob}
 */
function readAdd(rules, name, data, options) {
  const rule = typeof name === 'string' ? rules.get(name) : undefined;
  if (rule === undefined) throw new LlmJobsError('POLICY_DENIED', `pages may not add jobs of type ${describe(name)}; serveRenderers allows those in its option allow`);
  if (data === null || typeof data !== 'object' || Array.isArray(data)) throw new LlmJobsError('INVALID', `data must be an object such as {prompt}; got ${describe(data)}`);
  checkData(data);
  // What is put into the request as it is could ask for anything that the key pays for.
  if (rule.check === undefined && 'providerOptions' in data) {
    throw new LlmJobsError('POLICY_DENIED', 'data.providerOptions: pages may not set it; the check of a job type in allow can');
  }
  const said = readOptions(options);
  return { name: /** @type {string} */ (name), data: applyCheck(rule, data), options: { ...said, ...rule.options } };
}

/** @param {Rule} rule @param {object} data */
function applyCheck({ check }, data) {
  if (check === undefined) return data;
  try {
    return check(data);
  } catch (error) {
    throw error instanceof LlmJobsError ? error : new LlmJobsError('INVALID', error instanceof Error ? error.message : String(error));
  }
}

/** @param {object} data */
function checkData(data) {
  try {
    checkPlain(data, 'data');
  } catch (error) {
    throw new LlmJobsError('INVALID', /** @type {Error} */ (error).message);
  }
  const size = JSON.stringify(data).length;
  if (size > MAX_DATA) throw new LlmJobsError('TOO_BIG', `data has ${size} characters as JSON; a page may send ${MAX_DATA}`);
}

/** @param {any} options of a page */
function readOptions(options) {
  if (options === undefined) return {};
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw new LlmJobsError('INVALID', `options must be an object {priority, delay}; got ${describe(options)}`);
  /** @type {Record<string, number>} */
  const said = {};
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const [min, max] = key === 'priority' ? [-MAX_PRIORITY, MAX_PRIORITY] : key === 'delay' ? [0, MAX_DELAY_MS] : [1, 0];
    if (max < min) throw new LlmJobsError('POLICY_DENIED', `options.${key.slice(0, 40)}: pages may set priority and delay only`);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new LlmJobsError('INVALID', `options.${key} must be a whole number from ${min} to ${max}; got ${describe(value)}`);
    }
    said[key] = value;
  }
  return said;
}

/**
 * @param {unknown} id
 * @returns {string}
 */
function readId(id) {
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID) throw new LlmJobsError('INVALID', `a job's id is the string that add gave; got ${describe(id)}`);
  return id;
}

/**
 * What a page is told of a job: nothing of leases, lanes and tries.
 *
 * @typedef {object} JobView
 * @property {string} id
 * @property {string} name
 * @property {string} status 'waiting', 'active', 'completed', 'failed', 'delayed', 'waiting-children' or 'cancelled'
 * @property {number} progress 0 to 100
 * @property {number} priority
 * @property {any} data
 * @property {string | null} partial text so far
 * @property {any} result
 * @property {{code: string, message: string} | null} error
 * @property {number | null} createdAt
 * @property {number | null} processedOn
 * @property {number | null} finishedOn
 *
 * @param {any} job
 * @returns {JobView}
 */
function viewOf({ id, name, status, progress, priority, data, partial, result, error, createdAt, processedOn, finishedOn }) {
  const trouble = error === null ? null : { code: String(error.code), message: String(error.message) };
  return { id, name, status, progress, priority, data, partial, result, error: trouble, createdAt, processedOn, finishedOn };
}

module.exports = { readAllow, readAdd, readId, viewOf };
