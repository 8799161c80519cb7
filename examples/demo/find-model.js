// SPDX-License-Identifier: MIT
'use strict';

const { startFakeModel } = require('./fake-model.js');

/**
 * @typedef {object} Model
 * @property {string} line what the person is told about it
 * @property {string} model provider/model
 * @property {Record<string, object>} providers for the worker's configuration
 * @property {() => Promise<void>} close
 */

const LOCAL_MS = 500;
const REMOTE_MS = 5000;
const OPENAI = 'https://api.openai.com/v1';
/** Of the many models of OpenAI, those that cost little. */
const PREFERRED = ['gpt-5-mini', 'gpt-5-nano', 'gpt-4.1-mini', 'gpt-4o-mini'];
/** Models of these names do not chat. */
const OTHER_KINDS = /embed|whisper|tts|dall-e|image|audio|realtime|moderation|transcribe|sora|babbage|davinci|rerank/i;

/**
 * The first model that there is: the one that the environment names, a local server's, or the fake one.
 * @param {{fake: boolean, tokenMs: number, env?: Record<string, string | undefined>, say?: (line: string) => void}} options
 * @returns {Promise<Model>}
 */
async function findModel({ fake, tokenMs, env = process.env, say = () => {} }) {
  const real = fake ? null : ((await openai(env, say)) ?? (await ollama()) ?? (await llamaServer()));
  if (real !== null) return { ...real, close: async () => {} };
  const { url, close } = await startFakeModel(tokenMs);
  return {
    line: fake
      ? 'Model: the fake one; it repeats the beginning of each section.'
      : 'Model: none was found, so a fake one answers; it repeats the beginning of each section (--help says what is looked for).',
    model: 'fake/fake-model',
    providers: { fake: { kind: 'openai-compatible', baseUrl: url } },
    close,
  };
}

/**
 * @param {Record<string, string | undefined>} env
 * @param {(line: string) => void} say
 */
async function openai(env, say) {
  const { OPENAI_API_KEY: key, OPENAI_BASE_URL: address, OPENAI_MODEL: wanted } = env;
  if (!key && !address) return null;
  const baseUrl = (address || OPENAI).replace(/\/+$/, '');
  let model = wanted;
  if (!model) {
    /** @type {Record<string, string>} */
    const headers = key ? { authorization: `Bearer ${key}` } : {};
    const { body, trouble } = await getJson(`${baseUrl}/models`, REMOTE_MS, headers);
    model = choose(body?.data?.map?.((/** @type {any} */ one) => one?.id));
    if (!model) {
      say(`${address ? 'OPENAI_BASE_URL' : 'OPENAI_API_KEY'} is set, but ${baseUrl}/models names no model (${trouble ?? 'the list is empty'}); ` +
        'set OPENAI_MODEL to use it anyway.');
      return null;
    }
  }
  return {
    line: `Model: ${model} at ${baseUrl}`,
    model: `openai/${model}`,
    providers: { openai: { kind: 'openai-compatible', baseUrl, ...(key && { apiKey: { env: 'OPENAI_API_KEY' } }) } },
  };
}

async function ollama() {
  const baseUrl = 'http://127.0.0.1:11434';
  const { body } = await getJson(`${baseUrl}/api/tags`, LOCAL_MS);
  const model = choose(body?.models?.map?.((/** @type {any} */ one) => one?.name));
  if (!model) return null;
  return { line: `Model: ${model} of the Ollama at ${baseUrl}`, model: `ollama/${model}`, providers: { ollama: { kind: 'ollama', baseUrl } } };
}

async function llamaServer() {
  const baseUrl = 'http://127.0.0.1:8080/v1';
  const { body } = await getJson(`${baseUrl}/models`, LOCAL_MS);
  const model = choose(body?.data?.map?.((/** @type {any} */ one) => one?.id));
  if (!model) return null;
  return {
    line: `Model: ${model} of the llama-server at ${baseUrl}`,
    model: `llama/${model}`,
    providers: { llama: { kind: 'openai-compatible', baseUrl } },
  };
}

/**
 * @param {unknown} list
 * @returns {string | undefined}
 */
function choose(list) {
  if (!Array.isArray(list)) return undefined;
  const names = list.filter((name) => typeof name === 'string' && name !== '' && !OTHER_KINDS.test(name));
  return PREFERRED.find((name) => names.includes(name)) ?? names[0];
}

/**
 * @param {string} url
 * @param {number} timeoutMs
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{body?: any, trouble?: string}>}
 */
async function getJson(url, timeoutMs, headers = {}) {
  try {
    // A redirect would carry the key to another address.
    const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return { trouble: `HTTP status ${response.status}` };
    return { body: await response.json() };
  } catch (error) {
    const { name, cause, message } = /** @type {any} */ (error);
    return { trouble: name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : (cause?.code ?? message) };
  }
}

module.exports = { findModel };
