// SPDX-License-Identifier: MIT
'use strict';

const { makeAnswer, halves } = require('./answer.js');
const openai = require('./openai.js');

/** @import { FakeOptions, Reply } from './options.js' */
/** @import { Answer, Frames } from './answer.js' */

/** OpenAI's Responses API: events with names, or one JSON object. */

const CREATED = 1795000000;

/**
 * @param {any} body
 * @param {Reply} reply
 * @param {FakeOptions} options
 */
function answer(body, reply, options) {
  const items = Array.isArray(body?.input) ? body.input : [{ content: body?.input }];
  const said = items.map((/** @type {any} */ item) => ({ content: item?.content ?? item?.output ?? '' }));
  const messages = typeof body?.instructions === 'string' ? [{ content: body.instructions }, ...said] : said;
  const format = body?.text?.format?.type;
  return makeAnswer({ model: body?.model, messages }, body?.max_output_tokens, format !== undefined && format !== 'text', reply, options);
}

/** @param {any} body */
const wantsStream = (body) => body?.stream === true;

/**
 * The items of an answer as they are in the end.
 * @param {Answer} answer
 * @param {number} n of the request
 * @returns {any[]}
 */
function itemsOf({ tokens, toolCalls }, n) {
  const text = { type: 'output_text', text: tokens.join(''), annotations: [], logprobs: [] };
  const message = { id: `msg_fake${n}`, type: 'message', status: 'completed', role: 'assistant', content: [text] };
  const calls = toolCalls.map((call, index) => ({
    id: `fc_fake${n}_${index}`,
    type: 'function_call',
    status: 'completed',
    call_id: call.id,
    name: call.name,
    arguments: JSON.stringify(call.arguments),
  }));
  return tokens.length > 0 || calls.length === 0 ? [message, ...calls] : calls;
}

/**
 * @param {Answer} answer
 * @param {number} n
 * @param {any} body
 * @param {'in_progress' | 'ended'} stage
 * @returns {any}
 */
function responseOf(answer, n, body, stage) {
  const ended = stage === 'ended';
  const reason = { length: 'max_output_tokens', content_filter: 'content_filter', stop: null, tool_calls: null }[answer.finishReason];
  const output = answer.tokens.length;
  return {
    id: `resp_fake${n}`,
    object: 'response',
    created_at: CREATED,
    background: body?.background === true,
    status: !ended ? 'in_progress' : reason === null ? 'completed' : 'incomplete',
    error: null,
    incomplete_details: ended && reason !== null ? { reason } : null,
    instructions: body?.instructions ?? null,
    model: answer.model,
    output: ended ? itemsOf(answer, n) : [],
    parallel_tool_calls: true,
    store: body?.store ?? true,
    tool_choice: body?.tool_choice ?? 'auto',
    tools: body?.tools ?? [],
    usage: ended
      ? {
          input_tokens: answer.inputTokens,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: output,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: answer.inputTokens + output,
        }
      : null,
  };
}

/**
 * @param {Answer} answer
 * @param {number} n
 * @param {any} body
 * @returns {Frames}
 */
function stream(answer, n, body) {
  let sequence = 0;
  const frame = (/** @type {string} */ type, /** @type {object} */ rest) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...rest })}\n\n`;
  const begun = responseOf(answer, n, body, 'in_progress');
  const head = [frame('response.created', { response: begun }), frame('response.in_progress', { response: begun })];
  const tokens = [];
  const tail = [];
  for (const [output_index, item] of itemsOf(answer, n).entries()) {
    const at = { item_id: item.id, output_index };
    if (item.type === 'message') {
      const [part] = item.content;
      const place = { ...at, content_index: 0 };
      head.push(frame('response.output_item.added', { output_index, item: { ...item, status: 'in_progress', content: [] } }));
      head.push(frame('response.content_part.added', { ...place, part: { ...part, text: '' } }));
      for (const delta of answer.tokens) tokens.push(frame('response.output_text.delta', { ...place, delta, logprobs: [] }));
      tail.push(frame('response.output_text.done', { ...place, text: part.text, logprobs: [] }));
      tail.push(frame('response.content_part.done', { ...place, part }));
    } else {
      tail.push(frame('response.output_item.added', { output_index, item: { ...item, status: 'in_progress', arguments: '' } }));
      for (const delta of halves(item.arguments)) tail.push(frame('response.function_call_arguments.delta', { ...at, delta }));
      tail.push(frame('response.function_call_arguments.done', { ...at, name: item.name, arguments: item.arguments }));
    }
    tail.push(frame('response.output_item.done', { output_index, item }));
  }
  const response = responseOf(answer, n, body, 'ended');
  tail.push(frame(`response.${response.status}`, { response }));
  return { head, tokens, tail };
}

/**
 * @param {Answer} answer
 * @param {number} n
 * @param {any} body
 * @returns {object}
 */
const whole = (answer, n, body) => responseOf(answer, n, body, 'ended');

/** @param {object} error what errorBody made: in a stream it stands beside the type of the event */
const errorFrame = (error) => `event: error\ndata: ${JSON.stringify({ type: 'error', ...error })}\n\n`;

module.exports = { ...openai, answer, wantsStream, stream, whole, errorFrame };
