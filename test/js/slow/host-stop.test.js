// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { startWorker } = require('../../../js/index.js');

const addon = path.join(__dirname, '..', 'support', 'fake-addon.js');

/** @param {Record<string, any>} fake what the fake addon does */
const start = (fake) => startWorker({ database: path.join(__dirname, 'none.db'), env: { LLM_JOBS_ADDON: addon }, fake });

describe('stop of a worker that is not well', function () {
  this.timeout(60000);

  it('ends one that never answers to drain', async () => {
    const worker = await start({ neverDrains: true });
    const exit = new Promise((resolve) => worker.once('exit', resolve));
    await worker.stop({ deadlineMs: 10 });
    assert.deepEqual(await exit, { code: 0, signal: null });
  });

  it('kills one that hangs', async () => {
    const worker = await start({});
    const exit = new Promise((resolve) => worker.once('exit', resolve));
    process.kill(/** @type {number} */ (worker.pid), 'SIGSTOP');
    await worker.stop({ deadlineMs: 10 });
    assert.deepEqual(await exit, { code: null, signal: 'SIGKILL' });
  });
});
