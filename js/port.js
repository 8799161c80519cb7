// SPDX-License-Identifier: MIT
/// <reference types="electron" />
'use strict';

/**
 * The way to the parent process: `process.parentPort` in an Electron utility process, `process.send` in a forked Node process,
 * or nothing at all, because the worker needs no parent.
 *
 * @typedef {object} Port
 * @property {'electron' | 'node' | 'none'} kind
 * @property {(message: unknown) => void} post never throws; what a parent that is gone cannot hear is lost
 * @property {() => boolean} isFull whether so much is unsent that posting should wait for onRoom
 * @property {(listener: () => void) => void} onRoom
 * @property {(listener: (message: unknown) => void) => void} onMessage
 * @property {(listener: () => void) => void} onClose the parent has gone
 *
 * @typedef {object} HostProcess the part of `process` that is used
 * @property {Pick<Electron.ParentPort, 'on' | 'postMessage'>} [parentPort]
 * @property {NodeJS.Process['send']} [send]
 * @property {boolean} [connected]
 * @property {(event: 'message' | 'disconnect', listener: (message?: any) => void) => unknown} on
 */

/** Messages on their way to a parent that does not read, before we stop taking more from the engine, which knows what to drop. */
const MAX_UNSENT = 64;

/**
 * @param {HostProcess} [host]
 * @returns {Port}
 */
function openPort(host = process) {
  if (host.parentPort) return electronPort(host.parentPort);
  if (typeof host.send === 'function') return nodePort(host);
  return { kind: 'none', post() {}, isFull: () => false, onRoom() {}, onMessage() {}, onClose() {} };
}

/**
 * @param {Pick<Electron.ParentPort, 'on' | 'postMessage'>} parentPort
 * @returns {Port}
 */
function electronPort(parentPort) {
  return {
    kind: 'electron',
    post: (message) => parentPort.postMessage(message),
    // A utility process is not told what its parent has read.
    isFull: () => false,
    onRoom() {},
    onMessage: (listener) => void parentPort.on('message', (event) => listener(event.data)),
    // Chromium ends a utility process together with its parent, so there is nothing to hear.
    onClose() {},
  };
}

/**
 * @param {HostProcess} host
 * @returns {Port}
 */
function nodePort(host) {
  let unsent = 0;
  let room = () => {};
  // A channel that breaks meanwhile is reported to the callback instead of being thrown at the whole process.
  const onSent = () => {
    unsent -= 1;
    if (unsent === MAX_UNSENT - 1) room();
  };
  return {
    kind: 'node',
    post(message) {
      if (!host.connected) return;
      unsent += 1;
      host.send?.(message, undefined, undefined, onSent);
    },
    isFull: () => unsent >= MAX_UNSENT,
    onRoom: (listener) => void (room = listener),
    onMessage: (listener) => void host.on('message', listener),
    onClose: (listener) => void host.on('disconnect', () => listener()),
  };
}

module.exports = { openPort };
