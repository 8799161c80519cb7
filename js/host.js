// SPDX-License-Identifier: MIT
'use strict';

const path = require('node:path');
const { EventEmitter } = require('node:events');
const { LlmJobsError, describe } = require('./error.js');
const { bus } = require('./bus.js');
const { startChild } = require('./host/child.js');
const { workerEnvironment, secretsOf } = require('./host/environment.js');
const { Requests } = require('./host/requests.js');
const { checkPlain } = require('./host/plain.js');

/** @import { Exit } from './host/child.js' */
/** @import { JobNews } from './bus.js' */

/**
 * @typedef {object} HostOptions what belongs to the process; every other key is the engine's configuration
 * @property {string[]} [execArgv] flags for the worker's own Node, none by default
 * @property {Record<string, string | undefined>} [env] variables for the worker beside those that it gets anyway
 * @property {string} [entry] the file that is forked, when the app bundles its own
 * @property {Secrets} [secrets] gives the keys that the configuration names with `apiKey: {secret}`; they go over the port only
 * @property {(level: string, line: string) => void} [onLog] hears the log from the first line on, before the event 'log' can
 *
 * @typedef {(name: string, about: {refused: boolean}) => string | null | undefined | Promise<string | null | undefined>} Secrets called
 *   when a job first needs the key, and once more, with `refused`, when the provider has refused it; null: there is none
 *
 * @typedef {{database: string} & Record<string, any>} Configuration docs/configuration.md lists the keys
 *
 * @typedef {object} Ready
 * @property {string} workerId
 * @property {string} owner
 * @property {number} pid
 * @property {string} database
 * @property {number} recovered jobs of a dead worker that were given back at the start
 * @property {Record<string, string>} versions
 */

const START_MS = 30000;
const REQUEST_MS = 30000;
const DRAIN_MS = 5000;
/** How long a process that was asked to end may take: the engine waits up to 5 s for the database's lock to write paid answers. */
const END_MS = 7000;
/** A day; JavaScript's timers count in 32 bits and fire at once beyond 24 days. */
const MAX_MS = 86400000;

/**
 * A running worker process. Events: 'job' ({id, name, status, code, attempt}) for each job that started or ended, 'token'
 * ({id, text}) after `subscribe({tokens: true})`, 'provider' ({provider, status, …}) when a provider's health changes, 'lane'
 * ({lane, state, code, until}) when a provider's model pauses, is tried again or is all right again, 'suspended' ({code, message}) and
 * 'resumed' ({message}) when the database cannot be used for the time being, 'log' ({level, line}), and once 'exit' ({code, signal}).
 */
class Worker extends EventEmitter {
  /** @type {Requests} */ #requests;
  /** @type {import('./host/child.js').Child} */ #child;
  /** @type {Ready | null} */ #ready = null;
  /** @type {Promise<void>} */ #ended;
  /** @type {Promise<void> | null} */ #stopping = null;
  /** @type {Secrets | undefined} */ #secrets;

  /**
   * Use `startWorker`, which resolves when the worker is ready.
   * @param {Configuration} config
   * @param {HostOptions} options
   */
  constructor(config, { execArgv = [], env = {}, entry = path.join(__dirname, 'worker.js'), secrets, onLog }) {
    super();
    this.#secrets = secrets;
    if (onLog) this.on('log', ({ level, line }) => onLog(level, line));
    const { promise, resolve } = deferred();
    this.#ended = promise;
    this.#child = startChild({
      entry,
      execArgv,
      env: workerEnvironment(config, process.env, env),
      onMessage: (message) => this.#onMessage(message),
      onLine: (stream, line) => this.emit('log', { level: stream === 'stdout' ? 'debug' : 'warn', line }),
      onExit: (exit) => {
        this.#requests.close(this.#stopping ? 'the worker has been stopped' : `the worker process ended ${tell(exit)}`);
        this.emit('exit', exit);
        resolve();
      },
    });
    this.#requests = new Requests((message) => this.#child.post(message));
  }

  /** The process id, undefined when the process has ended. */
  get pid() {
    return this.#child.pid();
  }

  /** What the worker said when it was ready: its id, its versions, how many jobs it recovered. */
  get ready() {
    return this.#ready;
  }

  /**
   * Sends a message of docs/messages.md and resolves with the payload of its answer. Rejects with the code of the answer's error,
   * with TIMEOUT, or, as soon as the process ends, with WORKER_CRASHED. The rows are not concerned by any of this.
   * @param {string} channel
   * @param {unknown} [payload]
   * @param {{timeoutMs?: number}} [options]
   * @returns {Promise<any>}
   */
  async request(channel, payload, { timeoutMs = REQUEST_MS } = {}) {
    checkMilliseconds(timeoutMs, 'timeoutMs');
    return this.#requests.ask(channel, payload, timeoutMs);
  }

  /** Tells the worker that a row may have been added. It would notice by itself; this is for file systems that report nothing. */
  notify() {
    if (this.pid !== undefined) this.#child.post({ channel: 'worker:notify' });
  }

  /**
   * No new jobs are started, of one queue or of all; running ones go on.
   * @param {string} [queue]
   */
  async pause(queue) {
    return this.request('worker:pause', queue === undefined ? undefined : { queue });
  }

  /**
   * Ends a pause, of one queue or the general one; without a queue it also reopens a database that `release` has closed.
   * @param {string} [queue]
   */
  async resume(queue) {
    return this.request('worker:resume', queue === undefined ? undefined : { queue });
  }

  /**
   * Keeps a model for somebody else, an interactive chat say: no new job starts in this lane; running ones go on. Resolves with the
   * function that lets go of it.
   * @param {string} lane `provider/model`, or the name of a provider for all its models
   * @returns {Promise<() => Promise<void>>}
   */
  async hold(lane) {
    await this.request('worker:hold', { lane, held: true });
    return async () => void (await this.request('worker:hold', { lane, held: false }));
  }

  /**
   * Cancels a job, whoever runs it, with no connection to the database. A call of this worker is aborted at once; a job that
   * waits, or runs elsewhere, ends as soon as its worker looks. False: there is no such job, or it has ended.
   * @param {string} id
   * @returns {Promise<boolean>}
   */
  async cancel(id) {
    if (typeof id !== 'string' || id === '') throw new LlmJobsError('INVALID', `cancel takes the id of a job; got ${describe(id)}`);
    return (await this.request('worker:cancel', { jobId: id })).cancelled;
  }

  /**
   * Closes the database, for a backup or a restore: no new jobs, running calls get until the deadline and are then given back.
   * `resume()` reopens it.
   * @param {{deadlineMs?: number}} [options]
   * @returns {Promise<{released: boolean, interrupted: number}>}
   */
  async release({ deadlineMs = DRAIN_MS } = {}) {
    checkMilliseconds(deadlineMs, 'deadlineMs');
    return this.request('worker:release', { deadlineMs }, { timeoutMs: deadlineMs + END_MS });
  }

  /**
   * Tells what happened to the machine's power or network, as Electron's `powerMonitor` and `online` events do. After 'resume' and
   * 'online', providers that could not be reached are tried at once.
   * @param {'suspend' | 'resume' | 'online' | 'offline'} event
   * @returns {Promise<{probing: boolean}>}
   */
  async power(event) {
    return this.request('worker:power', { event });
  }

  async stats() {
    return this.request('worker:stats');
  }

  /**
   * @param {{tokens: boolean}} what whether 'token' events are sent
   */
  async subscribe(what) {
    return this.request('worker:subscribe', what);
  }

  /**
   * No new jobs from now on; resolves when nothing runs any more. What runs at the deadline is interrupted and its attempt given
   * back.
   * @param {{deadlineMs?: number}} [options]
   * @returns {Promise<{drained: boolean, interrupted: number}>}
   */
  async drain({ deadlineMs = DRAIN_MS } = {}) {
    checkMilliseconds(deadlineMs, 'deadlineMs');
    return this.request('worker:drain', { deadlineMs }, { timeoutMs: deadlineMs + END_MS });
  }

  /**
   * Drains, then ends the process; one that does not end by itself is killed. Resolves when it has ended, whatever happened, and
   * may be called any number of times.
   * @param {{deadlineMs?: number}} [options]
   * @returns {Promise<void>}
   */
  async stop({ deadlineMs = DRAIN_MS } = {}) {
    checkMilliseconds(deadlineMs, 'deadlineMs');
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  /** @param {number} deadlineMs */
  async #stop(deadlineMs) {
    // A worker that cannot drain is ended all the same: the lease gives its jobs back.
    if (this.#ready) await this.drain({ deadlineMs }).catch(() => {});
    this.#child.end();
    const timer = setTimeout(() => this.#child.kill(), END_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /**
   * Called once, by startWorker.
   * @param {Configuration} config
   * @returns {Promise<void>}
   */
  async start(config) {
    try {
      this.#ready = await this.request('worker:initialize', { config }, { timeoutMs: START_MS });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** @param {any} message */
  #onMessage(message) {
    if (message === null || typeof message !== 'object') return;
    const { id, channel, payload } = message;
    if (id !== undefined) this.#requests.answer(message);
    else if (channel === 'worker:job') this.#onJobs(payload.jobs);
    else if (channel === 'worker:token') payload.tokens.forEach((/** @type {unknown} */ token) => this.emit('token', token));
    else if (channel === 'worker:secret') void this.#onSecret(payload);
    else if (channel === 'worker:provider') this.emit('provider', payload);
    else if (channel === 'worker:lane') this.emit('lane', payload);
    else if (channel === 'worker:suspended') this.emit('suspended', payload);
    else if (channel === 'worker:resumed') this.emit('resumed', payload);
    else if (channel === 'worker:log') this.emit('log', payload);
    else if (channel === 'worker:failed') this.emit('log', { level: 'error', line: `${payload.code}: ${payload.message}` });
  }

  /** @param {{name: string, refused: boolean}} asked */
  async #onSecret({ name, refused }) {
    let value = null;
    try {
      value = (await this.#secrets?.(name, { refused })) ?? null;
      if (value !== null && typeof value !== 'string') throw new TypeError('it is no string');
    } catch (error) {
      // Not the error's own words: they may quote the key.
      const kind = error instanceof Error ? error.name : typeof error;
      this.emit('log', { level: 'error', line: `secrets("${name}") gave no key: ${kind}` });
      value = null;
    }
    // The jobs wait until there is an answer, whatever it is.
    await this.request('worker:secret', { name, value }).catch(async (error) => {
      this.emit('log', { level: 'error', line: `the key "${name}" was not taken: ${error.message}` });
      if (value !== null) await this.request('worker:secret', { name, value: null }).catch(() => {});
    });
  }

  /** @param {JobNews[]} jobs */
  #onJobs(jobs) {
    bus.emit('jobs', jobs);
    jobs.forEach((job) => this.emit('job', job));
  }
}

/**
 * Starts a worker process for one database: a utility process in Electron, a forked process in Node. Resolves when it serves the
 * table. Rejects with the worker's reason (BAD_CONFIG, DB_NOT_WAL, …) after its process has ended.
 * @param {Configuration & HostOptions} options the configuration, plus execArgv, env, entry, secrets and onLog for the process
 * @returns {Promise<Worker>}
 */
async function startWorker(options) {
  // 1. What belongs to the process; the engine checks everything else
  if (options === null || typeof options !== 'object') {
    throw new LlmJobsError('BAD_CONFIG', `startWorker takes the configuration as an object, {database, providers}; got ${describe(options)}`);
  }
  const { execArgv, env, entry, secrets, onLog, ...config } = options;
  if (typeof config.database !== 'string' || config.database === '') {
    throw new LlmJobsError('BAD_CONFIG', `database must be the path of the app's SQLite file; got ${describe(config.database)}`);
  }
  check(execArgv === undefined || Array.isArray(execArgv), 'execArgv', 'an array of strings', execArgv);
  check(env === undefined || (env !== null && typeof env === 'object'), 'env', 'an object of strings', env);
  check(entry === undefined || typeof entry === 'string', 'entry', 'the path of a file', entry);
  check(secrets === undefined || typeof secrets === 'function', 'secrets', 'a function (name)', secrets);
  const [secret] = secretsOf(config);
  if (secret !== undefined && secrets === undefined) {
    throw new LlmJobsError('BAD_CONFIG', `an apiKey is {secret: "${secret}"}, but there is no option secrets, the function that gives it`);
  }
  check(onLog === undefined || typeof onLog === 'function', 'onLog', 'a function (level, line)', onLog);

  // 2. The process, then the engine in it; a relative path means the same in both
  const settings = { ...config, database: path.resolve(config.database) };
  checkPlain(settings);
  const worker = new Worker(settings, { execArgv, env, entry, secrets, onLog });
  await worker.start(settings);
  return worker;
}

/**
 * @param {boolean} good
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 */
function check(good, name, expected, value) {
  if (!good) throw new LlmJobsError('BAD_CONFIG', `${name} must be ${expected}; got ${describe(value)}`);
}

/**
 * @param {number} value
 * @param {string} name
 */
function checkMilliseconds(value, name) {
  check(Number.isFinite(value) && value >= 0 && value <= MAX_MS, name, `a number of milliseconds from 0 to ${MAX_MS}`, value);
}

/** @param {Exit} exit */
function tell({ code, signal, reason }) {
  const how = signal !== null ? `by signal ${signal}` : code !== null ? `with code ${code}` : 'before it had started';
  return reason === undefined ? how : `${how} (${reason})`;
}

/** @returns {{promise: Promise<void>, resolve: () => void}} */
function deferred() {
  /** @type {() => void} */
  let resolve = () => {};
  const promise = /** @type {Promise<void>} */ (new Promise((done) => (resolve = done)));
  return { promise, resolve };
}

module.exports = { startWorker, Worker };
