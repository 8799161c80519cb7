// SPDX-License-Identifier: MIT
'use strict';

/** An app as it lies in its archive: a queue, a worker, and a page that adds a job and follows its text. Then it quits. */

const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { DatabaseSync } = require('node:sqlite');
const electron = require('electron');
const { Queue, startWorker, serveRenderers, applySecurityPolicy } = require('llm-jobs');

const { app, BrowserWindow } = electron;
const { database, openaiUrl, standIn } = JSON.parse(process.argv.at(-1) ?? '');
const say = (/** @type {unknown} */ what) => console.log(`@${JSON.stringify(what)}`);

const preload = path.join(__dirname, 'preload.js');
const page = path.join(__dirname, 'index.html');
const script = `new Promise((resolve) => {
  let text = '';
  window.llmJobs.add('summarise', { prompt: 'Hello' }).then((id) =>
    window.llmJobs.subscribe(id, (piece) => {
      text = piece.restart ? piece.text : text + piece.text;
      if (piece.done) window.llmJobs.get(id).then((job) => resolve({ text, status: piece.status, result: job.result.text, names: Object.keys(window.llmJobs) }));
    }),
  );
})`;

/** Runs the script in the page; the stand-in has pages, but no windows with pages. */
async function inPage() {
  if (standIn) {
    const { window } = require(standIn).openPage(electron, { url: pathToFileURL(page).href, preload });
    window.window = window;
    return window.eval(script);
  }
  const window = new BrowserWindow({ show: false, webPreferences: applySecurityPolicy({ preload }) });
  await window.loadFile(page);
  return window.webContents.executeJavaScript(script);
}

async function main() {
  await app.whenReady();
  const db = new DatabaseSync(database);
  db.exec('PRAGMA journal_mode = WAL');
  const queue = new Queue(db);
  const worker = await startWorker({ database, providers: { fake: { kind: 'openai-compatible', baseUrl: openaiUrl } } });
  worker.on('exit', ({ code }) => say({ exit: code }));
  serveRenderers({ queue, worker, allow: { summarise: { options: { model: 'fake/m' } } } });
  say({ pid: worker.pid, page: await inPage() });
  app.quit();
}

main().catch((error) => {
  say({ error: String(error?.stack ?? error) });
  app.exit(1);
});
