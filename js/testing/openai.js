// SPDX-License-Identifier: MIT
'use strict';

const { makeAnswer, halves } = require('./answer.js');

/** @import { FakeOptions, Reply } from './options.js' */
/** @import { Answer, Frames } from './answer.js' */

/** OpenAI's chat completions: server-sent events, or one JSON object. */

const CREATED = 1795000000;

/**
 * @param {any} body
 * @param {Reply} reply
 * @param {FakeOptions} options
 */
function answer(body, reply, options) {
  const json = body?.response_format !== undefined && body.response_format?.type !== 'text';
  return makeAnswer(body, body?.max_completion_tokens ?? body?.max_tokens, json, reply, options);
}

/** @param {any} body */
const wantsStream = (body) => body?.stream === true;

/**
 * @param {Answer} answer
 * @param {number} n of the request
 * @param {any} body
 * @returns {Frames}
 */
function stream({ model, tokens, toolCalls, finishReason, inputTokens }, n, body) {
  const withUsage = body?.stream_options?.include_usage === true;
  const before = `data: {"id":"chatcmpl-fake${n}","object":"chat.completion.chunk","created":${CREATED},"model":${JSON.stringify(model)},`;
  const after = withUsage ? ',"usage":null}\n\n' : '}\n\n';
  const frame = (/** @type {string} */ delta, /** @type {string | null} */ reason = null) =>
    `${before}"choices":[{"index":0,"delta":${delta},"finish_reason":${JSON.stringify(reason)}}]${after}`;

  const tail = toolCalls.flatMap((call, index) => [
    frame(JSON.stringify({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] })),
    // Arguments arrive in pieces, as they do from the real ones.
    ...halves(JSON.stringify(call.arguments)).map((piece) =>
      frame(JSON.stringify({ tool_calls: [{ index, function: { arguments: piece } }] }))
    ),
  ]);
  tail.push(frame('{}', finishReason));
  if (withUsage) tail.push(`${before}"choices":[],"usage":${JSON.stringify(usage(inputTokens, tokens.length))}}\n\n`);
  tail.push('data: [DONE]\n\n');
  return {
    head: [frame('{"role":"assistant","content":""}')],
    tokens: tokens.map((token) => frame(`{"content":${JSON.stringify(token)}}`)),
    tail,
  };
}

/**
 * @param {Answer} answer
 * @param {number} n
 * @returns {object}
 */
function whole({ model, tokens, toolCalls, finishReason, inputTokens }, n) {
  /** @type {Record<string, unknown>} */
  const message = { role: 'assistant', content: tokens.length === 0 && toolCalls.length > 0 ? null : tokens.join('') };
  if (toolCalls.length > 0) {
    message.tool_calls = toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: JSON.stringify(call.arguments) },
    }));
  }
  return {
    id: `chatcmpl-fake${n}`,
    object: 'chat.completion',
    created: CREATED,
    model,
    choices: [{ index: 0, message, finish_reason: finishReason }],
    usage: usage(inputTokens, tokens.length),
  };
}

/**
 * @param {number} input
 * @param {number} output
 */
function usage(input, output) {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}

/**
 * @param {NonNullable<Reply['error']>} error
 * @param {number} status
 */
function errorBody({ message = 'A scripted error of the fake provider.', type, code = null }, status) {
  const kind = type ?? (status === 429 ? 'rate_limit_exceeded' : status >= 500 ? 'server_error' : 'invalid_request_error');
  return { error: { message, type: kind, param: null, code } };
}

/** @param {object} error */
const errorFrame = (error) => `data: ${JSON.stringify(error)}\n\n`;

/** @param {string[]} models */
function list(models) {
  return { object: 'list', data: models.map((id) => ({ id, object: 'model', created: CREATED, owned_by: 'fake' })) };
}

module.exports = { streamType: 'text/event-stream', answer, wantsStream, stream, whole, errorBody, errorFrame, list };
