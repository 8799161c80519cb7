// SPDX-License-Identifier: MIT
'use strict';

/**
 * MessagePortMain: nothing is delivered before `start()`, an event carries `data` and `ports`, a port that was transferred is
 * dead for its former owner, and nothing but ports can be transferred. Inside is a MessagePort of Node, whose queue, structured
 * clone and closing are those of the web.
 */

const { EventEmitter } = require('node:events');
const { MessageChannel } = require('node:worker_threads');

/** @typedef {import('node:worker_threads').MessagePort} NodePort */

class MessagePortMain extends EventEmitter {
  /** @type {NodePort | null} null: transferred away */
  #inner;
  #started = false;

  /** @param {NodePort} inner */
  constructor(inner) {
    super();
    this.#inner = inner;
    inner.on('close', () => this.#inner === inner && this.emit('close'));
    inner.unref();
  }

  start() {
    if (this.#inner === null || this.#started) return;
    this.#started = true;
    /** @type {any} */ (this.#inner).onmessage = (/** @type {any} */ event) => {
      this.emit('message', { data: event.data, ports: event.ports.map((/** @type {NodePort} */ port) => new MessagePortMain(port)) });
    };
  }

  /**
   * @param {unknown} message
   * @param {MessagePortMain[]} [transfer]
   */
  postMessage(message, transfer = []) {
    const ports = takePorts(transfer);
    this.#inner?.postMessage(message, ports);
  }

  close() {
    this.#inner?.close();
  }

  /**
   * For the stand-in only: the port leaves this process or goes to a page.
   * @returns {NodePort}
   */
  detach() {
    const inner = this.#inner;
    if (inner === null) throw new TypeError('Port at index 0 is already neutered');
    this.#inner = null;
    return inner;
  }
}

class MessageChannelMain {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port1 = new MessagePortMain(port1);
    this.port2 = new MessagePortMain(port2);
  }
}

/**
 * @param {unknown} transfer what a caller wants to transfer
 * @returns {NodePort[]}
 */
function takePorts(transfer) {
  if (!Array.isArray(transfer)) throw new TypeError('Invalid value for transfer');
  for (const one of transfer) if (!(one instanceof MessagePortMain)) throw new TypeError('Port at index 0 is not a valid port');
  return transfer.map((port) => port.detach());
}

/**
 * Lets ports live on both sides of a channel between two processes. `carry` takes a port out of this process and returns the
 * number under which the other side gets it from `arrive`; `onMessage` takes what the other side's relay has sent.
 */
class PortRelay {
  /** @type {Map<string, NodePort>} */
  #ports = new Map();
  #next = 0;

  /**
   * @param {string} side makes the numbers of the two sides differ
   * @param {(message: object) => void} send
   */
  constructor(side, send) {
    this.side = side;
    this.send = send;
  }

  /** @param {NodePort} port */
  carry(port) {
    const key = `${this.side}${++this.#next}`;
    this.#serve(key, port);
    return key;
  }

  /** @param {string} key */
  arrive(key) {
    const { port1, port2 } = new MessageChannel();
    this.#serve(key, port1);
    return new MessagePortMain(port2);
  }

  /** @param {{port: string, data?: unknown, closed?: boolean}} message */
  onMessage({ port: key, data, closed }) {
    const port = this.#ports.get(key);
    if (closed) port?.close();
    else port?.postMessage(data);
  }

  /** The other process is gone. */
  close() {
    for (const port of this.#ports.values()) port.close();
  }

  /** @param {string} key @param {NodePort} port */
  #serve(key, port) {
    this.#ports.set(key, port);
    port.on('message', (data) => this.send({ port: key, data }));
    port.on('close', () => {
      this.#ports.delete(key);
      this.send({ port: key, closed: true });
    });
    port.unref();
  }
}

module.exports = { MessagePortMain, MessageChannelMain, PortRelay, takePorts };
