// SPDX-License-Identifier: MIT
'use strict';

/** The example app as its user sees it: its built page in Chromium, behind it its built main process, worker and a fake provider. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startFakeProvider } = require('../../../js/testing.js');
const { layOut, buildAll } = require('../support/example.js');
const { startApp } = require('../support/example-app.js');
const { openPage, serve, startBrowser } = require('../support/example-browser.js');

/** The fake provider answers nobody else. */
const KEY = 'sk-a-secret-of-the-user';

describe("the example app's page", function () {
  /** @type {any} */
  let browser;
  /** @type {string} */
  let place;
  /** @type {ReturnType<typeof layOut>} */
  let example;
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let server;
  /** @type {Awaited<ReturnType<typeof startFakeProvider>>} */
  let fake;
  /** @type {Awaited<ReturnType<typeof startApp>>} */
  let app;
  /** @type {import('playwright-core').Page} */
  let page;
  /** @type {string[]} */
  let complaints;
  /** @type {(() => unknown)[]} */
  let ends = [];

  before(async function () {
    browser = await startBrowser();
    // Systems whose packages have no Chromium.
    if (browser === null) return this.skip();
    example = layOut();
    await buildAll(example.app);
    server = await serve(path.join(example.app, '.vite', 'renderer', 'main_window'));
  });
  after(async () => {
    await browser?.close();
    server?.close();
    example?.remove();
  });

  beforeEach(async () => {
    place = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-page-'));
    ends = [() => fs.rmSync(place, { recursive: true, force: true })];
    fake = await startFakeProvider({ tokens: 40, firstTokenMs: 20, tokenMs: 25, apiKey: KEY });
    ends.push(() => fake.close());
    const provider = {
      kind: 'openai-compatible',
      baseUrl: fake.openaiUrl,
      apiKey: { secret: 'fake' },
      prices: { '*': { inputPerMillion: 250, outputPerMillion: 2000 } },
    };
    fs.writeFileSync(path.join(place, 'settings.json'), JSON.stringify({ provider, model: 'test-model' }));
    app = await startApp(path.join(example.app, '.vite', 'build', 'main.cjs'), place);
    ends.push(() => app.quit());
    const opened = await openPage(browser, server.url, app);
    ends.push(opened.close);
    ({ page, complaints } = opened);
    await page.waitForSelector('#worker-state[data-state="ready"]');
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
  });

  const text = (/** @type {string} */ selector) => page.locator(selector).innerText();
  const giveKey = async () => {
    await page.fill('#key', KEY);
    await page.click('#key-form button');
    await page.waitForSelector('#key-form', { state: 'hidden' });
  };
  const add = async (/** @type {string} */ words, task = 'Summarise') => {
    await page.fill('#text', words);
    await page.locator('#composer').getByText(task, { exact: true }).click();
    await page.click('#composer button[type="submit"]');
  };

  it('shows a new text being read: progress and words as they come, then the answer, its cost and the chart', async () => {
    assert.equal(await text('#figure-answers'), '0');
    await giveKey();
    await add('Rain falls because drops grow heavy.');

    const longerThan = async (/** @type {number} */ length) => {
      await page.waitForFunction((least) => (document.querySelector('#open-jobs .live')?.textContent ?? '').length > least, length);
      return page.evaluate(() => document.querySelector('#open-jobs .live')?.textContent ?? '');
    };
    const first = await longerThan(10);
    const second = await longerThan(first.length);
    assert.ok(second.startsWith(first));
    await page.waitForFunction(() => (document.querySelector('#open-jobs progress')?.value ?? 0) > 0);
    assert.equal(await page.inputValue('#text'), '');

    await page.waitForSelector('#history li[data-status="completed"]');
    await page.waitForSelector('#open-empty:not([hidden])');
    assert.equal(await text('#figure-answers'), '1');
    assert.match(await text('#figure-cost'), /^\$0\.\d+$/);
    await page.click('#history summary');
    const answer = await text('#history .answer');
    const [request] = await fake.log();
    assert.equal(request.body.messages.at(-1).content, 'Summarise this text in one paragraph:\n\nRain falls because drops grow heavy.');
    assert.ok(answer.includes('Rain'), answer);
    assert.ok(answer.startsWith(second.trimEnd()), `${second} is not how this begins: ${answer}`);
    assert.match(await text('#history .facts'), /test-model · [\d,]+ tokens · [\d.]+ s · \$/);

    // Something is drawn on the canvas in the bars' colour and in the line's.
    const colours = await page.evaluate(() => {
      const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector('#chart canvas'));
      const { data } = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')).getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) seen.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
      return [...seen];
    });
    for (const colour of ['185,213,207', '31,111,107']) assert.ok(colours.includes(colour), `${colour} is not among ${colours.length} colours`);
    assert.deepEqual(complaints, []);
  });

  it('shows the text once when it is opened in the middle of it', async () => {
    await giveKey();
    await add('Snow falls slowly.');
    await page.waitForFunction(() => (document.querySelector('#open-jobs .live')?.textContent ?? '').length > 30);
    const second = await openPage(browser, server.url, app);
    ends.push(second.close);
    const seen = [];
    for (let looks = 0; looks < 200; looks++) {
      const live = await second.page.evaluate(() => document.querySelector('#open-jobs .live')?.textContent ?? null);
      if (live !== null && live !== seen.at(-1)) seen.push(live);
      if (await second.page.evaluate(() => document.querySelector('#history li') !== null)) break;
    }
    await second.page.click('#history summary');
    const answer = await second.page.locator('#history .answer').innerText();
    assert.ok(seen.some((live) => live.length > 30), JSON.stringify(seen));
    assert.deepEqual(seen.filter((live) => !answer.startsWith(live.trimEnd())), []);
  });

  it('cancels a job that is being read, and one that waits', async () => {
    await fake.script([{ hangAfterTokens: 5 }, { hangAfterTokens: 5 }, { hangAfterTokens: 5 }]);
    await giveKey();
    for (const words of ['First.', 'Second.', 'Third.', 'Fourth.']) await add(words);
    await page.waitForFunction(() => document.querySelectorAll('#open-jobs li[data-status="active"]').length === 3);
    for (const words of ['Fourth.', 'First.']) await page.getByRole('button', { name: `Cancel: ${words}` }).click();
    await page.waitForFunction(() => document.querySelectorAll('#history li[data-status="cancelled"]').length === 2);
    assert.equal(await text('#open-count'), '2');
    assert.equal(await text('#announcer'), 'Cancelled.');
    assert.deepEqual(complaints, []);
  });

  it('keeps answers with a star and clears the others', async () => {
    await giveKey();
    for (const words of ['One.', 'Two.']) await add(words);
    await page.waitForFunction(() => document.querySelectorAll('#history li[data-status="completed"]').length === 2);
    await page.getByRole('button', { name: 'Keep: One.' }).click();
    await page.waitForSelector('#history .star[aria-pressed="true"]');
    await page.click('#clear');
    await page.waitForFunction(() => document.querySelectorAll('#history li').length === 1);
    assert.equal(await text('#history .title'), 'One.');
    assert.equal(await page.isDisabled('#clear'), true);
  });

  it('takes the key of the provider to the key store and to the worker, and to nowhere else', async () => {
    await add('A text before there is a key.');
    await page.waitForSelector('#history li[data-status="failed"]');
    await giveKey();
    await add('A text with a key.');
    await page.waitForSelector('#history li[data-status="completed"]');
    for (const file of fs.readdirSync(place)) {
      if (fs.statSync(path.join(place, file)).isFile()) assert.ok(!fs.readFileSync(path.join(place, file)).includes(KEY), file);
    }
    assert.ok(!app.output().includes(KEY));
  });

  it('shows markup of a model as text', async () => {
    await fake.script([{ text: '<img src=x onerror="document.title=1"> <b>bold</b>' }]);
    await giveKey();
    await add('Anything.');
    await page.waitForSelector('#history li[data-status="completed"]');
    await page.click('#history summary');
    assert.equal(await text('#history .answer'), '<img src=x onerror="document.title=1"> <b>bold</b>');
    assert.equal(await page.title(), 'Reading Desk');
    assert.deepEqual(complaints, []);
  });

  it('goes on with what was on the desk when the app was closed', async () => {
    await fake.script([{ hangAfterTokens: 3 }]);
    await giveKey();
    await add('Interrupted.');
    await page.waitForSelector('#open-jobs li[data-status="active"]');
    await app.quit();
    const next = await startApp(path.join(example.app, '.vite', 'build', 'main.cjs'), place);
    ends.push(() => next.quit());
    const again = await openPage(browser, server.url, next);
    ends.push(again.close);
    await again.page.waitForSelector('#history li[data-status="completed"]');
  });

  it('has its style and is not hindered by its policy when the development server sends it', async () => {
    const { createServer } = await import('vite');
    const { developmentPolicy } = require(path.join(example.app, 'src', 'main', 'policy.ts'));
    const development = await createServer({
      root: example.app,
      configFile: path.join(example.app, 'vite.renderer.config.mts'),
      logLevel: 'error',
      // What applySecurityPolicy does to the session of the app's windows.
      server: { host: '127.0.0.1', port: 0, headers: { 'Content-Security-Policy': developmentPolicy } },
    });
    try {
      await development.listen();
      const [url] = development.resolvedUrls?.local ?? [];
      const opened = await openPage(browser, url, app);
      ends.push(opened.close);
      await opened.page.waitForSelector('#worker-state[data-state="ready"]');
      assert.equal(await opened.page.evaluate(() => getComputedStyle(document.querySelector('.card') ?? document.body).borderRadius), '10px');
      assert.deepEqual(opened.complaints, []);
    } finally {
      await development.close();
    }
  });

  it('can be used by keyboard, and each control has a name', async () => {
    await giveKey();
    await page.focus('#text');
    await page.keyboard.type('Typed.');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.isChecked('input[value="explain"]'), true);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('#history li[data-status="completed"]');
    assert.equal(await text('#history .task'), 'Explanation');
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('button, input, textarea, progress')]
        .filter((element) => !element.closest('[hidden]'))
        .filter((/** @type {any} */ element) => !(element.getAttribute('aria-label') || element.getAttribute('aria-labelledby') || element.textContent?.trim() || element.labels?.length))
        .map((element) => element.outerHTML),
    );
    assert.deepEqual(nameless, []);
  });

  it('fits a narrow window', async () => {
    await page.setViewportSize({ width: 380, height: 700 });
    await giveKey();
    await add(`${'Averylongwordwithoutanyspace'.repeat(8)}.`);
    await page.waitForSelector('#history li[data-status="completed"]');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0);
  });
});
