// SPDX-License-Identifier: MIT
'use strict';

const anthropic = require('./anthropic.js');
const gemini = require('./gemini.js');
const openai = require('./openai.js');
const responses = require('./responses.js');
const { openaiEmbeddings } = require('./embeddings.js');

/** @import { FakeOptions, Reply } from './options.js' */
/** @import { Recorded } from './log.js' */

/**
 * The batch APIs of OpenAI, Anthropic and Gemini. A script answers the upload and the request that creates a batch, and then each of its entries, whose
 * requests have the paths that their calls would have.
 *
 * @typedef {'openai' | 'anthropic' | 'gemini'} Api
 * @typedef {{key: string, path: string, body: any}} Entry
 * @typedef {{id: string, api: Api, entries: Entry[], metadata: any, polls: number, state: 'works' | 'ended' | 'expired' | 'cancelled',
 *   reply: Reply, results: object[], errors: object[]}} Batch
 * @typedef {{status: number, body: object | string}} Served
 */

/** How often a batch is not ready yet when it is asked for. */
const PENDING_POLLS = 1;
const CHATS = { openai, anthropic, gemini };
const FORMATS = /** @type {Record<string, any>} */ ({
  '/v1/chat/completions': openai,
  '/v1/responses': responses,
  '/v1/embeddings': openaiEmbeddings,
  '/v1/messages': anthropic,
});

class FakeBatches {
  /**
   * @param {FakeOptions} options
   * @param {(entry: Recorded) => Promise<Reply>} next the script
   */
  constructor(options, next) {
    this.options = options;
    this.next = next;
    /** @type {Map<string, string>} */
    this.files = new Map();
    /** @type {Map<string, Batch>} */
    this.batches = new Map();
  }

  /**
   * @param {string} route
   * @param {Recorded} entry
   * @param {URLSearchParams} query
   * @returns {Promise<Served | null | 'hang'>} null: another route
   */
  async serve(route, entry, query) {
    const google = /^(GET|POST) \/v1beta\/(?:models\/([^/:]+):batchGenerateContent|batches(?:\/([^/:]+))?(:cancel)?)$/.exec(route);
    if (google !== null) return this.serveGemini(google, entry, query);
    const [, method, path, id, rest = ''] = /^(GET|POST) (\/v1\/(?:files|batches|messages\/batches))(?:\/([^/]+))?(\/[a-z]+)?$/.exec(route) ?? [];
    if (path === undefined) return null;
    if (path === '/v1/files') return method === 'POST' ? this.upload(entry) : this.content(id);
    const api = path === '/v1/batches' ? 'openai' : 'anthropic';
    if (id === undefined) return method === 'POST' ? this.create(api, entry) : { status: 200, body: this.list(api, query) };
    const batch = this.batches.get(id);
    if (batch === undefined) return notFound(api, id);
    if (rest === '/cancel') batch.state = batch.state === 'works' ? 'cancelled' : batch.state;
    if (rest === '/results') return { status: 200, body: lines(batch.results) };
    if (rest === '' && batch.state === 'works' && batch.polls-- <= 0) await this.finish(batch);
    return { status: 200, body: show(batch) };
  }

  /**
   * @param {RegExpExecArray} route
   * @param {Recorded} entry
   * @param {URLSearchParams} query
   * @returns {Promise<Served | 'hang'>}
   */
  async serveGemini([, , model, id, cancels], entry, query) {
    if (model !== undefined) return this.create('gemini', entry, model);
    if (id === undefined) return { status: 200, body: this.listGemini(query) };
    const batch = this.batches.get(`batches/${id}`);
    if (batch === undefined) return notFound('gemini', id);
    if (cancels !== undefined) batch.state = 'cancelled';
    else if (batch.state === 'works' && batch.polls-- <= 0) await this.finish(batch);
    return { status: 200, body: show(batch) };
  }

  /**
   * @param {Recorded} entry
   * @returns {Promise<Served | 'hang'>}
   */
  async upload(entry) {
    const reply = await this.next(entry);
    if (reply.hang) return 'hang';
    const { status = 200 } = reply;
    if (status >= 400) return { status, body: openai.errorBody({}, status) };
    const text = String(entry.body);
    const from = text.indexOf('\r\n\r\n{');
    const id = `file-fake${entry.n}`;
    this.files.set(id, text.slice(from + 4, text.lastIndexOf('\r\n--')));
    return { status: 200, body: { id, object: 'file', purpose: 'batch', bytes: text.length, filename: 'batch.jsonl', status: 'processed' } };
  }

  /** @param {string} id */
  content(id) {
    const text = this.files.get(id);
    return text === undefined ? notFound('openai', id) : { status: 200, body: text };
  }

  /**
   * @param {Api} api
   * @param {Recorded} entry
   * @param {string} [model]
   * @returns {Promise<Served | 'hang'>}
   */
  async create(api, entry, model) {
    const reply = await this.next(entry);
    const { status = reply.error !== undefined ? 500 : 200 } = reply;
    if (status >= 400) return { status, body: CHATS[api].errorBody(reply.error ?? {}, status) };
    const id = { openai: `batch_fake${entry.n}`, anthropic: `msgbatch_fake${entry.n}`, gemini: `batches/fake${entry.n}` }[api];
    /** @type {Batch} */
    const batch = {
      id,
      api,
      entries: model !== undefined ? fromInline(model, entry.body.batch) : api === 'openai' ? fromFile(this.files.get(entry.body.input_file_id)) : fromRequests(entry.body.requests),
      metadata: model !== undefined ? entry.body.batch.displayName : entry.body.metadata,
      polls: reply.pendingPolls ?? PENDING_POLLS,
      state: 'works',
      reply,
      results: [],
      errors: [],
    };
    this.batches.set(id, batch);
    return reply.hang ? 'hang' : { status: 200, body: show(batch) };
  }

  /**
   * One page, the newest batches first.
   * @param {Api} api
   * @param {URLSearchParams} query
   */
  list(api, query) {
    const all = this.newest(api);
    const after = query.get('after') ?? query.get('after_id');
    const from = after === null ? 0 : all.findIndex((batch) => batch.id === after) + 1;
    const page = all.slice(from, from + Number(query.get('limit') ?? 20));
    return { data: page.map(show), has_more: from + page.length < all.length, first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null };
  }

  /** @param {URLSearchParams} query */
  listGemini(query) {
    const all = this.newest('gemini');
    const from = Number(query.get('pageToken') ?? 0);
    const to = from + Number(query.get('pageSize') ?? 20);
    return { operations: all.slice(from, to).map(show), ...(to < all.length && { nextPageToken: String(to) }) };
  }

  /** @param {Api} api */
  newest(api) {
    return [...this.batches.values()].filter((batch) => batch.api === api).reverse();
  }

  /** @param {Batch} batch */
  async finish(batch) {
    batch.state = batch.reply.expires === undefined ? 'ended' : 'expired';
    // In another order than they came in.
    for (const [at, entry] of [...batch.entries.entries()].reverse()) {
      const expired = at >= (batch.reply.expires ?? Infinity);
      const reply = expired ? {} : await this.next(/** @type {any} */ ({ ...entry, chat: true, headers: {}, n: 0 }));
      const end = { openai: this.endOpenai, anthropic: this.endAnthropic, gemini: this.endGemini }[batch.api];
      end.call(this, batch, entry, reply, expired, at);
    }
    this.files.set(`${batch.id}-output`, lines(batch.results));
    this.files.set(`${batch.id}-errors`, lines(batch.errors));
  }

  /**
   * @param {Entry} entry
   * @param {Reply} reply
   * @param {number} n
   * @returns {{status: number, body: object}}
   */
  answer({ path, body }, reply, n) {
    const format = FORMATS[path] ?? gemini;
    const asked = format.request?.(path, body) ?? body;
    const status = reply.status ?? (reply.error !== undefined ? 500 : 200);
    if (status >= 400) return { status, body: format.errorBody(reply.error ?? {}, status) };
    return { status, body: format.embed?.(asked, reply) ?? format.whole(format.answer(asked, reply, this.options), n, asked) };
  }

  /** @param {Batch} batch @param {Entry} entry @param {Reply} reply @param {boolean} expired @param {number} at */
  endOpenai(batch, entry, reply, expired, at) {
    const line = { id: `batch_req_${at}`, custom_id: entry.key };
    if (expired) return void batch.errors.push({ ...line, response: null, error: { code: 'batch_expired', message: 'It expired.' } });
    const { status, body } = this.answer(entry, reply, at);
    const list = status < 300 ? batch.results : batch.errors;
    list.push({ ...line, response: { status_code: status, request_id: `rq${at}`, body }, error: null });
  }

  /** @param {Batch} batch @param {Entry} entry @param {Reply} reply @param {boolean} expired @param {number} at */
  endAnthropic(batch, entry, reply, expired, at) {
    const { status, body } = this.answer(entry, reply, at);
    const result = expired ? { type: 'expired' } : status < 300 ? { type: 'succeeded', message: body } : { type: 'errored', error: body };
    batch.results.push({ custom_id: entry.key, result });
  }

  /** @param {Batch} batch @param {Entry} entry @param {Reply} reply @param {boolean} expired @param {number} at */
  endGemini(batch, entry, reply, expired, at) {
    const { status, body } = this.answer(entry, reply, at);
    if (expired) return;
    const metadata = { key: entry.key };
    batch.results.push(status < 300 ? { metadata, response: body } : { metadata, error: { code: status === 400 ? 3 : 13, message: 'scripted' } });
  }
}

/** @param {Batch} batch @returns {object} */
function show({ id, api, entries, metadata, state, results, errors }) {
  const total = entries.length;
  if (api === 'gemini') {
    const word = { works: 'RUNNING', ended: 'SUCCEEDED', expired: 'EXPIRED', cancelled: 'CANCELLED' }[state];
    const about = { state: `BATCH_STATE_${word}`, displayName: metadata, batchStats: { requestCount: String(total) } };
    if (state === 'works') return { name: id, metadata: about };
    return { name: id, metadata: about, done: true, response: { inlinedResponses: { inlinedResponses: results } } };
  }
  if (api === 'anthropic') {
    const of = (/** @type {string} */ type) => results.filter((/** @type {any} */ one) => one.result.type === type).length;
    const ended = state !== 'works';
    const request_counts = { processing: ended ? 0 : total, succeeded: of('succeeded'), errored: of('errored'), canceled: state === 'cancelled' ? total : 0, expired: of('expired') };
    return { id, type: 'message_batch', processing_status: ended ? 'ended' : 'in_progress', request_counts, results_url: ended ? `https://elsewhere.invalid/${id}` : null };
  }
  const status = { works: 'in_progress', ended: 'completed', expired: 'expired', cancelled: 'cancelled' }[state];
  return {
    id,
    object: 'batch',
    status,
    metadata,
    output_file_id: results.length > 0 ? `${id}-output` : null,
    error_file_id: errors.length > 0 ? `${id}-errors` : null,
    request_counts: { total, completed: results.length, failed: errors.length },
  };
}

/** @param {string | undefined} text @returns {Entry[]} */
const fromFile = (text = '') =>
  text.trim().split('\n').map((line) => JSON.parse(line)).map(({ custom_id: key, url: path, body }) => ({ key, path, body }));

/** @param {string} model @param {any} batch @returns {Entry[]} */
const fromInline = (model, batch) =>
  batch.inputConfig.requests.requests.map((/** @type {any} */ { metadata, request }) => ({ key: metadata.key, path: `/v1beta/models/${model}:generateContent`, body: request }));

/** @param {any[]} requests @returns {Entry[]} */
const fromRequests = (requests) => requests.map(({ custom_id: key, params: body }) => ({ key, path: '/v1/messages', body }));

/** @param {object[]} list */
const lines = (list) => list.map((one) => `${JSON.stringify(one)}\n`).join('');

/** @param {Api} api @param {string} id */
const notFound = (api, id) => ({ status: 404, body: CHATS[api].errorBody({ message: `There is no ${id}.` }, 404) });

module.exports = { FakeBatches };
