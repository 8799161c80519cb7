// SPDX-License-Identifier: MIT
'use strict';

/**
 * A main process that looks like Electron's to the host: `process.type`, a version, and a module `electron` whose utilityProcess
 * has the shape of electron.d.ts. The worker runs behind electron-utility.js, which gives it a parentPort and no process.send.
 * What only a real Electron can show stays for the smoke tests there; this shows that the code for it runs at all.
 */

const Module = require('node:module');
const path = require('node:path');
const { EventEmitter } = require('node:events');
const { fork } = require('node:child_process');

/** @type {any[]} */
const forks = [];
const utilityProcess = {
  fork(/** @type {string} */ entry, /** @type {string[]} */ args, /** @type {any} */ options) {
    forks.push({ entry: path.basename(entry), args, serviceName: options.serviceName, stdio: options.stdio, env: Object.keys(options.env).length });
    const real = fork(path.join(__dirname, 'electron-utility.js'), [entry], { env: options.env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    const child = Object.assign(new EventEmitter(), {
      stdout: real.stdout,
      stderr: real.stderr,
      /** @type {number | undefined} */
      pid: undefined,
      postMessage: (/** @type {any} */ message) => void real.send(message),
      // Electron gives no choice of the signal, and its code says nothing.
      kill: () => real.kill('SIGTERM'),
    });
    real.on('spawn', () => {
      child.pid = real.pid;
      child.emit('spawn');
    });
    real.on('message', (message) => child.emit('message', message));
    real.on('exit', (code) => {
      child.pid = undefined;
      child.emit('exit', code ?? 0);
    });
    return child;
  },
};

Object.defineProperty(process.versions, 'electron', { value: '45.4.1' });
Object.defineProperty(process, 'type', { value: 'browser' });
const load = /** @type {any} */ (Module)._load;
/** @type {any} */ (Module)._load = function (/** @type {string} */ name, /** @type {any[]} */ ...rest) {
  return name === 'electron' ? { utilityProcess } : load.call(this, name, ...rest);
};

const { startWorker } = require('../../../js/index.js');

async function main() {
  const worker = await startWorker({ database: '/nowhere/app.db', env: { LLM_JOBS_ADDON: path.join(__dirname, 'fake-addon.js') } });
  const sentPid = worker.pid === worker.ready?.pid;
  const answer = await worker.request('test:later', { ms: 1, value: 'hello' });
  const waiting = worker.request('test:later', { ms: 60000 }).catch((/** @type {any} */ error) => error.code);
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  await worker.stop({ deadlineMs: 10 });
  process.send?.({ forks, sentPid, answer, waiting: await waiting, exit: await exit });
  process.disconnect?.();
}

main().catch((error) => process.send?.({ error: String(error?.stack ?? error) }, () => process.exit(1)));
