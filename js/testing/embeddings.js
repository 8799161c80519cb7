// SPDX-License-Identifier: MIT
'use strict';

const openai = require('./openai.js');
const ollama = require('./ollama.js');

/** @import { Format, Answer } from './answer.js' */
/** @import { Reply } from './options.js' */

/** Vectors by the APIs of OpenAI and Ollama. They depend on the text and on nothing else, and their length is 1. */

const DIMENSIONS = 8;

/** @param {any} body */
const inputsOf = (body) => (Array.isArray(body?.input) ? body.input : [body?.input ?? '']).map(String);

/**
 * @param {any} body
 * @param {Reply} reply
 * @returns {Float32Array[]}
 */
function vectorsOf(body, reply) {
  return inputsOf(body).map((/** @type {string} */ text, /** @type {number} */ index) => {
    const told = reply.embeddings?.[index];
    return told ? Float32Array.from(told) : vectorOf(text, body?.dimensions ?? DIMENSIONS);
  });
}

/**
 * @param {string} text
 * @param {number} dimensions
 */
function vectorOf(text, dimensions) {
  let hash = 2166136261;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  const numbers = Array.from({ length: dimensions }, () => {
    hash = Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 0;
    return hash / 2147483648 - 1;
  });
  const length = Math.hypot(...numbers);
  return Float32Array.from(numbers, (number) => number / length);
}

/**
 * @param {any} body
 * @returns {Answer}
 */
function answer(body) {
  const inputTokens = inputsOf(body).reduce((/** @type {number} */ sum, /** @type {string} */ text) => sum + text.split(/\s+/).filter(Boolean).length, 0);
  return { model: typeof body?.model === 'string' ? body.model : 'fake-model', tokens: [], toolCalls: [], finishReason: 'stop', inputTokens };
}

/**
 * The last first: a client must go by the index.
 * @param {Answer} answer
 * @param {number} n
 * @param {any} body
 * @param {Reply} reply
 */
function openaiWhole({ model, inputTokens }, n, body, reply) {
  const base64 = body?.encoding_format === 'base64';
  const data = vectorsOf(body, reply).map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: base64 ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector),
  }));
  return { object: 'list', data: data.reverse(), model, usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } };
}

/**
 * @param {Answer} answer
 * @param {number} n
 * @param {any} body
 * @param {Reply} reply
 */
function ollamaWhole({ model, inputTokens }, n, body, reply) {
  const embeddings = vectorsOf(body, reply).map((vector) => Array.from(vector));
  return { model, embeddings, total_duration: 14000000, load_duration: 1000000, prompt_eval_count: inputTokens };
}

const wantsStream = () => false;

/** @type {Format} */
const openaiEmbeddings = { ...openai, answer, wantsStream, whole: openaiWhole };
/** @type {Format} */
const ollamaEmbeddings = { ...ollama, answer, wantsStream, whole: ollamaWhole };

module.exports = { openaiEmbeddings, ollamaEmbeddings };
