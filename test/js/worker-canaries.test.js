// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { execFileSync } = require('node:child_process');
const { useWorld } = require('./support/e2e.js');

const KEY = 'canary-key-7f3a9c51e2';
const PROMPT = 'canary prompt: the patient is called Mary';
const SYSTEM = 'canary system: never tell anybody';
const ANSWER = 'canary answer: take two of these a day';

/** Every way in which a provider may say back what it was sent, and some in which it breaks off. */
const echo = `${PROMPT} / ${SYSTEM} / Bearer ${KEY}`;
const replies = [
  { text: ANSWER },
  { status: 401, error: { message: `Incorrect key ${KEY} for ${PROMPT}` } },
  { status: 400, error: { message: `Invalid value: '${echo}'`, code: 'invalid_request_error' } },
  { status: 400, body: `<html><body>${echo}</body></html>` },
  { status: 404, body: echo },
  { status: 429, error: { message: echo }, retryAfter: 0.01 },
  { status: 500, body: JSON.stringify({ detail: echo }) },
  { status: 503, error: { message: echo } },
  { text: ANSWER, cutAfterTokens: 2 },
  { text: ANSWER, cutAfterTokens: 2, clean: true },
  { text: ANSWER, errorAfterTokens: 2, error: { message: `${echo} ${ANSWER}` } },
  { status: 200, body: `{"choices": [{"message": {"content": "${ANSWER}"` },
  { status: 200, body: `data: ${PROMPT}\n\n` },
  { status: 200, body: `<html>${echo}</html>` },
];

describe('worker: keys, prompts and answers', function () {
  this.timeout(30000);
  const on = useWorld();

  for (const logLevel of ['info', 'debug']) {
    it(`are in no log, no error, no event, no list of processes and no environment (logLevel ${logLevel})`, async () => {
      const { world } = on;
      world.database();
      const fake = await world.provider({ script: replies });
      const seen = [];
      const worker = await world.worker({
        providers: { fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl, apiKey: { secret: 'k' }, breaker: { threshold: 1000 } } },
        secrets: () => KEY,
        logLevel,
        concurrency: 1,
      });
      worker.on('job', (news) => seen.push(news));
      const data = { prompt: PROMPT, system: SYSTEM };
      const ids = replies.map((_, i) => world.insert({ data: i % 2 === 0 ? data : { ...data, stream: false }, max_attempts: 1 }));
      const bad = world.insert({ data: { ...data, temperature: PROMPT } });
      const rows = [];
      for (const id of [...ids, bad]) rows.push(await world.ended(id));
      const said = JSON.stringify([rows.map((row) => [row.error, row.history]), seen, await worker.stats(), world.log]);
      for (const word of ['canary', 'Mary', 'never tell', 'two of these', '7f3a9c']) assert.ok(!said.includes(word), `${word} in ${said}`);
      assert.ok(rows.filter((row) => row.status === 'failed').length > replies.length / 2, 'most of these fail');
      assert.equal(rows[0].result.text, ANSWER);

      const processes = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
      assert.ok(!processes.includes(KEY));
      if (process.platform === 'linux') assert.ok(!fs.readFileSync(`/proc/${worker.pid}/environ`, 'latin1').includes(KEY));
      await worker.stop({ deadlineMs: 0 });
      assert.ok(!JSON.stringify(world.log).includes('canary'));
      for (const name of fs.readdirSync(world.dir)) assert.ok(!fs.readFileSync(`${world.dir}/${name}`, 'latin1').includes(KEY), name);
    });
  }
});
