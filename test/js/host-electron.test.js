// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const path = require('node:path');

describe('startWorker in a process that looks like Electron', () => {
  it('forks a utility process, talks through parentPort, stops', async () => {
    const main = fork(path.join(__dirname, 'support', 'electron-main.js'), [], { execArgv: [] });
    try {
      const told = /** @type {any} */ (await new Promise((resolve, reject) => {
        main.once('message', resolve);
        main.once('exit', (code) => reject(new Error(`the main process ended with ${code}`)));
      }));
      assert.equal(told.error, undefined);
      const [only, ...others] = told.forks;
      assert.deepEqual(others, []);
      assert.ok(only.env > 0, 'an empty environment would hand over the whole one of the app');
      assert.deepEqual({ ...only, env: 0 }, { entry: 'worker.js', args: [], serviceName: 'llm-jobs', stdio: ['ignore', 'pipe', 'pipe'], env: 0 });
      assert.deepEqual([told.sentPid, told.answer, told.waiting, told.exit.code], [true, 'hello', 'WORKER_CRASHED', 0]);
    } finally {
      main.kill('SIGKILL');
    }
  });
});
