// SPDX-License-Identifier: MIT
'use strict';

/**
 * The entry of the worker process. It starts the engine, carries messages between it and the parent, and tells it when the
 * database's files change; it decides nothing and waits for nothing. It loads no JavaScript but what is needed for that, because
 * the whole process has 50 MB.
 *
 * The configuration comes from LLM_JOBS_CONFIG (JSON text, or the path of a JSON file) or with the message `worker:initialize`.
 * docs/messages.md lists the messages.
 */

const v8 = require('node:v8');

// The compilers that make hot code faster take 4 MB of memory as soon as they run once, and nothing here is worth it.
for (const flag of ['--no-opt', '--no-maglev', '--no-sparkplug']) v8.setFlagsFromString(flag);

const fs = require('node:fs');
const { loadAddon } = require('./addon.js');
const { PROTOCOL } = require('./protocol.js');
const { openPort } = require('./port.js');
const { watchDatabase } = require('./watch.js');

/** @import { Addon, Handle } from './addon.js' */

/**
 * @typedef {{id?: unknown, channel: string, payload?: any, error?: {code: string, message: string}}} Message
 */

/** How long an engine may take to show that it lives when nobody is left who would end this process. */
const HUNG_MS = 1500;
const LAST_BEAT = 'worker.js: last beat';

const port = openPort();

/** @type {{addon: Addon, handle: Handle} | null} */
let engine = null;
/** Who asked for the start, when it was a message: its id is answered when the engine is ready or has failed. */
let initializeId = /** @type {unknown} */ (undefined);
let initialized = false;
/** Which of its host's processes this is; a worker without a host has none. */
let generation = /** @type {number | undefined} */ (undefined);
let unwatch = () => {};
/** Whether the parent has gone. */
let orphan = false;

/**
 * @param {string} configText
 * @param {string} [messages] what the engine is told before it looks for its first job
 */
function start(configText, messages) {
  initialized = true;
  // Without a parent there is nothing else that surely keeps this process alive.
  if (port.kind === 'none') setInterval(() => {}, 0x7fffffff);
  try {
    const addon = loadAddon();
    engine = { addon, handle: addon.start(configText, takeEvents, messages) };
  } catch (error) {
    deliver({ channel: 'worker:failed', payload: errorOf(error, 'BAD_CONFIG') });
  }
}

/**
 * Called when the engine has events and had none before. While the parent does not read, events stay with the engine, which
 * bounds them and drops tokens first.
 */
function takeEvents() {
  if (engine === null || (port.isFull() && !orphan)) return;
  const text = engine.addon.take(engine.handle);
  if (text === null) return;
  for (const event of JSON.parse(text)) deliver(event);
}

/** @param {Message} message from the engine */
function deliver(message) {
  if (message.id === LAST_BEAT) return void setImmediate(() => end(0));
  if (message.channel === 'worker:ready' || message.channel === 'worker:failed') {
    if (message.channel === 'worker:ready') {
      Object.assign(message.payload, { protocol: PROTOCOL, generation });
      onReady(message.payload);
    }
    if (initializeId !== undefined) answerInitialize(message);
  }
  post(message);
}

/** @param {Message} message `worker:ready` or `worker:failed` */
function answerInitialize({ channel, payload }) {
  const answer = { id: initializeId, channel: 'worker:initialize' };
  initializeId = undefined;
  post(channel === 'worker:ready' ? { ...answer, payload } : { ...answer, error: payload });
}

/** @param {{database: string}} payload */
function onReady({ database }) {
  const look = () => engine?.addon.notify(engine.handle);
  const report = (/** @type {string} */ line) => post({ channel: 'worker:log', payload: { level: 'warn', line } });
  unwatch = watchDatabase(database, look, report);
  // What was committed between the engine's first look and the watch has caused no event that anybody saw.
  look();
}

/** @param {Message} message */
function post(message) {
  port.post(message);
  if (port.kind !== 'none') return;
  const { line, message: reason } = message.payload ?? {};
  if (message.channel === 'worker:log') writeError(line);
  // Nobody is there to give a key: the jobs that need it fail and say so.
  if (message.channel === 'worker:secret') {
    onMessage({ channel: 'worker:secret', payload: { name: message.payload.name, value: null } });
  }
  if (message.channel === 'worker:failed') {
    writeError(reason);
    end(1);
  }
}

/** @param {any} message anything that a parent may send */
function onMessage(message) {
  const id = message?.id;
  const channel = typeof message?.channel === 'string' ? message.channel : '';
  try {
    if (channel === 'worker:initialize') onInitialize(message);
    else if (channel === 'worker:exit') end(0);
    else if (channel === '') throw coded('INVALID', 'a message must be {id, channel, payload} with a string as channel');
    else if (engine === null) throw coded('CLOSED', `${channel}: the engine does not run; worker:initialize starts it, once`);
    else if (channel === 'worker:notify') engine.addon.notify(engine.handle);
    else engine.addon.send(engine.handle, textOf(message));
  } catch (error) {
    if (id !== undefined) post({ id, channel, error: errorOf(error, 'INVALID') });
  }
}

/**
 * Electron's messages may hold what JSON does not.
 * @param {Message} message
 */
function textOf(message) {
  try {
    return JSON.stringify(message);
  } catch (error) {
    throw coded('INVALID', `${message.channel}: its payload cannot be sent (${/** @type {Error} */ (error).name}); it must be plain JSON`);
  }
}

/** @param {Message} message */
function onInitialize({ id, payload }) {
  if (initialized) throw coded('BAD_CONFIG', 'the worker already has a configuration; start another one for another configuration');
  const config = payload?.config;
  if (config === null || typeof config !== 'object') {
    throw coded('BAD_CONFIG', 'worker:initialize needs the payload {config}, with the configuration as an object');
  }
  const { protocol = PROTOCOL } = payload;
  if (protocol !== PROTOCOL) {
    throw coded('BAD_CONFIG', `the host speaks version ${protocol} of the protocol, this worker version ${PROTOCOL}; build the app's worker anew`);
  }
  generation = payload.generation;
  initializeId = id;
  start(JSON.stringify(config), Array.isArray(payload.messages) ? JSON.stringify(payload.messages) : undefined);
}

/**
 * @param {string} code
 * @param {string} message
 */
function coded(code, message) {
  return Object.assign(new Error(message), { code });
}

/**
 * @param {any} error
 * @param {string} otherwise the code when the error has none
 */
function errorOf(error, otherwise) {
  return {
    code: typeof error?.code === 'string' ? error.code : otherwise,
    message: typeof error?.message === 'string' ? error.message : String(error),
  };
}

/** @param {unknown} line */
function writeError(line) {
  try {
    fs.writeSync(2, `${line}\n`);
  } catch {
    // Nobody reads it: the parent that held the other end is gone.
  }
}

/**
 * Gives the attempts of running calls back and ends. Cleanup hooks do not run on process.exit, so the engine is stopped here.
 * @param {number} code
 */
function end(code) {
  unwatch();
  const { addon, handle } = engine ?? {};
  engine = null;
  addon?.stop(handle);
  process.exit(code);
}

/**
 * Ends because the parent has gone. Stopping the engine waits for its thread: with one that hangs it would wait for ever, and
 * nobody is left to kill this process.
 */
function endOrphan() {
  orphan = true;
  if (engine === null) return end(0);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), HUNG_MS);
  try {
    engine.addon.send(engine.handle, JSON.stringify({ id: LAST_BEAT, channel: 'worker:heartbeat' }));
    takeEvents();
  } catch {
    // So much waits for the engine that it takes no more: the timer decides.
  }
}

/** @returns {string | null} the text of the configuration that the environment names */
function configOfEnvironment() {
  const value = process.env.LLM_JOBS_CONFIG?.trim();
  if (!value) return null;
  if (value.startsWith('{')) return value;
  try {
    return fs.readFileSync(value, 'utf8');
  } catch (error) {
    throw coded('BAD_CONFIG', `LLM_JOBS_CONFIG names a file that cannot be read: ${errorOf(error, '').message}`);
  }
}

process.on('uncaughtException', (error) => {
  writeError(`llm-jobs worker: ${error?.stack ?? error}`);
  // The engine's thread may be the cause, so nobody waits for it; the lease brings its jobs back.
  process.exit(1);
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => end(0));
port.onClose(endOrphan);
port.onRoom(takeEvents);
port.onMessage(onMessage);

try {
  const text = configOfEnvironment();
  if (text !== null) start(text);
  else if (port.kind === 'none') {
    throw coded('BAD_CONFIG', 'LLM_JOBS_CONFIG is not set: it must hold the configuration as JSON text, or the path of a JSON file');
  }
} catch (error) {
  initialized = true;
  const { message } = errorOf(error, 'BAD_CONFIG');
  post({ channel: 'worker:failed', payload: { code: 'BAD_CONFIG', message } });
}
