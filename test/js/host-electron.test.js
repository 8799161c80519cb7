// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { runApp } = require('./support/electron/run.js');

describe('startWorker in Electron', () => {
  it('forks a utility process, talks through parentPort, stops', async () => {
    const main = runApp(path.join(__dirname, 'support', 'electron-main.js'));
    try {
      const told = await main.hear(() => true);
      assert.equal(told.error, undefined);
      const [only, ...others] = told.forks;
      assert.deepEqual(others, []);
      assert.ok(only.env > 0, 'an empty environment would hand over the whole one of the app');
      assert.deepEqual({ ...only, env: 0 }, { entry: 'worker.js', args: [], serviceName: 'llm-jobs', stdio: ['ignore', 'pipe', 'pipe'], env: 0 });
      assert.deepEqual([told.sentPid, told.answer, told.waiting, told.exit.code], [true, 'hello', 'WORKER_CRASHED', 0]);
      assert.deepEqual(await main.exit, { code: 0, signal: null });
    } finally {
      main.kill();
    }
  });
});
