// SPDX-License-Identifier: MIT
'use strict';

const http = require('node:http');
const https = require('node:https');
const anthropic = require('./anthropic.js');
const openai = require('./openai.js');
const ollama = require('./ollama.js');
const gemini = require('./gemini.js');
const responses = require('./responses.js');
const { openaiEmbeddings, ollamaEmbeddings } = require('./embeddings.js');
const { RequestLog } = require('./log.js');
const { ScriptRunner } = require('./script.js');
const { FakeBatches } = require('./batches.js');
const { StoredResponses } = require('./stored.js');
const { planStream, planWhole, play, pause } = require('./play.js');

/** @import { FakeOptions } from './options.js' */
/** @import { Recorded } from './log.js' */
/** @import { Format } from './answer.js' */

/** Ceiling of a request's body, the engine's own. */
const MAX_BODY = 67108864;
const MODELS = ['fake-model', 'fake-model-large'];

/** @type {Map<string, Format>} */
const CHATS = new Map(/** @type {[string, Format][]} */ ([
  ['POST /v1/chat/completions', openai],
  ['POST /v1/responses', responses],
  ['POST /v1/embeddings', openaiEmbeddings],
  ['POST /api/chat', ollama],
  ['POST /api/embed', ollamaEmbeddings],
  ['POST /v1/messages', anthropic],
]));

/** The server itself, in whichever process it runs. */
class FakeServer {
  /** @param {FakeOptions} options */
  constructor(options) {
    this.options = options;
    this.log = new RequestLog(options.maxLog ?? 100000);
    this.script = new ScriptRunner(options.script);
    this.stored = new StoredResponses();
    this.batches = new FakeBatches(options, (entry) => this.script.next(entry));
    const onRequest = (/** @type {http.IncomingMessage} */ request, /** @type {http.ServerResponse} */ response) => {
      this.serve(request, response).catch((error) => response.destroy(error));
    };
    this.server = options.tls ? https.createServer(options.tls, onRequest) : http.createServer(onRequest);
    // A connection that the client means to use again must not be closed in the very moment in which it does.
    this.server.keepAliveTimeout = 0;
    this.server.requestTimeout = 0;
  }

  /** @returns {Promise<number>} the port */
  listen() {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, '127.0.0.1', 1024, () => {
        const address = /** @type {import('node:net').AddressInfo} */ (this.server.address());
        resolve(address.port);
      });
    });
  }

  /** @returns {Promise<void>} */
  close() {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  /**
   * @param {http.IncomingMessage} request
   * @param {http.ServerResponse} response
   */
  async serve(request, response) {
    const text = await readBody(request);
    if (text === null) return;
    const path = (request.url ?? '/').split('?')[0];
    const route = `${request.method} ${path}`;
    const chat = gemini.serves(request.method ?? '', path) ? gemini : CHATS.get(route);
    const entry = this.log.begin(request, path, parse(text), chat !== undefined);
    response.once('close', () => this.log.end(entry, response.writableFinished));

    if (!this.allowed(request)) {
      const format = chat ?? formatOf(request, path);
      const { status, body } = format.refuseKey?.() ?? {
        status: 401,
        body: format.errorBody({ message: 'Incorrect API key provided.', code: 'invalid_api_key' }, 401),
      };
      this.sendJson(response, entry, status, body);
    } else if (chat !== undefined) {
      await this.chat(chat, entry, response);
    } else {
      const batch = await this.batches.serve(route, entry, new URL(request.url ?? '/', 'http://fake').searchParams);
      if (batch === 'hang') return;
      if (batch === null) return this.list(route, entry, response, formatOf(request, path));
      const body = typeof batch.body === 'string' ? batch.body : JSON.stringify(batch.body);
      this.begin(response, entry, batch.status, { 'content-type': 'application/json' }, body);
      response.end(body);
    }
  }

  /** @param {http.IncomingMessage} request */
  allowed(request) {
    const { apiKey } = this.options;
    const { authorization, 'x-api-key': anthropicKey, 'x-goog-api-key': googleKey } = request.headers;
    return apiKey === undefined || authorization === `Bearer ${apiKey}` || (authorization === undefined && (anthropicKey ?? googleKey) === apiKey);
  }

  /**
   * @param {string} route
   * @param {Recorded} entry
   * @param {http.ServerResponse} response
   * @param {Format} format
   */
  list(route, entry, response, format) {
    const models = this.options.models ?? MODELS;
    const fetched = /^GET \/v1\/responses\/([^/]+)$/.exec(route);
    const cancelled = /^POST \/v1\/responses\/([^/]+)\/cancel$/.exec(route);
    const stored = fetched ? this.stored.fetch(fetched[1]) : cancelled ? this.stored.cancel(cancelled[1]) : undefined;
    if (stored !== undefined) this.sendJson(response, entry, 200, stored);
    else if (route === 'GET /v1/models') this.sendJson(response, entry, 200, format.list(models));
    else if (route === 'GET /v1beta/models') this.sendJson(response, entry, 200, gemini.list(models));
    else if (route === 'GET /api/tags') this.sendJson(response, entry, 200, ollama.list(models));
    else if (route === 'POST /api/generate' && !entry.body?.prompt) {
      const { status, body } = ollama.load(entry.body, models);
      this.sendJson(response, entry, status, body);
    } else if (route === 'GET /api/version') this.sendJson(response, entry, 200, { version: '0.6.4' });
    else if (route === 'GET /' || route === 'HEAD /') {
      entry.status = 200;
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('Ollama is running');
    } else {
      this.sendJson(response, entry, 404, format.errorBody({ message: `The fake provider has no ${route}.`, code: 'unknown_url' }, 404));
    }
  }

  /**
   * @param {Format} format
   * @param {Recorded} entry
   * @param {http.ServerResponse} response
   */
  async chat(format, entry, response) {
    // 1. How this request is to be answered
    const reply = await this.script.next(entry);
    if (reply.hang) return;
    if (reply.delayMs) await pause(reply.delayMs);
    if (response.destroyed) return;

    // 2. An error, or bytes that are sent as they are
    const failed = reply.error !== undefined || reply.retryAfter !== undefined;
    const status = reply.status ?? (reply.retryAfter !== undefined ? 429 : failed && reply.errorAfterTokens === undefined ? 500 : 200);
    const headers = { ...reply.headers, ...(reply.retryAfter !== undefined && { 'retry-after': String(reply.retryAfter) }) };
    const error = format.errorBody(reply.error ?? {}, status, reply);
    if (reply.body !== undefined || status >= 400) {
      const body = reply.body ?? error;
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      this.begin(response, entry, status, { 'content-type': 'application/json', ...headers }, text);
      return play(planWhole(text, reply, 0), response, entry);
    }

    // 3. An answer
    const { n } = entry;
    const body = format.request?.(entry.path, entry.body) ?? entry.body;
    const vectors = format.embed?.(body, reply);
    if (vectors !== undefined) {
      const text = JSON.stringify(vectors);
      this.begin(response, entry, status, { 'content-type': 'application/json', ...headers }, text);
      return play(planWhole(text, reply, 0), response, entry);
    }
    const answer = format.answer(body, reply, this.options);
    const pace = {
      firstTokenMs: reply.firstTokenMs ?? this.options.firstTokenMs ?? 0,
      tokenMs: reply.tokenMs ?? this.options.tokenMs ?? 0,
    };
    const kept = format === responses ? this.stored.keep(body, format.whole(answer, n, body, reply), reply) : undefined;
    if (format.wantsStream(body)) {
      this.begin(response, entry, status, { 'content-type': format.streamType, ...headers });
      return play(planStream(format.stream(answer, n, body), reply, pace, format.errorFrame(error)), response, entry);
    }
    const text = JSON.stringify(kept ?? format.whole(answer, n, body, reply));
    const afterMs = pace.firstTokenMs + pace.tokenMs * Math.max(0, answer.tokens.length - 1);
    this.begin(response, entry, status, { 'content-type': 'application/json', ...headers }, text);
    entry.tokensSent = answer.tokens.length;
    return play(planWhole(text, reply, afterMs), response, entry);
  }

  /**
   * @param {http.ServerResponse} response
   * @param {Recorded} entry
   * @param {number} status
   * @param {Record<string, string>} headers
   * @param {string} [body] when its length is known
   */
  begin(response, entry, status, headers, body) {
    entry.status = status;
    response.setHeader('anthropic-version' in entry.headers ? 'request-id' : 'x-request-id', `fake-${entry.n}`);
    if (body !== undefined) response.setHeader('content-length', Buffer.byteLength(body));
    response.writeHead(status, headers);
  }

  /**
   * @param {http.ServerResponse} response
   * @param {Recorded} entry
   * @param {number} status
   * @param {object} body
   */
  sendJson(response, entry, status, body) {
    const text = JSON.stringify(body);
    this.begin(response, entry, status, { 'content-type': 'application/json' }, text);
    response.end(text);
  }
}

/**
 * @param {http.IncomingMessage} request that asks for no answer of a model
 * @param {string} path
 * @returns {Format}
 */
function formatOf(request, path) {
  if (path.startsWith('/api/')) return ollama;
  if (path.startsWith('/v1beta/')) return gemini;
  return 'anthropic-version' in request.headers ? anthropic : openai; // both have /v1/models
}

/**
 * @param {http.IncomingMessage} request
 * @returns {Promise<string | null>} null when the client gave up or sent too much
 */
function readBody(request) {
  return new Promise((resolve) => {
    /** @type {Buffer[]} */
    const chunks = [];
    let size = 0;
    request.on('data', (/** @type {Buffer} */ chunk) => {
      size += chunk.length;
      if (size > MAX_BODY) request.destroy();
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('error', () => resolve(null));
    request.on('close', () => resolve(null));
  });
}

/** @param {string} text */
function parse(text) {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

module.exports = { FakeServer };
