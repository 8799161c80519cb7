// SPDX-License-Identifier: MIT
'use strict';

/**
 * OpenAI's own SDK is the measure, for Chat Completions, the Responses API and embeddings: the worker must send what the SDK sends
 * for the same call.
 */

const assert = require('node:assert/strict');
const { OpenAI } = require('openai');
const { World } = require('./support/e2e.js');
const { CALL, TOOL, user, onlyRequest } = require('./support/sdk.js');

const KEY = 'sk-canary-1234567890';
const text = (words) => ({ type: 'text', text: words });
const clientOf = (fake) => new OpenAI({ apiKey: KEY, baseURL: fake.openaiUrl, maxRetries: 0, logLevel: 'off' });

describe('the worker and the SDK of OpenAI', function () {
  this.timeout(20000);
  let world;
  let fake;

  before(async () => {
    world = new World();
    world.database();
    fake = await world.provider({ tokens: 4, apiKey: KEY });
    const own = { baseUrl: fake.openaiUrl, apiKey: { secret: 'k' } };
    await world.worker({
      providers: {
        chat: { kind: 'openai', ...own },
        responses: { kind: 'openai', api: 'responses', ...own },
        local: { kind: 'openai-compatible', ...own },
      },
      secrets: () => KEY,
    });
  });
  after(() => world.close());
  beforeEach(() => fake.clear());

  const run = async (data, { provider = 'chat', model = 'gpt-x', columns = {} } = {}) =>
    world.ended(world.insert({ model: `${provider}/${model}`, data, ...columns }));

  /**
   * What is the same in both. Left out, because the SDK and the worker mean to differ:
   * - accept: the worker says that it wants events; the SDK always says application/json
   * - accept-encoding: the worker wants no compressed events, because a proxy would hold them back
   * - what is of the client itself: user-agent, x-stainless-…, connection, host, content-length
   */
  const comparable = ({ method, path, headers, body }) => ({ method, path, type: headers['content-type'], key: headers.authorization, body });

  const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'], additionalProperties: false };
  const picture = { type: 'image', data: 'iVBORw0KGgo=', mediaType: 'image/png' };
  const pictureUrl = 'data:image/png;base64,iVBORw0KGgo=';
  const loop = [
    user('q'),
    { role: 'assistant', content: 'I look.', toolCalls: [{ id: 'c1', ...CALL }, { id: 'c2', name: 'f', arguments: '{}' }] },
    { role: 'tool', toolCallId: 'c1', content: '7 degrees' },
    { role: 'tool', toolCallId: 'c2', content: 'x' },
  ];
  const history = [{ role: 'developer', content: 'Be brief.' }, user('a'), { role: 'assistant', content: 'b' }, user('c')];

  /** @type {Record<string, {data: object, params: object}>} what a job says, and what one gives the SDK for it */
  const chats = {
    'a prompt': { data: { prompt: 'Hi' }, params: { messages: [user('Hi')] } },
    'an answer in one piece': { data: { prompt: 'Hi', stream: false }, params: { messages: [user('Hi')], stream: false } },
    'a system prompt': { data: { prompt: 'Hi', system: 'Be brief.' }, params: { messages: [{ role: 'system', content: 'Be brief.' }, user('Hi')] } },
    'a history, and limits': {
      data: { messages: history, maxTokens: 77, temperature: 0.5, topP: 0.9, stop: ['X', 'Y'], seed: 7 },
      params: { messages: history, max_completion_tokens: 77, temperature: 0.5, top_p: 0.9, stop: ['X', 'Y'], seed: 7 },
    },
    images: {
      data: { messages: [user([text('What?'), picture, { type: 'image', url: 'https://example.com/i.png' }])] },
      params: {
        messages: [user([
          text('What?'),
          { type: 'image_url', image_url: { url: pictureUrl } },
          { type: 'image_url', image_url: { url: 'https://example.com/i.png' } },
        ])],
      },
    },
    tools: {
      data: { prompt: 'Hi', tools: [{ ...TOOL, strict: true }], toolChoice: 'required' },
      params: { messages: [user('Hi')], tools: [{ type: 'function', function: { ...TOOL, strict: true } }], tool_choice: 'required' },
    },
    'one tool by name': {
      data: { prompt: 'Hi', tools: [TOOL], toolChoice: { name: TOOL.name } },
      params: {
        messages: [user('Hi')], tools: [{ type: 'function', function: TOOL }],
        tool_choice: { type: 'function', function: { name: TOOL.name } },
      },
    },
    'results of tools': {
      data: { messages: loop },
      params: {
        messages: [
          user('q'),
          {
            role: 'assistant', content: 'I look.',
            tool_calls: [
              { id: 'c1', type: 'function', function: { name: CALL.name, arguments: JSON.stringify(CALL.arguments) } },
              { id: 'c2', type: 'function', function: { name: 'f', arguments: '{}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'c1', content: '7 degrees' },
          { role: 'tool', tool_call_id: 'c2', content: 'x' },
        ],
      },
    },
    'any JSON': { data: { prompt: 'Hi', responseFormat: 'json' }, params: { messages: [user('Hi')], response_format: { type: 'json_object' } } },
    'an answer by a schema': {
      data: { prompt: 'Hi', responseFormat: { schema, name: 'answer', strict: true } },
      params: { messages: [user('Hi')], response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } },
    },
    'thinking by an effort': { data: { prompt: 'Hi', reasoning: { effort: 'low' } }, params: { messages: [user('Hi')], reasoning_effort: 'low' } },
    'fields of the API itself': {
      data: { prompt: 'Hi', providerOptions: { openai: { verbosity: 'low', metadata: { a: 'b' } }, chat: { service_tier: 'flex' } } },
      params: { messages: [user('Hi')], verbosity: 'low', metadata: { a: 'b' }, service_tier: 'flex' },
    },
  };

  /** A job says nothing of storing, and the worker does not let answers be stored that nobody asked to keep. */
  const responses = {
    'a prompt': { data: { prompt: 'Hi' }, params: { input: [user('Hi')] } },
    'an answer in one piece': { data: { prompt: 'Hi', stream: false }, params: { input: [user('Hi')], stream: false } },
    'a system prompt': { data: { prompt: 'Hi', system: 'Be brief.' }, params: { instructions: 'Be brief.', input: [user('Hi')] } },
    'a history, and limits': {
      data: { messages: history, maxTokens: 77, temperature: 0.5, topP: 0.9 },
      params: { input: history, max_output_tokens: 77, temperature: 0.5, top_p: 0.9 },
    },
    images: {
      data: { messages: [user([text('What?'), picture])] },
      params: { input: [user([{ type: 'input_text', text: 'What?' }, { type: 'input_image', image_url: pictureUrl, detail: 'auto' }])] },
    },
    tools: {
      data: { prompt: 'Hi', tools: [{ ...TOOL, strict: true }, { ...TOOL, name: 'other' }], toolChoice: { name: TOOL.name } },
      params: {
        input: [user('Hi')],
        // The SDK demands to say strict; the worker says false where a job says nothing, as Chat Completions would take it.
        tools: [{ type: 'function', ...TOOL, strict: true }, { type: 'function', ...TOOL, name: 'other', strict: false }],
        tool_choice: { type: 'function', name: TOOL.name },
      },
    },
    'results of tools': {
      data: { messages: loop },
      params: {
        input: [
          user('q'),
          { role: 'assistant', content: 'I look.' },
          { type: 'function_call', call_id: 'c1', name: CALL.name, arguments: JSON.stringify(CALL.arguments) },
          { type: 'function_call', call_id: 'c2', name: 'f', arguments: '{}' },
          { type: 'function_call_output', call_id: 'c1', output: '7 degrees' },
          { type: 'function_call_output', call_id: 'c2', output: 'x' },
        ],
      },
    },
    'any JSON': { data: { prompt: 'Hi', responseFormat: 'json' }, params: { input: [user('Hi')], text: { format: { type: 'json_object' } } } },
    'an answer by a schema, and thinking': {
      data: {
        prompt: 'Hi', responseFormat: { schema, name: 'answer', strict: true }, reasoning: { effort: 'high' },
        providerOptions: { openai: { text: { verbosity: 'low' }, reasoning: { summary: 'auto' } } },
      },
      params: {
        input: [user('Hi')], text: { format: { type: 'json_schema', name: 'answer', schema, strict: true }, verbosity: 'low' },
        reasoning: { effort: 'high', summary: 'auto' },
      },
    },
  };

  describe('send the same for', () => {
    const compare = async (data, provider, ask) => {
      const row = await run(data, { provider });
      assert.equal(row.status, 'completed', JSON.stringify(row.error));
      const ours = await onlyRequest(fake);
      const answer = await ask(clientOf(fake));
      if (answer[Symbol.asyncIterator]) for await (const _ of answer);
      assert.deepEqual(comparable(ours), comparable(await onlyRequest(fake)));
      assert.ok(ours.headers.authorization);
    };

    for (const [name, { data, params }] of Object.entries(chats)) {
      it(`a chat: ${name}`, async () => {
        const stream = params.stream === false ? { stream: false } : { stream: true, stream_options: { include_usage: true } };
        await compare(data, 'chat', (client) => client.chat.completions.create({ model: 'gpt-x', ...params, ...stream }));
      });
    }

    for (const [name, { data, params }] of Object.entries(responses)) {
      it(`a response: ${name}`, async () => {
        await compare(data, 'responses', (client) => client.responses.create({ model: 'gpt-x', stream: true, store: false, ...params }));
      });
    }

    for (const [name, data] of Object.entries({
      'one text': { input: 'one two' },
      'many texts': { input: ['one two', 'three'] },
    })) {
      it(`embeddings: ${name}`, () => compare(data, 'chat', (client) => client.embeddings.create({ model: 'gpt-x', ...data })));
      it(`embeddings by the provider of responses: ${name}`, () =>
        compare(data, 'responses', (client) => client.embeddings.create({ model: 'gpt-x', ...data })));
    }

    it('embeddings: fields of the API itself', () =>
      compare({ input: 'x', providerOptions: { openai: { dimensions: 2, encoding_format: 'float' } } }, 'chat', (client) =>
        client.embeddings.create({ model: 'gpt-x', input: 'x', dimensions: 2, encoding_format: 'float' })));

    it('a tool loop: what the row has goes back as the SDK would send it', async () => {
      for (const provider of ['chat', 'responses']) {
        await fake.script([{ text: 'I look.', toolCalls: [CALL] }]);
        const { result } = await run({ prompt: 'q', tools: [TOOL] }, { provider });
        await onlyRequest(fake);
        const said = { role: 'assistant', content: result.text, toolCalls: result.toolCalls };
        await run({ messages: [user('q'), said, { role: 'tool', toolCallId: result.toolCalls[0].id, content: '7 degrees' }] }, { provider });
        const { body } = await onlyRequest(fake);
        const call = provider === 'chat' ? body.messages[1].tool_calls[0].function : body.input[2];
        assert.deepEqual([call.name, JSON.parse(call.arguments)], [CALL.name, CALL.arguments]);
        assert.equal(provider === 'chat' ? body.messages[2].tool_call_id : body.input[3].call_id, 'call_1');
      }
    });
  });

  describe('the row has', () => {
    for (const provider of ['chat', 'responses', 'local']) {
      for (const stream of [true, false]) {
        it(`what was answered by ${provider}, ${stream ? 'streamed' : 'whole'}`, async () => {
          await fake.script([{ text: 'I look.', toolCalls: [CALL] }]);
          const { result } = await run({ prompt: 'one two', tools: [TOOL], stream }, { provider });
          assert.equal(result.text, 'I look.');
          assert.deepEqual(result.toolCalls, [{ id: 'call_1', ...CALL }]);
          assert.deepEqual([result.usage.inputTokens, result.usage.outputTokens], [2, 2]);
          assert.deepEqual([result.finishReason, result.model, result.provider], ['tool', 'gpt-x', provider]);
          assert.equal(result.requestId, `fake-${(await onlyRequest(fake)).n}`);
        });
      }
    }

    for (const provider of ['chat', 'responses']) {
      it(`an object, and why the answer ended, by ${provider}`, async () => {
        const { result } = await run({ prompt: 'one two', responseFormat: { schema } }, { provider });
        assert.deepEqual([result.object, result.finishReason], [{ answer: 'one two one two' }, 'stop']);
        await fake.script([{ tokens: 40 }, { finishReason: 'content_filter' }]);
        assert.equal((await run({ prompt: 'one two', maxTokens: 16 }, { provider })).result.finishReason, 'length');
        assert.equal((await run({ prompt: 'one two' }, { provider })).result.finishReason, 'filter');
      });
    }

    for (const provider of ['chat', 'local']) {
      it(`vectors in the order of the texts, the same floats as the SDK's, by ${provider}`, async () => {
        const input = ['one two', 'three', 'ü'];
        const { result } = await run({ input }, { provider });
        const { data } = await clientOf(fake).embeddings.create({ model: 'gpt-x', input });
        const theirs = data.sort((a, b) => a.index - b.index).map((entry) => Array.from(entry.embedding));
        assert.deepEqual(result.embeddings.map((vector) => vector.map(Math.fround)), theirs);
        assert.deepEqual([result.usage, result.text, result.finishReason], [{ inputTokens: 4 }, undefined, undefined]);
      });
    }

    const failures = [
      ['BAD_REQUEST', { status: 400 }],
      ['CONTEXT_LENGTH', { status: 400, error: { code: 'context_length_exceeded' } }],
      ['AUTH', { status: 401 }],
      ['MODEL_NOT_FOUND', { status: 404 }],
      ['QUOTA_EXCEEDED', { status: 429, error: { code: 'insufficient_quota' } }],
      ['SERVER_ERROR', { status: 500 }],
      ['OVERLOADED', { status: 503 }],
      ['SERVER_ERROR', { errorAfterTokens: 1, error: { type: 'server_error', message: 'broke' } }],
      ['QUOTA_EXCEEDED', { errorAfterTokens: 1, error: { type: 'insufficient_quota', code: 'insufficient_quota' } }],
      ['PROTOCOL', { cutAfterTokens: 2 }],
      ['PROTOCOL', { cutAfterTokens: 2, clean: true }],
    ];
    for (const provider of ['chat', 'responses']) {
      failures.forEach(([code, reply], index) => {
        it(`${code} for ${JSON.stringify(reply)} by ${provider}`, async () => {
          await fake.script([reply]);
          // Each a model of its own: some of these errors pause the lane of theirs.
          const row = await run({ prompt: 'one two three' }, { provider, model: `gpt-${index}x`, columns: { max_attempts: 1 } });
          assert.deepEqual([row.status, row.error.code], ['failed', code], JSON.stringify(row.error));
          assert.ok(!JSON.stringify(row).includes(KEY));
        });
      });
    }

    for (const [field, provider, data] of [
      ['reasoning.budgetTokens', 'chat', { prompt: 'Hi', reasoning: { budgetTokens: 2000 } }],
      ['stop', 'chat', { prompt: 'Hi', stop: ['1', '2', '3', '4', '5'] }],
      ['stop', 'responses', { prompt: 'Hi', stop: 'X' }],
      ['seed', 'responses', { prompt: 'Hi', seed: 1 }],
      ['maxTokens', 'responses', { prompt: 'Hi', maxTokens: 5 }],
      ['image', 'chat', { messages: [user('q'), { role: 'assistant', content: [picture] }] }],
      ['input', 'chat', { input: Array.from({ length: 2049 }, () => 'x') }],
    ]) {
      it(`BAD_REQUEST before any call for ${field}, which ${provider} lacks`, async () => {
        const row = await run(data, { provider });
        assert.deepEqual([row.status, row.error.code], ['failed', 'BAD_REQUEST']);
        assert.ok(row.error.message.includes(field), row.error.message);
        assert.equal(await fake.count(), 0);
      });
    }
  });
});
