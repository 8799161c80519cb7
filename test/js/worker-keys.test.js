// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const { startWorker } = require('../../js/index.js');
const { useWorld } = require('./support/e2e.js');

/** A provider that tells by the key how it answers; `answers[key]` is a status. */
async function startKeyed(world) {
  const seen = [];
  const answers = {};
  const server = http.createServer((request, response) => {
    const key = (request.headers.authorization ?? '').replace('Bearer ', '');
    seen.push(key);
    request.resume().on('end', () => {
      const status = answers[key] ?? 200;
      const headers = status === 429 ? { 'retry-after': '60' } : {};
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      const message = { role: 'assistant', content: 'yes' };
      const good = { id: 'x', model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
      response.end(JSON.stringify(status === 200 ? good : { error: { message: `the key ${key} is refused` } }));
    });
  });
  return { seen, answers, url: `http://127.0.0.1:${await world.listen(server)}/v1` };
}

describe('worker: keys', function () {
  this.timeout(20000);
  const on = useWorld();
  let keyed;

  beforeEach(async () => {
    on.world.database();
    keyed = await startKeyed(on.world);
  });

  const providers = (apiKey) => ({ fake: { kind: 'openai-compatible', baseUrl: keyed.url, apiKey } });

  it('that the app holds are asked for once, when a job first needs them, and go over the port only', async () => {
    const { world } = on;
    const asked = [];
    const worker = await world.worker({
      providers: providers({ secret: 'my key' }),
      logLevel: 'debug',
      secrets: async (name, about) => (asked.push([name, about.refused]), 'sk-canary-1234567890'),
    });
    assert.deepEqual(asked, []);
    for (const id of [world.insert(), world.insert()]) assert.equal((await world.ended(id)).status, 'completed');
    assert.deepEqual(asked, [['my key', false]]);
    assert.deepEqual(keyed.seen, ['sk-canary-1234567890', 'sk-canary-1234567890']);
    if (process.platform === 'linux') {
      for (const name of ['environ', 'cmdline']) assert.ok(!fs.readFileSync(`/proc/${worker.pid}/${name}`, 'latin1').includes('canary'), name);
    }
    assert.ok(!world.log.join('\n').includes('canary'));
    assert.ok(!fs.readFileSync(world.file, 'latin1').includes('canary'));
  });

  it('that the app does not have let the jobs fail with the name; a later job asks nobody again', async () => {
    const { world } = on;
    let asked = 0;
    await world.worker({
      providers: { fake: { kind: 'openai', baseUrl: keyed.url, apiKey: { secret: 'none' } } },
      secrets: () => {
        asked++;
        throw new Error('the store says sk-canary');
      },
    });
    for (const id of [world.insert(), world.insert()]) {
      const row = await world.ended(id);
      assert.deepEqual([row.status, row.error.code], ['failed', 'AUTH']);
      assert.match(row.error.message, /secret none/);
    }
    assert.equal(asked, 1);
    assert.deepEqual(keyed.seen, []);
    assert.ok(!world.log.join('\n').includes('canary'));
  });

  it('that are no keys, or that no kind of provider has, let the jobs fail instead of waiting or going without', async () => {
    const { world } = on;
    await world.worker({
      providers: { ...providers({ secret: 'torn' }), unset: { kind: 'openai-compatible', baseUrl: keyed.url, apiKey: { env: 'LJ_NOT_SET' } } },
      secrets: () => 'two\nlines',
    });
    const torn = await world.ended(world.insert());
    assert.deepEqual([torn.status, torn.error.code], ['failed', 'AUTH']);
    assert.match(torn.error.message, /secret torn/);
    const unset = await world.ended(world.insert({ model: 'unset/m' }));
    assert.deepEqual([unset.status, unset.error.code], ['failed', 'AUTH']);
    assert.match(unset.error.message, /LJ_NOT_SET/);
    assert.deepEqual(keyed.seen, []);
  });

  it('that the app gives by itself are taken without being asked for', async () => {
    const { world } = on;
    const worker = await world.worker({ providers: providers({ secret: 's' }), secrets: () => new Promise(() => {}) });
    assert.deepEqual(await worker.request('worker:secret', { name: 's', value: 'pushed' }), { known: true });
    assert.deepEqual(await worker.request('worker:secret', { name: 'another', value: 'x' }), { known: false });
    await assert.rejects(worker.request('worker:secret', { name: 's', value: 'two\nlines' }), { code: 'INVALID' });
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.deepEqual(keyed.seen, ['pushed']);
  });

  it('one that is refused gives way to the next, and is not tried again', async () => {
    const { world } = on;
    keyed.answers.first = 401;
    await world.worker({ providers: providers([{ env: 'LJ_FIRST' }, { env: 'LJ_SECOND' }]), env: { LJ_FIRST: 'first', LJ_SECOND: 'second' } });
    for (let i = 0; i < 3; i++) {
      const row = await world.ended(world.insert());
      assert.deepEqual([row.status, row.attempts], ['completed', 1]);
      assert.equal(row.result.fallbackUsed, undefined, 'another key is no other target');
    }
    assert.deepEqual(keyed.seen, ['first', 'second', 'second', 'second']);
  });

  it('one that is rate limited pauses alone: the next goes on', async () => {
    const { world } = on;
    keyed.answers.first = 429;
    await world.worker({ providers: providers([{ env: 'LJ_FIRST' }, { env: 'LJ_SECOND' }]), env: { LJ_FIRST: 'first', LJ_SECOND: 'second' } });
    for (let i = 0; i < 3; i++) assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.deepEqual(keyed.seen, ['first', 'second', 'second', 'second']);
  });

  it('when all are refused the job fails and says so without the key', async () => {
    const { world } = on;
    Object.assign(keyed.answers, { 'key-number-one': 401, 'key-number-two': 401 });
    const env = { LJ_FIRST: 'key-number-one', LJ_SECOND: 'key-number-two' };
    await world.worker({ providers: providers([{ env: 'LJ_FIRST' }, { env: 'LJ_SECOND' }]), env });
    for (let i = 0; i < 2; i++) {
      const row = await world.ended(world.insert());
      assert.deepEqual([row.status, row.error.code], ['failed', 'AUTH']);
      assert.ok(!JSON.stringify(row).includes('key-number'), row.error.message);
    }
  });

  it('of which the app gives another value after a refusal are used at once', async () => {
    const { world } = on;
    keyed.answers.old = 401;
    const given = [];
    await world.worker({
      providers: providers({ secret: 's' }),
      secrets: (_name, { refused }) => (given.push(refused), refused ? 'new' : 'old'),
    });
    const first = await world.ended(world.insert());
    assert.deepEqual([first.status, first.error.code], ['failed', 'AUTH']);
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.deepEqual(given, [false, true]);
    assert.deepEqual(keyed.seen, ['old', 'new']);
  });

  it('without a function that gives them the worker does not start', async () => {
    await assert.rejects(startWorker({ database: on.world.file, providers: providers({ secret: 's' }) }), {
      code: 'BAD_CONFIG',
      message: /secret.*secrets/,
    });
  });
});
