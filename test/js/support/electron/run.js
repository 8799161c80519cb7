// SPDX-License-Identifier: MIT
'use strict';

/** How tests get an Electron: the real one when they run in it (`npm run test:electron`), else the stand-in. */

const os = require('node:os');
const path = require('node:path');
const { randomBytes } = require('node:crypto');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { createServer } = require('node:net');
const { createInterface } = require('node:readline');

/** Set by register.js: this process only looks like Electron's. */
const STAND_IN = Symbol.for('llm-jobs: stand-in for Electron');
const inElectron = process.versions.electron !== undefined && process.type === 'browser';
const isReal = inElectron && !(STAND_IN in globalThis);

/** @returns {any} the module `electron`, its app ready */
function loadElectron() {
  if (inElectron) return require('electron');
  const electron = require('./index.js').makeElectron((code) => {
    throw new Error(`the app would have ended with ${code}`);
  });
  electron.app.becomeReady();
  return electron;
}

/**
 * Runs a script as the main process of an app of its own. It talks by lines of JSON on its output: `console.log('@' + JSON)`. What it is
 * told comes over the pipe LLM_JOBS_TEST_PIPE, because an Electron on Windows has no standard input.
 * @param {string} script
 * @param {{args?: string[], env?: Record<string, string>}} [options]
 */
function runApp(script, { args = [], env = {} } = {}) {
  const own = isReal ? [script] : ['-r', path.join(__dirname, 'register.js'), script];
  /** @type {Set<import('node:net').Socket>} */
  const listeners = new Set();
  /** @type {string[]} */
  const told = [];
  const server = createServer((socket) => {
    listeners.add(socket.on('error', () => {}));
    for (const line of told) socket.write(`${line}\n`);
  });
  const name = `llm-jobs-test-${randomBytes(6).toString('hex')}`;
  const pipe = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : path.join(os.tmpdir(), name);
  server.unref().listen(pipe);
  const child = spawn(process.execPath, [...own, ...args], { env: { ...process.env, LLM_JOBS_TEST_PIPE: pipe, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {any[]} */
  const said = [];
  let other = '';
  /** @type {(() => void)[]} */
  let waiting = [];
  const wake = () => {
    for (const resume of waiting.splice(0)) resume();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('@')) said.push(JSON.parse(line.slice(1)));
    else other += `${line}\n`;
    wake();
  });
  child.stderr.on('data', (chunk) => (other += chunk));
  const exit = once(child, 'close').then(([code, signal]) => {
    server.close();
    for (const socket of listeners) socket.destroy();
    wake();
    return { code, signal };
  });
  let over = false;
  void exit.then(() => (over = true));
  return {
    child,
    said,
    exit,
    /** What it printed beside that. */
    output: () => other,
    /** @param {string} line */
    tell(line) {
      told.push(line);
      for (const socket of listeners) socket.write(`${line}\n`);
    },
    /**
     * The first thing said for which `test` is true.
     * @param {(one: any) => boolean} test
     * @param {number} [limitMs]
     */
    async hear(test, limitMs = 15000) {
      const timer = setTimeout(wake, limitMs);
      const end = Date.now() + limitMs;
      try {
        for (;;) {
          const found = said.find(test);
          if (found !== undefined) return found;
          if (over || Date.now() >= end) throw new Error(`the app did not say it; it said ${JSON.stringify(said)}\n${other}`);
          await new Promise((resolve) => waiting.push(() => resolve(undefined)));
        }
      } finally {
        clearTimeout(timer);
      }
    },
    kill: (/** @type {NodeJS.Signals} */ signal = 'SIGKILL') => void child.kill(signal),
  };
}

module.exports = { isReal, loadElectron, runApp };
