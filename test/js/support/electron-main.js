// SPDX-License-Identifier: MIT
'use strict';

/**
 * The main process of an app that starts a worker with the fake addon, asks it something, freezes its process, and stops the one
 * that takes its place; it says what it saw.
 */

const path = require('node:path');
const { app, utilityProcess } = require('electron');
const { startWorker } = require('../../../js/index.js');

/** @type {any[]} */
const forks = [];
const fork = utilityProcess.fork;
utilityProcess.fork = (/** @type {string} */ entry, /** @type {any} */ args, /** @type {any} */ options) => {
  forks.push({ entry: path.basename(entry), args, serviceName: options.serviceName, stdio: options.stdio, env: Object.keys(options.env).length });
  return fork(entry, args, options);
};

const say = (/** @type {unknown} */ what) => console.log(`@${JSON.stringify(what)}`);

async function main() {
  const [stoppedFile] = process.argv.slice(-1);
  const options = { database: '/nowhere/app.db', env: { LLM_JOBS_ADDON: path.join(__dirname, 'fake-addon.js') }, fake: { stoppedFile } };
  const early = app.isReady() ? 'it was ready' : await startWorker(options).then(() => 'started', (error) => error.message);
  await app.whenReady();
  forks.length = 0;
  const worker = await startWorker({ ...options, heartbeat: { intervalMs: 20, timeoutMs: 300, maxRetries: 2 }, restart: { delayMs: 1 } });
  const sentPid = worker.pid === worker.ready?.pid;
  const answer = await worker.request('test:later', { ms: 1, value: 'hello' });

  const frozen = Number(worker.pid);
  const again = new Promise((resolve) => worker.once('restarted', resolve));
  const cause = new Promise((resolve) => worker.once('exit', ({ reason }) => resolve(reason)));
  process.kill(frozen, 'SIGSTOP');
  await again;
  const replaced = { cause: await cause, generation: worker.ready?.generation, other: worker.pid !== frozen };

  const waiting = worker.request('test:later', { ms: 60000 }).catch((/** @type {any} */ error) => error.code);
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  await worker.stop({ deadlineMs: 10 });
  say({ early, forks, sentPid, answer, frozen, replaced, waiting: await waiting, exit: await exit });
  app.quit();
}

main().catch((error) => {
  say({ error: String(error?.stack ?? error) });
  app.exit(1);
});
