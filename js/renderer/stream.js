// SPDX-License-Identifier: MIT
'use strict';

/**
 * The text of one job for a page: what there is already, each further piece once, and the end. It comes from the worker while the job
 * runs there; when it runs in another worker, from the row's `partial`, some times a second. What was told is compared with the
 * result at the end, so that the page has the answer as it stands in the row, whatever happened in between.
 */

const { hasEnded } = require('../queue/job.js');

/** @import { PagePort } from './port.js' */

/**
 * @typedef {object} Piece
 * @property {string} text
 * @property {boolean} [restart] what was told before is void: the answer begins anew with this text
 * @property {boolean} [done] nothing follows
 * @property {string | null} [status] of the job at its end; null: there is no such job
 * @property {string} [code] of its error
 */

/** How often a row is looked at whose job streams elsewhere; its worker writes at most four times a second. */
const POLL_MS = 500;

class Stream {
  /** The text that the page has, with what is on its way. */ #told = '';
  /** @type {Piece | null} what waits to be sent */ #next = null;
  #live = false;
  #over = false;
  /** @type {() => void} */ #wake = () => {};

  /**
   * @param {{get: (id: string) => any, waitFor: (id: string, options: {signal: AbortSignal}) => Promise<any>}} queue
   * @param {any} worker undefined: there is none in this process
   * @param {string} id
   * @param {PagePort} port
   */
  constructor(queue, worker, id, port) {
    this.queue = queue;
    this.worker = worker;
    this.id = id;
    this.port = port;
  }

  /** Resolves when the page has been told of the end, or does not want to know any more. */
  async run() {
    const job = this.queue.get(this.id);
    if (job === null || hasEnded(job.status)) {
      this.#end(job);
      return this.#deliver();
    }
    this.queue.waitFor(this.id, { signal: this.port.closed }).then(
      (ended) => this.#end(ended),
      () => this.#end(null),
    );
    const { asked, unfollow } = this.#follow();
    // What the worker has is newer than the row; but a worker that hangs keeps nobody waiting.
    /** @type {NodeJS.Timeout | undefined} */
    let timer = setTimeout(() => (timer = this.#poll()), POLL_MS);
    void asked.then(() => {
      clearTimeout(timer);
      if (!this.#over) timer = this.#poll();
    });
    try {
      await this.#deliver();
    } finally {
      clearTimeout(timer);
      unfollow();
    }
  }

  /** @returns {NodeJS.Timeout} */
  #poll() {
    this.#look();
    return setInterval(() => this.#look(), POLL_MS);
  }

  /**
   * Asks the worker for the job's text as it streams, and again when its process is another one.
   * @returns {{asked: Promise<void>, unfollow: () => void}} `asked` when the worker has said whether it tells it
   */
  #follow() {
    const { worker } = this;
    if (worker === undefined) return { asked: Promise.resolve(), unfollow() {} };
    /** @type {(() => void) | undefined} */
    let stop;
    const onJob = (/** @type {{id: string, status: string}} */ { id, status }) => {
      // A try has come to nothing: the next one tells its text from the beginning.
      if (id === this.id && status !== 'active' && !hasEnded(status)) this.#void();
    };
    const ask = async () => {
      try {
        stop = await worker.follow(this.id, (/** @type {Piece} */ news) => this.#hear(news));
        if (this.#over) stop?.();
      } catch {
        if (!this.#over) worker.once('restarted', ask);
      }
    };
    worker.on('job', onJob);
    const unfollow = () => {
      worker.off('job', onJob);
      worker.off('restarted', ask);
      stop?.();
    };
    return { asked: ask(), unfollow };
  }

  /** @param {Piece} news of the worker */
  #hear({ text, restart }) {
    if (restart === true || (!this.#live && this.#told !== '')) this.#void();
    this.#live = text !== '' || this.#live;
    this.#add(text);
  }

  /** The row's own text, for a job that runs elsewhere. */
  #look() {
    if (this.#live || this.#over) return;
    const partial = this.#partial();
    if (partial === this.#told || partial === '') return;
    if (!partial.startsWith(this.#told)) this.#void();
    this.#add(partial.slice(this.#told.length));
  }

  #partial() {
    try {
      return this.queue.get(this.id)?.partial ?? '';
    } catch {
      // The app has closed its database, or it is busy for long; who waits for the end hears of it.
      return '';
    }
  }

  /** @param {any} job as it has ended, or null */
  #end(job) {
    if (this.#over) return;
    this.#over = true;
    const text = job?.result?.text;
    if (typeof text === 'string' && text !== this.#told) {
      if (!text.startsWith(this.#told)) this.#void();
      this.#add(text.slice(this.#told.length));
    }
    const end = { done: true, status: job?.status ?? null, ...(job?.status !== 'completed' && job?.error ? { code: String(job.error.code) } : {}) };
    this.#next = { text: '', ...this.#next, ...end };
    this.#wake();
  }

  #void() {
    this.#live = false;
    if (this.#told === '') return;
    this.#told = '';
    this.#next = { text: '', restart: true };
    this.#wake();
  }

  /** @param {string} text */
  #add(text) {
    if (text === '' || (this.#over && this.#next?.done)) return;
    this.#told += text;
    this.#next = { ...this.#next, text: (this.#next?.text ?? '') + text };
    this.#wake();
  }

  async #deliver() {
    const { port } = this;
    port.closed.addEventListener('abort', () => this.#wake());
    while (!port.closed.aborted) {
      const piece = this.#next;
      this.#next = null;
      if (piece !== null) {
        await port.send(piece);
        if (piece.done) break;
      } else {
        await /** @type {Promise<void>} */ (new Promise((resolve) => (this.#wake = resolve)));
      }
    }
    this.#over = true;
    port.close();
  }
}

module.exports = { Stream };
