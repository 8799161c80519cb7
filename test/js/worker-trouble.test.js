// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { useWorld } = require('./support/e2e.js');

const soon = { backoff: { type: 'fixed', delayMs: 5 } };

describe('worker: trouble with the job', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    await on.world.provider();
  });

  it('fails it at once without a call: no route, no model, no request', async () => {
    const { world } = on;
    await world.worker({ allowedModels: ['fake/m', 'nobody/m'] });
    const cases = [
      [{ model: 'nobody/m' }, 'NO_PROVIDER', /nobody\/m.*fake/],
      [{ model: null }, 'BAD_JOB', /no model.*types\.test\.model/],
      [{ model: 'fake/secret' }, 'MODEL_NOT_ALLOWED', /fake\/secret.*allowedModels/],
      [{ data: { promt: 'x' } }, 'BAD_JOB', /prompt/],
      [{ data: { messages: 'x' } }, 'BAD_JOB', /messages/],
      [{ data: { prompt: 'x', temperature: 'hot' } }, 'BAD_JOB', /temperature/],
      [{ opts: { backoff: { type: 'never' } } }, 'BAD_JOB', /opts\.backoff/],
      [{ opts: [] }, 'BAD_JOB', /opts/],
    ];
    const ids = cases.map(([columns]) => world.insert(columns));
    for (const [index, [, code, message]] of cases.entries()) {
      const row = await world.ended(ids[index]);
      assert.deepEqual([row.status, row.error.code], ['failed', code], JSON.stringify(row));
      assert.match(row.error.message, message);
    }
    assert.equal(await world.fake.count(), 0);
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });

  it('HTTP 500 until no attempt is left: failed, never completed (D1)', async () => {
    const { world } = on;
    await world.fake.script(Array.from({ length: 3 }, () => ({ status: 500, error: { message: 'the disk is full' } })));
    await world.worker();
    const id = world.insert({ opts: soon });
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.attempts, row.result], ['failed', 3, null]);
    assert.deepEqual([row.error.code, row.error.status, row.error.attempt], ['SERVER_ERROR', 500, 3]);
    assert.match(row.error.message, /the disk is full/);
    assert.deepEqual(row.history.map((one) => [one.attempt, one.code]), [[1, 'SERVER_ERROR'], [2, 'SERVER_ERROR'], [3, 'SERVER_ERROR']]);
    assert.equal(await world.fake.count(), 3);
  });

  it('a retry that goes well: completed, without the error but with its history', async () => {
    const { world } = on;
    await world.fake.script([{ status: 503 }]);
    await world.worker();
    const id = world.insert();
    await world.until(() => world.row(id).status === 'delayed', 'the retry');
    const between = world.row(id);
    assert.deepEqual([between.error.code, between.attempts], ['OVERLOADED', 1]);
    // Full jitter: somewhere between at once and the first wait of a second.
    assert.ok(between.run_at - between.error.at >= 0 && between.run_at - between.error.at <= 1000);
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.attempts, row.error], ['completed', 2, null]);
    assert.deepEqual(row.history.map((one) => one.code), ['OVERLOADED', undefined]);
  });

  it('HTTP 400: failed at once, with the words of the provider', async () => {
    const { world } = on;
    await world.fake.script([{ status: 400, error: { message: 'temperature must be below 2' } }]);
    await world.worker();
    const row = await world.ended(world.insert());
    assert.deepEqual([row.status, row.attempts, row.error.code, row.error.status], ['failed', 1, 'BAD_REQUEST', 400]);
    assert.match(row.error.message, /temperature must be below 2/);
    assert.equal(await world.fake.count(), 1);
  });

  it('a stream that breaks or ends too early: a retry, never a short success', async () => {
    const { world } = on;
    await world.worker();
    for (const reply of [{ cutAfterTokens: 5 }, { cutAfterTokens: 5, clean: true }, { cutAfterBytes: 700, clean: true }]) {
      await world.fake.clear();
      await world.fake.script([reply]);
      const row = await world.ended(world.insert({ opts: soon, data: { prompt: 'all of it' } }));
      assert.deepEqual([row.status, row.attempts], ['completed', 2], JSON.stringify(reply));
      assert.equal(row.history[0].code, 'PROTOCOL', JSON.stringify(reply));
      assert.equal(row.result.text.split(' ').length, 20);
      assert.equal(await world.fake.count(), 2);
    }
  });

  it('an answer that never comes: TIMEOUT_TOTAL after opts.timeoutMs, and the call is aborted', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }, { hangAfterTokens: 2 }]);
    await world.worker();
    const row = await world.ended(world.insert({ opts: { ...soon, timeoutMs: 150 }, max_attempts: 2 }));
    assert.deepEqual([row.status, row.error.code, row.attempts], ['failed', 'TIMEOUT_TOTAL', 2]);
    await world.until(async () => (await world.fake.stats()).aborted === 2, 'both calls to be aborted');
  });

  it('redirects are not followed: a key never goes to another host', async () => {
    const { world } = on;
    await world.fake.script([{ status: 302, headers: { location: `${world.fake.openaiUrl}/other` }, body: '' }]);
    await world.worker();
    const row = await world.ended(world.insert({ max_attempts: 1 }));
    assert.equal(row.status, 'failed');
    assert.deepEqual((await world.fake.log()).map((one) => one.path), ['/v1/chat/completions']);
  });
});

describe('worker: trouble with the provider', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    await on.world.provider();
  });

  it('not running: the job waits with UNREACHABLE on its row, and runs when the server comes up', async () => {
    const { world } = on;
    // A port that was free a moment ago; until the relay listens, nobody answers there.
    const relay = net.createServer((client) => {
      const server = net.connect(world.fake.port, '127.0.0.1');
      client.pipe(server).pipe(client);
      for (const [one, other] of [[client, server], [server, client]]) one.on('error', () => other.destroy()).on('close', () => other.destroy());
    });
    const listen = (/** @type {number} */ port) => new Promise((resolve) => relay.listen(port, '127.0.0.1', () => resolve(relay.address().port)));
    const close = () => new Promise((resolve) => relay.close(resolve));
    const port = await listen(0);
    await close();
    const worker = await world.worker({ providers: { later: { kind: 'openai-compatible', baseUrl: `http://127.0.0.1:${port}/v1` } } });
    const id = world.insert({ model: 'later/m' });
    await world.until(() => world.row(id).error !== null, 'the error on the row');
    const row = world.row(id);
    assert.deepEqual([row.status, row.attempts, row.error.code], ['waiting', 0, 'UNREACHABLE']);
    assert.match(row.error.message, /later/);
    const [lane] = (await worker.stats()).lanes;
    assert.deepEqual([lane.lane, lane.paused], ['later/m', true]);

    await listen(port);
    const end = await world.ended(id);
    assert.deepEqual([end.status, end.attempts, end.error], ['completed', 1, null]);
    // The worker must be gone first, because the relay waits for its connections.
    await worker.stop();
    await close();
  });

  it('rate limits with Retry-After: the attempt does not count, this lane waits, another goes on', async () => {
    const { world } = on;
    await world.fake.script(({ n, body }) => (body.model === 'slow' && n === 1 ? { retryAfter: 1 } : {}));
    const worker = await world.worker();
    const limited = world.insert({ model: 'fake/slow' });
    await world.until(() => world.row(limited).error !== null, 'the rate limit');
    const row = world.row(limited);
    assert.deepEqual([row.status, row.attempts, row.error.code, row.error.status], ['waiting', 0, 'RATE_LIMITED', 429]);
    const behind = world.insert({ model: 'fake/slow' });
    const other = world.insert({ model: 'fake/quick' });
    assert.equal((await world.ended(other)).status, 'completed');
    assert.deepEqual([world.row(limited).status, world.row(behind).status], ['waiting', 'waiting']);
    for (const id of [limited, behind]) assert.deepEqual([(await world.ended(id)).status, world.row(id).attempts], ['completed', 1]);
    const [first, second] = (await world.fake.log()).filter((one) => one.body.model === 'slow');
    assert.ok(second.at - first.at >= 990, `the lane waited ${second.at - first.at} ms of the second that it was told to`);
    assert.equal((await worker.stats()).interrupted, 1);
  });

  it('a missing key: AUTH, which names the variable, without a call', async () => {
    const { world } = on;
    const openai = { kind: 'openai', baseUrl: world.fake.openaiUrl, apiKey: { env: 'LLM_JOBS_TEST_NO_SUCH_KEY' } };
    await world.worker({ providers: { openai } });
    const row = await world.ended(world.insert({ model: 'openai/m' }));
    assert.deepEqual([row.status, row.error.code], ['failed', 'AUTH']);
    assert.match(row.error.message, /LLM_JOBS_TEST_NO_SUCH_KEY/);
    assert.equal(await world.fake.count(), 0);
  });

  it('a wrong key: AUTH, and no trace of the key in the row', async () => {
    const { world } = on;
    const key = 'sk-test-0123456789abcdef';
    await world.fake.script([{ status: 401, error: { message: `Incorrect API key provided: ${key}.`, code: 'invalid_api_key' } }]);
    const openai = { kind: 'openai', baseUrl: world.fake.openaiUrl, apiKey: { env: 'LLM_JOBS_TEST_KEY' } };
    await world.worker({ providers: { openai }, env: { LLM_JOBS_TEST_KEY: key }, logLevel: 'debug' });
    const row = await world.ended(world.insert({ model: 'openai/m' }));
    assert.deepEqual([row.status, row.error.code, row.attempts], ['failed', 'AUTH', 1]);
    assert.equal(JSON.stringify(row).includes(key), false, 'the key is in the row');
    assert.equal(world.log.join('\n').includes(key), false, 'the key is in the log');
    assert.equal((await world.fake.log())[0].headers.authorization, '***');
  });

  it('an alias goes on to its next target: 401, 404, 500, a rate limit, nobody there', async () => {
    const { world } = on;
    const second = await (async () => {
      const { fake } = world;
      const other = await world.provider();
      world.fake = fake;
      return other;
    })();
    const providers = {
      one: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl },
      two: { kind: 'openai-compatible', baseUrl: second.openaiUrl },
      none: { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' },
    };
    await world.worker({ providers, models: { fast: ['one/a', 'two/b'], late: ['none/a', 'two/b'] } });
    const good = await world.ended(world.insert({ model: 'fast' }));
    assert.deepEqual([good.result.provider, good.result.fallbackUsed], ['one', false]);

    const replies = [{ status: 401 }, { status: 404, error: { message: 'no such model', code: 'model_not_found' } }, { status: 500 }, { status: 429 }];
    for (const reply of replies) {
      await world.fake.script([reply]);
      const row = await world.ended(world.insert({ model: 'fast' }));
      assert.deepEqual(
        [row.status, row.result.provider, row.result.model, row.result.fallbackUsed, row.attempts],
        ['completed', 'two', 'b', true, 1],
        JSON.stringify(reply)
      );
      assert.equal(row.lane, 'two/b', JSON.stringify(reply));
    }
    const unreachable = await world.ended(world.insert({ model: 'late' }));
    assert.deepEqual([unreachable.result.provider, unreachable.result.fallbackUsed], ['two', true]);
    assert.equal(await second.count(), replies.length + 1);
  });

  it('concurrency and maxConcurrent bound the calls at a time', async () => {
    const { world } = on;
    const fake = { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl };
    await world.fake.script(() => ({ delayMs: 20 }));
    const worker = await world.worker({ concurrency: 6, providers: { fake, few: { ...fake, maxConcurrent: 2 } } });
    for (const [model, peak] of [['fake/m', 6], ['few/m', 2]]) {
      await world.fake.clear();
      await worker.pause();
      const ids = world.db.transaction(() => Array.from({ length: 20 }, () => world.insert({ model })))();
      await worker.resume();
      for (const id of ids) assert.equal((await world.ended(id)).status, 'completed');
      assert.deepEqual([(await world.fake.stats()).peak, await world.fake.count()], [peak, 20], model);
    }
  });
});
