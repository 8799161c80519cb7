// SPDX-License-Identifier: MIT
'use strict';

/** Ollama's own client is the measure: the worker must send what the client sends for the same call. */

const assert = require('node:assert/strict');
const { Ollama } = require('ollama');
const { World } = require('./support/e2e.js');
const { CALL, TOOL, user, onlyRequest } = require('./support/sdk.js');

/** The client adds to the object that it is given, so each call gets its own. */
const clientOf = (fake) => new Ollama({ host: fake.ollamaUrl });

describe('the worker and the client of Ollama', function () {
  this.timeout(20000);
  let world;
  let fake;

  before(async () => {
    world = new World();
    world.database();
    fake = await world.provider({ tokens: 4 });
    await world.worker({ providers: { local: { kind: 'ollama', baseUrl: fake.ollamaUrl } } });
  });
  after(() => world.close());
  beforeEach(() => fake.clear());

  const run = async (data, { model = 'llama', columns = {} } = {}) => world.ended(world.insert({ model: `local/${model}`, data, ...columns }));

  /**
   * What is the same in both. Left out, because the client and the worker mean to differ:
   * - accept and accept-encoding: the worker says that it wants lines, and none that are compressed; the client leaves that to fetch
   * - what is of the client itself: user-agent, connection, host, content-length
   */
  const comparable = ({ method, path, headers, body }) => ({ method, path, type: headers['content-type'], key: headers.authorization, body });

  const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };
  /** @type {Record<string, {data: object, params: object}>} */
  const calls = {
    'a prompt': { data: { prompt: 'Hi' }, params: { messages: [user('Hi')] } },
    'an answer in one piece': { data: { prompt: 'Hi', stream: false }, params: { messages: [user('Hi')], stream: false } },
    'a system prompt and a history': {
      data: { system: 'Be brief.', messages: [user('a'), { role: 'assistant', content: 'b' }, user('c')] },
      params: { messages: [{ role: 'system', content: 'Be brief.' }, user('a'), { role: 'assistant', content: 'b' }, user('c')] },
    },
    'options of the model': {
      data: { prompt: 'Hi', maxTokens: 77, temperature: 0.5, topP: 0.9, stop: ['X', 'Y'], seed: 7 },
      params: { messages: [user('Hi')], options: { num_predict: 77, temperature: 0.5, top_p: 0.9, stop: ['X', 'Y'], seed: 7 } },
    },
    images: {
      data: {
        messages: [user([
          { type: 'text', text: 'What?' },
          { type: 'image', data: 'iVBORw0KGgo=', mediaType: 'image/png' },
          { type: 'image', url: 'data:image/png;base64,AAAA' },
        ])],
      },
      params: { messages: [{ role: 'user', content: 'What?', images: ['iVBORw0KGgo=', 'AAAA'] }] },
    },
    tools: {
      data: { prompt: 'Hi', tools: [TOOL], toolChoice: 'auto' },
      params: { messages: [user('Hi')], tools: [{ type: 'function', function: TOOL }] },
    },
    'results of tools': {
      data: {
        messages: [
          user('q'),
          { role: 'assistant', content: 'I look.', toolCalls: [{ id: 'c1', ...CALL }, { id: 'c2', name: 'f', arguments: '{}' }] },
          { role: 'tool', toolCallId: 'c1', content: '7 degrees' },
        ],
      },
      params: {
        messages: [
          user('q'),
          {
            role: 'assistant', content: 'I look.',
            tool_calls: [{ id: 'c1', function: { name: CALL.name, arguments: CALL.arguments } }, { id: 'c2', function: { name: 'f', arguments: {} } }],
          },
          { role: 'tool', content: '7 degrees', tool_call_id: 'c1', tool_name: CALL.name },
        ],
      },
    },
    'any JSON': { data: { prompt: 'Hi', responseFormat: 'json' }, params: { messages: [user('Hi')], format: 'json' } },
    'an answer by a schema': { data: { prompt: 'Hi', responseFormat: { schema, name: 'answer' } }, params: { messages: [user('Hi')], format: schema } },
    thinking: { data: { prompt: 'Hi', reasoning: {} }, params: { messages: [user('Hi')], think: true } },
    'thinking by an effort': { data: { prompt: 'Hi', reasoning: { effort: 'high' } }, params: { messages: [user('Hi')], think: 'high' } },
    'no thinking': { data: { prompt: 'Hi', reasoning: { effort: 'none' } }, params: { messages: [user('Hi')], think: false } },
    'fields of the API itself': {
      data: { prompt: 'Hi', temperature: 1, providerOptions: { ollama: { keep_alive: '10m', options: { num_ctx: 8192 } } } },
      params: { messages: [user('Hi')], keep_alive: '10m', options: { temperature: 1, num_ctx: 8192 } },
    },
  };

  describe('send the same for', () => {
    const compare = async (data, ask) => {
      const row = await run(data);
      assert.equal(row.status, 'completed', JSON.stringify(row.error));
      const ours = await onlyRequest(fake);
      const answer = await ask(clientOf(fake));
      if (answer[Symbol.asyncIterator]) for await (const _ of answer);
      assert.deepEqual(comparable(ours), comparable(await onlyRequest(fake)));
    };

    for (const [name, { data, params }] of Object.entries(calls)) {
      it(name, () => compare(data, (client) => client.chat({ model: 'llama', stream: true, ...structuredClone(params) })));
    }

    for (const [name, data, params] of [
      ['one text', { input: 'one two' }, { input: 'one two' }],
      ['many texts', { input: ['one two', 'three'] }, { input: ['one two', 'three'] }],
      [
        'texts that may not be cut',
        { input: 'x', providerOptions: { ollama: { truncate: false, options: { num_ctx: 512 } } } },
        { input: 'x', truncate: false, options: { num_ctx: 512 } },
      ],
    ]) {
      it(`embeddings: ${name}`, () => compare(data, (client) => client.embed({ model: 'llama', ...params })));
    }
  });

  describe('the row has', () => {
    for (const stream of [true, false]) {
      it(`what was answered, ${stream ? 'streamed' : 'whole'}`, async () => {
        await fake.script([{ text: 'I look.', toolCalls: [CALL] }]);
        const { result } = await run({ prompt: 'one two', tools: [TOOL], stream });
        assert.equal(result.text, 'I look.');
        assert.deepEqual(result.toolCalls, [{ id: 'call_1', ...CALL }]);
        assert.deepEqual(result.usage, { inputTokens: 2, outputTokens: 2 });
        assert.deepEqual([result.finishReason, result.model, result.provider], ['tool', 'llama', 'local']);
      });
    }

    it('an object, and why the answer ended', async () => {
      const { result } = await run({ prompt: 'one two', responseFormat: { schema } });
      assert.deepEqual([result.object, result.finishReason], [{ answer: 'one two one two' }, 'stop']);
      assert.equal((await run({ prompt: 'one two', maxTokens: 2 })).result.finishReason, 'length');
    });

    it('vectors in the order of the texts, the same floats as the client\'s', async () => {
      const input = ['one two', 'three', 'ü'];
      const { result } = await run({ input });
      const { embeddings } = await clientOf(fake).embed({ model: 'llama', input });
      assert.deepEqual(result.embeddings.map((vector) => vector.map(Math.fround)), embeddings.map((vector) => vector.map(Math.fround)));
      assert.deepEqual(result.usage, { inputTokens: 4 });
    });

    const failures = [
      ['BAD_REQUEST', { status: 400 }],
      ['AUTH', { status: 401 }],
      ['MODEL_NOT_FOUND', { status: 404, error: { message: 'model "x" not found, try pulling it first' } }],
      ['SERVER_ERROR', { status: 500, error: { message: 'llama runner process has terminated' } }],
      ['OVERLOADED', { status: 503, error: { message: 'server busy, please try again. maximum pending requests exceeded' } }],
      ['SERVER_ERROR', { errorAfterTokens: 1, error: { message: 'CUDA error' } }],
      ['CONTEXT_LENGTH', { status: 400, error: { message: 'the input length exceeds the context length' } }],
      ['PROTOCOL', { cutAfterTokens: 2 }],
      ['PROTOCOL', { cutAfterTokens: 2, clean: true }],
    ];
    failures.forEach(([code, reply], index) => {
      it(`${code} for ${JSON.stringify(reply)}`, async () => {
        await fake.script([reply]);
        // Each a model of its own: some of these errors pause the lane of theirs.
        const row = await run({ prompt: 'one two three' }, { model: `llama-${index}x`, columns: { max_attempts: 1 } });
        assert.deepEqual([row.status, row.error.code], ['failed', code], JSON.stringify(row.error));
      });
    });

    for (const [field, data] of [
      ['toolChoice', { prompt: 'Hi', tools: [TOOL], toolChoice: 'required' }],
      ['reasoning.budgetTokens', { prompt: 'Hi', reasoning: { budgetTokens: 2000 } }],
      ['image', { messages: [user([{ type: 'image', url: 'https://example.com/i.png' }])] }],
      ['input', { input: Array.from({ length: 2049 }, () => 'x') }],
    ]) {
      it(`BAD_REQUEST before any call for ${field}, which there is not`, async () => {
        const row = await run(data);
        assert.deepEqual([row.status, row.error.code], ['failed', 'BAD_REQUEST']);
        assert.ok(row.error.message.includes(field), row.error.message);
        assert.equal(await fake.count(), 0);
      });
    }
  });
});
