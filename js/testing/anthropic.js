// SPDX-License-Identifier: MIT
'use strict';

const { makeAnswer, halves } = require('./answer.js');

/** @import { FakeOptions, Reply } from './options.js' */
/** @import { Answer, Frames } from './answer.js' */

/**
 * Anthropic's messages: server-sent events with names, or one JSON object. When the request lets the model think, it has thought
 * one signed thought before it speaks.
 */

const CREATED_AT = '2026-11-20T10:00:00Z';
const THOUGHT = { type: 'thinking', thinking: 'Let me think.', signature: 'ZmFrZQ==' };
const THOUGHT_TOKENS = 3;

/** @type {Record<string, string>} */
const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' };
/** @type {Record<number, string>} */
const ERROR_TYPES = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/**
 * @param {any} body
 * @param {Reply} reply
 * @param {FakeOptions} options
 */
function answer(body, reply, options) {
  const messages = Array.isArray(body?.messages) ? body.messages : [];
  const said = [{ content: body?.system }, ...messages].map(({ content }) => ({ content: withResults(content) }));
  const json = body?.output_config?.format?.type === 'json_schema';
  return makeAnswer({ model: body?.model, messages: said }, body?.max_tokens, json, reply, options);
}

/**
 * Blocks in which the results of tools are texts like others.
 * @param {any} content
 */
function withResults(content) {
  if (!Array.isArray(content)) return content;
  return content.flatMap((block) => {
    if (block?.type !== 'tool_result') return block;
    return Array.isArray(block.content) ? block.content : { type: 'text', text: block.content };
  });
}

/** @param {any} body */
const wantsStream = (body) => body?.stream === true;

/** @param {any} body */
const thinks = (body) => body?.thinking !== undefined && body.thinking?.type !== 'disabled';

/** @param {{type: string}} data */
const frame = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

/**
 * @param {number} index
 * @param {object} content_block as it begins
 * @param {object[]} deltas
 */
function block(index, content_block, deltas) {
  return [
    frame(/** @type {any} */ ({ type: 'content_block_start', index, content_block })),
    ...deltas.map((delta) => frame(/** @type {any} */ ({ type: 'content_block_delta', index, delta }))),
    frame(/** @type {any} */ ({ type: 'content_block_stop', index })),
  ];
}

/**
 * @param {Answer} answer
 * @param {number} n of the request
 * @param {any} body
 * @returns {Frames}
 */
function stream(answer, n, body) {
  const { tokens, toolCalls, finishReason } = answer;
  const message = { ...whole(answer, n, body), content: [], stop_reason: null, usage: { ...usage(answer, body), output_tokens: 1 } };
  const head = [frame(/** @type {any} */ ({ type: 'message_start', message })), frame({ type: 'ping' })];
  let index = 0;
  if (thinks(body)) {
    const { thinking, signature } = THOUGHT;
    const deltas = [{ type: 'thinking_delta', thinking }, { type: 'signature_delta', signature }];
    head.push(...block(index++, { type: 'thinking', thinking: '', signature: '' }, deltas));
  }
  /** @type {string[]} */
  const tail = [];
  const at = index;
  if (tokens.length > 0) {
    const [begin, end] = block(index++, { type: 'text', text: '' }, []);
    head.push(begin);
    tail.push(end);
  }
  for (const { id, name, arguments: input } of toolCalls) {
    // Arguments arrive in pieces, the first of which is empty, as from the real one.
    const deltas = ['', ...halves(JSON.stringify(input))].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
    tail.push(...block(index++, { type: 'tool_use', id, name, input: {} }, deltas));
  }
  const delta = { stop_reason: STOP_REASONS[finishReason], stop_sequence: null };
  tail.push(frame(/** @type {any} */ ({ type: 'message_delta', delta, usage: usage(answer, body) })), frame({ type: 'message_stop' }));
  return {
    head,
    tokens: tokens.map((text) => frame(/** @type {any} */ ({ type: 'content_block_delta', index: at, delta: { type: 'text_delta', text } }))),
    tail,
  };
}

/**
 * @param {Answer} answer
 * @param {number} n
 * @param {any} body
 * @returns {object}
 */
function whole(answer, n, body) {
  const { model, tokens, toolCalls, finishReason } = answer;
  return {
    id: `msg_fake${n}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [
      ...(thinks(body) ? [THOUGHT] : []),
      ...(tokens.length > 0 ? [{ type: 'text', text: tokens.join('') }] : []),
      ...toolCalls.map(({ id, name, arguments: input }) => ({ type: 'tool_use', id, name, input })),
    ],
    stop_reason: STOP_REASONS[finishReason],
    stop_sequence: null,
    usage: usage(answer, body),
  };
}

/**
 * @param {Answer} answer
 * @param {any} body
 */
function usage({ inputTokens, tokens }, body) {
  const thought = thinks(body) ? THOUGHT_TOKENS : 0;
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: tokens.length + thought,
    ...(thought > 0 && { output_tokens_details: { thinking_tokens: thought } }),
  };
}

/**
 * @param {NonNullable<Reply['error']>} error
 * @param {number} status
 */
function errorBody({ message = 'A scripted error of the fake provider.', type, code }, status) {
  const kind = type ?? ERROR_TYPES[status] ?? (status >= 400 && status < 500 ? 'invalid_request_error' : 'api_error');
  return { type: 'error', error: { type: kind, message, ...(code && { details: { error_code: code } }) } };
}

/** @param {object} error */
const errorFrame = (error) => `event: error\ndata: ${JSON.stringify(error)}\n\n`;

/** @param {string[]} models */
function list(models) {
  const data = models.map((id) => ({ id, type: 'model', display_name: id, created_at: CREATED_AT }));
  return { data, has_more: false, first_id: models[0] ?? null, last_id: models.at(-1) ?? null };
}

module.exports = { streamType: 'text/event-stream', answer, wantsStream, stream, whole, errorBody, errorFrame, list };
