// SPDX-License-Identifier: MIT
'use strict';

/**
 * Makes this process an Electron main process: `node -r register.js app.js`. The app becomes ready after its script has run, lives
 * until it quits, and quits when it is asked to end.
 */

const Module = require('node:module');
const { makeElectron } = require('./index.js');
const { version } = require('./version.js');

const electron = makeElectron((code) => setImmediate(() => process.exit(code)));
const alive = setInterval(() => {}, 0x7fffffff);
electron.app.on('quit', () => clearInterval(alive));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => electron.app.quit());

Object.defineProperty(globalThis, Symbol.for('llm-jobs: stand-in for Electron'), { value: true });
Object.defineProperty(process.versions, 'electron', { value: version });
Object.defineProperty(process, 'type', { value: 'browser' });
const load = /** @type {any} */ (Module)._load;
/** @type {any} */ (Module)._load = function (/** @type {string} */ name, /** @type {any[]} */ ...rest) {
  if (name === 'electron') return electron;
  // `fs` without Electron's reading of archives.
  return load.call(this, name === 'original-fs' ? 'node:fs' : name, ...rest);
};
setTimeout(() => electron.app.becomeReady(), 1);
