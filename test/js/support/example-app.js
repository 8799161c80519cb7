// SPDX-License-Identifier: MIT
'use strict';

/**
 * Runs the built example app, as its package.json names it, in a process of its own: the main process's bundle over the stand-in for
 * Electron, the worker's bundle as its utility process, and the preload's bundle for each page that it opens. What the preload puts
 * on the page's window can be called from here, which is how a test, or a real browser, plays the page.
 */

const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');

/**
 * @param {string} main the main process's bundle
 * @param {string} data the app's data folder
 */
async function startApp(main, data) {
  const child = fork(main, [], {
    execArgv: ['-r', path.join(__dirname, 'example-electron.js')],
    env: { PATH: process.env.PATH, HOME: data, ELECTRON_STAND_IN_DATA: data },
    cwd: data,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (printed += chunk));
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
  const calls = new Map();
  /** @type {Map<number, (...args: any[]) => void>} */
  const callbacks = new Map();
  let next = 0;
  /** @type {(page: any) => void} */
  let onPage = () => {};
  const opened = new Promise((resolve) => (onPage = resolve));

  child.on('message', (/** @type {any} */ message) => {
    if (message.page !== undefined) onPage(message.page);
    else if (message.callback !== undefined) callbacks.get(message.callback)?.(...message.args);
    else if (message.error !== undefined) calls.get(message.answer)?.reject(new Error(message.error));
    else calls.get(message.answer)?.resolve(message.value);
    if (message.answer !== undefined) calls.delete(message.answer);
  });

  const page = await Promise.race([
    opened,
    exit.then(({ code, signal }) => Promise.reject(new Error(`the app ended with ${code ?? signal}\n${printed}`))),
  ]);

  /**
   * @param {string | undefined} as
   * @param {string} api
   * @param {string} method
   * @param {any[]} args
   * @returns {Promise<any>}
   */
  const ask = (as, api, method, args) => {
    const id = ++next;
    const plain = args.map((arg) => {
      if (typeof arg !== 'function') return { value: arg };
      callbacks.set(++next, arg);
      return { callback: next };
    });
    return new Promise((resolve, reject) => {
      if (!child.connected) return reject(new Error('the app has ended'));
      calls.set(id, { resolve, reject });
      child.send({ call: id, api, method, args: plain, as }, () => {});
    });
  };

  return {
    child,
    exit,
    /** What it has printed. */
    output: () => printed,
    /** The page that its window shows: {url, preload, webPreferences, apis: {llmJobs: ['add', …], desk: […]}}. */
    page: /** @type {{url: string, webPreferences: any, apis: Record<string, string[]>}} */ (page),
    /**
     * Calls what the preload has exposed. Functions among the arguments are called back.
     * @param {string} api
     * @param {string} method
     * @param {...any} args
     * @returns {Promise<any>} a function that the method returned is a number for `release`
     */
    call: (api, method, ...args) => ask(undefined, api, method, args),
    /**
     * The same from a page that is not the app's.
     * @param {string} url
     * @param {string} api
     * @param {string} method
     * @param {...any} args
     * @returns {Promise<any>}
     */
    callFrom: (url, api, method, ...args) => ask(url, api, method, args),
    /** Quits it as its user would, and waits for the end. */
    async quit() {
      if (child.connected) child.send({ quit: true });
      const late = setTimeout(() => child.kill('SIGKILL'), 15000);
      const ended = await exit;
      clearTimeout(late);
      return ended;
    },
  };
}

module.exports = { startApp };
