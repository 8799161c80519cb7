// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError } = require('../error.js');
const { PROTOCOL } = require('../protocol.js');
const { startChild } = require('./child.js');
const { Requests } = require('./requests.js');

/** @import { Exit } from './child.js' */
/** @import { AskOptions } from './requests.js' */

/**
 * @typedef {object} Ready what a worker says when it serves the table
 * @property {string} workerId
 * @property {string} owner what its jobs have in `lease_owner`
 * @property {number} pid
 * @property {string} database the path of the file
 * @property {number} recovered jobs of a dead worker that were given back at the start
 * @property {Record<string, string>} versions of the engine and of the libraries in it
 * @property {number} protocol the version of its messages
 * @property {number} generation which process of this worker it is, from 1
 *
 * @typedef {{id?: unknown, channel: string, payload?: any}} Message
 *
 * @typedef {object} GenerationOptions
 * @property {number} number
 * @property {string} entry
 * @property {string[]} execArgv
 * @property {Record<string, string>} env
 * @property {(message: Message) => void} onMessage an event of the worker
 * @property {(level: string, line: string) => void} onLog
 * @property {(exit: Exit) => void} onExit exactly once, after all that was asked has been rejected
 */

const START_MS = 30000;

/** One process of a worker, from its fork to its exit. It is never started again; the next one is another generation. */
class Generation {
  /** @type {Requests} */ #requests;
  /** @type {import('./child.js').Child} */ #child;
  /** @type {Promise<void>} */ #ended;
  /** @type {Ready | null} */ #ready = null;
  /** @type {string | null} why it was asked to end */ #why = null;

  /** @param {GenerationOptions} options */
  constructor({ number, entry, execArgv, env, onMessage, onLog, onExit }) {
    this.number = number;
    /** @type {() => void} */
    let ended = () => {};
    this.#ended = new Promise((resolve) => (ended = resolve));
    this.#child = startChild({
      entry,
      execArgv,
      env,
      onMessage: (message) => {
        if (message === null || typeof message !== 'object') return;
        if (message.id !== undefined) this.#requests.answer(message);
        else onMessage(message);
      },
      onLine: (stream, line) => onLog(stream === 'stdout' ? 'debug' : 'warn', line),
      onExit: (exit) => {
        this.#requests.close(this.#why ?? `the worker process ended ${tellExit(exit)}`);
        onExit(exit);
        ended();
      },
    });
    this.#requests = new Requests(
      (message) => this.#child.post(message),
      (line) => onLog('warn', line),
    );
  }

  /** Undefined before the process has started and after it has ended. */
  get pid() {
    return this.#child.pid();
  }

  get ready() {
    return this.#ready;
  }

  /**
   * Called once.
   * @param {object} config
   * @param {Message[]} prelude messages that the engine reads before it looks for its first job
   * @param {(ready: Ready) => void} onReady called before any event of the process that is ready is heard
   * @returns {Promise<void>} rejects with the worker's reason, or with WORKER_CRASHED
   */
  async start(config, prelude, onReady) {
    const payload = { config, protocol: PROTOCOL, generation: this.number, messages: prelude };
    const onAnswer = (/** @type {any} */ ready) => {
      if (ready?.protocol !== PROTOCOL) return;
      this.#ready = ready;
      onReady(ready);
    };
    const answer = this.#requests.ask('worker:initialize', payload, { timeoutMs: START_MS, onAnswer });
    const ready = await answer;
    if (ready?.protocol !== PROTOCOL) {
      const other = ready?.protocol === undefined ? 'none' : `version ${ready.protocol}`;
      throw new LlmJobsError(
        'BAD_CONFIG',
        `the worker speaks another protocol (${other}) than this version of llm-jobs (version ${PROTOCOL}); build the app's worker anew`,
      );
    }
  }

  /**
   * @param {string} channel
   * @param {unknown} payload
   * @param {AskOptions} options
   */
  request(channel, payload, options) {
    return this.#requests.ask(channel, payload, options);
  }

  /** @param {Message} message */
  post(message) {
    this.#child.post(message);
  }

  /**
   * Asks the process to end by itself, which gives back what runs, and kills it when it has not.
   * @param {number} withinMs
   * @param {string} why for whoever still waits for an answer
   * @returns {Promise<void>} resolves when it has ended
   */
  async finish(withinMs, why) {
    this.#why = why;
    this.#child.end();
    const timer = setTimeout(() => this.#child.kill(), withinMs);
    await this.#ended;
    clearTimeout(timer);
  }

  kill() {
    this.#child.kill();
  }
}

/** @param {Exit} exit */
function tellExit({ code, signal, reason }) {
  const how = signal !== null ? `by signal ${signal}` : code !== null ? `with code ${code}` : 'before it had started';
  return reason === undefined ? how : `${how} (${reason})`;
}

module.exports = { Generation, tellExit };
