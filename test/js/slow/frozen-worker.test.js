// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, pause } = require('../support/e2e.js');

const LEASE_MS = 1000;

describe('a worker that is frozen for longer than its lease', function () {
  this.timeout(60000);
  const on = useWorld();

  /** Leaves a job with a frozen worker; the provider's first answer, "late", waits in that worker's socket. */
  async function freeze(/** @type {object} */ secondReply) {
    const { world } = on;
    world.database({ sql: 'CREATE TABLE ends (job TEXT, result TEXT, token TEXT)' });
    await world.provider({ script: [{ text: 'late', delayMs: 200 }, secondReply] });
    world.createTable();
    world.db.exec(`CREATE TRIGGER on_write AFTER UPDATE OF result ON llm_jobs
                   BEGIN INSERT INTO ends VALUES (new.id, new.result, old.lease_token); END`);
    const frozen = await world.worker({ workerId: 'frozen', leaseMs: LEASE_MS });
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    process.kill(frozen.pid, 'SIGSTOP');
    // Without this, a test that fails here would leave a process that cannot hear that it should end.
    world.ends.push(() => frozen.pid !== undefined && process.kill(frozen.pid, 'SIGCONT'));
    assert.equal(world.row(id).status, 'active');
    return { frozen, id };
  }

  it('loses its job to another one, and its late answer changes nothing', async () => {
    const { world } = on;
    const { frozen, id } = await freeze({ text: 'fresh' });
    await world.worker({ workerId: 'other', leaseMs: LEASE_MS });
    const before = await world.ended(id);
    assert.deepEqual([before.status, before.result.text, before.stalls], ['completed', 'fresh', 1]);

    process.kill(frozen.pid, 'SIGCONT');
    await world.until(async () => (await frozen.stats()).stale === 1, 'the late answer to be counted');
    assert.deepEqual(world.row(id), before);
    assert.equal(world.db.prepare('SELECT count(*) AS n FROM ends').get().n, 1);
    assert.equal(await world.fake.count(), 2);
    const { completed, active } = await frozen.stats();
    assert.deepEqual([completed, active], [0, 0]);

    // It is as good as new.
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });

  it('does not disturb the one that runs the job now', async () => {
    const { world } = on;
    const { frozen, id } = await freeze({ text: 'fresh', delayMs: 1500 });
    const other = await world.worker({ workerId: 'other', leaseMs: LEASE_MS });
    await world.until(async () => (await world.fake.count()) === 2, 'the other call');
    const held = world.row(id);
    process.kill(frozen.pid, 'SIGCONT');
    await world.until(async () => (await frozen.stats()).stale === 1, 'the late answer to be counted');
    const now = world.row(id);
    assert.deepEqual([now.status, now.lease_owner, now.lease_token], ['active', held.lease_owner, held.lease_token]);
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.result.text, row.attempts], ['completed', 'fresh', 1]);
    assert.equal((await other.stats()).stale, 0);
    assert.deepEqual(world.db.prepare('SELECT job, token FROM ends').all(), [{ job: id, token: held.lease_token }]);
  });

  it('keeps its job when nobody else has taken it', async () => {
    const { world } = on;
    const { frozen, id } = await freeze({ text: 'never asked for' });
    await pause(LEASE_MS * 1.5);
    process.kill(frozen.pid, 'SIGCONT');
    const row = await world.ended(id);
    // Whether it writes its answer or finds its own lease run out first is its business; the job completes once.
    assert.equal(row.status, 'completed');
    assert.equal(world.db.prepare('SELECT count(*) AS n FROM ends').get().n, 1);
  });
});

describe('a lease that is shorter than the call', function () {
  this.timeout(60000);
  const on = useWorld();

  it('is renewed, so that no other worker takes the job', async () => {
    const { world } = on;
    world.database();
    await world.provider({ script: [{ delayMs: LEASE_MS * 3 }] });
    await world.worker({ workerId: 'one', leaseMs: LEASE_MS });
    await world.worker({ workerId: 'two', leaseMs: LEASE_MS });
    const id = world.insert();
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.stalls, row.attempts], ['completed', 0, 1]);
    assert.equal(await world.fake.count(), 1);
  });
});
