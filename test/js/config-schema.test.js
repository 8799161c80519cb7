// SPDX-License-Identifier: MIT
'use strict';

/**
 * js/config.schema.json, with which editors check a configuration, says what the engine says: the same keys, ranges and defaults,
 * and the same verdict on every configuration below. What a schema cannot know, such as which providers there are, is listed last.
 */

const assert = require('node:assert/strict');
const { default: Ajv } = /** @type {any} */ (require('ajv'));
const schema = require('../../js/config.schema.json');
const { engineVerdicts } = require('./support/config/verdicts.js');
const { fieldTables, requestFields } = require('./support/config/tables.js');

/** @typedef {Record<string, any>} Json */

const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: false });
const validate = ajv.compile(schema);

const base = { database: '/nowhere/app.db', providers: { a: { kind: 'openai-compatible', baseUrl: 'https://host/v1' } } };
const root = (/** @type {Json} */ more) => ({ ...base, ...more });
const provider = (/** @type {Json} */ more) => root({ providers: { a: { ...base.providers.a, ...more } } });
const ollama = (/** @type {Json} */ more) => root({ providers: { a: { kind: 'ollama', ...more } } });
const openai = (/** @type {Json} */ more) => root({ providers: { a: { kind: 'openai', apiKey: { env: 'NO_SUCH_KEY' }, ...more } } });
const type = (/** @type {Json} */ more) => root({ types: { t: more } });
const message = (/** @type {Json} */ more) => type({ messages: [{ role: 'user', content: 'a', ...more }] });
const part = (/** @type {Json} */ more) => message({ content: [more] });
const call = (/** @type {Json} */ more) => message({ role: 'assistant', toolCalls: [{ id: '1', name: 'f', ...more }] });
const tool = (/** @type {Json} */ more) => type({ tools: [{ name: 'f', ...more }] });

const { definitions: of } = schema;
const inProvider = (/** @type {string} */ key) => (/** @type {Json} */ more) => provider({ [key]: more });

/** Where each of the engine's tables is in the schema, and how a configuration holds such an object. */
const places = /** @type {Record<string, [Json, (more: Json) => Json]>} */ ({
  'config.c root_fields': [schema, root],
  'config.c retention_fields': [schema.properties.retention, (more) => root({ retention: more })],
  'config.c keep_fields': [of.keep, (more) => root({ retention: { failed: more } })],
  'config.c target_fields': [of.target.anyOf[1], (more) => root({ models: { fast: { model: 'a/m', ...more } } })],
  'config_batch.c fields': [of.provider.properties.batch, inProvider('batch')],
  'config_health.c health_fields': [of.provider.properties.health, inProvider('health')],
  'config_limits.c breaker_fields': [of.provider.properties.breaker, inProvider('breaker')],
  'config_limits.c price_fields': [of.price, (more) => provider({ prices: { m: { inputPerMillion: 1, outputPerMillion: 1, ...more } } })],
  'config_provider.c provider_fields': [of.provider, provider],
  'config_provider.c timeout_fields': [of.provider.properties.timeouts, inProvider('timeouts')],
  'keys.c key_fields': [of.key, inProvider('apiKey')],
  'content.c filter_fields': [of.filter, (more) => root({ filters: [{ on: 'prompt', pattern: 'a', action: 'refuse', ...more }] })],
});

/** Right by both. @type {Json[]} */
const right = [
  base,
  root({ $schema: './node_modules/llm-jobs/config.schema.json' }),
  root({ workerId: 'w'.repeat(80), queues: ['a', 'b'], concurrency: 2000, pollIntervalMs: 10, leaseMs: 1000, maxStalls: 0 }),
  root({ concurrency: 5.0, jobTimeoutMs: 86400000, maxPromptBytes: 67108864 }),
  root({ workerId: null, queues: null, concurrency: null, models: null, types: null, filters: null, retention: null, logLevel: null }),
  ...['silent', 'error', 'warn', 'info', 'debug'].map((logLevel) => root({ logLevel })),
  root({ models: {} }),
  root({ models: { fast: 'a/m', slow: ['a/m', 'a/n'], sized: [{ model: 'a/m', contextTokens: 8000 }, 'a/x/y'], one: { model: 'a/m' } } }),
  root({ allowedModels: ['fast', 'a/*', '*'], refusedModels: ['a/x*'] }),
  root({ allowedModels: [], refusedModels: [] }),
  root({ filters: [] }),
  root({ filters: [{ on: 'prompt', pattern: '(?i)secret', action: 'refuse' }, { on: 'answer', pattern: '\\d+', action: 'redact' }] }),
  root({ retention: {} }),
  root({ retention: { completed: { ageMs: 0, count: 0 }, failed: { count: 1000000000 }, cancelled: { ageMs: 3153600000000 } } }),
  root({ retention: { completed: null } }),
  root({ types: {} }),
  root({ providers: { [`${'n'.repeat(60)}`]: { kind: 'ollama' }, 'with space': { kind: 'ollama' } } }),
  ...['openai', 'deepseek', 'anthropic', 'gemini'].map((kind) => root({ providers: { p: { kind, apiKey: { secret: 'k' } } } })),
  ollama({}),
  ollama({ apiKey: null }),
  openai({ apiKey: [{ env: 'NO_SUCH_KEY' }, { secret: 'b', env: null }] }),
  openai({ apiKey: Array.from({ length: 8 }, (_, index) => ({ secret: `k${index}` })) }),
  openai({ api: 'chat' }),
  openai({ api: 'responses', background: true }),
  openai({ background: false }),
  provider({ api: 'responses', background: true }),
  openai({ batch: {} }),
  provider({ batch: { maxJobs: 1000, maxWaitMs: 0, pollMs: 100, fallback: false } }),
  ollama({ batch: null, api: null }),
  ...['https://host', 'https://host/', 'https://host:8443/a/b@c', 'http://localhost', 'http://localhost:1/v1', 'http://127.0.0.1:8080', 'http://127.1.2.3/v1', 'http://[::1]', 'http://[::1]:8080/v1'].map(
    (baseUrl) => provider({ baseUrl }),
  ),
  provider({ baseUrl: 'http://example.com/v1', allowInsecure: true }),
  provider({ headers: {} }),
  provider({ headers: { 'X-Title': 'App', 'x-empty': '', 'content-type': 'application/json' } }),
  ...['http://proxy:8080', 'https://proxy', 'socks4://p:1', 'socks4a://p:1', 'socks5://p:1', 'socks5h://user:word@p:1', 'proxy:8080', 'proxy'].map((proxy) => provider({ proxy })),
  provider({ caFile: '/etc/ssl/company.pem', maxResponseBytes: 1024, maxConcurrent: 1 }),
  provider({ requestsPerMinute: 65536, tokensPerMinute: 1000000000000, maxTokensPerDay: 1000000000000000 }),
  provider({ maxCostPerDay: 0.5, prices: { '*': { inputPerMillion: 0, outputPerMillion: 0.5 }, m: { inputPerMillion: 1, outputPerMillion: 2, cachedPerMillion: 0 } } }),
  provider({ prices: {} }),
  provider({ timeouts: { connectMs: 1, firstByteMs: 86400000, idleMs: 5, totalMs: 5 }, breaker: {}, health: {} }),
  ollama({ command: ['ollama', 'serve'] }),
  ollama({ command: ['ollama', 'serve'], baseUrl: 'http://localhost:9' }),
  provider({ command: ['llama-server'], baseUrl: 'https://127.0.0.1:8080/v1' }),
  ollama({ health: { intervalMs: 0, idle: true, failures: 1000 } }),
  type({ model: 'a/m', prompt: '{{text}}', system: '', maxTokens: 1, temperature: 2, topP: 0, stop: 'x', seed: -5, stream: false }),
  type({ model: null, prompt: null, stop: ['a', 'b'], input: ['a'] }),
  type({ input: 'a', reasoning: {}, providerOptions: { a: { x: 1 }, b: null } }),
  type({ reasoning: { effort: 'xhigh', budgetTokens: 1024 } }),
  ...['auto', 'none', 'required', { name: 'f' }].map((toolChoice) => type({ toolChoice })),
  ...['text', 'json', { schema: {} }, { schema: { type: 'object' }, name: 'x-y_1', strict: true }].map((responseFormat) => type({ responseFormat })),
  type({ tools: [] }),
  tool({ description: 'words', parameters: { type: 'object' }, strict: false }),
  ...['system', 'developer', 'user'].map((role) => message({ role })),
  message({ role: 'tool', toolCallId: '1' }),
  message({ content: '' }),
  part({ type: 'text', text: '' }),
  part({ type: 'image', url: 'data:image/png;base64,AA==' }),
  part({ type: 'image', data: 'AA==', mediaType: 'image/png', url: null }),
  call({}),
  call({ arguments: { a: 1 }, signature: 's' }),
  call({ arguments: '{}' }),
  message({ role: 'assistant', content: null, toolCalls: [{ id: '1', name: 'f' }] }),
];

/** Wrong by both. @type {Json[]} */
const wrong = [
  {},
  { database: 'a.db' },
  { providers: base.providers },
  root({ database: '' }),
  root({ database: null }),
  root({ providers: {} }),
  root({ providers: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`p${index}`, { kind: 'ollama' }])) }),
  root({ providers: { 'a/b': { kind: 'ollama' } } }),
  root({ providers: { '': { kind: 'ollama' } } }),
  root({ providers: { ['n'.repeat(61)]: { kind: 'ollama' } } }),
  root({ providers: { a: null } }),
  root({ providers: { a: {} } }),
  root({ providers: { a: { kind: 'openia' } } }),
  root({ concurency: 5 }),
  root({ concurency: null }),
  root({ workerId: 'a@b' }),
  root({ workerId: 'a:b' }),
  root({ workerId: 'w'.repeat(81) }),
  root({ queues: [] }),
  root({ queues: ['a', ''] }),
  root({ logLevel: 'trace' }),
  root({ models: { '': 'a/m' } }),
  root({ models: { fast: null } }),
  root({ models: { fast: [] } }),
  root({ models: { fast: 'm' } }),
  root({ models: { fast: 'a/' } }),
  root({ models: { fast: { contextTokens: 5 } } }),
  root({ models: { fast: [null] } }),
  root({ models: { fast: Array.from({ length: 17 }, () => 'a/m') } }),
  root({ models: { fast: { model: 'a/m', context: 5 } } }),
  root({ models: Object.fromEntries(Array.from({ length: 1025 }, (_, index) => [`m${index}`, 'a/m'])) }),
  root({ allowedModels: ['a/*b'] }),
  root({ refusedModels: ['**'] }),
  root({ filters: [{ on: 'prompt', pattern: 'a' }] }),
  root({ filters: [{ on: 'prompts', pattern: 'a', action: 'refuse' }] }),
  root({ filters: [{ on: 'prompt', pattern: 'a', action: 'drop' }] }),
  root({ filters: [{ on: 'prompt', pattern: '', action: 'refuse' }] }),
  root({ filters: [null] }),
  root({ filters: Array.from({ length: 65 }, () => ({ on: 'prompt', pattern: 'a', action: 'refuse' })) }),
  root({ retention: { active: {} } }),
  root({ retention: { completed: { age: 5 } } }),
  root({ types: { t: null } }),
  root({ types: { t: 'a/m' } }),
  root({ types: Object.fromEntries(Array.from({ length: 1025 }, (_, index) => [`t${index}`, {}])) }),
  ...['openai', 'deepseek', 'anthropic', 'gemini'].map((kind) => root({ providers: { p: { kind } } })),
  openai({ apiKey: null }),
  openai({ apiKey: 'sk-123' }),
  openai({ apiKey: {} }),
  openai({ apiKey: [] }),
  openai({ apiKey: [null] }),
  openai({ apiKey: { env: 'A', secret: 'b' } }),
  openai({ apiKey: Array.from({ length: 9 }, (_, index) => ({ secret: `k${index}` })) }),
  provider({ baseUrl: null }),
  ...['host/v1', 'ftp://host', 'https://', 'https:///v1', 'https://host/a b', 'https://user@host/v1', 'https://host/v1?x=1', 'https://host#a', 'HTTPS://host', 'https://host\n'].map((baseUrl) => provider({ baseUrl })),
  ...['http://example.com', 'http://localhost.example.com', 'http://127.0.0.1.example.com', 'http://localhosts', 'http://[::2]', 'http://[::1]x'].map((baseUrl) => provider({ baseUrl })),
  provider({ baseUrl: 'http://example.com', allowInsecure: false }),
  openai({ api: 'chats' }),
  ollama({ api: 'chat' }),
  root({ providers: { p: { kind: 'anthropic', apiKey: { env: 'A' }, api: 'responses' } } }),
  openai({ background: true }),
  openai({ background: true, api: 'chat' }),
  ollama({ background: true }),
  ollama({ batch: {} }),
  root({ providers: { p: { kind: 'deepseek', apiKey: { env: 'A' }, batch: {} } } }),
  ...[{ 'Content-Length': '5' }, { 'transfer-ENCODING': 'chunked' }, { 'a b': 'c' }, { 'a:': 'c' }, { '': 'c' }, { a: 'b\nc' }, { a: 5 }, { a: null }].map((headers) => provider({ headers })),
  ...['ftp://proxy', 'http://a b', 'proxy 8080', 'socks://p'].map((proxy) => provider({ proxy })),
  provider({ maxCostPerDay: 5 }),
  provider({ maxCostPerDay: 5, prices: { m: { inputPerMillion: 1, outputPerMillion: 1 } } }),
  provider({ prices: { m: { inputPerMillion: 1 } } }),
  provider({ prices: { m: null } }),
  provider({ timeouts: { readMs: 5 } }),
  provider({ command: ['llama-server'] }),
  ollama({ command: [] }),
  ollama({ command: [''] }),
  ollama({ command: 'ollama serve' }),
  ollama({ command: ['ollama'], baseUrl: 'https://example.com' }),
  ollama({ command: Array.from({ length: 65 }, () => 'a') }),
  type({ promt: 'a' }),
  type({ model: '' }),
  type({ model: 5 }),
  type({ prompt: '' }),
  type({ system: 5 }),
  ...[0, 1.5, '5', 9007199254740992].map((maxTokens) => type({ maxTokens })),
  ...[-0.1, 2.1, '1'].map((temperature) => type({ temperature })),
  ...[-0.1, 1.1].map((topP) => type({ topP })),
  ...['', [], [''], 5].map((stop) => type({ stop })),
  ...['', [], [5]].map((input) => type({ input })),
  type({ seed: 1.5 }),
  type({ stream: 'yes' }),
  ...['maybe', {}, { name: 'a b' }, { name: 'f', x: 1 }, []].map((toolChoice) => type({ toolChoice })),
  ...['xml', {}, { schema: 'x' }, { schema: {}, name: '' }, { schema: {}, strict: 1 }, { schema: {}, x: 1 }].map((responseFormat) => type({ responseFormat })),
  ...['high', { effort: 'huge' }, { budgetTokens: 0 }, { x: 1 }].map((reasoning) => type({ reasoning })),
  ...[[], { a: 5 }].map((providerOptions) => type({ providerOptions })),
  type({ tools: Array.from({ length: 129 }, (_, index) => ({ name: `f${index}` })) }),
  type({ tools: [null] }),
  ...[{ name: '' }, { name: 'f'.repeat(65) }, { description: 5 }, { parameters: [] }, { strict: 'yes' }, { x: 1 }].map(tool),
  type({ messages: [] }),
  type({ messages: [null] }),
  ...[{ role: 'bot' }, { role: null }, { content: null }, { content: [] }, { content: 5 }, { x: 1 }, { toolCallId: '1' }, { role: 'tool' }, { toolCalls: [{ id: '1', name: 'f' }] }].map(message),
  message({ role: 'assistant', toolCalls: [] }),
  ...[null, { type: 'audio' }, { type: 'text' }, { type: 'text', text: 5 }, { type: 'text', text: 'a', url: 'b' }].map((one) => part(/** @type {any} */ (one))),
  ...[{}, { url: '' }, { url: 'u', data: 'd', mediaType: 'm' }, { data: 'd' }, { data: 'data:x', mediaType: 'm' }, { url: 'u', text: 't' }].map((one) => part({ type: 'image', ...one })),
  ...[{ id: '' }, { name: null }, { arguments: 5 }, { signature: '' }, { x: 1 }].map(call),
];

/** Accepted by the schema, refused by the engine: what depends on other places, or on a language of its own. @type {Json[]} */
const beyond = [
  root({ models: { fast: 'b/m' } }),
  root({ models: { fast: 'a/m' }, refusedModels: ['a/m'] }),
  root({ types: { t: { model: 'fast' } } }),
  root({ filters: [{ on: 'prompt', pattern: '(', action: 'refuse' }] }),
  type({ responseFormat: { schema: { type: 'strange' } } }),
  type({ tools: [{ name: 'f' }, { name: 'f' }] }),
  root({ providers: { a: { kind: 'ollama', apiKey: [{ secret: 'a' }, { secret: 'b' }] } }, models: { fast: Array.from({ length: 9 }, () => 'a/m') } }),
  root({ workerId: 'ü'.repeat(41) }),
];

describe('js/config.schema.json', function () {
  this.timeout(60000);
  const tables = fieldTables();
  const refusal = (/** @type {Json} */ config) => (validate(config) ? null : ajv.errorsText(validate.errors));

  /** @param {Json[]} configs @param {(schema: string | null, engine: string | null) => boolean} agree */
  async function compare(configs, agree) {
    const verdicts = await engineVerdicts(configs);
    const differing = configs.filter((config, index) => !agree(refusal(config), verdicts[index]) || verdicts[index]?.endsWith('(not a verdict)'));
    const tell = (/** @type {Json} */ config) => `${JSON.stringify(config).slice(0, 300)}\n  schema: ${refusal(config)}\n  engine: ${verdicts[configs.indexOf(config)]}`;
    assert.equal(differing.map(tell).join('\n'), '');
  }

  it('has the keys of the engine, and no others', () => {
    assert.deepEqual([...tables.keys()].sort(), Object.keys(places).sort());
    for (const [table, fields] of tables) {
      const [{ properties, required = [] }] = places[table];
      assert.deepEqual(Object.keys(properties).sort(), fields.map(({ name }) => name).sort(), table);
      assert.deepEqual([...required].sort(), fields.filter((field) => field.required).map(({ name }) => name).sort(), table);
    }
    assert.deepEqual(Object.keys(of.type.properties).sort(), ['model', 'prompt', ...requestFields()].sort());
  });

  it('has the ranges and the defaults of the engine', () => {
    for (const [table, fields] of tables) {
      for (const { name, kind, required, min, max, otherwise } of fields) {
        const { type: kinds, minimum, maximum, default: given } = places[table][0].properties[name];
        const told = { kinds, minimum, maximum };
        const number = { WHOLE: 'integer', NUMBER: 'number' }[kind];
        if (number) assert.deepEqual(told, { kinds: required ? number : [number, 'null'], minimum: min, maximum: max }, `${table} ${name}`);
        if (kind === 'FLAG') assert.deepEqual(kinds, ['boolean', 'null'], `${table} ${name}`);
        const none = otherwise === 0 && (min > 0 || required);
        if (otherwise !== undefined && !none) assert.equal(given, otherwise, `${table} ${name}`);
        if (number && given !== undefined) assert.equal(given, otherwise, `${table} ${name}`);
      }
    }
  });

  it('describes each key', () => {
    for (const [table] of tables) {
      for (const [name, { description, $ref }] of Object.entries(places[table][0].properties)) assert.ok(description || $ref, `${table} ${name}`);
    }
  });

  it('accepts what the engine accepts', () => compare(right, (schema, engine) => schema === null && engine === null));

  it('refuses what the engine refuses', async () => {
    assert.ok(right.length + wrong.length >= 150);
    await compare(wrong, (schema, engine) => schema !== null && engine !== null);
  });

  it('agrees with the engine on values of every kind for every key', async () => {
    const values = [null, 'text', '', 0, -1, 1, 1.5, 1e300, true, [], {}, ['text'], [''], [1], [{}], { text: 'text' }, { text: 1 }, { text: {} }];
    const configs = [...tables].flatMap(([table, fields]) =>
      fields.flatMap(({ name, min, max }) => [...values, min, max, min - 1, max + 1, min + 0.5].map((value) => places[table][1]({ [name]: value }))),
    );
    for (const name of ['model', 'prompt', ...requestFields()]) for (const value of values) configs.push(type({ [name]: value }));
    const known = (/** @type {Json} */ config) => JSON.stringify(config).includes('"model":"text"');
    assert.ok(configs.length > 1000);
    await compare(configs.filter((config) => !known(config)), (schema, engine) => (schema === null) === (engine === null));
  });

  it('leaves to the engine what a schema cannot know', () => compare(beyond, (schema, engine) => schema === null && engine !== null));
});
