// SPDX-License-Identifier: MIT
'use strict';

/** A utility process as the worker sees it: process.parentPort instead of process.send, and messages in the form {data, ports}. */

const { EventEmitter } = require('node:events');

const send = /** @type {NonNullable<typeof process.send>} */ (process.send).bind(process);
delete process.send;
const parentPort = Object.assign(new EventEmitter(), { postMessage: (/** @type {any} */ message) => void send(message) });
Object.defineProperty(process, 'parentPort', { value: parentPort });
process.on('message', (data) => parentPort.emit('message', { data, ports: [] }));

require(/** @type {string} */ (process.argv[2]));
