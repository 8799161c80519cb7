// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { openPort } = require('../../js/port.js');

describe('the port of the worker', () => {
  it("is Electron's parentPort in a utility process, even when there is a send", () => {
    /** @type {unknown[]} */
    const posted = [];
    const parentPort = /** @type {any} */ (Object.assign(new EventEmitter(), { postMessage: (/** @type {unknown} */ one) => posted.push(one) }));
    const host = Object.assign(new EventEmitter(), { parentPort, send: () => assert.fail(), connected: true });
    const port = openPort(/** @type {any} */ (host));
    /** @type {unknown[]} */
    const heard = [];
    port.onMessage((message) => heard.push(message));
    port.post({ a: 1 });
    parentPort.emit('message', { data: { b: 2 }, ports: [] });
    assert.equal(port.kind, 'electron');
    assert.deepEqual([posted, heard], [[{ a: 1 }], [{ b: 2 }]]);
    assert.equal(port.isFull(), false);
  });

  /** A process whose parent reads only when it is told to. */
  const nodeHost = () => {
    /** @type {(() => void)[]} */
    const unread = [];
    const host = Object.assign(new EventEmitter(), {
      connected: true,
      /** @type {unknown[]} */
      sent: [],
      unread,
      send(/** @type {any} */ message, /** @type {any} */ _handle, /** @type {any} */ _options, /** @type {() => void} */ callback) {
        host.sent.push(message);
        unread.push(callback);
        return true;
      },
    });
    return host;
  };

  it('is process.send in a forked Node process', () => {
    const host = nodeHost();
    const port = openPort(/** @type {any} */ (host));
    /** @type {unknown[]} */
    const heard = [];
    let closed = 0;
    port.onMessage((message) => heard.push(message));
    port.onClose(() => (closed += 1));
    port.post({ a: 1 });
    host.emit('message', { b: 2 });
    host.emit('disconnect');
    assert.equal(port.kind, 'node');
    assert.deepEqual([host.sent, heard, closed], [[{ a: 1 }], [{ b: 2 }], 1]);
  });

  it('is full while the parent does not read, and says when there is room', () => {
    const host = nodeHost();
    const port = openPort(/** @type {any} */ (host));
    let room = 0;
    port.onRoom(() => (room += 1));
    for (let n = 0; n < 64; n += 1) port.post(n);
    assert.equal(port.isFull(), true);
    host.unread.shift()?.();
    assert.deepEqual([port.isFull(), room], [false, 1]);
    host.unread.splice(0).forEach((callback) => callback());
    assert.equal(room, 1);
  });

  it('posts nothing to a parent that is gone', () => {
    const host = nodeHost();
    const port = openPort(/** @type {any} */ (host));
    host.connected = false;
    port.post({ a: 1 });
    assert.deepEqual(host.sent, []);
  });

  it('is nothing without a parent', () => {
    const port = openPort(/** @type {any} */ (new EventEmitter()));
    assert.equal(port.kind, 'none');
    port.post({});
    port.onMessage(() => assert.fail());
    port.onClose(() => assert.fail());
  });
});
