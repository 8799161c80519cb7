// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld } = require('./support/e2e.js');
const { canSet } = require('./support/clock.js');
const { RawWorker } = require('./support/model-worker.js');

const HOUR_MS = 3600000;

(canSet ? describe : describe.skip)('worker: the wall clock', function () {
  this.timeout(30000);
  const on = useWorld();

  /** @param {Record<string, any>} [options] of the provider */
  async function start(options) {
    const { world } = on;
    world.database();
    world.createTable();
    await world.provider(options);
    const providers = { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl } };
    const worker = new RawWorker(world, { database: world.file, workerId: 'w', providers });
    worker.start();
    await worker.ready;
    return worker;
  }

  it('is what rows are dated with, while it is ahead, behind and right', async () => {
    const { world } = on;
    const worker = await start();
    for (const ahead of [0, 5 * HOUR_MS, -7 * HOUR_MS + 1, 0]) {
      worker.clock.set(ahead);
      const before = Date.now() + ahead;
      const row = await world.ended(world.insert());
      const after = Date.now() + ahead;
      assert.equal(row.status, 'completed');
      assert.ok(before <= row.finished_on && row.finished_on <= after, `ahead by ${ahead}: ${before}, ${row.finished_on}, ${after}`);
    }
  });
});
