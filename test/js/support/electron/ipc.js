// SPDX-License-Identifier: MIT
'use strict';

/**
 * `ipcMain`, and the `ipcRenderer` of each frame. Arguments and answers are structured clones; what a handler throws reaches the
 * page as a sentence only, without its `code`; a frame that has navigated or gone is null to who asks for it later.
 */

const { EventEmitter } = require('node:events');
const { MessagePort } = require('node:worker_threads');
const { MessagePortMain } = require('./ports.js');

class IpcMain extends EventEmitter {
  /** @type {Map<string, {once: boolean, listener: (event: any, ...args: any[]) => unknown}>} */
  handlers = new Map();

  /** @param {string} channel @param {(event: any, ...args: any[]) => unknown} listener */
  handle(channel, listener) {
    this.#add(channel, listener, false);
  }

  /** @param {string} channel @param {(event: any, ...args: any[]) => unknown} listener */
  handleOnce(channel, listener) {
    this.#add(channel, listener, true);
  }

  /** @param {string} channel */
  removeHandler(channel) {
    this.handlers.delete(channel);
  }

  /** @param {string} channel @param {(event: any, ...args: any[]) => unknown} listener @param {boolean} once */
  #add(channel, listener, once) {
    if (this.handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    if (typeof listener !== 'function') throw new TypeError(`Expected handler to be a function, but found type '${typeof listener}'`);
    this.handlers.set(channel, { once, listener });
  }
}

/** One frame of a page, as the main process sees it (WebFrameMain). */
class Frame extends EventEmitter {
  /** @param {WebContents} contents @param {string} url @param {Frame | null} parent */
  constructor(contents, url, parent) {
    super();
    this.contents = contents;
    this.url = url;
    this.parent = parent;
    this.destroyed = false;
    this.routingId = ++lastId;
    this.processId = 1000 + contents.id;
  }

  get origin() {
    // Chromium's name of the origin of file: differs from the one of the URL standard.
    return this.url.startsWith('file:') ? 'file://' : new URL(this.url).origin;
  }

  get top() {
    /** @type {Frame} */
    let frame = this;
    while (frame.parent !== null) frame = frame.parent;
    return frame;
  }

  get detached() {
    return false;
  }

  isDestroyed() {
    return this.destroyed;
  }
}

/** A page. Its events are 'destroyed' and 'render-process-gone'. */
class WebContents extends EventEmitter {
  constructor() {
    super();
    this.id = ++lastId;
    this.destroyed = false;
    /** @type {Frame | null} */
    this.mainFrame = null;
    /** @type {((channel: string, args: unknown[]) => void)[]} */
    this.inboxes = [];
  }

  isDestroyed() {
    return this.destroyed;
  }

  getURL() {
    return this.mainFrame?.url ?? '';
  }

  /** @param {string} channel @param {...unknown} args */
  send(channel, ...args) {
    const copies = args.map((arg) => structuredClone(arg));
    for (const inbox of this.inboxes) setImmediate(() => inbox(channel, copies));
  }
}

let lastId = 0;

/**
 * @param {IpcMain} ipcMain
 * @param {WebContents} sender
 * @param {Frame} frame
 */
function makeIpcRenderer(ipcMain, sender, frame) {
  const event = (/** @type {object} */ more) => ({
    type: 'frame',
    frameId: frame.routingId,
    processId: frame.processId,
    sender,
    get senderFrame() {
      return frame.isDestroyed() ? null : frame;
    },
    ...more,
  });
  const copyAll = (/** @type {unknown[]} */ args) => args.map((arg) => structuredClone(arg));
  const ipcRenderer = Object.assign(new EventEmitter(), {
    /** @param {string} channel @param {...unknown} args */
    async invoke(channel, ...args) {
      const copies = copyAll(args);
      await turn();
      const handler = ipcMain.handlers.get(channel);
      if (handler === undefined) throw new Error(`Error invoking remote method '${channel}': Error: No handler registered for '${channel}'`);
      if (handler.once) ipcMain.handlers.delete(channel);
      try {
        return structuredClone(await handler.listener(Object.defineProperties({}, Object.getOwnPropertyDescriptors(event({}))), ...copies));
      } catch (error) {
        throw new Error(`Error invoking remote method '${channel}': ${error}`);
      }
    },
    /** @param {string} channel @param {...unknown} args */
    send(channel, ...args) {
      const copies = copyAll(args);
      setImmediate(() => ipcMain.emit(channel, event({ ports: [] }), ...copies));
    },
    /** @param {string} channel @param {unknown} message @param {unknown[]} [transfer] */
    postMessage(channel, message, transfer = []) {
      const copy = structuredClone(message);
      for (const port of transfer) if (!(port instanceof MessagePort)) throw new TypeError('Invalid value for transfer');
      // Where a port of the page arrives it is another object than the one that was sent.
      const ports = structuredClone(transfer, { transfer: /** @type {any[]} */ (transfer) });
      setImmediate(() => ipcMain.emit(channel, Object.assign(event({}), { ports: ports.map((port) => new MessagePortMain(/** @type {any} */ (port))) }), copy));
    },
  });
  sender.inboxes.push((channel, args) => ipcRenderer.emit(channel, { sender: ipcRenderer, ports: [] }, ...args));
  return ipcRenderer;
}

/** @returns {Promise<void>} */
function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

module.exports = { IpcMain, Frame, WebContents, makeIpcRenderer };
