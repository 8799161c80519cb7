// SPDX-License-Identifier: MIT
'use strict';

const { randomBytes } = require('node:crypto');
const { EventEmitter } = require('node:events');
const { LlmJobsError, describe } = require('./error.js');
const { bus } = require('./bus.js');
const { connectElectron } = require('./electron/main.js');
const { Supervisor, REQUEST_MS, DRAIN_MS, END_MS } = require('./host/supervisor.js');
const { Pool, memberStatus } = require('./host/pool.js');
const { readOptions } = require('./host/options.js');
const { checkNumber, MAX_MS } = require('./host/settings.js');
const { Followers } = require('./host/followers.js');
const { Standing } = require('./host/standing.js');

/** @import { SupervisorOptions } from './host/supervisor.js' */
/** @import { ElectronSettings } from './electron/main.js' */
/** @import { AskOptions } from './host/requests.js' */
/** @import { Message, Ready } from './host/generation.js' */
/** @import { Follower } from './host/followers.js' */
/** @import { Configuration } from './host/configuration.js' */
/** @import { HostOptions, Secrets } from './host/options.js' */
/** @import { Statistics } from './host/statistics.js' */
/** @import { JobEvent, WorkerEvents } from './host/events.js' */

/** A model may have to be read from a slow disk, and some gigabytes of it. */
const LOAD_MS = 300000;
const ENDED = new Set(['completed', 'failed', 'cancelled']);

/**
 * A worker, whose process is watched and started again when it dies. `WorkerEvents` tells what comes with each event.
 *
 * @extends {EventEmitter<WorkerEvents>}
 */
class Worker extends EventEmitter {
  /** @type {Supervisor | Pool} */ #supervisor;
  /** @type {Secrets | undefined} */ #secrets;
  #standing = new Standing();
  #followers = new Followers();
  #started = false;
  /** @type {ElectronSettings} */ #electron;
  /** Lets go of the Electron app. */ #disconnect = () => {};

  /**
   * Use `startWorker`, which resolves when the worker is ready.
   * @internal
   * @param {ReturnType<typeof readOptions>} options
   */
  constructor({ supervisor, scale, policy, electron, secrets, onLog }) {
    super();
    this.#electron = electron;
    /** What the app allows, completed and frozen: what `applySecurityPolicy` takes. */
    this.policy = policy;
    this.#secrets = secrets;
    if (onLog) this.on('log', ({ level, line }) => onLog(level, line));
    const all = { ...supervisor, prelude: () => this.#standing.messages(this.#followers.jobs()) };
    this.#supervisor = scale.max > 1 ? new Pool(all, scale) : new Supervisor(all);
    this.#supervisor.on('message', (message, source) => this.#onMessage(message, source));
    this.#supervisor.on('ready', (ready, source) => {
      if (!this.#started) return;
      this.#followers.restart(source);
      this.emit('restarted', ready);
    });
    for (const name of /** @type {const} */ (['restart', 'throttle', 'failed', 'exit', 'scale', 'log'])) this.#supervisor.on(name, (payload) => this.emit(name, payload));
    this.#supervisor.on('health', (status) => this.emit('health-status', status));
  }

  /** The process id, undefined while no process runs. */
  get pid() {
    return this.#supervisor.pid;
  }

  /** What the last process said when it was ready: its id, its versions, how many jobs it recovered. */
  get ready() {
    return this.#supervisor.ready;
  }

  /** 'starting', 'ready', 'restarting' after a death, 'stopped', or 'failed' when it is not started again. */
  get state() {
    return this.#supervisor.state;
  }

  /** What the event 'health-status' told last, null before the first. */
  get health() {
    return this.#supervisor.health;
  }

  /** The processes: one, or as many as the option `workers` makes. */
  get members() {
    return this.#supervisor instanceof Pool ? this.#supervisor.members : [memberStatus(this.#supervisor.ready?.workerId ?? '', this.#supervisor)];
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
    return this.#ask(channel, payload, { timeoutMs });
  }

  /**
   * @param {string} channel
   * @param {unknown} payload
   * @param {AskOptions} options
   */
  async #ask(channel, payload, { timeoutMs, onAnswer }) {
    checkNumber('timeoutMs', timeoutMs, 0);
    return this.#supervisor.request(channel, payload, {
      timeoutMs,
      onAnswer: (answer, source) => {
        this.#standing.note(channel, payload);
        onAnswer?.(answer, source);
      },
    });
  }

  /**
   * Adds a job and resolves with its result. The job is a row like any other: it lives on when this rejects, whatever the reason, and
   * the error's `jobId` names it.
   * @param {Record<string, any>} request `prompt` or `data`, and what a job may have: model, priority, queue, …
   * @param {{timeoutMs?: number}} [options]
   * @returns {Promise<{jobId: string, result: any}>}
   */
  async process(request, { timeoutMs = REQUEST_MS } = {}) {
    if (request === null || typeof request !== 'object') {
      throw new LlmJobsError('INVALID', `process takes a request such as {prompt, model}; got ${describe(request)}`);
    }
    const jobId = request.jobId ?? randomBytes(16).toString('hex');
    try {
      return await this.request('worker:processRequest', { ...request, jobId }, { timeoutMs });
    } catch (error) {
      throw Object.assign(/** @type {LlmJobsError} */ (error), { jobId });
    }
  }

  /**
   * Makes a server on this machine (Ollama, llama-server) load a model, so that the first job need not wait for it.
   * @param {string | {model?: string, modelPath?: string, keepAliveMs?: number}} model `provider/model`
   * @param {{timeoutMs?: number}} [options]
   * @returns {Promise<{model: string, loaded: boolean, ms: number}>}
   */
  async loadModel(model, { timeoutMs = LOAD_MS } = {}) {
    return this.request('worker:loadModel', typeof model === 'string' ? { model } : model, { timeoutMs });
  }

  /**
   * Tells the text of one job as it streams: first what there is already, then each further piece, none twice. With `restart` what was
   * told before is void, because the job's answer begins anew. It ends with the job, or with the function that this resolves with.
   * @param {string} jobId
   * @param {Follower} onText
   * @returns {Promise<() => Promise<void>>}
   */
  async follow(jobId, onText) {
    const add = (/** @type {{text?: string}} */ { text = '' }, /** @type {unknown} */ source) => this.#followers.add(jobId, onText, text, source);
    try {
      await this.#ask('worker:subscribe', { jobId, tokens: true }, { timeoutMs: REQUEST_MS, onAnswer: add });
    } catch (error) {
      // Of several processes, one may have agreed.
      this.#followers.remove(jobId, onText);
      throw error;
    }
    return async () => {
      if (this.#followers.remove(jobId, onText)) await this.request('worker:subscribe', { jobId, tokens: false }).catch(() => {});
    };
  }

  /** Tells the worker that a row may have been added. It would notice by itself; this is for file systems that report nothing. */
  notify() {
    this.#supervisor.post({ channel: 'worker:notify' });
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
    if (queue === undefined) {
      this.#supervisor.park(false);
      // A process that is about to start begins as if it had been asked.
      this.#standing.note('worker:resume', undefined);
      if (this.state === 'restarting') return { paused: false };
    }
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
    checkNumber('deadlineMs', deadlineMs, 0);
    // A process that died meanwhile would be followed by one that opens the file.
    this.#supervisor.park(true);
    try {
      return await this.request('worker:release', { deadlineMs }, { timeoutMs: Math.min(MAX_MS, deadlineMs + END_MS) });
    } catch (error) {
      if (this.state === 'ready') this.#supervisor.park(false);
      throw error;
    }
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

  /**
   * Counts since the start, lanes, budgets and providers.
   * @returns {Promise<Statistics>}
   */
  async stats() {
    return this.request('worker:stats');
  }

  /**
   * Begins or ends the event 'token', which tells the new text of all jobs that stream; `follow` is for one job.
   * @param {{tokens: boolean}} what whether it is sent
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
    checkNumber('deadlineMs', deadlineMs, 0);
    return this.request('worker:drain', { deadlineMs }, { timeoutMs: Math.min(MAX_MS, deadlineMs + END_MS) });
  }

  /**
   * Drains, then ends the process; one that does not end by itself is killed. Resolves when it has ended, whatever happened, and
   * may be called any number of times.
   * @param {{deadlineMs?: number}} [options]
   * @returns {Promise<void>}
   */
  async stop({ deadlineMs = DRAIN_MS } = {}) {
    checkNumber('deadlineMs', deadlineMs, 0);
    await this.#supervisor.stop({ deadlineMs });
    this.#disconnect();
  }

  /**
   * Called once, by startWorker.
   * @internal
   * @returns {Promise<void>}
   */
  async start() {
    await this.#supervisor.start();
    this.#started = true;
    this.#disconnect = connectElectron(this, this.#electron);
  }

  /**
   * @param {any} message an event
   * @param {Pick<Supervisor, 'request'>} source whose worker it comes from
   */
  #onMessage({ channel, payload }, source) {
    if (channel === 'worker:job') this.#onJobs(payload.jobs);
    else if (channel === 'worker:token') this.#onTokens(payload.tokens, source);
    else if (channel === 'worker:secret') void this.#onSecret(payload, source);
    else if (channel === 'worker:provider') this.emit('provider', payload);
    else if (channel === 'worker:lane') this.emit('lane', payload);
    else if (channel === 'worker:suspended') this.emit('suspended', payload);
    else if (channel === 'worker:resumed') this.emit('resumed', payload);
    else if (channel === 'worker:log') this.emit('log', payload);
    else if (channel === 'worker:failed') this.emit('log', { level: 'error', line: `${payload.code}: ${payload.message}` });
  }

  /**
   * @param {{id: string, text: string, restart?: boolean}[]} tokens
   * @param {unknown} source
   */
  #onTokens(tokens, source) {
    for (const token of tokens) {
      this.#followers.hear(token, source);
      this.emit('token', token);
    }
  }

  /**
   * @param {{name: string, refused: boolean}} asked
   * @param {Pick<Supervisor, 'request'>} source
   */
  async #onSecret({ name, refused }, source) {
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
    await source.request('worker:secret', { name, value }).catch(async (error) => {
      this.emit('log', { level: 'error', line: `the key "${name}" was not taken: ${error.message}` });
      if (value !== null) await source.request('worker:secret', { name, value: null }).catch(() => {});
    });
  }

  /** @param {JobEvent[]} jobs */
  #onJobs(jobs) {
    bus.emit('jobs', jobs);
    for (const job of jobs) {
      // The process that ran it knows; others of a pool listen until they are told.
      if (ENDED.has(job.status) && this.#followers.end(job.id) && this.#supervisor instanceof Pool) {
        this.#supervisor.post({ channel: 'worker:subscribe', payload: { jobId: job.id, tokens: false } });
      }
      this.emit('job', job);
    }
  }
}

/**
 * Starts a worker process for one database: a utility process in Electron, a forked process in Node. Resolves when it serves the
 * table. Rejects with the worker's reason (BAD_CONFIG, DB_NOT_WAL, …) after its process has ended; one that crashes at its start is
 * started again as a later one is.
 * @param {Configuration & HostOptions} options the engine's configuration, and what belongs to the process
 * @returns {Promise<Worker>}
 */
async function startWorker(options) {
  const worker = new Worker(readOptions(options));
  await worker.start();
  return worker;
}

module.exports = { startWorker, Worker };
