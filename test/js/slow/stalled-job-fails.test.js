// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, kill } = require('../support/e2e.js');

describe('a job that takes its worker down', function () {
  this.timeout(60000);
  const on = useWorld();

  it('fails with STALLED at the second time, so that the other jobs of the table run', async () => {
    const { world } = on;
    world.database();
    // The poisonous job never gets an answer; the test kills the worker while it waits for it.
    await world.provider({ script: ({ body }) => (body.messages[0].content === 'poison' ? { hang: true } : {}) });
    const poison = world.createTable().insert({ data: { prompt: 'poison' }, priority: 10 });
    const others = Array.from({ length: 5 }, () => world.insert());

    for (const stalls of [1, 2]) {
      const worker = await world.worker({ concurrency: 1 });
      await world.until(async () => (await world.fake.count()) === stalls, 'the call of the poisonous job');
      assert.equal(world.row(poison).status, 'active');
      await kill(worker);
    }
    const worker = await world.worker({ concurrency: 1 });
    const row = world.row(poison);
    assert.deepEqual([row.status, row.error.code, row.stalls, row.lease_owner], ['failed', 'STALLED', 2, null]);
    assert.match(row.error.message, /maxStalls/);
    assert.ok(row.finished_on > 0);
    for (const id of others) assert.equal((await world.ended(id)).status, 'completed');
    assert.equal(worker.ready.recovered, 1);
    assert.equal(await world.fake.count(), 2 + others.length);
  });

  it('fails at the first time with maxStalls 0', async () => {
    const { world } = on;
    world.database();
    await world.provider({ script: [{ hang: true }] });
    const first = await world.worker({ maxStalls: 0 });
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    await kill(first);
    await world.worker({ maxStalls: 0 });
    assert.deepEqual([world.row(id).status, world.row(id).error.code], ['failed', 'STALLED']);
    assert.equal(await world.fake.count(), 1);
  });

  it('comes back by its lease when a worker of another workerId finds it', async () => {
    const { world } = on;
    world.database();
    await world.provider({ script: [{ hang: true }] });
    const first = await world.worker({ workerId: 'one', leaseMs: 1000 });
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    await kill(first);
    const second = await world.worker({ workerId: 'two', leaseMs: 1000 });
    assert.equal(second.ready.recovered, 0);
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.stalls, row.attempts], ['completed', 1, 1]);
  });
});
