// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError, describe } = require('../error.js');

/**
 * @typedef {object} FakeOptions
 * @property {number} [tokens] length of an answer; default 20
 * @property {number} [firstTokenMs] pause before the first token; default 0
 * @property {number} [tokenMs] pause before each further token; default 0
 * @property {string[]} [models] what the lists of models show; every model is answered, listed or not
 * @property {string} [apiKey] when set, requests without this key are answered 401
 * @property {{key: string | Buffer, cert: string | Buffer}} [tls] PEM; the address is then https
 * @property {Script} [script]
 * @property {boolean} [process] serve from a process of its own, which leaves this thread to the test
 * @property {number} [maxLog] requests that the log keeps, the newest; default 100000
 *
 * @typedef {Reply | null | undefined | void} ScriptResult nothing: the usual answer
 * @typedef {(request: import('./log.js').Recorded) => ScriptResult | Promise<ScriptResult>} ScriptFunction
 * @typedef {ScriptFunction | Reply[] | string} Script a function, called for each chat request; a list, used up one by one; or the
 *   path of a CommonJS module that exports a function, which also works in a process of its own
 *
 * @typedef {object} Reply how one chat request is answered. What is left out is as usual.
 * @property {number} [status] of HTTP; default 200, with `error` 500, with `retryAfter` 429
 * @property {Record<string, string>} [headers] added to the answer's
 * @property {string | object} [body] sent as it is instead of an answer; an object as JSON
 * @property {number} [delayMs] pause before the first byte
 * @property {string} [text] the answer; default: words of the last message
 * @property {{name: string, arguments: object}[]} [toolCalls]
 * @property {'stop' | 'length' | 'tool_calls' | 'content_filter'} [finishReason]
 * @property {number[][]} [embeddings] the vectors, by input; default: made of the text
 * @property {number} [tokens] as in the options, for this answer
 * @property {number} [firstTokenMs]
 * @property {number} [tokenMs]
 * @property {{message?: string, type?: string, code?: string | null}} [error] an error in the format of the request's API
 * @property {number | string} [retryAfter] header Retry-After: seconds or an HTTP date
 * @property {number} [errorAfterTokens] `error` in the middle of a stream that began with 200
 * @property {number} [cutAfterTokens] the connection breaks after so many tokens of a stream
 * @property {number} [cutAfterBytes] the connection breaks after so many bytes of the body
 * @property {boolean} [clean] a cut ends the body properly, so that only the format's own end is missing
 * @property {boolean} [hang] no byte at all, until the client gives up
 * @property {number} [hangAfterTokens] silence after so many tokens, until the client gives up
 * @property {number} [pendingPolls] of a response made in the background, or a batch: how many fetches find it not ready; default 1
 * @property {number} [expires] of a batch: the place of its first entry that is not answered before the batch expires
 * @property {boolean} [failsLater] such a response has failed when it is ready
 * @property {boolean} [lost] its id is not known afterwards
 */

const COUNT = { test: (/** @type {any} */ value) => Number.isInteger(value) && value >= 0, expected: 'a whole number, 0 or more' };
const MS = { test: (/** @type {any} */ value) => Number.isFinite(value) && value >= 0, expected: 'a number of milliseconds, 0 or more' };
const TEXT = { test: (/** @type {any} */ value) => typeof value === 'string', expected: 'a string' };
const FLAG = { test: (/** @type {any} */ value) => typeof value === 'boolean', expected: 'true or false' };
const OBJECT = {
  test: (/** @type {any} */ value) => value !== null && typeof value === 'object' && !Array.isArray(value),
  expected: 'an object',
};
const LIST = { test: Array.isArray, expected: 'an array' };

/** @typedef {Record<string, {test: (value: any) => boolean, expected: string}>} Rules */

/** @type {Rules} */
const OPTIONS = {
  tokens: COUNT,
  firstTokenMs: MS,
  tokenMs: MS,
  models: LIST,
  apiKey: TEXT,
  tls: OBJECT,
  script: {
    test: (value) => typeof value === 'function' || typeof value === 'string' || Array.isArray(value),
    expected: 'a function, an array of replies, or the path of a module',
  },
  process: FLAG,
  maxLog: COUNT,
};

/** @type {Rules} */
const REPLY = {
  status: { test: (value) => Number.isInteger(value) && value >= 200 && value <= 599, expected: 'a status of HTTP from 200 to 599' },
  headers: OBJECT,
  body: { test: (value) => typeof value === 'string' || (value !== null && typeof value === 'object'), expected: 'a string or an object' },
  delayMs: MS,
  text: TEXT,
  toolCalls: LIST,
  finishReason: TEXT,
  embeddings: LIST,
  tokens: COUNT,
  firstTokenMs: MS,
  tokenMs: MS,
  error: OBJECT,
  retryAfter: { test: (value) => typeof value === 'string' || value >= 0, expected: 'seconds or an HTTP date' },
  errorAfterTokens: COUNT,
  cutAfterTokens: COUNT,
  cutAfterBytes: COUNT,
  clean: FLAG,
  hang: FLAG,
  hangAfterTokens: COUNT,
  pendingPolls: COUNT,
  expires: COUNT,
  failsLater: FLAG,
  lost: FLAG,
};

/**
 * @template {object} T
 * @param {T} value
 * @param {Rules} rules
 * @param {string} name
 * @returns {T}
 */
function checked(value, rules, name) {
  if (!OBJECT.test(value)) throw new LlmJobsError('BAD_CONFIG', `${name} must be an object; got ${describe(value)}`);
  for (const [key, one] of Object.entries(value)) {
    if (!Object.hasOwn(rules, key)) {
      throw new LlmJobsError('BAD_CONFIG', `${name} has no ${describe(key)}; it can have ${Object.keys(rules).join(', ')}`);
    }
    if (one !== undefined && !rules[key].test(one)) {
      throw new LlmJobsError('BAD_CONFIG', `${name}: ${key} must be ${rules[key].expected}; got ${describe(one)}`);
    }
  }
  return value;
}

/**
 * @param {FakeOptions} options
 * @returns {FakeOptions}
 */
const checkOptions = (options) => checked(options, OPTIONS, 'the options of startFakeProvider');

/**
 * @param {Reply} reply
 * @returns {Reply}
 */
const checkReply = (reply) => checked(reply, REPLY, 'a reply of the fake provider');

/**
 * @param {Script | undefined} script
 * @returns {Script | undefined}
 */
function checkScript(script) {
  if (Array.isArray(script)) script.forEach(checkReply);
  else if (script !== undefined && !OPTIONS.script.test(script)) {
    throw new LlmJobsError('BAD_CONFIG', `a script of the fake provider must be ${OPTIONS.script.expected}; got ${describe(script)}`);
  }
  return script;
}

module.exports = { checkOptions, checkReply, checkScript };
