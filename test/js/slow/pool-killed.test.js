// SPDX-License-Identifier: MIT
'use strict';

/** A pool whose members are killed, stopped and continued at random while it works: each job ends once, and nothing is lost. */

const assert = require('node:assert/strict');
const { Queue } = require('../../../js/index.js');
const { useWorld, seeded, pause } = require('../support/e2e.js');

const JOBS = 600;

describe('a pool whose members die', function () {
  this.timeout(180000);
  const holder = useWorld();

  it('ends each job once, with no more calls than deaths explain, and never has more processes than it may', async () => {
    const seed = Number(process.env.LLM_JOBS_TEST_SEED ?? 20261121);
    const random = seeded(seed);
    const { world } = holder;
    const queue = new Queue(world.database());
    await world.provider({ script: ({ body }) => ({ delayMs: 60, text: `to ${body.messages.at(-1).content}` }), maxLog: 10000 });
    const concurrency = 4;
    const worker = await world.worker({
      workers: { min: 3, max: 4, idleTimeoutMs: 500 },
      concurrency,
      maxStalls: 1000,
      leaseMs: 3000,
      heartbeat: { intervalMs: 150, timeoutMs: 400, maxRetries: 3 },
      restart: { maxRestarts: 1000, delayMs: 10, maxDelayMs: 50 },
    });
    /** @type {Map<string, number>} */
    const completed = new Map();
    worker.on('job', ({ id, status }) => status === 'completed' && completed.set(id, (completed.get(id) ?? 0) + 1));
    let deaths = 0;
    let most = 0;
    worker.on('exit', ({ signal }) => void (signal === 'SIGKILL' && (deaths += 1)));
    worker.on('health-status', () => (most = Math.max(most, worker.members.filter(({ pid }) => pid !== undefined).length)));

    // 1. Work, and death meanwhile
    const ids = queue.addBulk(Array.from({ length: JOBS }, (_, n) => ({ name: 'test', data: { prompt: `p${n}` }, options: { model: 'fake/m' } })));
    const done = () => queue.counts().completed;
    let stops = 0;
    let last = -1;
    const end = Date.now() + 90000;
    while (done() < JOBS * 0.8 && Date.now() < end) {
      // At least some jobs between two blows, so that it ends.
      if (done() >= last + 10) {
        last = done();
        const alive = worker.members.filter(({ pid }) => pid !== undefined);
        const pid = /** @type {number} */ (alive[Math.floor(random() * alive.length)]?.pid);
        const stop = random() < 0.4;
        if (pid !== undefined) process.kill(pid, stop ? 'SIGSTOP' : 'SIGKILL');
        if (pid !== undefined && stop) {
          stops += 1;
          // Sometimes it goes on before anybody misses it, sometimes when it has been killed already.
          setTimeout(() => { try { process.kill(pid, 'SIGCONT'); } catch { /* It is gone. */ } }, 100 + random() * 2000);
        }
      }
      await pause(20);
    }

    // 2. What there is in the end
    await world.until(() => done() === JOBS, () => `all jobs (seed ${seed}): ${JSON.stringify(queue.counts())}`, 60000);
    for (const [n, id] of ids.entries()) assert.equal(world.row(id).result.text, `to p${n}`);
    assert.ok([...completed.values()].every((count) => count === 1), `seed ${seed}: an end was told twice`);
    const calls = (await world.prompts()).length;
    assert.ok(deaths + stops > 10, `seed ${seed}: only ${deaths} deaths and ${stops} stops`);
    assert.ok(calls <= JOBS + (deaths + stops) * concurrency, `seed ${seed}: ${calls} calls for ${deaths} deaths and ${stops} stops`);
    assert.ok(most <= 4, `seed ${seed}: ${most} processes`);
    assert.equal(world.db.pragma('integrity_check', { simple: true }), 'ok');
    await world.until(() => worker.members.every(({ state }) => state === 'ready'), 'all members', 20000);
  });
});
