// SPDX-License-Identifier: MIT
/// <reference types="electron" />
'use strict';

const { LlmJobsError, describe } = require('../error.js');

/**
 * What an app allows its windows and its worker. The worker is no window: `sandbox` and `csp` say what `applySecurityPolicy` does
 * to windows and sessions, `allowedAPIs` is obeyed by the engine, `resourceLimits` by the host. docs/security.md tells what each
 * of them does not do.
 *
 * @typedef {'llm' | 'ipc' | 'fs:read'} AllowedAPI
 *
 * @typedef {object} SecurityPolicy
 * @property {{enabled: boolean, nodeIntegration: boolean, contextIsolation: boolean}} sandbox
 * @property {{directives: string}} csp the value of a Content-Security-Policy header
 * @property {AllowedAPI[]} allowedAPIs
 * @property {{cpu: {maxUsage: number}, memory: {maxMB: number}}} resourceLimits percent of one core; megabytes of the process
 *
 * @typedef {object} SecurityPolicyOptions what may be left out is as in the defaults
 * @property {{enabled?: boolean, nodeIntegration?: boolean, contextIsolation?: boolean}} [sandbox]
 * @property {{directives?: string}} [csp]
 * @property {readonly string[]} [allowedAPIs]
 * @property {{cpu?: {maxUsage?: number}, memory?: {maxMB?: number}}} [resourceLimits]
 */

const APIS = ['llm', 'ipc', 'fs:read'];
/** A header may have that much in all of Chromium's places; real policies have some hundred characters. */
const MAX_DIRECTIVES = 16384;

/** @type {SecurityPolicy} */
const DEFAULTS = {
  sandbox: { enabled: true, nodeIntegration: false, contextIsolation: true },
  // Without 'unsafe-eval': nothing in this package makes code of strings, and it would let injected text run.
  csp: { directives: "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'self'" },
  allowedAPIs: ['llm', 'ipc', 'fs:read'],
  resourceLimits: { cpu: { maxUsage: 80 }, memory: { maxMB: 1024 } },
};

/** What `preset: 'highLoad'` changes. */
const HIGH_LOAD = { resourceLimits: { cpu: { maxUsage: 90 }, memory: { maxMB: 2048 } } };

/**
 * What each value must be, in the shape of the policy.
 * @type {Record<string, any>}
 */
const RULES = {
  sandbox: { enabled: checkBoolean, nodeIntegration: checkBoolean, contextIsolation: checkBoolean },
  csp: { directives: checkDirectives },
  allowedAPIs: checkApis,
  resourceLimits: {
    cpu: { maxUsage: (/** @type {string} */ path, /** @type {unknown} */ value) => checkNumber(path, value, 1, 100000) },
    memory: { maxMB: (/** @type {string} */ path, /** @type {unknown} */ value) => checkNumber(path, value, 1, 1048576) },
  },
};

/**
 * Checks the option `securityPolicy` and completes it. Throws BAD_CONFIG with the path of the culprit.
 * @param {unknown} [given]
 * @param {{highLoad?: boolean}} [preset]
 * @returns {Readonly<SecurityPolicy>} frozen, with all that is in it
 */
function securityPolicy(given, { highLoad = false } = {}) {
  const defaults = highLoad ? { ...DEFAULTS, ...HIGH_LOAD } : DEFAULTS;
  return /** @type {SecurityPolicy} */ (complete('securityPolicy', given, RULES, defaults));
}

/**
 * @param {string} path
 * @param {any} given
 * @param {Record<string, any>} rules
 * @param {Record<string, any>} defaults
 * @returns {Record<string, any>}
 */
function complete(path, given, rules, defaults) {
  const names = Object.keys(rules);
  const isObject = given !== null && typeof given === 'object' && !Array.isArray(given);
  if (given !== undefined && given !== null && !isObject) bad(path, `an object {${names.join(', ')}}`, given);
  const unknown = Object.keys(given ?? {}).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new LlmJobsError('BAD_CONFIG', `${path}.${unknown}: unknown key; ${path} has ${names.join(', ')}`);
  /** @type {Record<string, any>} */
  const all = {};
  for (const name of names) {
    const [rule, value] = [rules[name], given?.[name]];
    if (typeof rule === 'object') all[name] = complete(`${path}.${name}`, value, rule, defaults[name]);
    else all[name] = rule(`${path}.${name}`, value ?? defaults[name]);
  }
  return Object.freeze(all);
}

/** @param {string} path @param {unknown} value */
function checkBoolean(path, value) {
  if (typeof value !== 'boolean') bad(path, 'true or false', value);
  return value;
}

/** @param {string} path @param {unknown} value @param {number} min @param {number} max */
function checkNumber(path, value, min, max) {
  if (!(typeof value === 'number' && value >= min && value <= max)) bad(path, `a number from ${min} to ${max}`, value);
  return value;
}

/** @param {string} path @param {unknown} value */
function checkDirectives(path, value) {
  const text = typeof value === 'string' ? value.trim() : '';
  // Control characters would end the header and begin another one.
  const good = text !== '' && text.length <= MAX_DIRECTIVES && /^[\x20-\x7e]*$/.test(text);
  if (!good) bad(path, 'the value of a Content-Security-Policy header, in one line of ASCII', value);
  return text;
}

/** @param {string} path @param {unknown} value */
function checkApis(path, value) {
  if (!Array.isArray(value)) bad(path, `an array of ${quoted(APIS)}`, value);
  const apis = /** @type {unknown[]} */ (value);
  apis.forEach((api, n) => {
    if (typeof api !== 'string' || !APIS.includes(api)) bad(`${path}[${n}]`, `one of ${quoted(APIS)}`, api);
    if (apis.indexOf(api) !== n) throw new LlmJobsError('BAD_CONFIG', `${path}[${n}]: ${describe(api)} is there already`);
  });
  return Object.freeze([...apis]);
}

/** @param {string[]} names */
function quoted(names) {
  return names.map((name) => JSON.stringify(name)).join(', ');
}

/**
 * @param {string} path
 * @param {string} expected
 * @param {unknown} value
 * @returns {never}
 */
function bad(path, expected, value) {
  throw new LlmJobsError('BAD_CONFIG', `${path} must be ${expected}; got ${describe(value)}`);
}

/**
 * Gives a window or a session what the policy says about it.
 *
 * The `webPreferences` of a window get `sandbox`, `nodeIntegration` and `contextIsolation` where they say nothing; stricter settings
 * stay, weaker ones are refused with BAD_CONFIG. A session gets the policy's Content-Security-Policy on every response, in addition
 * to those of the server. It has one listener for `onHeadersReceived`, Electron's rule, which this one replaces.
 *
 * @template {object} T
 * @param {T} target `webPreferences`, which are changed, or an Electron session
 * @param {SecurityPolicyOptions} [policy] `worker.policy`, or what `startWorker` takes as `securityPolicy`; the defaults without it
 * @returns {T} the target
 */
function applySecurityPolicy(target, policy) {
  const complete = securityPolicy(policy);
  const any = /** @type {any} */ (target);
  if (any !== null && typeof any === 'object') {
    if (typeof any.webRequest?.onHeadersReceived === 'function') {
      installCsp(any, complete.csp.directives);
      return target;
    }
    // The options of a window, or a window, would take these settings without a word and do nothing with them.
    const plain = [Object.prototype, null].includes(Object.getPrototypeOf(any));
    if (plain && !('webPreferences' in any)) return Object.assign(target, safePreferences(any, complete.sandbox));
  }
  throw new LlmJobsError('BAD_CONFIG', `applySecurityPolicy takes the webPreferences of a window or an Electron session; got ${describe(target)}`);
}

/** The stricter value of each setting. */
const STRICT = { sandbox: true, nodeIntegration: false, nodeIntegrationInWorker: false, contextIsolation: true };

/**
 * @param {Electron.WebPreferences} preferences
 * @param {SecurityPolicy['sandbox']} policy
 * @returns {Electron.WebPreferences} what is to be set
 */
function safePreferences(preferences, { enabled, nodeIntegration, contextIsolation }) {
  const policy = { sandbox: enabled, nodeIntegration, nodeIntegrationInWorker: nodeIntegration, contextIsolation };
  for (const name of /** @type {(keyof typeof policy)[]} */ (Object.keys(policy))) {
    const said = preferences[name];
    if (said === undefined) continue;
    if (typeof said !== 'boolean') bad(`webPreferences.${name}`, 'true or false', said);
    if (policy[name] === STRICT[name] && said !== STRICT[name]) {
      throw new LlmJobsError(
        'BAD_CONFIG',
        `webPreferences.${name}: ${said} is weaker than the security policy, which says ${policy[name]}; leave it out, or change securityPolicy.sandbox`,
      );
    }
  }
  const { sandbox = enabled, nodeIntegration: node = nodeIntegration, contextIsolation: isolated = contextIsolation } = preferences;
  return { sandbox, nodeIntegration: node, contextIsolation: isolated };
}

/**
 * @param {Pick<Electron.Session, 'webRequest'>} session
 * @param {string} directives
 */
function installCsp(session, directives) {
  session.webRequest.onHeadersReceived(({ responseHeaders = {} }, callback) => {
    const name = Object.keys(responseHeaders).find((one) => one.toLowerCase() === 'content-security-policy') ?? 'Content-Security-Policy';
    // A page obeys all of its policies, so that another one can only make it stricter.
    callback({ responseHeaders: { ...responseHeaders, [name]: [...(responseHeaders[name] ?? []), directives] } });
  });
}

module.exports = { securityPolicy, applySecurityPolicy };
