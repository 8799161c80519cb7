// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld } = require('./support/e2e.js');

describe('worker: heartbeat and throttle', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    on.world.createTable();
    await on.world.provider();
  });

  it('tells what the process uses, how long answers take, and whether jobs wait for a slot', async () => {
    const { world } = on;
    await world.fake.script([{ delayMs: 50 }, { tokens: 1000, tokenMs: 20 }]);
    const worker = await world.worker({ concurrency: 1 });
    const idle = await worker.request('worker:heartbeat');
    assert.equal(idle.pid, worker.pid);
    assert.ok(idle.cpuMs >= 0 && idle.rssBytes > 10e6 && idle.rssBytes < 200e6, JSON.stringify(idle));
    assert.deepEqual([idle.concurrency, idle.backlog, idle.responseMs], [1, false, undefined]);
    await world.ended(world.insert());
    world.insert();
    world.insert();
    await world.until(async () => (await world.fake.count()) === 2, 'the second call');
    const busy = await worker.request('worker:heartbeat');
    assert.ok(busy.responseMs >= 40, `${busy.responseMs}`);
    assert.ok(busy.cpuMs >= idle.cpuMs);
    assert.deepEqual([busy.active, busy.backlog], [1, true]);
  });

  it('worker:throttle holds back new jobs until it is lifted', async () => {
    const { world } = on;
    const worker = await world.worker();
    assert.deepEqual(await worker.request('worker:throttle', { concurrency: 0 }), { concurrency: 0 });
    const id = world.insert();
    await worker.request('worker:heartbeat');
    await worker.request('worker:heartbeat');
    assert.equal(world.row(id).status, 'waiting');
    assert.deepEqual(await worker.request('worker:throttle', { concurrency: null }), { concurrency: 5 });
    assert.equal((await world.ended(id)).status, 'completed');
    await assert.rejects(worker.request('worker:throttle', { concurrency: -1 }), { code: 'INVALID' });
  });
});
