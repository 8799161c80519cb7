// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, pause } = require('./support/e2e.js');

/** Calls from which on a step is full, and that step: src/engine/loop.c. */
const CROWD = 256;
const STEP_MS = 6;

describe('worker: many streams at once', function () {
  this.timeout(20000);
  const on = useWorld();

  it('the engine takes in what has come together, instead of a turn for each token', async () => {
    const { world } = on;
    const streams = 100;
    world.database();
    world.createTable();
    await world.provider({ tokens: 1500, tokenMs: 4, process: true });
    const worker = await world.worker({ concurrency: streams });
    for (let i = 0; i < streams; i++) world.insert();
    await world.until(async () => (await world.fake.stats()).open === streams, 'all streams');

    const before = await worker.stats();
    await pause(1000);
    const after = await worker.stats();
    assert.equal(after.active, streams, 'the streams have ended too early');
    assert.ok(after.bytesIn - before.bytesIn > 100000);
    // Machines differ in how many turns they could make; that there is a step between two does not depend on them.
    const steps = (after.uptimeMs - before.uptimeMs) / ((STEP_MS * streams) / CROWD);
    assert.ok(after.turns - before.turns < steps * 1.1 + 10, `${after.turns - before.turns} turns, ${Math.round(steps)} steps`);
  });
});
