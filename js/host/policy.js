// SPDX-License-Identifier: MIT
/// <reference types="electron" />
'use strict';

const { LlmJobsError, describe } = require('../error.js');
const { checkFields } = require('./settings.js');
const { limitSettings } = require('./limits.js');

/** @import { LimitSettings } from './limits.js' */

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
 * @property {LimitSettings | false} resourceLimits percent of one core; megabytes of the process; false: none
 *
 * @typedef {object} SecurityPolicyOptions what may be left out is as in the defaults
 * @property {{enabled?: boolean, nodeIntegration?: boolean, contextIsolation?: boolean}} [sandbox]
 * @property {{directives?: string}} [csp]
 * @property {readonly string[]} [allowedAPIs]
 * @property {{cpu?: {maxUsage?: number}, memory?: {maxMB?: number}} | false} [resourceLimits]
 */

const APIS = ['llm', 'ipc', 'fs:read'];
/** Real policies have some hundred characters. */
const MAX_DIRECTIVES = 16384;

const SANDBOX = { enabled: true, nodeIntegration: false, contextIsolation: true };
/** Without 'unsafe-eval': nothing in this package makes code of strings, and it would let injected text run. */
const CSP = { directives: "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'self'" };

/**
 * Checks the option `securityPolicy` and completes it. Throws BAD_CONFIG with the path of the culprit.
 * @param {unknown} [given]
 * @param {object} [others]
 * @param {boolean} [others.highLoad] whether the limits are those of that preset
 * @param {unknown} [others.allowedAPIs] the engine's key of this name, for apps that use that one
 * @returns {Readonly<SecurityPolicy>} frozen, with all that is in it
 */
function securityPolicy(given, { highLoad, allowedAPIs = APIS } = {}) {
  const all = checkFields('securityPolicy', given, { sandbox: SANDBOX, csp: CSP, allowedAPIs: undefined, resourceLimits: undefined });
  const sandbox = checkFields('securityPolicy.sandbox', all.sandbox, SANDBOX);
  for (const [name, value] of Object.entries(sandbox)) {
    if (typeof value !== 'boolean') bad(`securityPolicy.sandbox.${name}`, 'true or false', value);
  }
  const csp = checkFields('securityPolicy.csp', all.csp, CSP);
  return freeze({
    sandbox,
    csp: { directives: checkDirectives('securityPolicy.csp.directives', csp.directives) },
    allowedAPIs: all.allowedAPIs === undefined ? checkApis('allowedAPIs', allowedAPIs) : checkApis('securityPolicy.allowedAPIs', all.allowedAPIs),
    resourceLimits: limitSettings(all.resourceLimits, { highLoad }),
  });
}

/**
 * @template T
 * @param {T} value
 * @returns {T} the value, frozen with all that is in it
 */
function freeze(value) {
  if (value !== null && typeof value === 'object') Object.values(Object.freeze(value)).forEach(freeze);
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
  return /** @type {AllowedAPI[]} */ ([...apis]);
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
