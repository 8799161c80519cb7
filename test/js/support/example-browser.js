// SPDX-License-Identifier: MIT
'use strict';

/**
 * The example's page in a real browser. The built page comes from a server on the loopback interface; `window.llmJobs` and
 * `window.desk` are stand-ins that hand each call to the running app (example-app.js), where the preload's bundle takes it: behind the
 * page everything is the app's own.
 */

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { chromium } = require('playwright-core');
const { findBrowser } = require('../../../scripts/setup/browser.js');

/** Chromium asks for nothing but the page. Its sandbox is off, as playwright has it: root and containers cannot have it. */
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const TYPES = /** @type {Record<string, string>} */ ({ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' });

/** The methods that answer at once, with the function that ends what they have begun. */
const LASTING = ['watch', 'subscribe'];

/** @param {string} folder */
async function serve(folder) {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://page');
    const file = path.join(folder, pathname === '/' ? 'index.html' : pathname);
    const type = TYPES[path.extname(file)];
    if (type === undefined || !fs.existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': type }).end(fs.readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}/`, close: () => (server.closeAllConnections(), void server.close()) };
}

/** Starts a browser, with a profile of its own that goes with it; null when this machine has none. */
async function startBrowser() {
  const executablePath = findBrowser();
  return executablePath === null ? null : chromium.launch({ executablePath, args: FLAGS });
}

/**
 * @param {import('playwright-core').Browser} browser
 * @param {string} url of the page
 * @param {Awaited<ReturnType<typeof import('./example-app.js').startApp>>} app
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
async function openPage(browser, url, app, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  /** @type {string[]} what the console said, and errors that nobody caught; a breach of the page's policy is among them */
  const complaints = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));

  await page.exposeFunction('standInCall', (/** @type {string} */ api, /** @type {string} */ method, /** @type {any[]} */ args) => {
    const real = args.map(({ value, callback }) => {
      if (callback === undefined) return value;
      return (/** @type {any[]} */ ...given) => {
        page.evaluate(([id, all]) => /** @type {any} */ (globalThis).standInHear(id, all), /** @type {[number, any[]]} */ ([callback, given])).catch(() => {});
      };
    });
    return app.call(api, method, ...real);
  });
  await page.addInitScript(
    ({ apis, lasting }) => {
      const window = /** @type {any} */ (globalThis);
      /** @type {Map<number, (...args: any[]) => void>} */
      const callbacks = new Map();
      let count = 0;
      window.standInHear = (/** @type {number} */ id, /** @type {any[]} */ args) => callbacks.get(id)?.(...args);
      for (const [api, methods] of Object.entries(apis)) {
        const standIn = (/** @type {string} */ method) => (/** @type {any[]} */ ...args) => {
          const plain = args.map((arg) => (typeof arg === 'function' ? (callbacks.set(++count, arg), { callback: count }) : { value: arg }));
          const answer = window.standInCall(api, method, plain);
          return lasting.includes(method) ? () => void answer.then((/** @type {number} */ id) => window.standInCall('returned', '', [{ value: id }])) : answer;
        };
        Object.defineProperty(window, api, { value: Object.freeze(Object.fromEntries(methods.map((method) => [method, standIn(method)]))) });
      }
    },
    { apis: app.page.apis, lasting: LASTING },
  );
  await page.goto(url);
  return { page, complaints, close: () => context.close() };
}

module.exports = { serve, startBrowser, openPage };
