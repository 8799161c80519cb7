// SPDX-License-Identifier: MIT
'use strict';

const { checkOptions, checkScript } = require('./testing/options.js');
const { FakeServer } = require('./testing/server.js');
const { RemoteServer, forbidFunction } = require('./testing/remote.js');

/** @import { FakeOptions, Script } from './testing/options.js' */
/** @import { Recorded, FakeStats } from './testing/log.js' */

/**
 * @typedef {object} FakeProvider
 * @property {string} url `http://127.0.0.1:<port>`
 * @property {string} openaiUrl the baseUrl of a provider of kind `openai` or `openai-compatible`
 * @property {string} anthropicUrl the baseUrl of a provider of kind `anthropic`
 * @property {string} geminiUrl the baseUrl of a provider of kind `gemini`
 * @property {string} ollamaUrl the baseUrl of a provider of kind `ollama`
 * @property {number} port
 * @property {number} pid of the process that serves
 * @property {() => Promise<Recorded[]>} log all requests, oldest first, also those that are still open
 * @property {() => Promise<FakeStats>} stats
 * @property {() => Promise<number>} count how many chat requests have come
 * @property {() => Promise<void>} clear forgets them
 * @property {(script?: Script) => Promise<void>} script replaces the script; without one, all answers are the usual ones
 * @property {() => Promise<void>} close breaks what is still open
 */

/**
 * Starts a provider on the loopback interface that speaks the formats of OpenAI (chat, responses, embeddings), Anthropic, Gemini
 * and Ollama, for tests. Its answers depend on the request only: words of the last message. A script makes it fail in any way:
 *
 *     const fake = await startFakeProvider({ script: [{ retryAfter: 1 }, { cutAfterTokens: 3 }, { status: 500 }] });
 *     // providers: { fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl } }
 *     const requests = await fake.log();
 *     await fake.close();
 *
 * @param {FakeOptions} [options]
 * @returns {Promise<FakeProvider>}
 */
async function startFakeProvider(options = {}) {
  checkOptions(options);
  checkScript(options.script);
  return options.process ? remote(options) : local(options);
}

/**
 * @param {FakeOptions} options
 * @returns {Promise<FakeProvider>}
 */
async function local(options) {
  const server = new FakeServer(options);
  return {
    ...addresses(options, await server.listen()),
    pid: process.pid,
    // Copies: what is still open changes later, and a test should not see that.
    log: async () => structuredClone(server.log.list()),
    stats: async () => ({ ...server.log.stats }),
    count: async () => server.log.stats.count,
    clear: async () => server.log.clear(),
    script: async (script) => server.script.set(script),
    close: () => server.close(),
  };
}

/**
 * @param {FakeOptions} options
 * @returns {Promise<FakeProvider>}
 */
async function remote(options) {
  const server = new RemoteServer(options);
  const port = await server.listen().catch(async (error) => {
    await server.close();
    throw error;
  });
  return {
    ...addresses(options, port),
    pid: /** @type {number} */ (server.child.pid),
    log: () => server.ask('log'),
    stats: () => server.ask('stats'),
    count: async () => (await server.ask('stats')).count,
    clear: () => server.ask('clear'),
    script: async (script) => {
      forbidFunction(script);
      checkScript(script);
      await server.ask('script', script);
    },
    close: () => server.close(),
  };
}

/**
 * @param {FakeOptions} options
 * @param {number} port
 */
function addresses(options, port) {
  const url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  return { url, openaiUrl: `${url}/v1`, anthropicUrl: url, geminiUrl: `${url}/v1beta`, ollamaUrl: url, port };
}

module.exports = { startFakeProvider };
