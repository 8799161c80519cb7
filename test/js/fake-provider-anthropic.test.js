// SPDX-License-Identifier: MIT
'use strict';

/** Anthropic's own SDK understands what the fake provider answers. */

const assert = require('node:assert/strict');
const { Anthropic } = require('@anthropic-ai/sdk');
const { startFakeProvider } = require('../../js/testing.js');
const { CALL, TOOL, user, rejection } = require('./support/sdk.js');

const VERSION = '2023-06-01';
const KEY = 'sk-ant-canary-1234567890';
const SDK_TOOL = { name: TOOL.name, description: TOOL.description, input_schema: TOOL.parameters };

/** The SDK sends the newest version by itself. */
const clientOf = (fake, version = VERSION) =>
  new Anthropic({ apiKey: KEY, baseURL: fake.anthropicUrl, maxRetries: 0, logLevel: 'off', defaultHeaders: { 'anthropic-version': version } });

describe('the fake provider, as the SDK of Anthropic sees it', () => {
  let fake;
  let client;
  const ask = (more = {}) => ({ model: 'claude-sonnet-5', max_tokens: 100, messages: [user('one two three')], ...more });
  const start = async (options) => {
    fake = await startFakeProvider({ tokens: 4, apiKey: KEY, ...options });
    client = clientOf(fake);
  };
  afterEach(() => fake.close());

  for (const streamed of [false, true]) {
    describe(streamed ? 'streamed' : 'whole', () => {
      const answer = async (params) => {
        if (!streamed) return client.messages.create(params);
        const stream = client.messages.stream(params);
        const texts = [];
        stream.on('text', (text) => texts.push(text));
        const message = await stream.finalMessage();
        assert.equal(texts.join(''), message.content.find((block) => block.type === 'text')?.text ?? '');
        return message;
      };

      it('is text with its usage', async () => {
        await start();
        const message = await answer(ask({ system: 'Be brief.' }));
        assert.deepEqual(message.content.map(({ type, text }) => [type, text]), [['text', 'one two three one']]);
        assert.deepEqual([message.id, message.model, message.role, message.stop_reason], ['msg_fake1', 'claude-sonnet-5', 'assistant', 'end_turn']);
        assert.deepEqual([message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens], [5, 0, 4]);
      });

      it('keeps to the limit of tokens, and to a schema', async () => {
        await start({ script: [{}, {}, { finishReason: 'content_filter' }] });
        const short = await answer(ask({ max_tokens: 2 }));
        assert.deepEqual([short.content[0].text, short.stop_reason], ['one two', 'max_tokens']);
        const json = await answer(ask({ output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } }));
        assert.deepEqual(JSON.parse(json.content[0].text), { answer: 'one two three one' });
        assert.equal((await answer(ask())).stop_reason, 'refusal');
      });

      it('calls tools, after a thought when it may think', async () => {
        await start({ script: [{ toolCalls: [CALL] }, { text: 'I look.', toolCalls: [CALL, { name: 'f', arguments: {} }] }] });
        const calls = await answer(ask({ tools: [SDK_TOOL] }));
        assert.equal(calls.stop_reason, 'tool_use');
        assert.deepEqual(calls.content.map(({ type, name, input }) => [type, name, input]), [['tool_use', CALL.name, CALL.arguments]]);
        const thought = await answer(ask({ tools: [SDK_TOOL], thinking: { type: 'adaptive' } }));
        assert.deepEqual(thought.content.map((block) => block.type), ['thinking', 'text', 'tool_use', 'tool_use']);
        assert.deepEqual([thought.content[0].thinking, thought.content[0].signature], ['Let me think.', 'ZmFrZQ==']);
        assert.deepEqual([thought.content[1].text, thought.content[3].input], ['I look.', {}]);
        assert.equal(thought.usage.output_tokens_details.thinking_tokens, 3);
      });

      for (const [status, name, type] of [
        [400, 'BadRequestError', 'invalid_request_error'],
        [401, 'AuthenticationError', 'authentication_error'],
        [402, 'PaymentRequiredError', 'billing_error'],
        [403, 'PermissionDeniedError', 'permission_error'],
        [404, 'NotFoundError', 'not_found_error'],
        [409, 'ConflictError', 'conflict_error'],
        [413, 'ContentTooLargeError', 'request_too_large'],
        [429, 'RateLimitError', 'rate_limit_error'],
        [500, 'InternalServerError', 'api_error'],
        [504, 'GatewayTimeoutError', 'timeout_error'],
        [529, 'OverloadedError', 'overloaded_error'],
      ]) {
        it(`is ${name} for ${status}`, async () => {
          await start({ script: [{ status, error: { message: 'scripted', code: 'why' }, ...(status === 429 && { retryAfter: 7 }) }] });
          const error = await rejection(answer(ask()));
          assert.equal(error.name, name);
          assert.deepEqual([error.status, error.type, error.apiMessage, error.errorCode, error.requestID], [status, type, 'scripted', 'why', 'fake-1']);
          assert.equal(error.headers.get('retry-after'), status === 429 ? '7' : null);
        });
      }
    });
  }

  it('may fail in the middle of a stream', async () => {
    await start({ script: [{ errorAfterTokens: 1, error: { type: 'overloaded_error', message: 'Overloaded' } }] });
    const stream = client.messages.stream(ask());
    const error = await rejection(stream.finalMessage());
    assert.ok(error instanceof Anthropic.APIError);
    assert.deepEqual([error.type, error.status], ['overloaded_error', undefined]);
  });

  it('knows its key in both headers, and lists its models', async () => {
    await start({ models: ['a', 'b'] });
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.deepEqual(names, ['a', 'b']);
    await assert.rejects(new Anthropic({ apiKey: 'other', baseURL: fake.anthropicUrl, maxRetries: 0 }).models.list(), Anthropic.AuthenticationError);
    const get = async (key) => (await fetch(`${fake.anthropicUrl}/v1/models`, { headers: { 'x-api-key': key, 'anthropic-version': VERSION } })).status;
    assert.deepEqual([await get(KEY), await get('other')], [200, 401]);
  });
});
