// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { Queue } = require('../../js/index.js');
const { useWorld, pause } = require('./support/e2e.js');

describe('worker: the life of a job', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    new Queue(on.world.db); // makes the table
    await on.world.provider();
  });

  it('cancel_requested of a running job aborts its call; the row is cancelled, and the slot is free', async () => {
    const { world } = on;
    await world.fake.script([{ tokens: 1000, tokenMs: 20 }]);
    const worker = await world.worker({ concurrency: 1 });
    const id = world.insert();
    const next = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    world.db.prepare('UPDATE llm_jobs SET cancel_requested = 1 WHERE id = ?').run(id);
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.error.code, row.lease_owner, row.partial], ['cancelled', 'CANCELLED', null, null]);
    await world.until(async () => (await world.fake.log())[0].aborted, 'the provider to see the disconnect');
    assert.equal((await world.ended(next)).status, 'completed');
    assert.equal((await worker.stats()).cancelled, 1);
  });

  it('cancel_requested of a job that waits, is delayed, or belongs to a lane that does not run: no call', async () => {
    const { world } = on;
    const ids = [
      world.insert({ cancel_requested: 1 }),
      world.insert({ status: 'delayed', run_at: Date.now() + 1e8 }),
      world.insert({ queue: 'other' }),
    ];
    await world.worker({ queues: ['default'] });
    world.db.exec('UPDATE llm_jobs SET cancel_requested = 1');
    for (const id of ids) assert.equal((await world.ended(id)).error.code, 'CANCELLED');
    assert.equal(await world.fake.count(), 0);
  });

  it('expires_at: a job that could not start in time is cancelled without a call; one that has started goes on', async () => {
    const { world } = on;
    await world.fake.script([{ delayMs: 400 }]);
    await world.worker({ concurrency: 1 });
    const running = world.insert({ expires_at: Date.now() + 200 });
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const late = world.insert({ expires_at: Date.now() + 100 });
    const past = world.insert({ expires_at: 1 });
    assert.equal((await world.ended(late)).error.code, 'EXPIRED');
    assert.equal((await world.ended(past)).error.code, 'EXPIRED');
    assert.equal((await world.ended(running)).status, 'completed');
    assert.equal(await world.fake.count(), 1);
  });

  it('supersede "active": a newer job aborts the one that runs; only the newest answers', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    await world.worker();
    const old = world.insert({ supersede_key: 'k' });
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const newer = world.insert({ supersede_key: 'k', opts: { supersede: 'active' } });
    assert.equal((await world.ended(newer)).status, 'completed');
    assert.equal((await world.ended(old)).error.code, 'SUPERSEDED');
  });

  it('a retry whose supersede_key a newer job has taken ends instead, and the newer one did not run beside it', async () => {
    const { world } = on;
    await world.fake.script([{ status: 500, delayMs: 200 }]);
    await world.worker();
    const old = world.insert({ supersede_key: 'k' });
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const newer = world.insert({ supersede_key: 'k' });
    assert.equal((await world.ended(old)).error.code, 'SUPERSEDED');
    assert.equal((await world.ended(newer)).status, 'completed');
  });

  it('a dead worker\'s job whose supersede_key a newer job has taken ends instead of coming back', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    const first = await world.worker({ concurrency: 1 });
    const old = world.insert({ supersede_key: 'k' });
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    process.kill(first.pid, 'SIGKILL');
    const newer = world.insert({ supersede_key: 'k' });
    await world.worker({ concurrency: 1 });
    assert.equal((await world.ended(newer)).status, 'completed');
    assert.deepEqual([world.row(old).status, world.row(old).error.code], ['cancelled', 'SUPERSEDED']);
  });

  it('fifty jobs of one supersede_key, 20 ms apart: the last one answers, and few calls are made', async () => {
    const { world } = on;
    await world.fake.script([{ delayMs: 1500 }]);
    const queue = new Queue(world.db);
    await world.worker();
    let last = '';
    for (let i = 0; i < 50; i++) {
      last = queue.add('type', { prompt: `text ${i}` }, { model: 'fake/m', supersedeKey: 'k' });
      await pause(20);
    }
    const job = await queue.waitFor(last, { timeoutMs: 15000 });
    assert.equal(job.status, 'completed');
    assert.ok((await world.fake.count()) <= 4, `${await world.fake.count()} calls`);
    assert.equal((await world.fake.log()).at(-1).body.messages.at(-1).content, 'text 49');
    assert.equal(world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'cancelled'").get().n, 48);
  });

  it('repeats: the next occurrence is inserted with the end of the last, until somebody cancels it', async () => {
    const { world } = on;
    await world.worker();
    const first = world.insert({ dedup_key: 'r', opts: { repeat: { everyMs: 1000 } }, priority: 3 });
    await world.ended(first);
    const next = world.db.prepare("SELECT * FROM llm_jobs WHERE status = 'delayed'").all();
    assert.equal(next.length, 1);
    assert.deepEqual([next[0].dedup_key, next[0].priority, next[0].name], ['r', 3, 'test']);
    assert.ok(next[0].run_at > Date.now() - 1000);
    assert.equal((await world.ended(next[0].id)).status, 'completed');
    world.db.exec("UPDATE llm_jobs SET cancel_requested = 1 WHERE status = 'delayed'");
    await world.until(() => world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'cancelled'").get().n === 1, 'the cancellation');
    await pause(300);
    assert.equal(world.db.prepare('SELECT count(*) AS n FROM llm_jobs').get().n, 3);
  });

  it('a cron expression is looked at before the first run; one that can\'t be read fails the job', async () => {
    const { world } = on;
    await world.worker();
    const good = world.insert({ opts: { repeat: { cron: '0 0 1 1 *', tz: 'UTC' } } });
    const bad = world.insert({ opts: { repeat: { cron: '61 * * * *' } } });
    await world.until(() => world.row(good).status === 'delayed', 'the job to be scheduled');
    const year = new Date().getUTCFullYear() + 1;
    assert.equal(world.row(good).run_at, Date.UTC(year, 0, 1));
    assert.equal((await world.ended(bad)).error.code, 'BAD_JOB');
    assert.equal(await world.fake.count(), 0);
  });

  it('shows progress against maxTokens and the text so far while a job runs, and neither goes back', async () => {
    const { world } = on;
    await world.fake.script([{ tokens: 40, tokenMs: 30 }]);
    await world.worker();
    const id = world.insert({ data: { prompt: 'Hello', maxTokens: 40 } });
    const seen = [];
    await world.until(() => {
      const { status, progress, partial } = world.row(id);
      if (status === 'active') seen.push([progress, (partial ?? '').length]);
      return status === 'completed';
    }, 'the end');
    assert.ok(seen.some(([progress, length]) => progress > 0 && length > 0));
    for (let i = 1; i < seen.length; i++) assert.ok(seen[i][0] >= seen[i - 1][0] && seen[i][1] >= seen[i - 1][1]);
    assert.ok(seen.every(([progress]) => progress < 100));
    assert.deepEqual([world.row(id).progress, world.row(id).partial], [100, null]);
  });

  it('partial: more streams than one transaction takes on all get their text', async () => {
    const { world } = on;
    const streams = 150; // a transaction writes 32
    await world.fake.script(Array.from({ length: streams }, () => ({ text: 'one two three', tokens: 3, hangAfterTokens: 2 })));
    const worker = await world.worker({ concurrency: streams });
    for (let i = 0; i < streams; i++) world.insert();
    const written = world.db.prepare('SELECT count(*) AS n, max(length(partial)) AS longest FROM llm_jobs WHERE partial IS NOT NULL');
    await world.until(() => written.get().n === streams, () => `all partial texts; there are ${written.get().n}`);
    assert.ok(written.get().longest > 0);
    await worker.stop({ deadlineMs: 0 });
  });

  it('numbers every change, so that a reader of revisions misses none', async () => {
    const { world } = on;
    await world.worker();
    const ids = [world.insert(), world.insert(), world.insert()];
    for (const id of ids) await world.ended(id);
    const revisions = ids.map((id) => world.row(id).revision);
    assert.ok(revisions.every((revision) => revision > 0));
    assert.equal(new Set(revisions).size, 3);
  });
});
