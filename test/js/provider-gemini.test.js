// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { GoogleGenAI } = require('@google/genai');
const { World } = require('./support/e2e.js');

/**
 * Kind `gemini` against the fake provider, beside Google's own SDK: what the SDK sends for a call is what the worker must send for
 * the job.
 */

const KEY = 'AIzaSyFakeFakeFakeFakeFake';
const MODEL = 'gemini-x';
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const TOOL = { name: 'get_weather', description: 'The weather', parameters: SCHEMA };
const DECLARED = [{ functionDeclarations: [{ name: 'get_weather', description: 'The weather', parametersJsonSchema: SCHEMA }] }];
const user = (/** @type {string} */ text) => ({ role: 'user', parts: [{ text }] });
const HI = [user('Hi')];

const sdkOf = (/** @type {{url: string}} */ fake, apiKey = KEY) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: fake.url } });

/**
 * Each feature as a job's data and as the SDK's parameters. The bodies of both requests must be the same JSON, but for what
 * `comparable` says. The SDK's parameters are written in full, because of a plain string it makes a systemInstruction with a role,
 * which the API ignores.
 *
 * @type {{name: string, data: object, contents?: any[], config?: object, text?: string}[]} `text` is answered
 */
const FEATURES = [
  { name: 'a prompt', data: { prompt: 'Hi' } },
  { name: 'a whole answer', data: { prompt: 'Hi', stream: false } },
  { name: 'instructions', data: { prompt: 'Hi', system: 'Be brief' }, config: { systemInstruction: { parts: [{ text: 'Be brief' }] } } },
  {
    name: 'a conversation',
    data: {
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
        { role: 'user', content: [{ type: 'text', text: 'c' }, { type: 'text', text: 'd' }] },
      ],
    },
    contents: [user('a'), { role: 'model', parts: [{ text: 'b' }] }, { role: 'user', parts: [{ text: 'c' }, { text: 'd' }] }],
    config: { systemInstruction: { parts: [{ text: 'Be brief' }] } },
  },
  {
    name: 'sampling',
    data: { prompt: 'Hi', maxTokens: 50, temperature: 0.5, topP: 0.9, seed: 7, stop: ['X', 'Y'] },
    config: { maxOutputTokens: 50, temperature: 0.5, topP: 0.9, seed: 7, stopSequences: ['X', 'Y'] },
  },
  {
    name: 'images',
    data: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What?' },
            { type: 'image', data: 'AAAA', mediaType: 'image/png' },
            { type: 'image', url: 'data:image/webp;base64,BBBB' },
            { type: 'image', url: 'https://h/i.jpg', mediaType: 'image/jpeg' },
            { type: 'image', url: 'https://generativelanguage.googleapis.com/v1beta/files/x' },
          ],
        },
      ],
    },
    contents: [
      {
        role: 'user',
        parts: [
          { text: 'What?' },
          { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
          { inlineData: { mimeType: 'image/webp', data: 'BBBB' } },
          { fileData: { mimeType: 'image/jpeg', fileUri: 'https://h/i.jpg' } },
          { fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x' } },
        ],
      },
    ],
  },
  { name: 'tools', data: { prompt: 'Hi', tools: [TOOL] }, config: { tools: DECLARED } },
  ...[
    ['auto', { mode: 'AUTO' }],
    ['none', { mode: 'NONE' }],
    ['required', { mode: 'ANY' }],
    [{ name: 'get_weather' }, { mode: 'ANY', allowedFunctionNames: ['get_weather'] }],
  ].map(([toolChoice, functionCallingConfig]) => ({
    name: `toolChoice ${JSON.stringify(toolChoice)}`,
    data: { prompt: 'Hi', tools: [TOOL], toolChoice },
    config: { tools: DECLARED, toolConfig: { functionCallingConfig } },
  })),
  {
    name: 'strict tools',
    data: { prompt: 'Hi', tools: [{ ...TOOL, strict: true }] },
    config: { tools: DECLARED, toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } } },
  },
  {
    name: 'results of tools',
    data: {
      messages: [
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          toolCalls: [
            { id: 'fc-1', name: 'get_weather', arguments: { city: 'Köln' }, signature: 'c2ln' },
            { id: 'fc-2', name: 'get_weather', arguments: '{"city":"Bonn"}' },
          ],
        },
        { role: 'tool', toolCallId: 'fc-1', content: '{"degrees":21}' },
        { role: 'tool', toolCallId: 'fc-2', content: 'sunny' },
      ],
      tools: [TOOL],
    },
    contents: [
      user('Weather?'),
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'fc-1', name: 'get_weather', args: { city: 'Köln' } }, thoughtSignature: 'c2ln' },
          { functionCall: { id: 'fc-2', name: 'get_weather', args: { city: 'Bonn' } } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'fc-1', name: 'get_weather', response: { degrees: 21 } } },
          { functionResponse: { id: 'fc-2', name: 'get_weather', response: { output: 'sunny' } } },
        ],
      },
    ],
    config: { tools: DECLARED },
  },
  { name: 'JSON', data: { prompt: 'Hi', responseFormat: 'json' }, config: { responseMimeType: 'application/json' } },
  {
    name: 'JSON by a schema',
    data: { prompt: 'Hi', responseFormat: { schema: SCHEMA, name: 'place', strict: true } },
    config: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA },
    text: '{"city":"Bonn"}',
  },
  { name: 'a level of thinking', data: { prompt: 'Hi', reasoning: { effort: 'low' } }, config: { thinkingConfig: { thinkingLevel: 'LOW' } } },
  { name: 'a budget of thinking', data: { prompt: 'Hi', reasoning: { budgetTokens: 512 } }, config: { thinkingConfig: { thinkingBudget: 512 } } },
  { name: 'no thinking', data: { prompt: 'Hi', reasoning: { effort: 'none' } }, config: { thinkingConfig: { thinkingBudget: 0 } } },
  {
    name: 'raw fields',
    data: {
      prompt: 'Hi',
      temperature: 1,
      providerOptions: {
        gemini: {
          safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF' }],
          generationConfig: { topK: 3, presencePenalty: 0.5 },
          cachedContent: 'cachedContents/x',
        },
        g: { tools: [{ googleSearch: {} }] },
      },
    },
    config: {
      temperature: 1,
      topK: 3,
      presencePenalty: 0.5,
      safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'OFF' }],
      cachedContent: 'cachedContents/x',
      tools: [{ googleSearch: {} }],
    },
  },
  { name: 'one vector', data: { input: 'a' }, contents: [user('a')] },
  {
    name: 'vectors with options',
    data: { input: ['a', 'b'], providerOptions: { gemini: { taskType: 'CLUSTERING', outputDimensionality: 4 } } },
    contents: [user('a'), user('b')],
    config: { taskType: 'CLUSTERING', outputDimensionality: 4 },
  },
];

/**
 * An object without members says the same as its absence: the SDK sends an empty generationConfig whenever it was given options
 * that have their place elsewhere, such as tools.
 * @param {any} body
 */
function comparable(body) {
  const { generationConfig, ...rest } = body;
  return generationConfig === undefined || Object.keys(generationConfig).length === 0 ? rest : body;
}

describe('provider gemini', function () {
  this.timeout(30000);
  /** @type {World} */ let world;

  before(async () => {
    process.env.LLM_JOBS_TEST_GEMINI_KEY = KEY;
    world = new World();
    world.database();
    await world.provider({ tokens: 4, apiKey: KEY, process: true });
    const health = { intervalMs: 0 };
    const g = { kind: 'gemini', baseUrl: world.fake.geminiUrl, apiKey: { env: 'LLM_JOBS_TEST_GEMINI_KEY' }, health };
    const other = { kind: 'ollama', baseUrl: world.fake.ollamaUrl, headers: { authorization: `Bearer ${KEY}` }, health };
    await world.worker({
      providers: { g, refused: { ...g, headers: { 'x-goog-api-key': 'AIzaWrongWrongWrong' } }, other },
      models: { either: ['g/limited', 'other/m'] },
    });
  });
  after(() => world.close());
  beforeEach(async () => {
    await world.fake.script();
    await world.fake.clear();
  });

  const run = async (/** @type {object} */ data, model = `g/${MODEL}`) => world.ended(world.insert({ model, data }));

  describe('sends what the SDK sends:', () => {
    for (const { name, data, contents = HI, config, text } of FEATURES) {
      it(name, async () => {
        if (text !== undefined) await world.fake.script([{ text }, { text }]);
        const row = await run(data);
        assert.equal(row.status, 'completed', JSON.stringify(row.error));
        const { models } = sdkOf(world.fake);
        const params = { model: MODEL, contents, config };
        if ('input' in data) await models.embedContent(params);
        else if ('stream' in data) await models.generateContent(params);
        else for await (const _ of await models.generateContentStream(params));
        const [ours, theirs, ...more] = await world.fake.log();
        assert.deepEqual(more, []);
        assert.deepEqual([ours.method, ours.path, ours.body], [theirs.method, theirs.path, comparable(theirs.body)]);
        assert.deepEqual([ours.headers['x-goog-api-key'], ours.headers.authorization], ['***', undefined]);
        assert.equal(ours.headers['content-type'], theirs.headers['content-type']);
      });
    }
  });

  it('probes by the list of models, as the SDK asks for it', async () => {
    const own = new World();
    try {
      own.database();
      const fake = await own.provider({ apiKey: KEY });
      const g = { kind: 'gemini', baseUrl: fake.geminiUrl, apiKey: { env: 'LLM_JOBS_TEST_GEMINI_KEY' }, health: { intervalMs: 20, idle: true } };
      const worker = await own.worker({ providers: { g } });
      await own.until(async () => (await fake.log()).length > 0, 'a probe');
      await worker.stop();
      const [ours] = await fake.log();
      await fake.clear();
      await sdkOf(fake).models.list({ config: { pageSize: 1000 } });
      const [theirs] = await fake.log();
      assert.deepEqual([ours.method, ours.path, ours.body, ours.status], [theirs.method, theirs.path, theirs.body, 200]);
      assert.deepEqual([ours.headers['x-goog-api-key'], ours.headers.authorization], ['***', undefined]);
    } finally {
      await own.close();
    }
  });

  it('streams an answer into the row', async () => {
    const { result } = await run({ prompt: 'one two three' });
    const { text, finishReason, usage, model, provider, requestId } = result;
    assert.deepEqual({ text, finishReason, usage, model, provider }, {
      text: 'one two three one',
      finishReason: 'stop',
      usage: { inputTokens: 3, outputTokens: 4 },
      model: MODEL,
      provider: 'g',
    });
    // The header of the fake provider, and of a proxy, stands before the id in the body.
    assert.match(requestId, /^fake-\d+$/);
  });

  it('sends ids and signatures of calls back as they came, and goes through a tool', async () => {
    await world.fake.script([{ toolCalls: [{ name: 'get_weather', arguments: { city: 'Köln' } }, { name: 'get_time', arguments: {} }] }]);
    const tools = [TOOL, { name: 'get_time' }];
    const messages = [{ role: 'user', content: 'Weather?' }];
    const first = (await run({ messages, tools })).result;
    assert.equal(first.finishReason, 'tool');
    assert.deepEqual(first.toolCalls.map((/** @type {any} */ one) => [one.name, one.arguments]), [['get_weather', { city: 'Köln' }], ['get_time', {}]]);
    assert.deepEqual(first.toolCalls.map((/** @type {any} */ one) => typeof one.signature), ['string', 'undefined']);
    const answers = first.toolCalls.map((/** @type {any} */ one) => ({ role: 'tool', toolCallId: one.id, content: `{"of":"${one.name}"}` }));
    const second = await run({ messages: [...messages, { role: 'assistant', toolCalls: first.toolCalls }, ...answers], tools });
    assert.equal(second.result.finishReason, 'stop');
    const [, { body }] = await world.fake.log();
    const [a, b] = first.toolCalls;
    assert.deepEqual(body.contents.slice(1), [
      {
        role: 'model',
        parts: [
          { functionCall: { id: a.id, name: a.name, args: a.arguments }, thoughtSignature: a.signature },
          { functionCall: { id: b.id, name: b.name, args: b.arguments } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: a.id, name: a.name, response: { of: a.name } } },
          { functionResponse: { id: b.id, name: b.name, response: { of: b.name } } },
        ],
      },
    ]);
  });

  it('gives vectors in the order of the inputs, exact as 32-bit floats', async () => {
    const embeddings = [[Math.fround(0.1), -1.5, 1e-7], [1, 2, Math.fround(-0.023064256)]];
    await world.fake.script([{ embeddings }]);
    const { result } = await run({ input: ['a', 'b'] });
    assert.deepEqual(result.embeddings.map((/** @type {number[]} */ one) => [...Float32Array.from(one)]), embeddings.map((one) => [...Float32Array.from(one)]));
    assert.equal('text' in result, false);
  });

  const google = (/** @type {number} */ code, /** @type {string} */ status, /** @type {object[]} */ details = []) => ({
    status: code,
    body: { error: { code, message: 'Said by Google.', status, details } },
  });
  const perDay = {
    '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
    violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier', quotaValue: '50' }],
  };

  for (const [name, reply, code] of /** @type {[string, object, string][]} */ ([
    ['a request that Google refuses', google(400, 'INVALID_ARGUMENT'), 'BAD_REQUEST'],
    ['a prompt that the filter refuses', { body: { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } } }, 'CONTENT_FILTERED'],
    ['an unknown model', google(404, 'NOT_FOUND'), 'MODEL_NOT_FOUND'],
    ['a key without the right', google(403, 'PERMISSION_DENIED'), 'AUTH'],
  ])) {
    it(`fails at once for ${name}`, async () => {
      await world.fake.script([reply]);
      const row = await run({ prompt: 'Hi' });
      assert.deepEqual([row.status, row.error.code], ['failed', code]);
      assert.equal(await world.fake.count(), 1);
    });
  }

  it('names a refused key and never shows it', async () => {
    const row = await run({ prompt: 'Hi' }, `refused/${MODEL}`);
    assert.deepEqual([row.status, row.error.code], ['failed', 'AUTH']);
    assert.match(row.error.message, /API_KEY_INVALID/);
    assert.ok(!JSON.stringify(row).includes('AIza'));
  });

  it('tries again after an error in the middle of a stream', async () => {
    await world.fake.script([{ errorAfterTokens: 2, status: 200, error: { type: 'UNAVAILABLE' } }]);
    const id = world.insert({ model: `g/${MODEL}`, data: { prompt: 'one two' }, opts: { backoff: { type: 'fixed', delayMs: 1 } } });
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.attempts, row.result.text], ['completed', 2, 'one two one two']);
    assert.equal(row.history[0].code, 'OVERLOADED');
  });

  it('tries again after a stream without its end', async () => {
    await world.fake.script([{ cutAfterTokens: 3, clean: true }]);
    const id = world.insert({ model: `g/${MODEL}`, data: { prompt: 'one' }, opts: { backoff: { type: 'fixed', delayMs: 1 } } });
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.history[0].code], ['completed', 'PROTOCOL']);
  });

  it('waits as long as Google asks, without losing a try', async () => {
    await world.fake.script([{ ...google(429, 'RESOURCE_EXHAUSTED', [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.5s' }]) }]);
    const row = await run({ prompt: 'Hi' }, 'g/asked-to-wait');
    assert.deepEqual([row.status, row.attempts], ['completed', 1]);
    assert.equal(await world.fake.count(), 2);
    assert.ok(world.log.some((line) => line.includes('g/asked-to-wait pauses for 500 ms')), world.log.slice(-5).join('\n'));
  });

  it('pauses a model whose daily quota is used up, and goes on with the next target', async () => {
    await world.fake.script([google(429, 'RESOURCE_EXHAUSTED', [perDay])]);
    const row = await run({ prompt: 'one' }, 'either');
    assert.deepEqual([row.status, row.result.provider, row.result.fallbackUsed], ['completed', 'other', true]);
    const waiting = world.insert({ model: 'g/limited', data: { prompt: 'Hi' } });
    assert.equal((await run({ prompt: 'Hi' })).status, 'completed', 'another model of the provider goes on');
    assert.equal(world.row(waiting).status, 'waiting');
    assert.equal((await world.fake.log()).filter((one) => one.path.includes('limited')).length, 1);
    world.db.prepare('DELETE FROM llm_jobs WHERE id = ?').run(waiting);
  });
});
