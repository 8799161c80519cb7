// SPDX-License-Identifier: MIT
'use strict';

/**
 * The first code of a utility process: `process.parentPort` in place of process.send. Messages wait for the first listener, and
 * again when the last one has gone. SIGTERM ends the process whatever it listens to: nobody knows what it does in Electron, so
 * nothing may depend on a handler. The end of the parent is the end of this process.
 */

const Module = require('node:module');
const { EventEmitter } = require('node:events');
const { pathToFileURL } = require('node:url');
const { MessageChannelMain, PortRelay } = require('./ports.js');

const [entry, reports] = process.argv.splice(1, 3, process.argv[2]).slice(1);
const send = /** @type {NonNullable<typeof process.send>} */ (process.send).bind(process);
const listen = process.on.bind(process);
const relay = new PortRelay('child', (message) => void send(message, undefined, undefined, () => {}));

class ParentPort extends EventEmitter {
  /** @type {{data: unknown, ports: unknown[]}[]} */
  #waiting = [];

  constructor() {
    super();
    this.on('newListener', (name) => {
      if (name === 'message') setImmediate(() => this.#deliver());
    });
  }

  /** @param {unknown} message */
  postMessage(message) {
    send({ data: structuredClone(message) }, undefined, undefined, () => {});
  }

  /** @param {{data: unknown, ports: unknown[]}} event */
  receive(event) {
    this.#waiting.push(event);
    this.#deliver();
  }

  #deliver() {
    while (this.#waiting.length > 0 && this.listenerCount('message') > 0) this.emit('message', this.#waiting.shift());
  }
}

const parentPort = new ParentPort();
listen('message', (/** @type {any} */ message) => {
  if (message.port !== undefined) relay.onMessage(message);
  else parentPort.receive({ data: message.data, ports: message.ports.map((/** @type {string} */ key) => relay.arrive(key)) });
});
listen('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const ignored = (/** @type {unknown} */ name) => name === 'SIGTERM';
for (const method of /** @type {const} */ (['on', 'once', 'addListener', 'prependListener'])) {
  const real = process[method].bind(process);
  /** @type {any} */ (process)[method] = (/** @type {any} */ name, /** @type {any} */ listener) => (ignored(name) ? process : real(name, listener));
}
if (process.report) Object.assign(process.report, { reportOnFatalError: true, directory: reports });
delete process.send;
/** @type {any} */ (process).disconnect = undefined;
Object.defineProperty(process, 'parentPort', { value: parentPort, enumerable: true });
Object.defineProperty(process, 'type', { value: 'utility' });
Object.defineProperty(process.versions, 'electron', { value: require('./version.js').version });

const load = /** @type {any} */ (Module)._load;
/** @type {any} */ (Module)._load = function (/** @type {string} */ name, /** @type {any[]} */ ...rest) {
  return name === 'electron' ? { MessageChannelMain } : load.call(this, name, ...rest);
};

import(pathToFileURL(entry).href).catch((error) => {
  console.error(error);
  process.exit(1);
});
