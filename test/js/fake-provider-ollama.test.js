// SPDX-License-Identifier: MIT
'use strict';

/** Ollama's own client understands what the fake provider answers. */

const assert = require('node:assert/strict');
const { Ollama } = require('ollama');
const { startFakeProvider } = require('../../js/testing.js');
const { CALL, TOOL, user, rejection } = require('./support/sdk.js');

/** The client adds to the object that it is given, so each call gets its own. */
const clientOf = (fake) => new Ollama({ host: fake.ollamaUrl });

describe('the fake provider, as the client of Ollama sees it', () => {
  let fake;
  let client;
  const start = async (options) => {
    fake = await startFakeProvider({ tokens: 4, ...options });
    client = clientOf(fake);
  };
  afterEach(() => fake.close());

  const ask = (more = {}) => ({ model: 'llama', messages: [user('one two three')], ...more });

  for (const streamed of [false, true]) {
    describe(streamed ? 'streamed' : 'whole', () => {
      /** Everything together, as the lines of a stream add up to it. */
      const answer = async (params) => {
        if (!streamed) return client.chat(params);
        const message = { content: '', tool_calls: [] };
        let last;
        for await (const part of await client.chat({ ...params, stream: true })) {
          message.content += part.message.content;
          message.tool_calls.push(...(part.message.tool_calls ?? []));
          last = part;
        }
        return { ...last, message };
      };

      it('is text with its counts', async () => {
        await start();
        const { message, done, done_reason, prompt_eval_count, eval_count, model } = await answer(ask());
        assert.deepEqual([message.content, model], ['one two three one', 'llama']);
        assert.deepEqual([done, done_reason, prompt_eval_count, eval_count], [true, 'stop', 3, 4]);
      });

      it('calls tools', async () => {
        await start({ script: [{ text: 'I look.', toolCalls: [CALL] }] });
        const { message } = await answer(ask({ tools: [{ type: 'function', function: TOOL }] }));
        assert.equal(message.content, 'I look.');
        assert.deepEqual(message.tool_calls.map((call) => [call.function.name, call.function.arguments]), [[CALL.name, CALL.arguments]]);
      });

      it('keeps to the limit of tokens, and to a schema', async () => {
        await start();
        const short = await answer(ask({ options: { num_predict: 2 } }));
        assert.deepEqual([short.message.content, short.done_reason], ['one two', 'length']);
        assert.deepEqual(JSON.parse((await answer(ask({ format: { type: 'object' } }))).message.content), { answer: 'one two three one' });
      });

      for (const status of [400, 404, 500, 503]) {
        it(`is a ResponseError for ${status}`, async () => {
          await start({ script: [{ status, error: { message: 'scripted' } }] });
          const error = await rejection(answer(ask()));
          assert.deepEqual([error.name, error.status_code, error.error], ['ResponseError', status, 'scripted']);
        });
      }
    });
  }

  it('may fail or break in the middle of a stream', async () => {
    await start({ script: [{ errorAfterTokens: 1, error: { message: 'CUDA error' } }, { cutAfterTokens: 1, clean: true }] });
    const read = async () => { for await (const _ of await client.chat(ask({ stream: true }))); };
    assert.match((await rejection(read())).message, /CUDA error/);
    assert.match((await rejection(read())).message, /Did not receive done/);
  });

  it('makes vectors', async () => {
    await start();
    const { embeddings, prompt_eval_count, model } = await client.embed({ model: 'e', input: ['one two', 'three'] });
    assert.deepEqual([embeddings.length, embeddings[0].length, prompt_eval_count, model], [2, 8, 3, 'e']);
    assert.deepEqual((await client.embed({ model: 'e', input: 'three' })).embeddings, [embeddings[1]]);
    assert.equal((await client.embed({ model: 'e', input: 'three', dimensions: 2 })).embeddings[0].length, 2);
  });

  it('makes the vectors that a script tells', async () => {
    await start({ script: [{ embeddings: [[1, 2], [3, 4]] }] });
    assert.deepEqual((await client.embed({ model: 'e', input: ['one', 'two'] })).embeddings, [[1, 2], [3, 4]]);
  });

  it('lists its models', async () => {
    await start({ models: ['a', 'b'] });
    assert.deepEqual((await client.list()).models.map((model) => model.name), ['a', 'b']);
  });

  it('loads and unloads a model without a prompt, and knows the models it has', async () => {
    await start({ models: ['llama'] });
    const load = (/** @type {any} */ more) => client.generate({ model: 'llama', prompt: '', ...more });
    assert.equal((await load({ keep_alive: '5m' })).done_reason, 'load');
    assert.equal((await load({})).done_reason, 'load');
    assert.equal((await load({ keep_alive: 0 })).done_reason, 'unload');
    assert.equal((await rejection(load({ model: 'nobody' }))).status_code, 404);
  });
});
