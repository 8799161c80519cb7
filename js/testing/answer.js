// SPDX-License-Identifier: MIT
'use strict';

/** @import { FakeOptions, Reply } from './options.js' */

/**
 * What the fake model says, before it is put into the format of one API.
 *
 * @typedef {object} Answer
 * @property {string} model
 * @property {string[]} tokens their concatenation is the text
 * @property {{id: string, name: string, arguments: object}[]} toolCalls
 * @property {'stop' | 'length' | 'tool_calls' | 'content_filter'} finishReason
 * @property {number} inputTokens
 *
 * @typedef {{head: string[], tokens: string[], tail: string[]}} Frames the pieces of a streamed body
 *
 * @typedef {object} Format one API
 * @property {string} streamType
 * @property {(body: any, reply: Reply, options: FakeOptions) => Answer} answer
 * @property {(body: any) => boolean} wantsStream
 * @property {(answer: Answer, n: number, body: any) => Frames} stream
 * @property {(answer: Answer, n: number, body: any, reply: Reply) => object} whole
 * @property {(error: NonNullable<Reply['error']>, status: number, reply?: Reply) => object} errorBody
 * @property {(error: object) => string} errorFrame
 * @property {(models: string[]) => object} list
 * @property {(path: string, body: any) => any} [request] what the others get as `body`, where the path says a part of it
 * @property {(body: any, reply: Reply) => object | undefined} [embed] the answer to a request for embeddings; undefined when it is
 *   none
 * @property {() => {status: number, body: object}} [refuseKey] default: 401
 */

const DEFAULT_TOKENS = 20;

/**
 * The answer depends on the request and on nothing else: the words of the last message, again and again until there are enough.
 * @param {any} body of the request
 * @param {number | undefined} limit the most tokens that the request allows
 * @param {boolean} json whether the request wants JSON
 * @param {Reply} reply
 * @param {FakeOptions} options
 * @returns {Answer}
 */
function makeAnswer(body, limit, json, reply, options) {
  const messages = Array.isArray(body?.messages) ? body.messages : [];
  const count = reply.tokens ?? options.tokens ?? DEFAULT_TOKENS;
  const calls = reply.toolCalls ?? [];
  const tokens =
    reply.text !== undefined
      ? split(reply.text)
      : calls.length > 0
        ? []
        : json
          ? split(JSON.stringify({ answer: repeat(textOf(messages.at(-1)?.content), count).join('') }))
          : repeat(textOf(messages.at(-1)?.content), count);
  const short = typeof limit === 'number' && limit >= 0 && limit < tokens.length;
  return {
    model: typeof body?.model === 'string' ? body.model : 'fake-model',
    tokens: short ? tokens.slice(0, limit) : tokens,
    toolCalls: calls.map((call, index) => ({ id: `call_${index + 1}`, ...call })),
    finishReason: reply.finishReason ?? (short ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop'),
    inputTokens: messages.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + words(textOf(one?.content)).length, 0),
  };
}

/**
 * @param {any} content of a message: text or parts
 * @returns {string}
 */
function textOf(content) {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join(' ');
}

/** @param {string} text */
function words(text) {
  return text.split(/\s+/).filter((word) => word !== '');
}

/**
 * @param {string} text
 * @param {number} count
 * @returns {string[]}
 */
function repeat(text, count) {
  const source = words(text);
  if (source.length === 0) source.push('ok');
  return Array.from({ length: count }, (_, index) => (index === 0 ? '' : ' ') + source[index % source.length]);
}

/**
 * Pieces that begin where a word begins, so that no text is lost.
 * @param {string} text
 * @returns {string[]}
 */
function split(text) {
  return text.match(/^\s+$|\s*\S+(?:\s+$)?/g) ?? [];
}

/**
 * Arguments of a call arrive in pieces.
 * @param {string} text
 */
function halves(text) {
  const middle = text.length >> 1;
  return [text.slice(0, middle), text.slice(middle)];
}

module.exports = { makeAnswer, halves };
