// SPDX-License-Identifier: MIT
'use strict';

/** OpenAI's own SDK understands what the fake provider answers: Chat Completions, the Responses API and embeddings. */

const assert = require('node:assert/strict');
const { OpenAI } = require('openai');
const { startFakeProvider } = require('../../js/testing.js');
const { CALL, TOOL, user, rejection } = require('./support/sdk.js');

const KEY = 'sk-canary-1234567890';
const clientOf = (fake) => new OpenAI({ apiKey: KEY, baseURL: fake.openaiUrl, maxRetries: 0, logLevel: 'off' });

describe('the fake provider, as the SDK of OpenAI sees it', () => {
  let fake;
  let client;
  const start = async (options) => {
    fake = await startFakeProvider({ tokens: 4, apiKey: KEY, ...options });
    client = clientOf(fake);
  };
  afterEach(() => fake.close());

  const chat = (more = {}) => ({ model: 'gpt-x', messages: [user('one two three')], ...more });
  const respond = (more = {}) => ({ model: 'gpt-x', input: 'one two three', ...more });

  for (const streamed of [false, true]) {
    describe(streamed ? 'streamed' : 'whole', () => {
      const completion = async (params) => {
        if (!streamed) return client.chat.completions.create(params);
        return client.chat.completions.stream({ ...params, stream_options: { include_usage: true } }).finalChatCompletion();
      };
      const response = async (params) => {
        if (!streamed) return client.responses.create(params);
        const stream = client.responses.stream(params);
        const texts = [];
        stream.on('response.output_text.delta', (event) => texts.push(event.delta));
        const final = await stream.finalResponse();
        assert.equal(texts.join(''), final.output_text);
        return final;
      };

      it('chats: text with its usage', async () => {
        await start();
        const { choices, usage } = await completion(chat());
        assert.deepEqual([choices[0].message.content, choices[0].finish_reason], ['one two three one', 'stop']);
        assert.deepEqual([usage.prompt_tokens, usage.completion_tokens, usage.total_tokens], [3, 4, 7]);
      });

      it('chats: tools', async () => {
        await start({ script: [{ text: 'I look.', toolCalls: [CALL, { name: 'f', arguments: {} }] }] });
        const { choices } = await completion(chat({ tools: [{ type: 'function', function: TOOL }] }));
        assert.equal(choices[0].finish_reason, 'tool_calls');
        assert.deepEqual(
          choices[0].message.tool_calls.map((call) => [call.id, call.function.name, JSON.parse(call.function.arguments)]),
          [['call_1', CALL.name, CALL.arguments], ['call_2', 'f', {}]]
        );
      });

      it('responds: text with its usage', async () => {
        await start();
        const answer = await response(respond({ instructions: 'Be brief.' }));
        assert.deepEqual([answer.id, answer.status, answer.output_text, answer.model], ['resp_fake1', 'completed', 'one two three one', 'gpt-x']);
        assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens], [5, 4, 9]);
      });

      it('responds: tools, after words or without', async () => {
        await start({ script: [{ text: 'I look.', toolCalls: [CALL, { name: 'f', arguments: {} }] }, { toolCalls: [CALL] }] });
        const tools = [{ type: 'function', ...TOOL, strict: false }];
        const both = await response(respond({ tools }));
        assert.deepEqual(both.output.map((item) => item.type), ['message', 'function_call', 'function_call']);
        assert.deepEqual([both.output[1].call_id, both.output[1].name, JSON.parse(both.output[1].arguments)], ['call_1', CALL.name, CALL.arguments]);
        const calls = await response(respond({ tools }));
        assert.deepEqual(calls.output.map((item) => item.type), ['function_call']);
      });

      it('responds: incomplete by length and by filter, JSON by a schema', async () => {
        await start({ script: [{}, { finishReason: 'content_filter' }] });
        const short = await response(respond({ max_output_tokens: 2 }));
        assert.deepEqual([short.status, short.incomplete_details, short.output_text], ['incomplete', { reason: 'max_output_tokens' }, 'one two']);
        assert.deepEqual((await response(respond())).incomplete_details, { reason: 'content_filter' });
        const format = { type: 'json_schema', name: 'a', schema: { type: 'object' } };
        assert.deepEqual(JSON.parse((await response(respond({ text: { format } }))).output_text), { answer: 'one two three one' });
      });

      for (const [status, name, code] of [
        [400, 'BadRequestError', 'context_length_exceeded'],
        [401, 'AuthenticationError', 'invalid_api_key'],
        [403, 'PermissionDeniedError', null],
        [404, 'NotFoundError', 'model_not_found'],
        [409, 'ConflictError', null],
        [422, 'UnprocessableEntityError', null],
        [429, 'RateLimitError', 'rate_limit_exceeded'],
        [500, 'InternalServerError', null],
        [503, 'InternalServerError', 'slow_down'],
      ]) {
        it(`is ${name} for ${status}`, async () => {
          const reply = { status, error: { message: 'scripted', code }, ...(status === 429 && { retryAfter: 7 }) };
          await start({ script: [reply, reply, reply] });
          const calls = [() => completion(chat()), () => response(respond()), () => client.embeddings.create({ model: 'e', input: 'a' })];
          for (const call of calls) {
            const error = await rejection(call());
            assert.ok(error instanceof OpenAI[name], String(error));
            assert.deepEqual([error.status, error.code, error.error.message], [status, code, 'scripted']);
            assert.equal(error.headers.get('retry-after'), status === 429 ? '7' : null);
          }
        });
      }
    });
  }

  it('may fail in the middle of a stream', async () => {
    const reply = { errorAfterTokens: 1, error: { message: 'No credit left.', code: 'insufficient_quota' } };
    await start({ script: [reply, reply] });
    for (const stream of [await client.chat.completions.create(chat({ stream: true })), await client.responses.create(respond({ stream: true }))]) {
      const seen = [];
      const error = await rejection((async () => { for await (const event of stream) seen.push(event); })());
      assert.ok(error instanceof OpenAI.APIError);
      assert.deepEqual([error.code, error.status], ['insufficient_quota', undefined]);
      assert.ok(seen.length > 0);
    }
  });

  it('makes vectors, as numbers or as base64, which the SDK asks for by itself', async () => {
    await start();
    const base64 = await client.embeddings.create({ model: 'e', input: ['one two', 'three'] });
    const floats = await client.embeddings.create({ model: 'e', input: ['one two', 'three'], encoding_format: 'float' });
    assert.deepEqual(base64.data.map((entry) => entry.index), [1, 0]);
    assert.deepEqual(base64.data.map((entry) => Array.from(entry.embedding)), floats.data.map((entry) => entry.embedding));
    assert.equal(floats.data[0].embedding.length, 8);
    assert.deepEqual(base64.usage, { prompt_tokens: 3, total_tokens: 3 });
    const small = await client.embeddings.create({ model: 'e', input: 'x', dimensions: 2, encoding_format: 'float' });
    assert.ok(Math.abs(Math.hypot(...small.data[0].embedding) - 1) < 1e-6);
  });

  it('keeps a response unless it is told not to, and is done with one in the background later', async () => {
    await start();
    const kept = await client.responses.create(respond());
    assert.deepEqual((await client.responses.retrieve(kept.id)).output, kept.output);
    const dropped = await client.responses.create(respond({ store: false }));
    assert.ok((await rejection(client.responses.retrieve(dropped.id))) instanceof OpenAI.NotFoundError);

    const begun = await client.responses.create(respond({ background: true }));
    assert.deepEqual([begun.status, begun.output], ['queued', []]);
    assert.equal((await client.responses.retrieve(begun.id)).status, 'in_progress');
    const done = await client.responses.retrieve(begun.id);
    assert.deepEqual([done.status, done.output_text], ['completed', 'one two three one']);

    const unwanted = await client.responses.create(respond({ background: true }));
    assert.equal((await client.responses.cancel(unwanted.id)).status, 'cancelled');
    assert.deepEqual([(await client.responses.retrieve(unwanted.id)).status, (await client.responses.cancel(done.id)).status], ['cancelled', 'completed']);
  });

  it('has the response of a stream that broke', async () => {
    await start({ script: [{ cutAfterTokens: 1 }] });
    let id;
    await rejection((async () => {
      for await (const event of await client.responses.create(respond({ background: true, stream: true }))) id ??= event.response?.id;
    })());
    assert.equal((await client.responses.retrieve(id)).status, 'in_progress');
    assert.equal((await client.responses.retrieve(id)).output_text, 'one two three one');
  });

  it('lists its models', async () => {
    await start({ models: ['a', 'b'] });
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.deepEqual(names, ['a', 'b']);
  });
});
