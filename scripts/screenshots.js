// SPDX-License-Identifier: MIT
'use strict';

/**
 * Takes the pictures of the example app in docs/images: its built page in Chromium, in front of its built main process, its worker and
 * a fake provider whose answers are below.
 *
 *     node scripts/screenshots.js
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const { setup, main } = require('./setup');
const { SetupError, say } = require('./setup/say');
const paths = require('./setup/paths');
const { earlier, texts, answerTo } = require('./screenshots/texts');

const LARGEST = 200 * 1024;
const PICTURES = [
  { name: 'example-light', size: [1180, 760], options: { colorScheme: /** @type {const} */ ('light') } },
  { name: 'example-dark', size: [1180, 760], options: { colorScheme: /** @type {const} */ ('dark') } },
  { name: 'example-narrow', size: [400, 860], options: { colorScheme: /** @type {const} */ ('light') } },
];

/** Rows of answers as they are after half an hour of use. @param {string} file */
function seed(file) {
  const db = new DatabaseSync(file, { timeout: 5000 });
  const insert = db.prepare(
    `INSERT INTO llm_jobs (name, model, data, status, progress, result, attempts, lane, created_at, processed_on, finished_on)
     VALUES (?, 'desk/gpt-5-mini', ?, 'completed', 100, ?, 1, 'desk/gpt-5-mini', ?, ?, ?)`,
  );
  const now = Date.now();
  for (const { task, text, answer, minutesAgo, outputTokens } of earlier) {
    const end = now - minutesAgo * 60000;
    const totalMs = 900 + outputTokens * 14;
    const result = {
      text: answer,
      finishReason: 'stop',
      usage: { inputTokens: outputTokens * 5 + 120, outputTokens },
      model: 'gpt-5-mini',
      provider: 'desk',
      timing: { queuedMs: 2, firstTokenMs: 480, totalMs },
    };
    insert.run(task, JSON.stringify({ text }), JSON.stringify(result), end - totalMs - 5, end - totalMs, end);
  }
  db.exec("INSERT INTO kept_answers (job_id, kept_at) SELECT id, finished_on FROM llm_jobs WHERE data LIKE '%pencil%'");
  db.close();
}

main(async () => {
  await setup({ tests: true });
  // Loaded when the packages are there.
  const { startFakeProvider } = require('../js/testing.js');
  const { layOut, buildAll } = require('../test/js/support/example.js');
  const { startApp } = require('../test/js/support/example-app.js');
  const { openPage, serve, startBrowser } = require('../test/js/support/example-browser.js');

  const place = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-screenshots-'));
  /** @type {(() => unknown)[]} */
  const ends = [() => fs.rmSync(place, { recursive: true, force: true })];
  try {
    const browser = await startBrowser();
    if (browser === null) throw new SetupError('There is no Chromium or Chrome on this machine.');
    ends.push(() => browser.close());
    const example = layOut();
    ends.push(example.remove);
    await buildAll(example.app);
    const server = await serve(path.join(example.app, '.vite', 'renderer', 'main_window'));
    ends.push(server.close);
    const fake = await startFakeProvider({ script: answerTo, firstTokenMs: 50, tokenMs: 80 });
    ends.push(fake.close);
    const provider = { kind: 'openai-compatible', baseUrl: fake.openaiUrl, prices: { '*': { inputPerMillion: 0.25, outputPerMillion: 2 } } };
    fs.writeFileSync(path.join(place, 'settings.json'), JSON.stringify({ provider, model: 'gpt-5-mini' }));
    const app = await startApp(path.join(example.app, '.vite', 'build', 'main.cjs'), place);
    ends.push(app.quit);
    seed(path.join(place, 'desk.db'));
    for (const { task, text } of texts) await app.call('llmJobs', 'add', task, { text }, {});

    const pages = [];
    for (const { size, options } of PICTURES) {
      pages.push(await openPage(browser, server.url, app, { ...options, viewport: { width: size[0], height: size[1] } }));
    }
    for (const [index, { page, complaints }] of pages.entries()) {
      if (PICTURES[index].size[0] > 800) await page.locator('#history summary', { hasText: 'pencil' }).first().click();
      await page.waitForFunction(() => (document.querySelector('#open-jobs .live')?.textContent ?? '').length > 150);
      const file = path.join(paths.root, 'docs', 'images', `${PICTURES[index].name}.png`);
      const { length } = await page.screenshot({ path: file });
      if (length > LARGEST) throw new SetupError(`${file} has ${length} bytes; ${LARGEST} are the most`);
      if (complaints.length > 0) throw new SetupError(`The page complains: ${complaints.join('; ')}`);
      say(`${path.relative(paths.root, file)}: ${Math.round(length / 1024)} KB`);
    }
  } finally {
    for (const end of ends.reverse()) await end();
  }
});
