// SPDX-License-Identifier: MIT
'use strict';

/**
 * What the example app needs of Electron beyond the stand-in: windows. Loaded before the app's main bundle, see example-app.js. A window
 * runs its preload as a sandboxed one; the page itself is played by the parent process, which calls what the preload has exposed.
 */

const { EventEmitter } = require('node:events');
const { pathToFileURL } = require('node:url');
require('./electron/register.js');
const electron = /** @type {any} */ (require('electron'));
const { openPage } = require('./electron/renderer.js');

/** @type {any} */
let window = null;

class BrowserWindow extends EventEmitter {
  /** @param {any} options */
  constructor({ webPreferences = {} } = {}) {
    super();
    this.webPreferences = webPreferences;
    this.webContents = Object.assign(new EventEmitter(), { setWindowOpenHandler() {} });
    BrowserWindow.all.push(this);
    electron.app.windows.push(this);
  }

  /** @type {BrowserWindow[]} */
  static all = [];

  static getAllWindows() {
    return BrowserWindow.all;
  }

  /** @param {string} file */
  async loadFile(file) {
    const url = pathToFileURL(file).href;
    const page = openPage(electron, { url, preload: this.webPreferences.preload });
    this.page = page;
    window = page.window;
    const named = ['llmJobs', 'desk'].filter((name) => window[name] !== undefined);
    const apis = Object.fromEntries(named.map((name) => [name, Object.keys(window[name])]));
    process.send?.({ page: { url, webPreferences: this.webPreferences, apis } });
  }

  focus() {}

  close() {
    this.page?.close();
    BrowserWindow.all = BrowserWindow.all.filter((one) => one !== this);
    electron.app.windows = electron.app.windows.filter((/** @type {any} */ one) => one !== this);
    if (BrowserWindow.all.length === 0) setImmediate(() => electron.app.emit('window-all-closed'));
    return true;
  }
}

Object.assign(electron, { BrowserWindow, shell: { async openExternal() {} }, dialog: { showErrorBox() {} } });

/** What methods have returned as functions: the page may call each of them once. @type {Map<number, () => unknown>} */
const returned = new Map();
let count = 0;

/** Another page that has got hold of the preload script. @param {string} url */
function otherWindow(url) {
  return openPage(electron, { url, preload: BrowserWindow.all[0].webPreferences.preload }).window;
}

/** @param {{call: number, api: string, method: string, args: any[], as?: string}} asked */
async function answer({ call, api, method, args, as }) {
  const given = args.map(({ callback, value }) =>
    callback === undefined ? value : (/** @type {any[]} */ ...more) => void process.send?.({ callback, args: more }),
  );
  try {
    const value = api === 'returned' ? returned.get(given[0])?.() : await (as === undefined ? window : otherWindow(as))[api][method](...given);
    if (typeof value !== 'function') return process.send?.({ answer: call, value });
    returned.set(++count, value);
    process.send?.({ answer: call, value: count });
  } catch (error) {
    process.send?.({ answer: call, error: error instanceof Error ? error.message : String(error) });
  }
}

process.on('message', (/** @type {any} */ message) => {
  if (message.quit) electron.app.quit();
  else void answer(message);
});
// The one that started it is gone: so is the machine, for all that this app can tell.
process.on('disconnect', () => electron.app.quit());
