// SPDX-License-Identifier: MIT
'use strict';

/**
 * The main process's side of `llm-jobs/preload`: it adds, cancels and shows jobs for the app's pages. Of the queue they reach the job
 * types that the app allows, and nothing else; every call is checked here, whatever the preload script has let through.
 */

const { LlmJobsError, describe } = require('./error.js');
const { inElectronMain } = require('./electron/main.js');
const { hasEnded } = require('./queue/job.js');
const { readAllow, readAdd, readId, viewOf } = require('./renderer/check.js');
const { PagePort } = require('./renderer/port.js');
const { isOwnFile, mayAsk } = require('./renderer/sender.js');
const { Stream } = require('./renderer/stream.js');

/** @import { Rule } from './renderer/check.js' */
/** @import { MessagePortMain } from './renderer/port.js' */
/** @import { SenderEvent } from './renderer/sender.js' */

/**
 * @typedef {object} RendererOptions
 * @property {import('./queue.js').Queue<any>} queue
 * @property {import('./host.js').Worker} [worker] whose text is streamed and whose calls `cancel` ends at once
 * @property {string[] | Record<string, Rule>} allow the job types that pages may add, see and cancel
 * @property {(event: any) => boolean} [checkSender] whether the page that sent this event of ipcMain is one of the app's; by default a page
 *   of the app's own files, in a window's own frame
 * @property {any} [ipcMain] Electron's, unless it is another one
 */

const CHANNELS = { add: 'llm-jobs:add', cancel: 'llm-jobs:cancel', get: 'llm-jobs:get' };
const PORTS = { watch: 'llm-jobs:watch', subscribe: 'llm-jobs:subscribe' };
/** Ports that one page may have open. */
const MAX_PORTS = 64;

/** Serves the pages of an app, from serveRenderers to `close`. */
class RendererService {
  #queue;
  #worker;
  #ipcMain;
  #rules;
  #check;
  /** @type {Map<PagePort, unknown>} the open ports, and whose they are */ #ports = new Map();
  /** @type {[string, (...args: any[]) => void][]} */ #listeners = [];

  /** @param {RendererOptions} options */
  constructor({ queue, worker, allow, checkSender, ipcMain }) {
    this.#queue = queue;
    this.#worker = worker;
    this.#rules = readAllow(allow);
    this.#ipcMain = ipcMain ?? electron().ipcMain;
    this.#check = checkSender ?? ownFiles();

    this.#handle(CHANNELS.add, (name, data, options) => this.#add(name, data, options));
    this.#handle(CHANNELS.cancel, (id) => this.#cancel(readId(id)));
    this.#handle(CHANNELS.get, (id) => this.#get(readId(id)));
    this.#listen(PORTS.watch, (port) => this.#watch(port));
    this.#listen(PORTS.subscribe, (port, id) => this.#subscribe(port, id));
  }

  /** Answers no page any more. Jobs go on. */
  close() {
    for (const channel of Object.values(CHANNELS)) this.#ipcMain.removeHandler(channel);
    for (const [channel, listener] of this.#listeners.splice(0)) this.#ipcMain.off(channel, listener);
    for (const port of this.#ports.keys()) port.close();
  }

  /**
   * Only an error's message would reach the page, with words of Electron around it; so errors are answers too.
   * @param {string} channel
   * @param {(...args: unknown[]) => unknown} answer
   */
  #handle(channel, answer) {
    this.#ipcMain.handle(channel, async (/** @type {SenderEvent} */ event, /** @type {unknown[]} */ ...args) => {
      try {
        if (!mayAsk(event, this.#check)) throw denied();
        return { value: await answer(...args) };
      } catch (error) {
        return { error: tellable(error) };
      }
    });
  }

  /**
   * @param {string} channel
   * @param {(port: PagePort, argument: unknown) => Promise<void>} serve
   */
  #listen(channel, serve) {
    const listener = (/** @type {SenderEvent & {ports?: MessagePortMain[]}} */ event, /** @type {unknown} */ argument) => {
      const [first, ...others] = event.ports ?? [];
      others.forEach((port) => port.close());
      if (first === undefined) return;
      const port = new PagePort(first);
      void this.#serve(port, event, () => serve(port, argument));
    };
    this.#listeners.push([channel, listener]);
    this.#ipcMain.on(channel, listener);
  }

  /**
   * @param {PagePort} port
   * @param {SenderEvent} event
   * @param {() => Promise<void>} serve
   */
  async #serve(port, event, serve) {
    try {
      if (!mayAsk(event, this.#check)) throw denied();
      const open = [...this.#ports.values()].filter((owner) => owner === event.sender).length;
      if (open >= MAX_PORTS) throw new LlmJobsError('TOO_BIG', `a page may follow and watch ${MAX_PORTS} times at once`);
      this.#ports.set(port, event.sender);
      await serve();
    } catch (error) {
      await port.send({ error: tellable(error), done: true });
    } finally {
      this.#ports.delete(port);
      port.close();
    }
  }

  /** @param {string} id @returns {any} null also for a job that is none of the pages' business */
  #find(id) {
    const job = this.#queue.get(id);
    return job !== null && this.#rules.has(job.name) ? job : null;
  }

  /** @param {unknown} name @param {unknown} data @param {unknown} options */
  #add(name, data, options) {
    const job = readAdd(this.#rules, name, data, options);
    return this.#queue.add(job.name, job.data, job.options);
  }

  /** @param {string} id */
  async #cancel(id) {
    const job = this.#find(id);
    if (job === null || hasEnded(job.status)) return false;
    // Without a worker the row says it: whoever runs the job sees it there.
    const told = await this.#worker?.cancel(id).catch(() => undefined);
    return told ?? (this.#queue.cancel(id) || !hasEnded(this.#find(id)?.status ?? 'cancelled'));
  }

  /** @param {string} id */
  #get(id) {
    const job = this.#find(id);
    return job && viewOf(job);
  }

  /** @param {PagePort} port */
  async #watch(port) {
    for await (const { job } of this.#queue.watch({ signal: port.closed })) {
      if (this.#rules.has(job.name)) await port.send({ job: viewOf(job) });
    }
  }

  /** @param {PagePort} port @param {unknown} given */
  async #subscribe(port, given) {
    const id = readId(given);
    if (this.#find(id) === null) return port.send({ text: '', done: true, status: null });
    return new Stream(this.#queue, this.#worker, id, port).run();
  }
}

function denied() {
  return new LlmJobsError('POLICY_DENIED', 'this page may not use the queue: checkSender of serveRenderers has refused it');
}

/**
 * Errors of this package name no key and no prompt; of others a page need not know more than their kind.
 * @param {any} error
 */
function tellable(error) {
  if (error instanceof LlmJobsError) return { code: error.code, message: error.message };
  return { code: 'INTERNAL', message: `the app could not do it (${error instanceof Error ? error.name : typeof error})` };
}

/** @returns {(event: SenderEvent) => boolean} */
function ownFiles() {
  const appPath = electron().app.getAppPath();
  return (event) => isOwnFile(event, appPath);
}

/** @returns {any} */
function electron() {
  if (inElectronMain()) return require('electron');
  throw new LlmJobsError('BAD_CONFIG', 'serveRenderers is for the main process of an Electron app; elsewhere it needs ipcMain and checkSender');
}

/**
 * Lets pages that have `llm-jobs/preload` add, cancel, see, watch and follow jobs of the allowed types.
 * @param {RendererOptions} options
 * @returns {{close: () => void}}
 */
function serveRenderers(options) {
  if (options === null || typeof options !== 'object' || options.queue === undefined) {
    throw new LlmJobsError('BAD_CONFIG', `serveRenderers takes {queue, worker, allow}; got ${describe(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !['queue', 'worker', 'allow', 'checkSender', 'ipcMain'].includes(key));
  if (unknown !== undefined) throw new LlmJobsError('BAD_CONFIG', `serveRenderers has no option ${describe(unknown)}`);
  if (options.checkSender !== undefined && typeof options.checkSender !== 'function') {
    throw new LlmJobsError('BAD_CONFIG', `checkSender must be a function (event); got ${describe(options.checkSender)}`);
  }
  const service = new RendererService(options);
  return { close: () => service.close() };
}

module.exports = { serveRenderers };
