// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { isAlive } = require('./support/alive.js');
const { runApp } = require('./support/electron/run.js');

describe('startWorker in Electron', () => {
  it('forks a utility process, talks through parentPort, replaces one that is frozen, stops the last one by a message', async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'));
    const stoppedFile = path.join(root, 'stopped');
    const main = runApp(path.join(__dirname, 'support', 'electron-main.js'), { args: [stoppedFile] });
    try {
      const told = await main.hear(() => true);
      assert.equal(told.error, undefined);
      assert.match(told.early, /before app is ready|it was ready/);
      assert.equal(told.forks.length, 2);
      for (const one of told.forks) {
        assert.ok(one.env > 0, 'an empty environment would hand over the whole one of the app');
        assert.deepEqual({ ...one, env: 0 }, { entry: 'worker.js', args: [], serviceName: 'llm-jobs', stdio: ['ignore', 'pipe', 'pipe'], env: 0 });
      }
      assert.deepEqual(told.replaced, { cause: 'the worker did not answer to 2 heartbeats', generation: 2, other: true });
      assert.equal(isAlive(told.frozen), false);
      assert.deepEqual([told.sentPid, told.answer, told.waiting, told.exit.code], [true, 'hello', 'WORKER_CRASHED', 0]);
      // Electron's kill() would have left the engine no time for that.
      assert.equal(fs.readFileSync(stoppedFile, 'utf8'), 'stopped');
      assert.deepEqual(await main.exit, { code: 0, signal: null });
    } finally {
      main.kill();
      fs.rmSync(root, { recursive: true, force: true });
    }
  });
});
