// SPDX-License-Identifier: MIT
'use strict';

/** Google's own SDK understands what the fake provider answers. */

const assert = require('node:assert/strict');
const { GoogleGenAI } = require('@google/genai');
const { startFakeProvider } = require('../../js/testing.js');
const { rejection } = require('./support/sdk.js');

const KEY = 'AIzaSyFakeFakeFakeFakeFake';
const MODEL = 'gemini-x';
const user = (/** @type {string} */ text) => ({ role: 'user', parts: [{ text }] });

const sdkOf = (/** @type {{url: string}} */ fake, apiKey = KEY) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: fake.url } });

for (const inProcess of [false, true]) {
  describe(`the SDK of Google understands the fake provider ${inProcess ? 'in a process of its own' : 'in this process'}`, function () {
    this.timeout(20000);
    /** @type {Awaited<ReturnType<typeof startFakeProvider>>} */ let fake;
    const start = async (/** @type {object} */ options = {}) => {
      fake = await startFakeProvider({ tokens: 4, process: inProcess, ...options });
      return sdkOf(fake).models;
    };
    afterEach(() => fake.close());
    const params = { model: MODEL, contents: [user('one two three')] };

    it('whole answers', async () => {
      const answer = await (await start()).generateContent(params);
      assert.equal(answer.text, 'one two three one');
      assert.equal(answer.candidates?.[0].finishReason, 'STOP');
      assert.deepEqual(answer.usageMetadata, { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 });
      assert.deepEqual([answer.modelVersion, answer.responseId], [MODEL, 'fake-1']);
    });

    it('streams', async () => {
      const chunks = [];
      for await (const chunk of await (await start()).generateContentStream(params)) chunks.push(chunk);
      assert.deepEqual(chunks.map((chunk) => chunk.text), ['one', ' two', ' three', ' one', '']);
      assert.deepEqual(chunks.map((chunk) => chunk.candidates?.[0].finishReason), [undefined, undefined, undefined, undefined, 'STOP']);
      assert.deepEqual(chunks.at(-1)?.usageMetadata, { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 });
    });

    it('limits and JSON', async () => {
      const models = await start();
      const short = await models.generateContent({ ...params, config: { maxOutputTokens: 2 } });
      assert.deepEqual([short.text, short.candidates?.[0].finishReason], ['one two', 'MAX_TOKENS']);
      const json = await models.generateContent({ ...params, config: { responseMimeType: 'application/json' } });
      assert.deepEqual(JSON.parse(json.text ?? ''), { answer: 'one two three one' });
    });

    it('calls of tools', async () => {
      const call = { name: 'get_weather', arguments: { city: 'Köln' } };
      const models = await start({ script: [{ toolCalls: [call, call] }, { toolCalls: [call], text: 'Well' }] });
      const whole = await models.generateContent(params);
      assert.deepEqual(whole.functionCalls?.map(({ name, args }) => ({ name, arguments: args })), [call, call]);
      assert.deepEqual(whole.candidates?.[0].content?.parts?.map((part) => typeof part.thoughtSignature), ['string', 'undefined']);
      const chunks = [];
      for await (const chunk of await models.generateContentStream(params)) chunks.push(chunk);
      assert.deepEqual(chunks.flatMap((chunk) => chunk.functionCalls ?? []).map((one) => one.args), [call.arguments]);
      assert.deepEqual(chunks.at(0)?.text, 'Well');
    });

    it('vectors', async () => {
      const models = await start({ script: [{}, { embeddings: [[0.5, 0.25]] }] });
      const first = await models.embedContent({ model: MODEL, contents: ['a', 'b', 'a'] });
      const values = (first.embeddings ?? []).map((one) => one.values ?? []);
      assert.deepEqual(values.map((one) => one.length), [8, 8, 8]);
      assert.deepEqual([values[0], values[0]], [values[2], values[0].map((one) => Math.fround(one))]);
      assert.notDeepEqual(values[0], values[1]);
      const second = await models.embedContent({ model: MODEL, contents: ['a', 'b'], config: { outputDimensionality: 3 } });
      assert.deepEqual(second.embeddings?.map((one) => one.values?.length), [2, 3]);
    });

    it('the list of models', async () => {
      const models = await start({ models: ['a', 'b'] });
      const names = [];
      for await (const model of await models.list()) names.push(model.name);
      assert.deepEqual(names, ['models/a', 'models/b']);
    });

    it('errors, and a refused key', async () => {
      const models = await start({ apiKey: KEY, script: [{ retryAfter: 7 }, { status: 503 }, { status: 404, error: { message: 'No such model.' } }] });
      const trouble = async (/** @type {Promise<unknown>} */ call) => {
        const error = await rejection(call);
        return [error.status, JSON.parse(error.message).error];
      };
      const [, limited] = await trouble(models.generateContent(params));
      assert.deepEqual([limited.code, limited.status], [429, 'RESOURCE_EXHAUSTED']);
      assert.deepEqual(limited.details, [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }]);
      assert.deepEqual((await trouble(models.generateContentStream(params)))[0], 503);
      assert.deepEqual((await trouble(models.generateContent(params)))[1], { code: 404, message: 'No such model.', status: 'NOT_FOUND' });
      const [status, refused] = await trouble(sdkOf(fake, 'AIzaOther').models.generateContent(params));
      assert.deepEqual([status, refused.status, refused.details[0].reason], [400, 'INVALID_ARGUMENT', 'API_KEY_INVALID']);
    });

    it('an error in the middle of a stream', async () => {
      const models = await start({ script: [{ errorAfterTokens: 2, error: { message: 'broke' } }] });
      const said = /** @type {(string | undefined)[]} */ ([]);
      await assert.rejects(async () => {
        for await (const chunk of await models.generateContentStream(params)) said.push(chunk.text);
      });
      assert.deepEqual(said, ['one', ' two']);
    });
  });
}
