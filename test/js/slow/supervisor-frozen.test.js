// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { isAlive } = require('../support/alive.js');
const { useWorld } = require('../support/e2e.js');

/** By the default heartbeat: 3 s until the first beat that is not answered, three times 2 s, the pause before the restart. */
const REPLACED_MS = 11000;

describe('a worker that is frozen, with the default heartbeat', function () {
  this.timeout(60000);
  const on = useWorld();

  it('is replaced within 11 seconds, its jobs run again, and it does not come back', async () => {
    const { world } = on;
    world.database();
    await world.provider({ script: [{ text: 'late', delayMs: 500 }, { text: 'fresh' }] });
    world.createTable();
    world.db.exec(`CREATE TABLE ends (job TEXT);
                   CREATE TRIGGER on_end AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'completed'
                   BEGIN INSERT INTO ends VALUES (new.id); END`);
    const worker = await world.worker({ restart: {} });
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const frozen = Number(worker.pid);
    process.kill(frozen, 'SIGSTOP');
    await world.until(() => worker.ready?.generation === 2, 'another process', REPLACED_MS);
    assert.notEqual(worker.pid, frozen);

    // Nobody is there to be woken.
    assert.equal(isAlive(frozen), false);
    assert.throws(() => process.kill(frozen, 'SIGCONT'), { code: 'ESRCH' });
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.result.text, row.attempts, row.stalls], ['completed', 'fresh', 1, 1]);
    assert.equal(await world.fake.count(), 2);
    assert.deepEqual(world.db.prepare('SELECT job FROM ends').all(), [{ job: id }]);
    assert.deepEqual([worker.health?.generation, worker.state], [worker.health?.status === 'failed' ? 1 : 2, 'ready']);
  });

  it('lives on when it is thawed before it is given up', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    const worker = await world.worker({ restart: {} });
    process.kill(Number(worker.pid), 'SIGSTOP');
    await world.until(() => worker.health?.misses === 1, 'a missed beat', REPLACED_MS);
    assert.equal(worker.health?.status, 'degraded');
    process.kill(Number(worker.pid), 'SIGCONT');
    await world.until(() => worker.health?.status === 'healthy', 'an answer', REPLACED_MS);
    assert.deepEqual([worker.ready?.generation, worker.health?.misses], [1, 0]);
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });

  it('beats ten times in thirty seconds, and each tells of its health', async () => {
    const { world } = on;
    world.database();
    const worker = await world.worker({ providers: { fake: { kind: 'ollama' } } });
    let beats = 0;
    worker.on('health-status', ({ status }) => (beats += status === 'failed' ? 0 : 1));
    await new Promise((resolve) => setTimeout(resolve, 30500));
    assert.ok(beats >= 9 && beats <= 11, `${beats} beats`);
  });
});
