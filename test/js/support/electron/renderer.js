// SPDX-License-Identifier: MIT
'use strict';

/**
 * A page with a sandboxed preload. The preload is one file whose `require` knows 'electron' and three modules of Node; it has no
 * `process` but a stub, and shares no object with the page: what goes through contextBridge is copied, functions are called from
 * afar and their errors carry a message only.
 */

const fs = require('node:fs');
const vm = require('node:vm');
const { Frame, WebContents, makeIpcRenderer } = require('./ipc.js');

/** What a sandboxed preload may require beside 'electron'. */
const MODULES = ['events', 'timers', 'url'];

/**
 * @param {any} electron the stand-in
 * @param {object} options
 * @param {string} options.url of the page
 * @param {string} [options.preload] a file
 * @param {string} [options.source] of a preload, instead of a file
 * @param {string[]} [options.within] the URLs of the frames that this frame is in, from the top
 */
function openPage(electron, { url, preload, source, within = [] }) {
  const contents = new WebContents();
  /** @type {Frame | null} */
  let parent = null;
  for (const outer of within) parent = new Frame(contents, outer, parent);
  const frame = new Frame(contents, url, parent);
  contents.mainFrame = frame.top;
  const ipcRenderer = makeIpcRenderer(electron.ipcMain, contents, frame);
  /** @type {Record<string, any>} */
  const window = vm.runInNewContext('globalThis');
  const contextBridge = {
    /** @param {string} key @param {any} api */
    exposeInMainWorld(key, api) {
      if (key in window) throw new Error(`Cannot bind an API on top of an existing property on the window object`);
      window[key] = bridge(api);
    },
  };
  const text = source ?? (preload === undefined ? '' : fs.readFileSync(preload, 'utf8'));
  const sandbox = vm.createContext({ console, URL, MessageChannel, structuredClone, setTimeout, clearTimeout, queueMicrotask, Buffer, setImmediate, clearImmediate, location: { href: url } });
  const load = (/** @type {string} */ name) => {
    if (name === 'electron') return { ipcRenderer, contextBridge };
    if (MODULES.includes(name.replace(/^node:/, ''))) return require(name);
    throw new Error(`module not found: ${name}`);
  };
  const stub = { type: 'renderer', sandboxed: true, contextIsolated: true, platform: process.platform, versions: process.versions, env: {} };
  const main = vm.runInContext(`(function (require, module, exports, process) {${text}\n})`, sandbox, { filename: preload ?? 'preload' });
  const module = { exports: {} };
  main(load, module, module.exports, stub);
  const leave = () => void (frame.destroyed = true);
  return {
    window,
    frame,
    contents,
    ipcRenderer,
    /** What the preload exported, which a page never sees. */
    exports: /** @type {any} */ (module.exports),
    /** The page goes elsewhere: whoever asks for its frame gets null. */
    navigate() {
      leave();
      contents.emit('did-navigate', {}, 'about:blank');
    },
    close() {
      leave();
      contents.destroyed = true;
      contents.emit('destroyed');
    },
  };
}

/**
 * A copy of a value for the other world.
 * @param {any} value
 * @param {number} [depth]
 * @returns {any}
 */
function bridge(value, depth = 0) {
  if (depth > 1000) throw new Error('contextBridge: the value is nested too deeply');
  if (typeof value === 'symbol') throw new Error('contextBridge: a symbol cannot be sent');
  if (typeof value === 'function') {
    return (/** @type {any[]} */ ...args) => {
      try {
        return bridge(value(...args.map((arg) => bridge(arg, depth + 1))), depth + 1);
      } catch (error) {
        throw bridge(error, depth + 1);
      }
    };
  }
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.then === 'function') return value.then((/** @type {any} */ result) => bridge(result, depth + 1), (/** @type {any} */ error) => Promise.reject(bridge(error, depth + 1)));
  if (Object.prototype.toString.call(value) === '[object Error]') return new Error(value.message);
  if (Array.isArray(value)) return value.map((one) => bridge(one, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  // An object of a world of its own: its prototype is that world's Object.prototype, whose prototype is null.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, bridge(one, depth + 1)]));
  }
  return structuredClone(value);
}

module.exports = { openPage };
