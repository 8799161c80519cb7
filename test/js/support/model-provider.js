// SPDX-License-Identifier: MIT
'use strict';

/**
 * The script of a fake provider in a process of its own, for tests whose jobs say themselves how they are to be answered:
 *
 *     "job17 {"delayMs":12,"plan":["500","cut"]}"
 *
 * The first call is answered 500, the second is cut off, every later one succeeds after `delayMs`. `plan` may hold "400",
 * "500", "cut" and "429:SECONDS".
 */

/** @type {Map<string, number>} calls of each job so far */
const calls = new Map();

/** @param {import('../../../js/testing/log.js').Recorded} request */
module.exports = function answer(request) {
  const { id, delayMs, plan } = parse(request.body.messages.at(-1).content);
  const call = calls.get(id) ?? 0;
  calls.set(id, call + 1);
  const step = plan[call];
  if (step === undefined) return { delayMs, tokens: 2, text: `${id} ends` };
  if (step === 'cut') return { delayMs, tokens: 4, cutAfterTokens: 2 };
  const [status, retryAfter] = step.split(':');
  return { status: Number(status), delayMs, ...(retryAfter === undefined ? {} : { retryAfter: Number(retryAfter) }) };
};

/**
 * @param {string} prompt
 * @returns {{id: string, delayMs: number, plan: string[]}}
 */
function parse(prompt) {
  const space = prompt.indexOf(' ');
  return { id: prompt.slice(0, space), delayMs: 0, plan: [], ...JSON.parse(prompt.slice(space + 1)) };
}

module.exports.parse = parse;
