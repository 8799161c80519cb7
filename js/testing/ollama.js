// SPDX-License-Identifier: MIT
'use strict';

const { makeAnswer } = require('./answer.js');

/** @import { FakeOptions, Reply } from './options.js' */
/** @import { Answer, Frames } from './answer.js' */

/** Ollama's own chat: one JSON object per line, or one JSON object. It streams unless it is told not to. */

const CREATED_AT = '2026-11-20T10:00:00.000000001Z';

/**
 * @param {any} body
 * @param {Reply} reply
 * @param {FakeOptions} options
 */
function answer(body, reply, options) {
  const limit = body?.options?.num_predict;
  // Ollama's -1 and -2 mean no limit.
  return makeAnswer(body, limit < 0 ? undefined : limit, body?.format !== undefined && body.format !== '', reply, options);
}

/** @param {any} body */
const wantsStream = (body) => body?.stream !== false;

/**
 * @param {Answer} answer
 * @returns {Frames}
 */
function stream(answer) {
  const before = `{"model":${JSON.stringify(answer.model)},"created_at":"${CREATED_AT}","message":`;
  const frame = (/** @type {string} */ message) => `${before}${message},"done":false}\n`;
  const tail = [];
  if (answer.toolCalls.length > 0) tail.push(frame(JSON.stringify({ role: 'assistant', content: '', tool_calls: toolCalls(answer) })));
  tail.push(`${JSON.stringify({ model: answer.model, created_at: CREATED_AT, message: { role: 'assistant', content: '' }, ...end(answer) })}\n`);
  return {
    head: [],
    tokens: answer.tokens.map((token) => frame(`{"role":"assistant","content":${JSON.stringify(token)}}`)),
    tail,
  };
}

/**
 * @param {Answer} answer
 * @returns {object}
 */
function whole(answer) {
  /** @type {Record<string, unknown>} */
  const message = { role: 'assistant', content: answer.tokens.join('') };
  if (answer.toolCalls.length > 0) message.tool_calls = toolCalls(answer);
  return { model: answer.model, created_at: CREATED_AT, message, ...end(answer) };
}

/** @param {Answer} answer */
function toolCalls(answer) {
  return answer.toolCalls.map(({ id, name, arguments: values }, index) => ({ id, function: { index, name, arguments: values } }));
}

/** @param {Answer} answer */
function end({ tokens, finishReason, inputTokens }) {
  return {
    done: true,
    // Ollama knows no reason of its own for tool calls.
    done_reason: finishReason === 'length' ? 'length' : 'stop',
    total_duration: 912000000,
    load_duration: 31000000,
    // A count of 0 is left out, as by Ollama.
    ...(inputTokens > 0 && { prompt_eval_count: inputTokens }),
    prompt_eval_duration: 120000000,
    ...(tokens.length > 0 && { eval_count: tokens.length }),
    eval_duration: 700000000,
  };
}

/** @param {NonNullable<Reply['error']>} error */
function errorBody({ message = 'A scripted error of the fake provider.' }) {
  return { error: message };
}

/** @param {object} error */
const errorFrame = (error) => `${JSON.stringify(error)}\n`;

/** @param {string[]} models */
function list(models) {
  const details = { format: 'gguf', family: 'fake', families: ['fake'], parameter_size: '1B', quantization_level: 'Q4_0' };
  return { models: models.map((name) => ({ name, model: name, modified_at: CREATED_AT, size: 1, digest: 'fake', details })) };
}

/**
 * What Ollama does without a prompt: it loads the model, or with a keep_alive of 0 unloads it.
 * @param {any} body
 * @param {string[]} models
 * @returns {{status: number, body: object}}
 */
function load(body, models) {
  const { model, keep_alive: keepAlive } = body ?? {};
  if (typeof model !== 'string' || !models.includes(model)) return { status: 404, body: { error: `model '${model}' not found` } };
  const gone = keepAlive === 0 || /^0+(ns|us|ms|s|m|h)?$/.test(String(keepAlive ?? ''));
  return { status: 200, body: { model, created_at: CREATED_AT, response: '', done: true, done_reason: gone ? 'unload' : 'load' } };
}

module.exports = { load, streamType: 'application/x-ndjson', answer, wantsStream, stream, whole, errorBody, errorFrame, list };
