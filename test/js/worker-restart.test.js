// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { inElectron } = require('./support/exit.js');
const { useWorld, kill } = require('./support/e2e.js');

describe('worker: an end in the middle of calls', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    await on.world.provider();
  });

  /** Two jobs whose calls the provider has and does not answer; one of them has failed once before. */
  async function twoInFlight() {
    const { world } = on;
    await world.fake.script([{ status: 500 }, { hang: true }, { hang: true }]);
    const worker = await world.worker();
    const tried = world.insert({ opts: { backoff: { type: 'fixed', delayMs: 1 } } });
    await world.until(async () => (await world.fake.count()) === 2, 'the second try');
    const fresh = world.insert();
    await world.until(async () => (await world.fake.count()) === 3, 'the other call');
    return { worker, tried, fresh };
  }

  for (const how of ['SIGTERM', 'SIGINT', 'stop']) {
    it(`by ${how} gives the attempts back, and the next start completes the jobs`, async function () {
      // Whether a utility process handles SIGTERM is not known; nothing depends on it.
      if (how === 'SIGTERM' && inElectron) this.skip();
      const { world } = on;
      const { worker, tried, fresh } = await twoInFlight();
      if (how === 'stop') await worker.stop({ deadlineMs: 0 });
      else await kill(worker, /** @type {NodeJS.Signals} */ (how));
      const [one, two] = [world.row(tried), world.row(fresh)];
      assert.deepEqual([one.status, one.attempts, one.error.code, one.stalls, one.lease_owner], ['waiting', 1, 'SERVER_ERROR', 0, null]);
      assert.deepEqual([two.status, two.attempts, two.error, two.stalls, two.lease_owner], ['waiting', 0, null, 0, null]);

      await world.worker();
      assert.deepEqual([(await world.ended(tried)).status, world.row(tried).attempts], ['completed', 2]);
      assert.deepEqual([(await world.ended(fresh)).status, world.row(fresh).attempts], ['completed', 1]);
      assert.equal(await world.fake.count(), 5);
    });
  }

  it('by SIGKILL leaves them to the next start of the same workerId, which runs them at once and counts a stall', async () => {
    const { world } = on;
    const { worker, tried, fresh } = await twoInFlight();
    await kill(worker);
    assert.equal(world.row(fresh).status, 'active');
    const next = await world.worker();
    assert.equal(next.ready.recovered, 2);
    for (const [id, attempts] of [[tried, 2], [fresh, 1]]) {
      const row = await world.ended(id);
      assert.deepEqual([row.status, row.attempts, row.stalls], ['completed', attempts, 1]);
    }
  });

  it('a drain lets running calls end, starts no others, and keeps what waits', async () => {
    const { world } = on;
    await world.fake.script([{ delayMs: 200 }]);
    const worker = await world.worker({ concurrency: 1 });
    const running = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const waiting = world.insert();
    assert.deepEqual(await worker.drain(), { drained: true, interrupted: 0 });
    assert.deepEqual([world.row(running).status, world.row(waiting).status], ['completed', 'waiting']);
    await worker.stop();
    assert.equal(await world.fake.count(), 1);
  });

  it('a drain interrupts at its deadline what still runs', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    const worker = await world.worker();
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    assert.deepEqual(await worker.drain({ deadlineMs: 50 }), { drained: false, interrupted: 1 });
    assert.deepEqual([world.row(id).status, world.row(id).attempts], ['waiting', 0]);
  });

  it('two live workers of one workerId take nothing from each other', async () => {
    const { world } = on;
    await world.fake.script([{ delayMs: 300 }]);
    await world.worker();
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const second = await world.worker();
    assert.equal(second.ready.recovered, 0);
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.stalls], ['completed', 0]);
    assert.equal(await world.fake.count(), 1);
  });
});
