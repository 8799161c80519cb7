// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const { startFakeProvider } = require('../../js/testing.js');
const { until } = require('./support/until.js');

/** @typedef {Awaited<ReturnType<typeof startFakeProvider>>} Fake */

const openaiBody = (/** @type {object} */ more = {}) => ({ model: 'm', messages: [{ role: 'user', content: 'one two three' }], ...more });

for (const inProcess of [false, true]) {
  describe(`startFakeProvider ${inProcess ? 'in a process of its own' : 'in this process'}`, () => {
    /** @type {Fake | undefined} */ let fake;
    const start = async (/** @type {object} */ options = {}) => (fake = await startFakeProvider({ tokens: 4, process: inProcess, ...options }));
    afterEach(async () => {
      await fake?.close();
      fake = undefined;
    });

    const post = (/** @type {string} */ url, /** @type {object} */ body, /** @type {RequestInit} */ init = {}) =>
      fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer sk-secret' }, body: JSON.stringify(body), ...init });
    const chat = (/** @type {Fake} */ on, /** @type {object} */ more = {}, /** @type {RequestInit} */ init = {}) =>
      post(`${on.openaiUrl}/chat/completions`, openaiBody(more), init);
    const events = (/** @type {string} */ text) =>
      text.split('\n\n').filter(Boolean).map((event) => (event === 'data: [DONE]' ? 'DONE' : JSON.parse(event.slice(6))));

    it('answers chat completions whole', async () => {
      const on = await start();
      const answer = /** @type {any} */ (await (await chat(on)).json());
      assert.equal(answer.choices[0].message.content, 'one two three one');
      assert.equal(answer.choices[0].finish_reason, 'stop');
      assert.deepEqual(answer.usage, { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 });
    });

    it('streams chat completions, with usage when asked', async () => {
      const on = await start();
      const response = await chat(on, { stream: true, stream_options: { include_usage: true } });
      assert.equal(response.headers.get('content-type'), 'text/event-stream');
      const all = events(await response.text());
      assert.equal(all.at(-1), 'DONE');
      assert.deepEqual(all.at(-2).usage, { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 });
      assert.deepEqual(all.at(-2).choices, []);
      assert.equal(all.at(-3).choices[0].finish_reason, 'stop');
      assert.equal(all.slice(0, -2).map((event) => event.choices[0].delta.content ?? '').join(''), 'one two three one');
      const without = events(await (await chat(on, { stream: true })).text());
      assert.ok(without.every((event) => event.usage === undefined));
    });

    it('answers Ollama, streamed by default and whole', async () => {
      const on = await start();
      const lines = (await (await post(`${on.ollamaUrl}/api/chat`, openaiBody())).text()).trim().split('\n').map((line) => JSON.parse(line));
      assert.equal(lines.map((line) => line.message.content).join(''), 'one two three one');
      assert.deepEqual(lines.map((line) => line.done), [false, false, false, false, true]);
      assert.deepEqual([lines[4].prompt_eval_count, lines[4].eval_count, lines[4].done_reason], [3, 4, 'stop']);
      const whole = /** @type {any} */ (await (await post(`${on.ollamaUrl}/api/chat`, openaiBody({ stream: false }))).json());
      assert.equal(whole.message.content, 'one two three one');
      assert.equal(whole.done, true);
    });

    it('keeps to the limit of tokens, and answers JSON when asked', async () => {
      const on = await start();
      const short = /** @type {any} */ (await (await chat(on, { max_tokens: 2 })).json());
      assert.deepEqual([short.choices[0].message.content, short.choices[0].finish_reason], ['one two', 'length']);
      const ollama = /** @type {any} */ (await (await post(`${on.ollamaUrl}/api/chat`, openaiBody({ stream: false, options: { num_predict: 2 } }))).json());
      assert.deepEqual([ollama.message.content, ollama.done_reason], ['one two', 'length']);
      const json = /** @type {any} */ (await (await chat(on, { response_format: { type: 'json_object' } })).json());
      assert.deepEqual(JSON.parse(json.choices[0].message.content), { answer: 'one two three one' });
    });

    it('lists models and says that it is there', async () => {
      const on = await start({ models: ['a', 'b'] });
      const get = async (/** @type {string} */ url) => (await fetch(url)).text();
      assert.deepEqual(JSON.parse(await get(`${on.openaiUrl}/models`)).data.map((/** @type {any} */ one) => one.id), ['a', 'b']);
      assert.deepEqual(JSON.parse(await get(`${on.ollamaUrl}/api/tags`)).models.map((/** @type {any} */ one) => one.name), ['a', 'b']);
      assert.equal(await get(on.url), 'Ollama is running');
      assert.ok(JSON.parse(await get(`${on.url}/api/version`)).version);
      assert.equal((await fetch(`${on.url}/nothing`)).status, 404);
      assert.equal(await on.count(), 0, 'only chats are counted');
    });

    it('records each request without its key', async () => {
      const on = await start();
      const before = Date.now();
      await (await chat(on)).text();
      await (await chat(on, { stream: true })).text();
      const log = await on.log();
      assert.deepEqual(log.map((one) => [one.n, one.path, one.status, one.finished, one.aborted, one.cut]), [
        [1, '/v1/chat/completions', 200, true, false, false],
        [2, '/v1/chat/completions', 200, true, false, false],
      ]);
      assert.equal(log[0].body.messages[0].content, 'one two three');
      assert.equal(log[0].headers.authorization, '***');
      assert.ok(!JSON.stringify(log).includes('sk-secret'));
      assert.ok(log[0].at >= before - 1 && log[0].at <= log[1].at && log[0].monotonicMs <= log[1].monotonicMs);
      assert.deepEqual(await on.stats(), { count: 2, open: 0, peak: 1, finished: 2, aborted: 0 });
      await on.clear();
      assert.deepEqual([await on.count(), await on.log()], [0, []]);
    });

    it('fails as the list says, then answers as usual', async () => {
      const on = await start({ script: [{ status: 503 }, { retryAfter: 7 }, { status: 400, error: { message: 'no', code: 'bad' } }, { text: 'hi' }] });
      const first = await chat(on);
      assert.equal(first.status, 503);
      assert.equal(/** @type {any} */ (await first.json()).error.type, 'server_error');
      const second = await chat(on);
      assert.deepEqual([second.status, second.headers.get('retry-after')], [429, '7']);
      assert.equal(/** @type {any} */ (await second.json()).error.type, 'rate_limit_exceeded');
      const third = await post(`${on.ollamaUrl}/api/chat`, openaiBody());
      assert.deepEqual([third.status, await third.json()], [400, { error: 'no' }]);
      assert.equal(/** @type {any} */ (await (await chat(on)).json()).choices[0].message.content, 'hi');
      assert.equal(/** @type {any} */ (await (await chat(on)).json()).choices[0].message.content, 'one two three one');
      await on.script([{ status: 500 }]);
      assert.equal((await chat(on)).status, 500);
    });

    it('sends what the script gives, as it is', async () => {
      const on = await start({ script: [{ status: 502, headers: { 'content-type': 'text/html', 'x-a': 'b' }, body: '<html>' }, { body: { odd: 1 } }] });
      const first = await chat(on);
      assert.deepEqual([first.status, first.headers.get('content-type'), first.headers.get('x-a'), await first.text()], [502, 'text/html', 'b', '<html>']);
      assert.deepEqual(await (await chat(on)).json(), { odd: 1 });
    });

    it('calls tools', async () => {
      const call = { name: 'get_weather', arguments: { city: 'Köln' } };
      const on = await start({ script: [{ toolCalls: [call] }, { toolCalls: [call] }, { toolCalls: [call] }] });
      const whole = /** @type {any} */ (await (await chat(on)).json()).choices[0];
      assert.deepEqual([whole.finish_reason, JSON.parse(whole.message.tool_calls[0].function.arguments)], ['tool_calls', call.arguments]);
      const deltas = events(await (await chat(on, { stream: true })).text()).flatMap((event) => event.choices?.[0]?.delta.tool_calls ?? []);
      assert.deepEqual(JSON.parse(deltas.map((delta) => delta.function.arguments).join('')), call.arguments);
      const ollama = /** @type {any} */ (await (await post(`${on.ollamaUrl}/api/chat`, openaiBody({ stream: false }))).json());
      assert.deepEqual(ollama.message.tool_calls[0].function.arguments, call.arguments);
    });

    it('cuts a stream after tokens or bytes, and a body', async () => {
      const on = await start({ script: [{ cutAfterTokens: 2 }, { cutAfterBytes: 50 }, { cutAfterBytes: 10 }, { cutAfterTokens: 2, clean: true }] });
      const read = async (/** @type {Response} */ response) => {
        let text = '';
        const decoder = new TextDecoder();
        try {
          for await (const chunk of /** @type {any} */ (response.body)) text += decoder.decode(chunk, { stream: true });
        } catch {
          return { text, broken: true };
        }
        return { text, broken: false };
      };
      const tokens = await read(await chat(on, { stream: true }));
      assert.equal(tokens.broken, true);
      assert.deepEqual(events(tokens.text).map((event) => event.choices[0].delta.content), ['', 'one', ' two']);
      assert.deepEqual([await read(await chat(on, { stream: true }))].map(({ text, broken }) => [text.length, broken]), [[50, true]]);
      assert.deepEqual([await read(await chat(on))].map(({ text, broken }) => [text.length, broken]), [[10, true]]);
      const clean = await read(await chat(on, { stream: true }));
      assert.deepEqual([clean.broken, events(clean.text).length, clean.text.includes('DONE')], [false, 3, false]);
      assert.deepEqual((await on.log()).map((one) => [one.cut, one.aborted, one.finished]), [
        [true, false, false],
        [true, false, false],
        [true, false, false],
        [false, false, true],
      ]);
    });

    it('fails in the middle of a stream', async () => {
      const on = await start({ script: [{ errorAfterTokens: 1, error: { message: 'broke' } }, { errorAfterTokens: 1, error: { message: 'broke' } }] });
      const response = await chat(on, { stream: true });
      assert.equal(response.status, 200);
      assert.equal(events(await response.text()).at(-1).error.message, 'broke');
      const lines = (await (await post(`${on.ollamaUrl}/api/chat`, openaiBody())).text()).trim().split('\n');
      assert.deepEqual([lines.length, JSON.parse(lines[1])], [2, { error: 'broke' }]);
    });

    it('sees that the client gives up', async () => {
      const on = await start({ script: [{ hang: true }, { hangAfterTokens: 1 }, { tokens: 1000, tokenMs: 20 }] });
      for (const stream of [false, true, true]) {
        const controller = new AbortController();
        const going = chat(on, { stream }, { signal: controller.signal }).then((response) => response.text());
        going.catch(() => {});
        const n = stream ? 1 : 0;
        await until(async () => (await on.stats()).open === 1 && ((await on.log()).at(-1)?.tokensSent ?? 0) >= n);
        controller.abort();
        await assert.rejects(going);
        await until(async () => (await on.stats()).open === 0);
      }
      assert.deepEqual((await on.log()).map((one) => [one.aborted, one.finished, one.tokensSent < 1000]), [
        [true, false, true],
        [true, false, true],
        [true, false, true],
      ]);
      assert.equal((await on.stats()).aborted, 3);
    });

    it('knows its key', async () => {
      const on = await start({ apiKey: 'sk-secret' });
      assert.equal((await chat(on)).status, 200);
      const wrong = await post(`${on.openaiUrl}/chat/completions`, openaiBody(), { headers: { authorization: 'Bearer other' } });
      assert.equal(wrong.status, 401);
      assert.equal((await fetch(`${on.openaiUrl}/models`)).status, 401);
    });

    it('takes a script from a module', async () => {
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'));
      const file = path.join(directory, 'script.js');
      fs.writeFileSync(file, 'module.exports = async ({ n, body }) => (n === 2 ? undefined : { text: `${n} ${body.model}` });');
      const on = await start({ script: file });
      const texts = [];
      for (let n = 0; n < 3; n += 1) texts.push(/** @type {any} */ (await (await chat(on)).json()).choices[0].message.content);
      assert.deepEqual(texts, ['1 m', 'one two three one', '3 m']);
      fs.rmSync(directory, { recursive: true });
    });

    it('counts how many were open at a time', async () => {
      const on = await start({ firstTokenMs: 100 });
      await Promise.all([1, 2, 3].map(async () => (await chat(on, { stream: true })).text()));
      assert.equal((await on.stats()).peak, 3);
    });

    it('serves many', async () => {
      const on = await start();
      for (let round = 0; round < 10; round += 1) {
        await Promise.all(Array.from({ length: 50 }, async () => (await chat(on, { stream: true })).text()));
      }
      assert.deepEqual(await on.stats().then(({ count, finished, open }) => [count, finished, open]), [500, 500, 0]);
    });

    it('speaks https', async () => {
      const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'));
      const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(directory, name));
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'], { stdio: 'ignore' });
      const on = await start({ tls: { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } });
      assert.match(on.openaiUrl, /^https:\/\/127\.0\.0\.1:\d+\/v1$/);
      const text = await new Promise((resolve, reject) => {
        https.get(on.url, { rejectUnauthorized: false }, (response) => {
          let all = '';
          response.on('data', (chunk) => (all += chunk)).on('end', () => resolve(all));
        }).on('error', reject);
      });
      assert.equal(text, 'Ollama is running');
      fs.rmSync(directory, { recursive: true });
    });

    it('refuses what it does not know', async () => {
      await assert.rejects(start({ token: 3 }), { code: 'BAD_CONFIG', message: /no "token"; it can have tokens/ });
      await assert.rejects(start({ tokens: -1 }), { code: 'BAD_CONFIG', message: /tokens must be a whole number, 0 or more; got -1/ });
      await assert.rejects(start({ script: [{ cut: 3 }] }), { code: 'BAD_CONFIG', message: /no "cut"; .*cutAfterBytes/ });
      await assert.rejects(start({ script: '/nowhere.js' }), { code: 'BAD_CONFIG', message: /\/nowhere\.js could not be loaded/ });
      const on = await start();
      await assert.rejects(on.script(/** @type {any} */ (5)), { code: 'BAD_CONFIG', message: /got 5/ });
    });
  });
}

describe('startFakeProvider with a function as script', () => {
  it('asks it for each chat', async () => {
    /** @type {string[]} */
    const asked = [];
    const fake = await startFakeProvider({
      script(request) {
        asked.push(request.path);
        return request.body.model === 'bad' ? { status: 404 } : { text: 'good' };
      },
    });
    const ask = (/** @type {string} */ model) =>
      fetch(`${fake.openaiUrl}/chat/completions`, { method: 'POST', body: JSON.stringify(openaiBody({ model })) });
    assert.equal((await ask('bad')).status, 404);
    assert.equal((await ask('fine')).status, 200);
    assert.deepEqual(asked, ['/v1/chat/completions', '/v1/chat/completions']);
    await fake.close();
  });

  it('answers 500 when it throws or returns nonsense, and remembers why', async () => {
    const fake = await startFakeProvider({ script: () => /** @type {any} */ ({ stauts: 1 }) });
    const response = await fetch(`${fake.openaiUrl}/chat/completions`, { method: 'POST', body: JSON.stringify(openaiBody()) });
    assert.equal(response.status, 500);
    assert.match((await fake.log())[0].scriptError ?? '', /no "stauts"/);
    await fake.close();
  });

  it('cannot hand it to another process', async () => {
    await assert.rejects(startFakeProvider({ process: true, script: () => ({}) }), { code: 'BAD_CONFIG', message: /array of replies or the path/ });
  });
});
