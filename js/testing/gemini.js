// SPDX-License-Identifier: MIT
'use strict';

const { makeAnswer } = require('./answer.js');
const { vectorOf } = require('./vectors.js');

/** @import { FakeOptions, Reply } from './options.js' */
/** @import { Answer, Frames } from './answer.js' */

/**
 * Google's Gemini API. The model and what is asked of it stand in the path; a stream is made of whole answers, separated by
 * CRLF, and ends with the body.
 *
 * @typedef {{model: string, method: string, body: any}} Asked
 */

const PATH = /^\/v1(?:beta)?\/(?:models|tunedModels)\/([^/:]+):(generate|streamGenerate|embed|batchEmbed)Contents?$/;

const RPC = 'type.googleapis.com/google.rpc';

/** Of thoughts that nobody had, in base64. */
const SIGNATURE = 'ZmFrZSB0aG91Z2h0cw==';

const FINISH = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP', content_filter: 'SAFETY' };

/** @type {Record<number, string>} */
const STATUS = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/**
 * @param {string} method of HTTP
 * @param {string} path
 */
const serves = (method, path) => method === 'POST' && PATH.test(path);

/**
 * @param {string} path
 * @param {any} body
 * @returns {Asked}
 */
function request(path, body) {
  const [, model, method] = /** @type {RegExpExecArray} */ (PATH.exec(path));
  return { model: decodeURIComponent(model), method, body };
}

/** @param {Asked} asked */
const wantsStream = ({ method }) => method === 'streamGenerate';

/**
 * @param {Asked} asked
 * @param {Reply} reply
 * @param {FakeOptions} options
 */
function answer({ model, body }, reply, options) {
  const contents = Array.isArray(body?.contents) ? body.contents : [];
  const messages = contents.map((/** @type {any} */ one) => ({ content: partsOf(one) }));
  const config = body?.generationConfig;
  const json = config?.responseMimeType === 'application/json';
  return makeAnswer({ model, messages }, config?.maxOutputTokens, json, reply, options);
}

/**
 * @param {any} content
 * @returns {{text: string}[]}
 */
function partsOf(content) {
  const parts = Array.isArray(content?.parts) ? content.parts : [];
  return parts.map((/** @type {any} */ { text, functionResponse }) => ({
    text: text ?? (functionResponse ? JSON.stringify(functionResponse.response) : ''),
  }));
}

/**
 * @param {Answer} answer
 * @param {number} n of the request
 * @returns {Frames}
 */
function stream(answer, n) {
  const frame = (/** @type {object[]} */ parts, /** @type {number} */ tokens, /** @type {object} */ end = {}) =>
    `data: ${JSON.stringify(chunk(answer, n, parts, tokens, end))}\r\n\r\n`;
  return {
    head: [],
    tokens: answer.tokens.map((text, index) => frame([{ text }], index + 1)),
    tail: [frame(answer.toolCalls.length > 0 ? calls(answer, n) : [{ text: '' }], answer.tokens.length, ended(answer))],
  };
}

/**
 * @param {Answer} answer
 * @param {number} n
 * @returns {object}
 */
function whole(answer, n) {
  const parts = [...(answer.tokens.length > 0 ? [{ text: answer.tokens.join('') }] : []), ...calls(answer, n)];
  return chunk(answer, n, parts, answer.tokens.length, ended(answer));
}

/**
 * @param {Answer} answer
 * @param {number} n
 * @param {object[]} parts
 * @param {number} tokens
 * @param {object} end
 */
function chunk({ model, inputTokens }, n, parts, tokens, end) {
  // A count of 0 is left out, as by Google.
  return {
    candidates: [{ content: { parts, role: 'model' }, ...end, index: 0 }],
    usageMetadata: {
      ...(inputTokens > 0 && { promptTokenCount: inputTokens }),
      ...(tokens > 0 && { candidatesTokenCount: tokens }),
      totalTokenCount: inputTokens + tokens,
    },
    modelVersion: model,
    responseId: `fake-${n}`,
  };
}

/** @param {Answer} answer */
const ended = ({ finishReason }) => ({ finishReason: FINISH[finishReason] });

/**
 * The first of several calls carries the signature of the thoughts before them.
 * @param {Answer} answer
 * @param {number} n
 */
function calls({ toolCalls }, n) {
  return toolCalls.map(({ name, arguments: args }, index) => ({
    functionCall: { id: `fc-${n}-${index + 1}`, name, args },
    ...(index === 0 && { thoughtSignature: SIGNATURE }),
  }));
}

/**
 * @param {Asked} asked
 * @param {Reply} reply
 * @returns {object | undefined} undefined: the request is not one for embeddings
 */
function embed({ method, body }, reply) {
  if (method !== 'embed' && method !== 'batchEmbed') return undefined;
  const list = method === 'embed' ? [body] : Array.isArray(body?.requests) ? body.requests : [];
  const textOf = (/** @type {any} */ one) => partsOf(one?.content).map((part) => part.text).join(' ');
  const vectors = list.map((/** @type {any} */ one, /** @type {number} */ index) => ({
    values: reply.embeddings?.[index] ?? vectorOf(textOf(one), one?.outputDimensionality),
  }));
  return method === 'embed' ? { embedding: vectors[0] } : { embeddings: vectors };
}

/**
 * @param {NonNullable<Reply['error']>} error `type` is the name of the status, `code` the reason
 * @param {number} status
 * @param {Reply} [reply]
 */
function errorBody({ message = 'A scripted error of the fake provider.', type, code }, status, reply = {}) {
  const details = [];
  if (code) details.push({ '@type': `${RPC}.ErrorInfo`, reason: code, domain: 'googleapis.com' });
  if (typeof reply.retryAfter === 'number') details.push({ '@type': `${RPC}.RetryInfo`, retryDelay: `${reply.retryAfter}s` });
  const name = type ?? STATUS[status] ?? 'UNKNOWN';
  return { error: { code: status, message, status: name, ...(details.length > 0 && { details }) } };
}

/**
 * In the middle of a stream Google sends the error as it is, printed over several lines.
 * @param {object} error
 */
const errorFrame = (error) => `${JSON.stringify(error, null, 2)}\r\n`;

/** Google refuses a key with 400. */
const refuseKey = () => ({
  status: 400,
  body: errorBody({ message: 'API key not valid. Please pass a valid API key.', code: 'API_KEY_INVALID' }, 400),
});

/** @param {string[]} models */
function list(models) {
  const supportedGenerationMethods = ['generateContent', 'embedContent'];
  return { models: models.map((name) => ({ name: `models/${name}`, version: '1', displayName: name, supportedGenerationMethods })) };
}

module.exports = {
  streamType: 'text/event-stream',
  serves,
  request,
  answer,
  wantsStream,
  stream,
  whole,
  embed,
  errorBody,
  errorFrame,
  refuseKey,
  list,
};
