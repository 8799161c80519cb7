// SPDX-License-Identifier: MIT
'use strict';

/** The main process of an app that starts a worker with the fake addon, asks it something and stops it, and says what it saw. */

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
  await app.whenReady();
  const worker = await startWorker({ database: '/nowhere/app.db', env: { LLM_JOBS_ADDON: path.join(__dirname, 'fake-addon.js') } });
  const sentPid = worker.pid === worker.ready?.pid;
  const answer = await worker.request('test:later', { ms: 1, value: 'hello' });
  const waiting = worker.request('test:later', { ms: 60000 }).catch((/** @type {any} */ error) => error.code);
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  await worker.stop({ deadlineMs: 10 });
  say({ forks, sentPid, answer, waiting: await waiting, exit: await exit });
  app.quit();
}

main().catch((error) => {
  say({ error: String(error?.stack ?? error) });
  app.exit(1);
});
