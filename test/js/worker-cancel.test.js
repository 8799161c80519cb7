// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, pause } = require('./support/e2e.js');

describe('worker.cancel: a message instead of SQL', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    on.world.createTable();
    await on.world.provider({ tokens: 2 });
  });

  /** Starts a job whose call never ends by itself. */
  const hang = async (/** @type {import('./support/e2e.js').World} */ world) => {
    await world.fake.script([{ hang: true }]);
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    return id;
  };

  it('a running job: its call is aborted, and the row says so when the answer comes', async () => {
    const { world } = on;
    const worker = await world.worker();
    const id = await hang(world);
    assert.equal(await worker.cancel(id), true);
    const row = world.row(id);
    assert.deepEqual([row.status, row.error.code, row.lease_token], ['cancelled', 'CANCELLED', null]);
    assert.equal(await worker.cancel(id), false, 'a second time');
    assert.equal(await world.fake.count(), 1);
  });

  it('a job that waits: it ends without a call', async () => {
    const { world } = on;
    const worker = await world.worker();
    await worker.pause();
    const id = world.insert();
    assert.equal(await worker.cancel(id), true);
    assert.equal((await world.ended(id)).status, 'cancelled');
    assert.equal(await world.fake.count(), 0);
  });

  it('a job that another worker runs: that one aborts it', async () => {
    const { world } = on;
    await world.worker({ workerId: 'one' });
    const id = await hang(world);
    const other = await world.worker({ workerId: 'two' });
    assert.equal(await other.cancel(id), true);
    assert.equal((await world.ended(id)).status, 'cancelled');
    assert.equal((await world.fake.count()), 1);
  });

  it('a job that has ended, and one that there is not: false', async () => {
    const { world } = on;
    const worker = await world.worker();
    const { id } = await world.ended(world.insert());
    assert.equal(await worker.cancel(id), false);
    assert.equal(world.row(id).status, 'completed');
    assert.equal(world.row(id).cancel_requested, 0);
    assert.equal(await worker.cancel('nobody'), false);
  });

  it('while the app holds the lock: the call ends at once, the answer waits for the row', async () => {
    const { world } = on;
    const worker = await world.worker();
    const id = await hang(world);
    world.db.exec('BEGIN IMMEDIATE');
    let answered = false;
    const answer = worker.cancel(id).then((flag) => {
      answered = true;
      return flag;
    });
    await world.until(async () => (await worker.stats()).active === 0, 'the call to end');
    await pause(50);
    assert.equal(answered, false);
    world.db.exec('COMMIT');
    assert.equal(await answer, true);
    assert.equal(world.row(id).status, 'cancelled');
  });

  it('a row that a trigger of the app protects: REFUSED, and the others are cancelled', async () => {
    const { world } = on;
    const worker = await world.worker();
    await worker.pause();
    world.db.exec(`CREATE TRIGGER keep BEFORE UPDATE ON llm_jobs WHEN old.id = 'kept' BEGIN SELECT RAISE(ABORT, 'kept'); END`);
    world.insert({ id: 'kept' });
    world.insert({ id: 'other' });
    const asked = [worker.cancel('kept'), worker.cancel('other')];
    await assert.rejects(asked[0], { code: 'REFUSED' });
    assert.equal(await asked[1], true);
    assert.equal((await world.ended('other')).status, 'cancelled');
    assert.equal(world.row('kept').status, 'waiting');
  });

  it('more at once than one transaction holds', async () => {
    const { world } = on;
    const worker = await world.worker();
    await worker.pause();
    const ids = world.db.transaction(() => Array.from({ length: 200 }, () => world.insert()))();
    assert.deepEqual([...new Set(await Promise.all(ids.map((/** @type {string} */ id) => worker.cancel(id))))], [true]);
    await world.until(() => ids.every((/** @type {string} */ id) => world.row(id).status === 'cancelled'), 'all to be cancelled');
  });

  it('what is no id is refused, here and by the worker', async () => {
    const { world } = on;
    const worker = await world.worker();
    await assert.rejects(worker.cancel(/** @type {any} */ (5)), { code: 'INVALID', message: /got 5/ });
    await assert.rejects(worker.request('worker:cancel', { jobId: 5 }), { code: 'INVALID', message: /jobId/ });
  });
});
