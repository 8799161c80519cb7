// SPDX-License-Identifier: MIT
'use strict';

/** Many calls over HTTP/2, against a server that guards itself against clients which open streams and reset them. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http2 = require('node:http2');
const path = require('node:path');
const { makeCertificates } = require('../../bench/lib/tls.js');
const { Queue } = require('../../js/index.js');
const { useWorld } = require('./support/e2e.js');

/** Above what Node's server bears: nghttp2 closes a connection with 1,000 resets, and forgives 33 a second. */
const JOBS = 2000;
const AT_A_TIME = 20;

const answer = JSON.stringify({
  id: 'a',
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});
const events = ['{"choices":[{"index":0,"delta":{"content":"Hi"}}]}', '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}', '[DONE]'];
const stream = events.map((data) => `data: ${data}\n\n`).join('');

describe('a worker over HTTP/2', function () {
  this.timeout(60000);
  const on = useWorld();

  for (const [shape, streams] of /** @type {[string, boolean][]} */ ([
    ['whole answers', false],
    ['streams', true],
  ])) {
    it(`asks for ${JOBS} ${shape} once each, and resets no stream that has ended`, async () => {
      const { world } = on;
      const certificates = makeCertificates(fs.mkdtempSync(path.join(world.dir, 'tls-')));
      const seen = { requests: 0, brokenConnections: 0 };
      const server = http2.createSecureServer(certificates.tls, (request, response) => {
        request.resume().once('end', () => {
          seen.requests++;
          response.writeHead(200, { 'content-type': streams ? 'text/event-stream' : 'application/json' });
          response.write(streams ? stream : answer);
          // The stream's end comes in a frame of its own, and late.
          setImmediate(() => response.end());
        });
      });
      server.on('sessionError', () => seen.brokenConnections++);
      const baseUrl = `https://127.0.0.1:${await world.listen(server)}/v1`;
      const db = world.database();
      const jobs = Array.from({ length: JOBS }, () => ({ name: 'test', data: { prompt: 'Hello', stream: streams }, options: { model: 'tls/m' } }));
      new Queue(db).addBulk(jobs);
      await world.worker({
        providers: { tls: { kind: 'openai-compatible', baseUrl, caFile: certificates.caFile } },
        concurrency: AT_A_TIME,
      });
      const count = db.prepare("SELECT count(*) FROM llm_jobs WHERE status IN ('completed', 'failed')").pluck();
      await world.until(() => count.get() === JOBS, 'all jobs to end', 50000);
      assert.equal(db.prepare("SELECT count(*) FROM llm_jobs WHERE status = 'completed'").pluck().get(), JOBS);
      assert.deepEqual(seen, { requests: JOBS, brokenConnections: 0 });
    });
  }
});
