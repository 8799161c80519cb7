// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, pause } = require('../support/e2e.js');

const HOLD_MS = 2000;

describe('an app that holds the write lock', function () {
  this.timeout(60000);
  const on = useWorld();

  beforeEach(async () => {
    const { world } = on;
    world.database({ sql: 'CREATE TABLE writes (job TEXT, status TEXT); CREATE TABLE notes (text)' });
    await world.provider();
    world.createTable();
    world.db.exec(`CREATE TRIGGER on_status AFTER UPDATE OF status ON llm_jobs
                   BEGIN INSERT INTO writes VALUES (new.id, new.status); END`);
  });

  it('while calls finish: their results are written afterwards, once, and no call is repeated', async () => {
    const { world } = on;
    await world.fake.script(() => ({ delayMs: 200 }));
    const worker = await world.worker();
    const ids = world.db.transaction(() => Array.from({ length: 5 }, () => world.insert()))();
    await world.until(async () => (await world.fake.count()) === 5, 'the calls');

    world.db.exec("BEGIN IMMEDIATE; INSERT INTO notes VALUES ('busy')");
    await world.until(async () => (await world.fake.stats()).finished === 5, 'the answers');
    await pause(HOLD_MS);
    const { busy, completed } = await worker.stats();
    assert.ok(busy > 0, 'the worker has tried to write');
    assert.equal(completed, 0);
    // While it waits for the lock it goes on hearing.
    assert.ok((await worker.request('worker:heartbeat')).sinceLastTurnMs < 1000);
    world.db.exec('COMMIT');

    for (const id of ids) assert.equal((await world.ended(id)).status, 'completed');
    const writes = world.db.prepare("SELECT job FROM writes WHERE status = 'completed'").all();
    assert.deepEqual(writes.map((one) => one.job).sort(), [...ids].sort());
    assert.equal(await world.fake.count(), 5);
    assert.equal((await worker.stats()).stale, 0);
  });

  it('for longer than a lease: the answer is still written, by the worker that paid for it', async () => {
    const { world } = on;
    await world.fake.script(() => ({ delayMs: 100 }));
    const worker = await world.worker({ leaseMs: 1000 });
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    world.db.exec("BEGIN IMMEDIATE; INSERT INTO notes VALUES ('busy')");
    await pause(HOLD_MS);
    world.db.exec('COMMIT');
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.stalls, row.attempts], ['completed', 0, 1]);
    assert.equal(await world.fake.count(), 1);
    assert.equal((await worker.stats()).stale, 0);
  });

  it('while the worker starts: it waits for the lock and then serves', async () => {
    const { world } = on;
    const id = world.insert();
    world.db.exec("BEGIN IMMEDIATE; INSERT INTO notes VALUES ('busy')");
    const starting = world.worker();
    await pause(HOLD_MS);
    world.db.exec('COMMIT');
    await starting;
    assert.equal((await world.ended(id)).status, 'completed');
  });

  it('while the worker is stopped: an answer that was paid for is written if the lock comes free in time', async () => {
    const { world } = on;
    await world.fake.script(() => ({ delayMs: 100 }));
    const worker = await world.worker();
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    world.db.exec("BEGIN IMMEDIATE; INSERT INTO notes VALUES ('busy')");
    await world.until(async () => (await world.fake.stats()).finished === 1, 'the answer');
    const stopping = worker.stop();
    await pause(HOLD_MS);
    world.db.exec('COMMIT');
    await stopping;
    assert.equal(world.row(id).status, 'completed');
    assert.equal(await world.fake.count(), 1);
  });
});
