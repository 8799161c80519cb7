// SPDX-License-Identifier: MIT
'use strict';

/** What the tests share that compare the worker and the fake provider with a provider's own client. */

const assert = require('node:assert/strict');

const CALL = { name: 'get_weather', arguments: { city: 'Köln' } };
const TOOL = { name: 'get_weather', description: 'Weather now.', parameters: { type: 'object', properties: { city: { type: 'string' } } } };

/** A message of the user, as a job and most APIs write it. */
const user = (/** @type {string | object[]} */ content) => ({ role: 'user', content });

/**
 * What a promise is rejected with; it must be.
 * @param {Promise<unknown>} promise
 * @returns {Promise<any>}
 */
function rejection(promise) {
  return promise.then(() => assert.fail('it answered'), (reason) => reason);
}

/**
 * The one request that has come since the log was cleared, which it now is again.
 * @param {import('../../../js/testing.js').FakeProvider} fake
 */
async function onlyRequest(fake) {
  const [request, ...others] = await fake.log();
  assert.equal(others.length, 0);
  await fake.clear();
  return request;
}

module.exports = { CALL, TOOL, user, rejection, onlyRequest };
