// SPDX-License-Identifier: MIT
'use strict';

/** What is counted: kinds of answers, and the bytes of each as the program gets them. */

const { plainAnswer, streamedAnswer } = require('../../bench/lib/nginx.js');

/**
 * @typedef {object} Kind
 * @property {string} about
 * @property {boolean} stream
 * @property {number} calls that are under way at a time
 * @property {number} warm jobs before the count begins: all connections are open then, and all statements prepared
 * @property {number} jobs that are counted
 * @property {number} firstUs from a request to its answer, in the run's own time
 * @property {number} stepUs between two pieces of it
 * @property {number} shiftUs between the answers of jobs that began together
 * @property {() => string} answer pieces separated by NULs
 */

/** The head that nginx sends in the benchmarks. @param {string} type @param {string} framing */
const head = (type, framing) =>
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n' +
  `Content-Type: ${type}\r\n${framing}\r\nLast-Modified: Sat, 21 Nov 2026 11:00:00 GMT\r\nConnection: keep-alive\r\n` +
  'ETag: "6921f6a0-8c6f"\r\nAccept-Ranges: bytes\r\n\r\n';

const inOne = (/** @type {string} */ type, /** @type {string} */ body) => head(type, `Content-Length: ${Buffer.byteLength(body)}`) + body;

/** Each event in a chunk of its own, as providers send them. */
function inPieces() {
  const events = streamedAnswer().split(/(?<=\n\n)/);
  const chunks = events.map((event) => `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`);
  chunks[0] = head('text/event-stream', 'Transfer-Encoding: chunked') + chunks[0];
  chunks[chunks.length - 1] += '0\r\n\r\n';
  return chunks.join('\0');
}

/** What the queue and HTTP cost at full load: as many answers as there are calls come at once. */
const together = { calls: 32, warm: 256, jobs: 640, firstUs: 200_000, stepUs: 0, shiftUs: 0 };

/** Tokens 20 ms apart, and each stream out of step with the others. */
const apart = { stream: true, firstUs: 200_000, stepUs: 20_000, answer: inPieces };

/** @type {Record<string, Kind>} */
const kinds = {
  whole: { about: 'a whole answer', stream: false, ...together, answer: () => inOne('application/json', plainAnswer()) },
  burst: { about: 'a stream of 200 tokens that is there at once', stream: true, ...together, answer: () => inOne('text/event-stream', streamedAnswer()) },
  stream: { about: 'one of 16 streams of 50 tokens a second', ...apart, calls: 16, warm: 32, jobs: 48, shiftUs: 1250 },
  crowd: { about: 'one of 100 streams of 50 tokens a second', ...apart, calls: 100, warm: 100, jobs: 100, shiftUs: 200 },
};

module.exports = { kinds };
