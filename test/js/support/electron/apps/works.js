// SPDX-License-Identifier: MIT
'use strict';

/** An app with a worker. It does what it is told, and says what happens. */

const { connect } = require('node:net');
const { createInterface } = require('node:readline');
const { app, powerMonitor } = require('electron');
const { startWorker } = require('../../../../../js/index.js');

const say = (/** @type {unknown} */ what) => console.log(`@${JSON.stringify(what)}`);
app.on('before-quit', () => say('before-quit'));
app.on('will-quit', () => say('will-quit'));

/** @type {Record<string, () => void>} */
const orders = {
  quit: () => app.quit(),
  exit: () => app.exit(0),
  kill: () => process.kill(process.pid, 'SIGKILL'),
  resume: () => ['suspend', 'resume'].forEach((event) => powerMonitor.emit(event)),
};

async function main() {
  await app.whenReady();
  const worker = await startWorker(JSON.parse(process.argv.at(-1) ?? ''));
  const power = worker.power.bind(worker);
  /** @type {string[]} */
  const heard = [];
  worker.power = async (event) => {
    heard.push(event);
    const answer = await power(event);
    if (event === 'resume') say({ heard });
    return answer;
  };
  worker.on('exit', ({ code }) => say({ exit: code }));
  say({ worker: worker.pid, quitListeners: app.listenerCount('will-quit') });
  createInterface({ input: connect(process.env.LLM_JOBS_TEST_PIPE ?? '') }).on('line', (line) => orders[line]?.());
}

main().catch((error) => {
  say({ error: String(error?.stack ?? error) });
  app.exit(1);
});
