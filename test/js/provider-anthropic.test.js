// SPDX-License-Identifier: MIT
'use strict';

/** Anthropic's own SDK is the measure: the worker must send what the SDK sends for the same call. */

const assert = require('node:assert/strict');
const { Anthropic } = require('@anthropic-ai/sdk');
const { World } = require('./support/e2e.js');
const { CALL, TOOL, user, onlyRequest } = require('./support/sdk.js');

const VERSION = '2023-06-01';
const KEY = 'sk-ant-canary-1234567890';
const SDK_TOOL = { name: TOOL.name, description: TOOL.description, input_schema: TOOL.parameters };

/** The SDK sends the newest version by itself. */
const clientOf = (fake, version = VERSION) =>
  new Anthropic({ apiKey: KEY, baseURL: fake.anthropicUrl, maxRetries: 0, logLevel: 'off', defaultHeaders: { 'anthropic-version': version } });

describe('the worker and the SDK of Anthropic', function () {
  this.timeout(20000);
  let world;
  let fake;

  before(async () => {
    world = new World();
    world.database();
    fake = await world.provider({ tokens: 4, apiKey: KEY });
    const claude = { kind: 'anthropic', baseUrl: fake.anthropicUrl, apiKey: { secret: 'k' }, health: { intervalMs: 0 } };
    const newer = { ...claude, headers: { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'a-2026-01-01' } };
    await world.worker({ providers: { claude, newer }, secrets: () => KEY });
  });
  after(() => world.close());
  beforeEach(() => fake.clear());

  const run = async (data, { model = 'claude-sonnet-5', provider = 'claude', columns = {} } = {}) =>
    world.ended(world.insert({ model: `${provider}/${model}`, data, ...columns }));

  /**
   * What is the same in both. Left out, because the SDK and the worker mean to differ:
   * - the key: the SDK sends it as Authorization, the worker as x-api-key, which older compatible servers know too
   * - accept: the worker says that it wants events; the SDK always says application/json
   * - accept-encoding: the worker wants no compressed events, because a proxy would hold them back
   * - what is of the client itself: user-agent, x-stainless-…, connection, host, content-length
   */
  const comparable = ({ method, path, headers, body }) => {
    const names = Object.keys(headers).filter((name) => name.startsWith('anthropic-') || name === 'content-type');
    return { method, path, headers: Object.fromEntries(names.sort().map((name) => [name, headers[name]])), body };
  };

  const image = 'iVBORw0KGgo=';
  const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'], additionalProperties: false };
  /** @type {Record<string, {data: object, params: object, model?: string, newer?: boolean}>} */
  const calls = {
    'a prompt': { data: { prompt: 'Hi' }, params: { messages: [user('Hi')] } },
    'an answer in one piece': { data: { prompt: 'Hi', stream: false }, params: { messages: [user('Hi')], stream: false } },
    'a system prompt': { data: { prompt: 'Hi', system: 'Be brief.' }, params: { messages: [user('Hi')], system: 'Be brief.' } },
    'a history, and limits': {
      data: {
        messages: [{ role: 'system', content: 'Be brief.' }, user('a'), { role: 'assistant', content: 'b' }, user('c')],
        maxTokens: 77, temperature: 0.5, topP: 0.9, stop: ['X', 'Y'],
      },
      params: {
        system: 'Be brief.', messages: [user('a'), { role: 'assistant', content: 'b' }, user('c')],
        max_tokens: 77, temperature: 0.5, top_p: 0.9, stop_sequences: ['X', 'Y'],
      },
    },
    'neighbours of one role, which the API takes as one message': {
      data: { messages: [user('a'), user('b')] },
      params: { messages: [user([{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }])] },
    },
    images: {
      data: { messages: [user([{ type: 'text', text: 'What?' }, { type: 'image', data: image, mediaType: 'image/png' }, { type: 'image', url: 'https://example.com/i.png' }])] },
      params: {
        messages: [user([
          { type: 'text', text: 'What?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: image } },
          { type: 'image', source: { type: 'url', url: 'https://example.com/i.png' } },
        ])],
      },
    },
    tools: {
      data: { prompt: 'Hi', tools: [{ ...TOOL, strict: true }], toolChoice: 'required' },
      params: { messages: [user('Hi')], tools: [{ ...SDK_TOOL, strict: true }], tool_choice: { type: 'any' } },
    },
    'one tool by name': {
      data: { prompt: 'Hi', tools: [TOOL], toolChoice: { name: TOOL.name } },
      params: { messages: [user('Hi')], tools: [SDK_TOOL], tool_choice: { type: 'tool', name: TOOL.name } },
    },
    'results of tools': {
      data: {
        messages: [
          user('q'),
          { role: 'assistant', content: 'I look.', toolCalls: [{ id: 'c1', ...CALL }, { id: 'c2', name: 'f', arguments: '{}' }] },
          { role: 'tool', toolCallId: 'c1', content: '7 degrees' },
          { role: 'tool', toolCallId: 'c2', content: [{ type: 'text', text: 'x' }] },
          user('So?'),
        ],
        tools: [TOOL],
      },
      params: {
        messages: [
          user('q'),
          {
            role: 'assistant',
            content: [
              { type: 'text', text: 'I look.' },
              { type: 'tool_use', id: 'c1', name: CALL.name, input: CALL.arguments },
              { type: 'tool_use', id: 'c2', name: 'f', input: {} },
            ],
          },
          user([
            { type: 'tool_result', tool_use_id: 'c1', content: '7 degrees' },
            { type: 'tool_result', tool_use_id: 'c2', content: [{ type: 'text', text: 'x' }] },
            { type: 'text', text: 'So?' },
          ]),
        ],
        tools: [SDK_TOOL],
      },
    },
    'an answer by a schema': {
      data: { prompt: 'Hi', responseFormat: { schema, name: 'answer', strict: true } },
      params: { messages: [user('Hi')], output_config: { format: { type: 'json_schema', schema } } },
    },
    'thinking by a budget': {
      model: 'claude-haiku-4-5',
      data: { prompt: 'Hi', maxTokens: 5000, reasoning: { budgetTokens: 2000 } },
      params: { messages: [user('Hi')], max_tokens: 5000, thinking: { type: 'enabled', budget_tokens: 2000 } },
    },
    'thinking by an effort': {
      data: { prompt: 'Hi', reasoning: { effort: 'xhigh' } },
      params: { messages: [user('Hi')], thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } },
    },
    'no thinking': {
      data: { prompt: 'Hi', reasoning: { effort: 'none' } },
      params: { messages: [user('Hi')], thinking: { type: 'disabled' } },
    },
    'fields of the API itself': {
      data: {
        prompt: 'Hi', reasoning: { effort: 'low' }, responseFormat: { schema },
        providerOptions: { anthropic: { metadata: { user_id: 'u' }, service_tier: 'standard_only', top_k: 5, output_config: { effort: 'max' } } },
      },
      params: {
        messages: [user('Hi')], metadata: { user_id: 'u' }, service_tier: 'standard_only', top_k: 5, thinking: { type: 'adaptive' },
        output_config: { effort: 'max', format: { type: 'json_schema', schema } },
      },
    },
    'the newer version, a beta, and a system message between others': {
      newer: true,
      data: { messages: [user('a'), { role: 'developer', content: 'b' }] },
      params: { messages: [user('a'), { role: 'system', content: 'b' }] },
    },
  };

  describe('send the same for', () => {
    for (const [name, { data, params, model = 'claude-sonnet-5', newer }] of Object.entries(calls)) {
      it(name, async () => {
        const row = await run(data, { model, provider: newer ? 'newer' : 'claude' });
        assert.equal(row.status, 'completed', JSON.stringify(row.error));
        const ours = await onlyRequest(fake);
        const client = clientOf(fake, newer ? '2026-10-21' : VERSION);
        const answer = await client.messages.create(
          { model, max_tokens: 16384, stream: true, ...params },
          { headers: newer ? { 'anthropic-beta': 'a-2026-01-01' } : {} }
        );
        if (params.stream !== false) for await (const _ of answer);
        assert.deepEqual(comparable(ours), comparable(await onlyRequest(fake)));
        assert.deepEqual([ours.headers['x-api-key'], ours.headers.authorization], ['***', undefined]);
      });
    }

    it('a probe, which is the list of models', async () => {
      const own = new World();
      own.database();
      const other = await own.provider({ apiKey: KEY });
      try {
        const claude = { kind: 'anthropic', baseUrl: other.anthropicUrl, apiKey: { env: 'CLAUDE_KEY' }, health: { intervalMs: 20, idle: true } };
        const worker = await own.worker({ providers: { claude }, env: { CLAUDE_KEY: KEY } });
        await own.until(async () => (await other.log()).length > 0, 'a probe');
        await worker.stop();
        const [ours] = await other.log();
        await other.clear();
        await clientOf(other).models.list({ limit: 1000 });
        const [theirs] = await other.log();
        assert.equal(ours.status, 200);
        assert.deepEqual(comparable(ours), comparable(theirs));
      } finally {
        await own.close();
      }
    });

    for (const stream of [true, false]) {
      it(`a tool loop with what the model thought, ${stream ? 'streamed' : 'whole'}`, async () => {
        const script = [{ text: 'I look.', toolCalls: [CALL] }];
        const data = { messages: [user('q')], tools: [TOOL], reasoning: { effort: 'high' }, stream };
        const params = {
          model: 'claude-sonnet-5', max_tokens: 16384, messages: [user('q')], tools: [SDK_TOOL], thinking: { type: 'adaptive' },
          output_config: { effort: 'high' }, stream: false,
        };

        await fake.script(script);
        const { result } = await run(data);
        await onlyRequest(fake);
        const said = { role: 'assistant', content: result.text, toolCalls: result.toolCalls };
        await run({ ...data, messages: [user('q'), said, { role: 'tool', toolCallId: 'call_1', content: '7 degrees' }] });
        const ours = await onlyRequest(fake);

        await fake.script(script);
        const { content } = await clientOf(fake).messages.create(params);
        await onlyRequest(fake);
        const back = user([{ type: 'tool_result', tool_use_id: 'call_1', content: '7 degrees' }]);
        await clientOf(fake).messages.create({ ...params, messages: [user('q'), { role: 'assistant', content }, back] });
        const theirs = await onlyRequest(fake);
        assert.deepEqual(ours.body.messages, theirs.body.messages);
        assert.equal(ours.body.messages[1].content[0].type, 'thinking');
      });
    }
  });

  describe('the row has', () => {
    for (const stream of [true, false]) {
      it(`what was answered, ${stream ? 'streamed' : 'whole'}`, async () => {
        await fake.script([{ text: 'I look.', toolCalls: [CALL] }]);
        const { result } = await run({ prompt: 'one two', tools: [TOOL], reasoning: { effort: 'low' }, stream });
        const signature = JSON.stringify([{ type: 'thinking', thinking: 'Let me think.', signature: 'ZmFrZQ==' }]);
        assert.equal(result.text, 'I look.');
        assert.deepEqual(result.toolCalls, [{ id: 'call_1', ...CALL, signature }]);
        assert.deepEqual(result.usage, { inputTokens: 2, outputTokens: 5, cachedTokens: 0, reasoningTokens: 3 });
        assert.deepEqual([result.finishReason, result.model, result.provider], ['tool', 'claude-sonnet-5', 'claude']);
        assert.equal(result.requestId, `fake-${(await onlyRequest(fake)).n}`);
      });
    }

    it('an object, and a reason that is filter', async () => {
      const { result } = await run({ prompt: 'one two', responseFormat: { schema } });
      assert.deepEqual(result.object, { answer: 'one two one two' });
      await fake.script([{ text: '', finishReason: 'content_filter' }]);
      const refused = await run({ prompt: 'one two' });
      assert.deepEqual([refused.status, refused.result.text, refused.result.finishReason], ['completed', '', 'filter']);
    });

    const failures = [
      ['BAD_REQUEST', { status: 400 }],
      ['BAD_REQUEST', { status: 413 }],
      ['AUTH', { status: 401 }],
      ['QUOTA_EXCEEDED', { status: 402 }],
      ['QUOTA_EXCEEDED', { status: 429, error: { code: 'enforced_spend_limit_reached' } }],
      ['MODEL_NOT_FOUND', { status: 404 }],
      ['CONTEXT_LENGTH', { status: 400, error: { message: 'prompt is too long: 9 tokens > 8 maximum' } }],
      ['SERVER_ERROR', { status: 500 }],
      ['SERVER_ERROR', { status: 504 }],
      ['OVERLOADED', { status: 529 }],
      ['OVERLOADED', { errorAfterTokens: 1, error: { type: 'overloaded_error', message: 'Overloaded' } }],
      ['SERVER_ERROR', { errorAfterTokens: 1, error: { message: 'broke' } }],
      ['PROTOCOL', { cutAfterTokens: 2 }],
      ['PROTOCOL', { cutAfterTokens: 2, clean: true }],
    ];
    failures.forEach(([code, reply], index) => {
      it(`${code} for ${JSON.stringify(reply)}`, async () => {
        await fake.script([reply]);
        // Each a model of its own: some of these errors pause the lane of theirs.
        const row = await run({ prompt: 'one two three' }, { model: `claude-sonnet-5-${index}x`, columns: { max_attempts: 1 } });
        assert.deepEqual([row.status, row.error.code], ['failed', code], JSON.stringify(row.error));
        assert.ok(!JSON.stringify(row).includes(KEY));
      });
    });

    for (const [field, data, options] of [
      ['seed', { prompt: 'Hi', seed: 1 }],
      ['input', { input: 'Hi' }],
      ['responseFormat', { prompt: 'Hi', responseFormat: 'json' }],
      ['reasoning.budgetTokens', { prompt: 'Hi', reasoning: { budgetTokens: 2000 } }],
      ['reasoning.effort', { prompt: 'Hi', reasoning: { effort: 'low' } }, { model: 'claude-haiku-4-5' }],
      ['temperature', { prompt: 'Hi', temperature: 1 }, { provider: 'newer' }],
    ]) {
      it(`BAD_REQUEST before any call for ${field}, which there is not`, async () => {
        const row = await run(data, options);
        assert.deepEqual([row.status, row.error.code], ['failed', 'BAD_REQUEST']);
        assert.ok(row.error.message.includes(field), row.error.message);
        assert.equal(await fake.count(), 0);
      });
    }
  });
});
