// SPDX-License-Identifier: MIT
'use strict';

/**
 * The main process's end of a MessagePort to a page. One message at a time is under way: the next one goes when the page has taken
 * the last, so that a page that hangs costs no memory but what waits in the rows.
 *
 * @typedef {object} MessagePortMain what is used of Electron's
 * @property {(event: 'message' | 'close', listener: (event?: any) => void) => unknown} on
 * @property {() => void} start
 * @property {(message: unknown) => void} postMessage
 * @property {() => void} close
 */
class PagePort {
  #port;
  #closed = new AbortController();
  /** @type {(() => void) | null} */ #taken = null;

  /** @param {MessagePortMain} port */
  constructor(port) {
    this.#port = port;
    port.on('message', () => this.#taken?.());
    port.on('close', () => this.#end());
    port.start();
  }

  /**
   * Aborted when either side has closed the port.
   * @returns {AbortSignal}
   */
  get closed() {
    return this.#closed.signal;
  }

  /**
   * @param {unknown} message
   * @returns {Promise<void>} when the page has taken it, or is gone
   */
  async send(message) {
    if (this.closed.aborted) return;
    const taken = /** @type {Promise<void>} */ (new Promise((resolve) => (this.#taken = resolve)));
    this.#port.postMessage(message);
    await taken;
    this.#taken = null;
  }

  close() {
    this.#port.close();
    this.#end();
  }

  #end() {
    this.#closed.abort();
    this.#taken?.();
  }
}

module.exports = { PagePort };
