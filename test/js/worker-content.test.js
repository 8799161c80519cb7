// SPDX-License-Identifier: MIT
'use strict';

/** What a job and the configuration ask of content: answers of a shape, and filters. */

const assert = require('node:assert/strict');
const { useWorld } = require('./support/e2e.js');

const schema = {
  type: 'object',
  properties: { name: { type: 'string', pattern: '^[A-Z]' }, age: { type: 'integer', minimum: 0 } },
  required: ['name', 'age'],
  additionalProperties: false,
};

describe('worker: structured answers', function () {
  this.timeout(20000);
  const on = useWorld();
  const data = { prompt: 'Who?', responseFormat: { schema } };
  const opts = { backoff: { type: 'fixed', delayMs: 1 } };

  /** @param {any} script */
  async function start(script) {
    const { world } = on;
    world.database();
    await world.provider({ script });
    await world.worker();
    return world;
  }

  it('result.object holds the answer, fenced or not; the text stays as it came', async () => {
    const fenced = '```json\n{"name":"Ada","age":36}\n```';
    const world = await start(() => ({ text: fenced, tokens: 4 }));
    for (const stream of [true, false]) {
      const row = await world.ended(world.insert({ data: { ...data, stream } }));
      assert.deepEqual([row.status, row.error], ['completed', null]);
      assert.deepEqual(row.result.object, { name: 'Ada', age: 36 });
      assert.equal(row.result.text, fenced);
    }
  });

  it('an answer that breaks the schema is tried again, until one satisfies it', async () => {
    const texts = ['{"name":"Ada","age":-36}', 'I would rather not say.', '{"name":"Ada","age":36}'];
    const world = await start(texts.map((text) => ({ text })));
    const row = await world.ended(world.insert({ data, opts }));
    assert.deepEqual([row.status, row.attempts], ['completed', 3]);
    assert.deepEqual(row.result.object, { name: 'Ada', age: 36 });
    assert.deepEqual(row.history.map((/** @type {any} */ one) => one.code), ['PROTOCOL', 'PROTOCOL', undefined]);
  });

  it('when none does, the error says where and which rule, and nothing of the answer', async () => {
    const world = await start(() => ({ text: '{"name":"ada LOVELACE","age":36}' }));
    const row = await world.ended(world.insert({ data, opts, max_attempts: 2 }));
    assert.deepEqual([row.status, row.attempts, row.error.code, row.error.status], ['failed', 2, 'PROTOCOL', 200]);
    assert.match(row.error.message, /at \/name it breaks the rule pattern$/);
    assert.doesNotMatch(JSON.stringify([row.error, row.history, world.log]), /LOVELACE/);
    assert.equal(row.result, null);
    assert.equal(await world.fake.count(), 2);
  });

  it('the next model of a route is asked when the first one breaks the schema', async () => {
    const { world } = on;
    world.database();
    await world.provider({ script: (/** @type {any} */ request) => ({ text: request.body.model === 'large' ? '{"name":"Ada","age":36}' : '{}' }) });
    await world.worker({ models: { who: ['fake/small', 'fake/large'] } });
    const row = await world.ended(world.insert({ data, model: 'who' }));
    assert.deepEqual([row.status, row.attempts, row.result.model, row.result.fallbackUsed], ['completed', 1, 'large', true]);
  });

  it('the breaker stays closed: the provider has answered', async () => {
    const { world } = on;
    world.database();
    const fake = await world.provider({ script: [{ text: '{}' }, { text: '[]' }, { text: '{}' }] });
    await world.worker({ providers: { fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl, breaker: { threshold: 1, openMs: 600000 } } } });
    const row = await world.ended(world.insert({ data, opts }));
    assert.deepEqual([row.status, row.attempts, row.error.code], ['failed', 3, 'PROTOCOL']);
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });

  it('a malformed schema fails the job before any call', async () => {
    const world = await start(() => ({ text: '{}' }));
    const row = await world.ended(world.insert({ data: { prompt: 'Who?', responseFormat: { schema: { properties: { age: { type: 'int' } } } } } }));
    assert.deepEqual([row.status, row.error.code], ['failed', 'BAD_JOB']);
    assert.match(row.error.message, /responseFormat\.schema is malformed at \/properties\/age\/type: must be null, boolean/);
    assert.equal(await world.fake.count(), 0);
  });
});

describe('worker: content of prompts and answers', function () {
  this.timeout(20000);
  const on = useWorld();

  it('a refused prompt fails without a call, a redacted one is sent so; its row keeps what the app wrote', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    await world.worker({
      types: { greet: { system: 'Talk to {{who}}.', prompt: 'Hi' } },
      filters: [
        { on: 'prompt', pattern: '\\d{3}-\\d{4}', action: 'redact' },
        { on: 'prompt', pattern: '(?i)bluebird', action: 'refuse' },
      ],
    });
    const refused = await world.ended(world.insert({ name: 'greet', data: { who: 'BlueBird' } }));
    assert.deepEqual([refused.status, refused.error.code, refused.attempts], ['failed', 'CONTENT_FILTERED', 1]);
    assert.equal(refused.error.message, 'filters[1] of the configuration refuses the prompt; no call was made');
    assert.equal(await world.fake.count(), 0);
    const redacted = await world.ended(world.insert({ data: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Call 555-1234 or 555-4321' }] }] } }));
    assert.equal(redacted.status, 'completed');
    const [call] = await world.fake.log();
    assert.doesNotMatch(JSON.stringify(call.body), /555/);
    assert.match(JSON.stringify(call.body), /Call \[redacted\] or \[redacted\]/);
    assert.match(JSON.stringify(redacted.data), /555-1234/);
  });

  it('a refused answer fails at once and is nowhere: no token, no partial, no result, no error has it', async () => {
    const { world } = on;
    const db = world.database({ sql: 'CREATE TABLE seen (partial TEXT)' });
    world.createTable();
    db.exec('CREATE TRIGGER note AFTER UPDATE OF partial ON llm_jobs WHEN NEW.partial IS NOT NULL BEGIN INSERT INTO seen VALUES (NEW.partial); END');
    await world.provider({ script: () => ({ text: 'This is for internal use only I fear', tokens: 8, tokenMs: 80 }) });
    const worker = await world.worker({ filters: [{ on: 'answer', pattern: 'internal\\s+use', action: 'refuse' }] });
    /** @type {unknown[]} */
    const tokens = [];
    worker.on('token', (/** @type {unknown} */ payload) => tokens.push(payload));
    await worker.subscribe({ tokens: true });
    const row = await world.ended(world.insert());
    assert.deepEqual([row.status, row.error.code, row.attempts], ['failed', 'CONTENT_FILTERED', 1]);
    assert.equal(row.error.message, 'filters[0] of the configuration refuses the answer');
    assert.ok(row.history[0].usage.outputTokens > 0);
    assert.deepEqual(tokens, []);
    assert.equal(db.prepare('SELECT count(*) FROM seen').pluck().get(), 0);
    assert.doesNotMatch(JSON.stringify([row, world.log]), /internal use only/);
    assert.equal(await world.fake.count(), 1);
  });

  it('a redacted answer is stored so, in text, object and tool calls', async () => {
    const { world } = on;
    world.database();
    const replies = [{ text: '{"mail":"a@example.com"}' }, { toolCalls: [{ name: 'send', arguments: { to: ['b@example.com'] } }] }];
    await world.provider({ script: replies });
    await world.worker({ concurrency: 1, filters: [{ on: 'answer', pattern: '[\\w.]+@[\\w.]+', action: 'redact' }] });
    const json = await world.ended(world.insert({ data: { prompt: 'Who?', responseFormat: 'json' } }));
    assert.equal(json.result.text, '{"mail":"[redacted]"}');
    assert.deepEqual(json.result.object, { mail: '[redacted]' });
    const tools = await world.ended(world.insert({ data: { prompt: 'Send', tools: [{ name: 'send', parameters: {} }] } }));
    assert.deepEqual(tools.result.toolCalls[0].arguments, { to: ['[redacted]'] });
  });

  it('refused models and prompts that are too long fail without a call', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    await world.worker({ allowedModels: ['fake/*'], refusedModels: ['fake/secret*'], maxPromptBytes: 10 });
    const failures = [
      [{ model: 'fake/secret-1' }, 'MODEL_NOT_ALLOWED', /refusedModels/],
      [{ model: 'other/m' }, 'MODEL_NOT_ALLOWED', /allowedModels/],
      [{ data: { system: '12345', prompt: '1234é' } }, 'BAD_JOB', /the prompt has 11 bytes of text, but maxPromptBytes allows 10/],
    ];
    for (const [columns, code, message] of failures) {
      const { error } = await world.ended(world.insert(/** @type {any} */ (columns)));
      assert.equal(error.code, code);
      assert.match(error.message, /** @type {RegExp} */ (message));
    }
    assert.equal(await world.fake.count(), 0);
    assert.equal((await world.ended(world.insert({ data: { system: '12345', prompt: '12345' } }))).status, 'completed');
  });

  it('a filter that cannot be used is BAD_CONFIG', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    await assert.rejects(world.worker({ filters: [{ on: 'prompt', pattern: 'a(', action: 'refuse' }] }), { code: 'BAD_CONFIG', message: /filters\[0\]\.pattern: missing closing parenthesis, found after 2 bytes of it/ });
    await assert.rejects(world.worker({ models: { a: 'fake/secret' }, refusedModels: ['fake/*'] }), { code: 'BAD_CONFIG', message: /models\.a: "fake\/secret" is in refusedModels/ });
  });
});
