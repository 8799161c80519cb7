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
 * @property {NodeJS.ProcessEnv} [env]
 * @property {(pid: number, signal: 0) => unknown} [kill]
 * @property {(event: 'message' | 'disconnect', listener: (message?: any) => void) => unknown} on
 */

/** Messages on their way to a parent that does not read, before we stop taking more from the engine, which knows what to drop. */
const MAX_UNSENT = 64;
/** How often a utility process looks whether its parent is there. */
const LOOK_MS = 1000;

/**
 * @param {HostProcess} [host]
 * @returns {Port}
 */
function openPort(host = process) {
  if (host.parentPort) return electronPort(host.parentPort, host);
  if (typeof host.send === 'function') return nodePort(host);
  return { kind: 'none', post() {}, isFull: () => false, onRoom() {}, onMessage() {}, onClose() {} };
}

/**
 * @param {Pick<Electron.ParentPort, 'on' | 'postMessage'>} parentPort
 * @param {HostProcess} host
 * @returns {Port}
 */
function electronPort(parentPort, host) {
  return {
    kind: 'electron',
    post: (message) => parentPort.postMessage(message),
    // A utility process is not told what its parent has read.
    isFull: () => false,
    onRoom() {},
    onMessage: (listener) => void parentPort.on('message', (event) => listener(event.data)),
    // Chromium ends a utility process together with its parent, and tells it nothing. Should it not, this does.
    onClose(listener) {
      const parent = Number(host.env?.LLM_JOBS_PARENT);
      if (!(parent > 0)) return;
      const timer = setInterval(() => {
        if (isThere(host, parent)) return;
        clearInterval(timer);
        listener();
      }, LOOK_MS);
      timer.unref();
    },
  };
}

/**
 * @param {HostProcess} host
 * @param {number} pid
 */
function isThere(host, pid) {
  try {
    host.kill?.(pid, 0);
    return true;
  } catch (/** @type {any} */ error) {
    // Any other error is about a process that is there.
    return error.code !== 'ESRCH';
  }
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
