// SPDX-License-Identifier: MIT
'use strict';

/** What the header of `applySecurityPolicy` does to a page: Chromium, which Electron's windows are made of, is asked. */

const assert = require('node:assert/strict');
const http = require('node:http');
const { chromium } = require('playwright-core');
const { applySecurityPolicy } = require('../../../js/index.js');
const { findBrowser } = require('../../../scripts/setup/browser.js');
const { useWorld } = require('../support/e2e.js');

const PAGE = `<!doctype html><title>page</title><base href="http://elsewhere.invalid/">
<script>window.inline = true</script><script src="/page.js"></script><script src="data:text/javascript,window.data = true"></script>`;
const SCRIPT = `window.own = true; try { window.evaluated = eval('1 + 1') === 2 } catch (error) { window.refused = error.name }`;

describe('the Content-Security-Policy of a session', function () {
  this.timeout(60000);
  const holder = useWorld();

  /** The headers that a session with this policy makes of a page's own. @param {any} [policy] */
  const headersOf = (policy) => {
    /** @type {any} */
    let listener;
    applySecurityPolicy({ webRequest: { onHeadersReceived: (/** @type {any} */ one) => void (listener = one) } }, policy);
    return (/** @type {any} */ responseHeaders) => {
      /** @type {any} */
      let answer;
      listener({ responseHeaders }, (/** @type {any} */ response) => (answer = response));
      return answer.responseHeaders;
    };
  };

  /** What ran in a page with such headers. @param {(own: any) => any} headers @param {any} [own] headers of the server itself */
  const whatRan = async (headers, own = {}) => {
    const server = http.createServer(({ url }, response) => {
      if (url === '/page.js') return void response.writeHead(200, { 'content-type': 'text/javascript' }).end(SCRIPT);
      response.writeHead(200, headers({ 'content-type': ['text/html'], ...own })).end(PAGE.replace('src="/', `src="http://127.0.0.1:${port}/`));
    });
    const port = await holder.world.listen(server);
    const browser = await chromium.launch({ executablePath: findBrowser() ?? undefined, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${port}/`);
      return await page.evaluate('({inline: window.inline, own: window.own, data: window.data, evaluated: window.evaluated, refused: window.refused, base: document.baseURI.includes("elsewhere")})');
    } finally {
      await browser.close();
    }
  };

  before(function () {
    if (findBrowser() === null) this.skip();
  });

  it("lets the page's own files run, and neither eval nor what was put into the page", async () => {
    assert.deepEqual(await whatRan((own) => own), { inline: true, own: true, data: true, evaluated: true, refused: undefined, base: true });
    assert.deepEqual(await whatRan(headersOf()), { inline: undefined, own: true, data: undefined, evaluated: undefined, refused: 'EvalError', base: false });
  });

  it("is obeyed beside the server's own, which stays", async () => {
    const ran = await whatRan(headersOf({ csp: { directives: "script-src 'self' 'unsafe-inline'" } }), { 'content-security-policy': ["script-src 'unsafe-inline' data:"] });
    assert.deepEqual([ran.inline, ran.own, ran.data], [true, undefined, undefined]);
  });
});
