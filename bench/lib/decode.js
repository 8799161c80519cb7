// SPDX-License-Identifier: MIT
'use strict';

/** Reads a stream of chat completions many times, as JavaScript does it, in a process of its own. */

const fs = require('node:fs');

const { way, file, rounds, piece } = JSON.parse(process.argv[2]);
const bytes = fs.readFileSync(file);
/** @type {Uint8Array[]} */
const pieces = [];
for (let at = 0; at < bytes.length; at += piece) pieces.push(bytes.subarray(at, at + piece));

/** The parser that the AI SDK and others use, and JSON.parse. */
async function withParser() {
  const { createParser } = require('eventsource-parser');
  let text = '';
  const parser = createParser({
    onEvent({ data }) {
      if (data !== '[DONE]') text += JSON.parse(data).choices[0]?.delta?.content ?? '';
    },
  });
  const decoder = new TextDecoder();
  for (const one of pieces) parser.feed(decoder.decode(one, { stream: true }));
  return text.length;
}

/** What the official SDK does with a response. */
async function withSdk() {
  const { Stream } = require('openai/core/streaming');
  const body = new ReadableStream({
    start(controller) {
      pieces.forEach((one) => controller.enqueue(one));
      controller.close();
    },
  });
  let text = '';
  const stream = Stream.fromSSEResponse(new Response(body), new AbortController());
  for await (const chunk of stream) text += /** @type {any} */ (chunk).choices[0]?.delta?.content ?? '';
  return text.length;
}

async function main() {
  const read = way === 'sdk' ? withSdk : withParser;
  let characters = 0;
  // What runs first is compiled meanwhile.
  for (let i = 0; i < Math.max(1, rounds / 5); i++) await read();
  const begun = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) characters += await read();
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  process.send?.({ seconds, bytes: bytes.length * rounds, characters }, () => process.disconnect());
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
