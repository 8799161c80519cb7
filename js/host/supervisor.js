// SPDX-License-Identifier: MIT
'use strict';

const { EventEmitter } = require('node:events');
const { LlmJobsError } = require('../error.js');
const { Generation, tellExit } = require('./generation.js');
const { Monitor } = require('./monitor.js');
const { Restarts } = require('./restart.js');

/** @import { Exit } from './child.js' */
/** @import { Ready, Message } from './generation.js' */
/** @import { HeartbeatSettings } from './heartbeat.js' */
/** @import { RestartSettings } from './restart.js' */
/** @import { LimitSettings, Metrics } from './limits.js' */

/**
 * @typedef {object} SupervisorOptions
 * @property {Record<string, any>} config the engine's configuration
 * @property {string} entry
 * @property {string[]} execArgv
 * @property {Record<string, string>} env the whole environment of the process
 * @property {HeartbeatSettings | false} heartbeat
 * @property {RestartSettings | false} restart
 * @property {LimitSettings | false} limits
 * @property {() => Message[]} [prelude] what every new process is told before it looks for its first job
 *
 * @typedef {object} HealthStatus
 * @property {'healthy' | 'degraded' | 'failed'} status
 * @property {Metrics} metrics as last heard
 * @property {number} misses consecutive heartbeats without an answer
 * @property {number} timestamp Unix milliseconds
 * @property {number} generation
 *
 * @typedef {'starting' | 'ready' | 'restarting' | 'stopped' | 'failed'} State
 */

const REQUEST_MS = 30000;
const DRAIN_MS = 5000;
/** How long a process that was asked to end may take: the engine waits up to 5 s for the database's lock to write paid answers. */
const END_MS = 7000;
const END_MIN_MS = 1000;

/**
 * Keeps one worker process running: one slot, in which one generation follows another, and none begins before the last has ended.
 *
 * Events: 'message' (an event of the worker, the supervisor), 'ready' (Ready, the supervisor) of each generation, 'beat' (what it answered to a
 * heartbeat), 'health' (HealthStatus),
 * 'restart' ({reason, count, delayMs, generation}: the one that has died), 'throttle' ({on, reason, concurrency}), 'failed' ({code, message}) when no
 * further restart is tried, 'exit' ({code, signal, reason}) of each process, 'log' ({level, line}).
 */
class Supervisor extends EventEmitter {
  /** @type {SupervisorOptions} */ #options;
  /** @type {Restarts} */ #restarts;
  /** @type {Generation | null} the process that lives */ #current = null;
  #number = 0;
  /** @type {State} */ #state = 'starting';
  /** @type {Ready | null} */ #ready = null;
  /** @type {Monitor | null} of the current process, once it is ready */ #monitor = null;
  /** @type {HealthStatus | null} */ #health = null;
  /** @type {Metrics} */ #metrics = { cpuUsage: 0, memoryUsage: 0, avgResponseTime: 0 };
  /** @type {{code: string, message: string} | null} why the current process is to end, or could not start */ #cause = null;
  #replacing = false;
  #parked = false;
  /** @type {NodeJS.Timeout | undefined} of the next start */ #timer;
  /** @type {{resolve: (ready: Ready) => void, reject: (error: unknown) => void} | null} whoever waits for the first start */ #starter = null;
  /** @type {Promise<void> | null} */ #stopping = null;

  /** @param {SupervisorOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#restarts = new Restarts(options.restart);
  }

  /** Undefined while no process runs. */
  get pid() {
    return this.#current?.pid;
  }

  /** What the last generation said when it was ready. */
  get ready() {
    return this.#ready;
  }

  get state() {
    return this.#state;
  }

  /** The number of the last process, from 1; 0 before the first. */
  get generation() {
    return this.#number;
  }

  /** The last 'health', null before the first. */
  get health() {
    return this.#health;
  }

  /** Whether jobs are kept out of some of the slots. */
  get throttled() {
    return this.#monitor?.throttled ?? false;
  }

  /**
   * Called once. A process that crashes is started again as later ones are; a reason that the worker itself gives rejects at once.
   * @returns {Promise<Ready>}
   */
  start() {
    return new Promise((resolve, reject) => {
      this.#starter = { resolve, reject };
      this.#launch();
    });
  }

  /**
   * Asks the process that runs now. Rejects with the code of the answer's error, with TIMEOUT, and with WORKER_CRASHED as soon as
   * the process ends or when there is none.
   * @param {string} channel
   * @param {unknown} [payload]
   * @param {Partial<import('./requests.js').AskOptions>} [options]
   * @returns {Promise<any>}
   */
  async request(channel, payload, { timeoutMs = REQUEST_MS, onAnswer } = {}) {
    if (this.#current === null) throw new LlmJobsError('WORKER_CRASHED', `${channel}: ${this.#absence()}`);
    return this.#current.request(channel, payload, { timeoutMs, onAnswer: (answer) => onAnswer?.(answer, this) });
  }

  /**
   * Sends a message without an answer; without a process it is lost.
   * @param {Message} message
   */
  post(message) {
    this.#current?.post(message);
  }

  /**
   * While parked, no process is started: the database is not to be opened. One that runs goes on; one that dies is followed by
   * another when parking ends.
   * @param {boolean} parked
   */
  park(parked) {
    const waits = this.#parked && this.#current === null && this.#state === 'restarting' && this.#timer === undefined;
    this.#parked = parked;
    if (waits && !parked) this.#launch();
  }

  /**
   * Drains the process and puts another in its place, which counts as a restart.
   * @param {string} message why, for the events
   * @param {{deadlineMs?: number}} [options]
   */
  async replace(message, { deadlineMs = DRAIN_MS } = {}) {
    const generation = this.#current;
    if (generation === null || this.#state !== 'ready' || this.#replacing) return;
    this.#replacing = true;
    this.#cause = { code: 'REPLACED', message };
    this.#log('warn', `${message}; the worker process is replaced`);
    await this.#drain(generation, deadlineMs);
    await generation.finish(END_MS, 'the worker process has been replaced');
  }

  /**
   * Drains, then ends the process; one that does not end by itself is killed. Resolves when it has ended, whatever happened, and
   * may be called any number of times.
   * @param {{deadlineMs?: number}} [options]
   * @returns {Promise<void>}
   */
  stop({ deadlineMs = DRAIN_MS } = {}) {
    this.#stopping ??= this.#stop(deadlineMs);
    return this.#stopping;
  }

  /** @param {number} deadlineMs */
  async #stop(deadlineMs) {
    clearTimeout(this.#timer);
    this.#monitor?.stop();
    const generation = this.#current;
    if (generation !== null) {
      // A worker that cannot drain is ended all the same: the lease gives its jobs back.
      const killAt = performance.now() + deadlineMs + (this.#seemsHung() ? 0 : END_MS);
      if (generation.ready !== null) await this.#drain(generation, deadlineMs);
      await generation.finish(Math.max(END_MIN_MS, killAt - performance.now()), 'the worker has been stopped');
    }
    if (this.#state !== 'failed') this.#state = 'stopped';
    this.#starter?.reject(new LlmJobsError('WORKER_CRASHED', 'the worker has been stopped before it was ready'));
    this.#starter = null;
  }

  /**
   * @param {Generation} generation
   * @param {number} deadlineMs
   */
  async #drain(generation, deadlineMs) {
    // An engine that hangs cannot drain, and has been asked often enough.
    if (this.#seemsHung()) return;
    await generation.request('worker:drain', { deadlineMs }, { timeoutMs: deadlineMs + END_MS / 2, always: true }).catch(() => {});
  }

  #seemsHung() {
    return (this.#monitor?.misses ?? 0) > 0;
  }

  #launch() {
    if (this.#current !== null) throw new Error('a worker process is started while another one lives');
    this.#timer = undefined;
    this.#cause = null;
    this.#replacing = false;
    this.#number += 1;
    const { entry, execArgv, env, config, prelude } = this.#options;
    /** @type {Generation} */
    let generation;
    try {
      generation = new Generation({
        number: this.#number,
        entry,
        execArgv,
        env,
        onMessage: (message) => this.#onMessage(generation, message),
        onLog: (level, line) => this.#log(level, line),
        onExit: (exit) => this.#onExit(generation, exit),
      });
    } catch (/** @type {any} */ error) {
      this.#onNoFork(error);
      return;
    }
    this.#current = generation;
    generation.start(config, prelude?.() ?? [], (ready) => this.#onReady(generation, ready)).catch((error) => this.#onNoStart(generation, error));
  }

  /**
   * @param {Generation} generation
   * @param {Ready} ready
   */
  #onReady(generation, ready) {
    if (this.#stopping !== null || this.#current !== generation) return;
    this.#state = 'ready';
    this.#ready = ready;
    this.#monitor = new Monitor(generation, this.#options, {
      onBeat: (answer) => this.emit('beat', answer),
      onHealth: (status, metrics = this.#metrics) => {
        this.#metrics = metrics;
        this.#tellHealth(status);
      },
      onThrottle: (news) => this.emit('throttle', news),
      onHung: (message) => {
        this.#cause = { code: 'HUNG', message };
        this.#tellHealth('failed');
        generation.kill();
      },
      onOver: (message) => {
        // Better one that is too large than none.
        if (this.#options.restart !== false) void this.replace(message);
      },
      onLog: (level, line) => this.#log(level, line),
    });
    this.emit('ready', ready, this);
    this.#starter?.resolve(ready);
    this.#starter = null;
  }

  /** @param {Error} error of the system, or of Electron before the app is ready */
  #onNoFork(error) {
    if (this.#starter === null) return this.#startAgain(`no worker process could be started: ${error.message}`, this.#number, false);
    this.#state = 'failed';
    this.#starter.reject(error);
    this.#starter = null;
  }

  /**
   * @param {Generation} generation
   * @param {any} error
   */
  #onNoStart(generation, error) {
    // The end of the process says the rest.
    if (error.code === 'WORKER_CRASHED' || this.#current !== generation) return;
    this.#cause = error;
    void generation.finish(END_MS, `the worker could not start: ${error.message}`);
  }

  /**
   * @param {Generation} generation
   * @param {Message} message
   */
  #onMessage(generation, message) {
    const { channel, payload } = message;
    const isCurrent = this.#current === generation;
    if (channel === 'worker:health-status' && isCurrent && this.#stopping === null) this.#monitor?.hear(payload);
    // What a process has sent may be read after its end was seen. Of its text the next one knows nothing.
    if (channel === 'worker:token' && !isCurrent) return;
    this.emit('message', message, this);
  }

  /** @param {HealthStatus['status']} status */
  #tellHealth(status) {
    const misses = this.#monitor?.misses ?? 0;
    this.#health = { status, metrics: this.#metrics, misses, timestamp: Date.now(), generation: this.#number };
    this.emit('health', this.#health);
  }

  /**
   * @param {Generation} generation
   * @param {Exit} exit
   */
  #onExit(generation, exit) {
    // 1. Nothing of that process is left
    const cause = this.#cause;
    const wasReady = generation.ready !== null;
    this.#current = null;
    this.#monitor?.stop();
    if (this.#stopping === null) this.#state = this.#starter === null ? 'restarting' : 'starting';
    this.emit('exit', cause === null ? exit : { ...exit, reason: cause.message });
    if (this.#stopping !== null) return;

    // 2. No restart helps where the worker itself said at its first start why it can't run
    if (this.#starter !== null && cause !== null) {
      this.#state = 'failed';
      this.#starter.reject(cause);
      this.#starter = null;
      return;
    }

    // 3. The next one
    const reason = cause?.message ?? `the worker process ended ${tellExit(exit)}`;
    if (cause?.code !== 'REPLACED' && cause?.code !== 'HUNG') this.#tellHealth('failed');
    this.#monitor = null;
    this.#startAgain(reason, generation.number, wasReady);
  }

  /**
   * @param {string} reason
   * @param {number} generation
   * @param {boolean} wasReady
   */
  #startAgain(reason, generation, wasReady) {
    const plan = this.#restarts.next(wasReady);
    if (plan === null) return this.#giveUp(reason);
    this.#log('warn', `${reason}; it is started again in ${plan.delayMs} ms (${plan.count})`);
    this.emit('restart', { reason, ...plan, generation });
    if (this.#stopping !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#parked) this.#launch();
    }, plan.delayMs);
  }

  /** @param {string} reason */
  #giveUp(reason) {
    this.#state = 'failed';
    const { restart } = this.#options;
    const failure =
      restart === false
        ? { code: 'WORKER_CRASHED', message: reason }
        : { code: 'RESTART_LIMIT', message: `${reason}; it has been started ${restart.maxRestarts} more times within ${restart.windowMs} ms, and is given up` };
    this.#log('error', failure.message);
    this.emit('failed', failure);
    this.#starter?.reject(new LlmJobsError(failure.code, failure.message));
    this.#starter = null;
  }

  #absence() {
    if (this.#stopping !== null || this.#state === 'stopped') return 'the worker has been stopped';
    if (this.#state === 'failed') return 'the worker process has ended and is not started again';
    return 'the worker process has ended and is about to be started again';
  }

  /**
   * @param {string} level
   * @param {string} line
   */
  #log(level, line) {
    this.emit('log', { level, line });
  }
}

module.exports = { Supervisor, REQUEST_MS, DRAIN_MS, END_MS };
