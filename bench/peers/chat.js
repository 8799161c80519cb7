// SPDX-License-Identifier: MIT
'use strict';

/** The three ways in which Node developers call a chat API; each gives a function from a prompt to the answer's text. */

const { bodyOf } = require('./peer.js');

/** @import { PeerOptions } from './peer.js' */
/** @typedef {(prompt: string) => Promise<string>} Chat */

/** Puts a stream's text together, with the parser that the AI SDK and others use. */
function collector() {
  const { createParser } = require('eventsource-parser');
  let text = '';
  const parser = createParser({
    onEvent({ data }) {
      if (data !== '[DONE]') text += JSON.parse(data).choices[0]?.delta?.content ?? '';
    },
  });
  return { feed: (/** @type {string} */ chunk) => parser.feed(chunk), text: () => text };
}

/** @param {PeerOptions} options @returns {Chat} undici's own API, the fastest that JavaScript has */
function withUndici({ url, stream, concurrency }) {
  const { Pool } = require('undici');
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: concurrency });
  const request = { path: `${pathname}/chat/completions`, method: 'POST', headers: { 'content-type': 'application/json' } };
  return async (prompt) => {
    const { statusCode, body } = await pool.request({ ...request, body: JSON.stringify(bodyOf(prompt, stream)) });
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    if (!stream) return /** @type {any} */ (await body.json()).choices[0].message.content;
    const { feed, text } = collector();
    body.setEncoding('utf8');
    for await (const chunk of body) feed(chunk);
    return text();
  };
}

/** @param {PeerOptions} options @returns {Chat} */
function withFetch({ url, stream }) {
  return async (prompt) => {
    const response = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(prompt, stream)),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    if (!stream) return /** @type {any} */ (await response.json()).choices[0].message.content;
    const { feed, text } = collector();
    const decoder = new TextDecoder();
    for await (const chunk of /** @type {ReadableStream<Uint8Array>} */ (response.body)) feed(decoder.decode(chunk, { stream: true }));
    return text();
  };
}

/** @param {PeerOptions} options @returns {Chat} the official SDK of OpenAI */
function withSdk({ url, stream }) {
  const { OpenAI } = require('openai');
  const client = new OpenAI({ apiKey: 'none', baseURL: url, maxRetries: 0 });
  return async (prompt) => {
    if (!stream) return (await client.chat.completions.create({ ...bodyOf(prompt, false), stream: false })).choices[0].message.content ?? '';
    let text = '';
    for await (const chunk of await client.chat.completions.create({ ...bodyOf(prompt, true), stream: true })) {
      text += chunk.choices[0]?.delta?.content ?? '';
    }
    return text;
  };
}

module.exports = { withUndici, withFetch, withSdk };
