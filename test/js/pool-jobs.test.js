// SPDX-License-Identifier: MIT
'use strict';

/** Several real workers of one pool on one database: the rows say what was run, the fake provider how often. */

const assert = require('node:assert/strict');
const { Queue } = require('../../js/index.js');
const { bus } = require('../../js/bus.js');
const { useWorld } = require('./support/e2e.js');
const { isAlive } = require('./support/alive.js');

describe('a pool on one database', function () {
  this.timeout(60000);
  const holder = useWorld();
  /** @type {import('./support/e2e.js').World} */ let world;
  /** @type {Queue} */ let queue;

  beforeEach(() => {
    world = holder.world;
    queue = new Queue(world.database());
  });

  const FAST = { intervalMs: 100, timeoutMs: 2000, maxRetries: 5 };
  const status = (/** @type {string[]} */ all) => all.map((id) => world.row(id).status);
  /** @param {string[]} all */
  const allEnded = (all) => world.until(() => status(all).every((one) => ['completed', 'failed', 'cancelled'].includes(one)), () => `all to end: ${JSON.stringify(queue.counts())}`, 40000);

  it('shares the jobs out, and runs each of them once', async () => {
    await world.provider({ script: () => ({ delayMs: 40 }) });
    const worker = await world.worker({ workers: { min: 3, max: 3 }, concurrency: 2 });
    /** @type {string[]} */
    const told = [];
    /** @type {string[]} */
    const news = [];
    const onNews = (/** @type {any[]} */ jobs) => jobs.forEach((job) => job.status === 'completed' && news.push(job.id));
    worker.on('job', (job) => job.status === 'completed' && told.push(job.id));
    bus.on('jobs', onNews);
    const ids = queue.addBulk(Array.from({ length: 60 }, (_, n) => ({ name: 'test', data: { prompt: `p${n}` }, options: { model: 'fake/m' } })));
    await allEnded(ids);
    assert.deepEqual(new Set(status(ids)), new Set(['completed']));
    assert.deepEqual((await world.prompts()).sort(), Array.from({ length: 60 }, (_, n) => `p${n}`).sort());
    const stats = await worker.stats();
    assert.equal(stats.completed, 60);
    assert.deepEqual(stats.members.map((/** @type {any} */ one) => one.stats.completed > 0), [true, true, true]);
    await world.until(() => told.length === 60, 'all events');
    assert.deepEqual([new Set(told).size, told.sort()], [60, news.sort()]);
    bus.off('jobs', onNews);
  });

  it('a request through any of them is a row and its result', async () => {
    await world.provider();
    const worker = await world.worker({ workers: { min: 2, max: 2 }, concurrency: 2 });
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => worker.process({ prompt: `Hello ${n}`, model: 'fake/m' })));
    assert.deepEqual(status(answers.map(({ jobId }) => jobId)), Array(12).fill('completed'));
    answers.forEach(({ jobId, result }, n) => assert.deepEqual([result.text, result], [world.row(jobId).result.text, world.row(jobId).result], `${n}`));
    assert.deepEqual((await world.prompts()).sort(), Array.from({ length: 12 }, (_, n) => `Hello ${n}`).sort());
  });

  it('the 101st request is QUEUE_FULL and no row; the others wait on', async () => {
    let open = false;
    await world.provider({ script: () => (open ? {} : { hang: true }) });
    const worker = await world.worker({ workers: { min: 2, max: 2 }, concurrency: 1, providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl, timeouts: { totalMs: 2000 } } } });
    const waiting = Array.from({ length: 100 }, () => worker.process({ prompt: 'x', model: 'fake/m' }));
    const ends = Promise.allSettled(waiting);
    await world.until(() => queue.counts().waiting + queue.counts().active === 100, 'all rows');
    const full = await worker.process({ prompt: 'x', model: 'fake/m' }).catch((error) => error);
    assert.deepEqual([full.code, queue.get(full.jobId)], ['QUEUE_FULL', null]);
    // A row of the table has no such limit.
    const row = world.insert({ priority: -1 });
    open = true;
    assert.equal((await world.ended(row, 40000)).status, 'completed');
    assert.deepEqual(new Set((await ends).map(({ status }) => status)), new Set(['fulfilled']));
  });

  it('a job is cancelled whoever runs it', async () => {
    await world.provider({ script: () => ({ hang: true }) });
    const worker = await world.worker({ workers: { min: 2, max: 2 }, concurrency: 1 });
    const ids = [world.insert(), world.insert()];
    await world.until(() => status(ids).every((one) => one === 'active'), 'both calls');
    assert.deepEqual(await Promise.all(ids.map((id) => worker.cancel(id))), [true, true]);
    await allEnded(ids);
    assert.deepEqual(status(ids), ['cancelled', 'cancelled']);
  });

  it('pauses, resumes, releases as one', async () => {
    await world.provider();
    const worker = await world.worker({ workers: { min: 2, max: 2 }, restart: { delayMs: 1 }, heartbeat: FAST });
    await worker.pause();
    // The next process of a member is as paused as the one before.
    const restarted = new Promise((resolve) => worker.once('restarted', resolve));
    process.kill(/** @type {number} */ (worker.members[1].pid), 'SIGKILL');
    await restarted;
    const paused = async () => (await worker.stats()).members.map((/** @type {any} */ one) => one.stats?.paused);
    await world.until(async () => (await paused()).every((/** @type {any} */ one) => one === true), 'both to be paused');
    const id = world.insert();
    await worker.resume();
    assert.equal((await world.ended(id)).status, 'completed');
    assert.deepEqual(await worker.release(), { released: true, interrupted: 0 });
    const other = world.insert();
    await worker.resume();
    assert.equal((await world.ended(other)).status, 'completed');
  });

  it('gives each member the key that it asks for', async () => {
    await world.provider({ apiKey: 'sk-pool' });
    let asked = 0;
    const fake = { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl, apiKey: { secret: 'mine' } };
    const worker = await world.worker({ workers: { min: 2, max: 2 }, concurrency: 1, providers: { fake }, secrets: () => (asked++, 'sk-pool') });
    const ids = Array.from({ length: 20 }, () => world.insert());
    await allEnded(ids);
    assert.deepEqual(new Set(status(ids)), new Set(['completed']));
    const { members } = await worker.stats();
    assert.equal(asked, members.filter((/** @type {any} */ one) => one.stats.calls > 0).length);
  });

  it('grows with a backlog that is bound by the processor, and an idle member ends', async () => {
    await world.provider({ script: () => ({ delayMs: 60 }) });
    const worker = await world.worker({
      workers: { min: 1, max: 2, idleTimeoutMs: 300 },
      concurrency: 2,
      heartbeat: FAST,
      // So low that any work at all is too much for one.
      securityPolicy: { resourceLimits: { cpu: { maxUsage: 1 } } },
    });
    /** @type {any[]} */
    const news = [];
    worker.on('scale', ({ change, reason }) => news.push([change, reason]));
    /** @type {string[]} */
    const ids = [];
    await world.until(() => {
      while (ids.length === 0 || queue.counts().waiting < 20) ids.push(world.insert());
      return news.length > 0;
    }, 'another process', 30000);
    assert.deepEqual(news, [['started', 'backlog']]);
    await allEnded(ids);
    await world.until(() => news.length === 2, 'the end of the idle one', 30000);
    assert.deepEqual([news[1], worker.members.length], [['ended', 'idle'], 1]);
    assert.equal((await world.fake.log()).filter((one) => one.chat).length, ids.length, 'each job once');
    const id = world.insert();
    assert.equal((await world.ended(id)).status, 'completed');
  });

  it('a member that is stopped is replaced while the rest goes on; its jobs end once', async () => {
    await world.provider({ script: ({ body }) => (body.messages.at(-1).content === 'held' ? { delayMs: 3000 } : { delayMs: 20 }) });
    const worker = await world.worker({
      workers: { min: 2, max: 3, idleTimeoutMs: 60000 },
      concurrency: 1,
      leaseMs: 60000,
      heartbeat: { intervalMs: 100, timeoutMs: 400, maxRetries: 10 },
      restart: { delayMs: 10 },
    });
    // 1. One member holds a job, then stops
    const held = world.insert({ data: { prompt: 'held' } });
    await world.until(() => world.row(held).status === 'active', 'the call');
    const owner = world.row(held).lease_owner.split('@')[0];
    const pid = /** @type {number} */ (worker.members.find(({ workerId }) => workerId === owner)?.pid);
    process.kill(pid, 'SIGSTOP');

    // 2. The others go on, and another one comes before it is given up
    const meanwhile = Array.from({ length: 20 }, () => world.insert());
    await new Promise((resolve) => worker.once('scale', resolve));
    assert.ok(isAlive(pid));
    await allEnded(meanwhile);
    assert.deepEqual(new Set(status(meanwhile)), new Set(['completed']));

    // 3. Its process has been replaced, and the job that it held runs again at once, long before its lease has run out
    assert.equal((await world.ended(held, 30000)).status, 'completed');
    assert.equal(isAlive(pid), false);
    assert.equal(world.row(held).stalls, 1);
    assert.equal(worker.members.length, 3);
  });

  it('one whose lease was lost while it was stopped changes nothing when it goes on', async () => {
    let calls = 0;
    await world.provider({ script: () => (++calls === 1 ? { text: 'late', delayMs: 2500 } : { text: 'in time' }) });
    // The heartbeat is patient enough to let the stopped one live.
    const worker = await world.worker({ workers: { min: 2, max: 2 }, concurrency: 1, leaseMs: 1000, heartbeat: { intervalMs: 200, timeoutMs: 5000, maxRetries: 5 }, maxStalls: 5 });
    const id = world.insert();
    await world.until(() => world.row(id).status === 'active', 'the call');
    const owner = world.row(id).lease_owner.split('@')[0];
    const pid = /** @type {number} */ (worker.members.find(({ workerId }) => workerId === owner)?.pid);
    process.kill(pid, 'SIGSTOP');
    try {
      assert.deepEqual([(await world.ended(id)).status, world.row(id).result.text], ['completed', 'in time']);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await world.until(async () => (await worker.stats()).active === 0 && worker.members.every(({ health }) => health?.misses === 0), 'the late one to go on');
    assert.deepEqual([world.row(id).result.text, world.row(id).status], ['in time', 'completed']);
    assert.equal(isAlive(pid), true);
  });

  it('the text of a job is followed whichever member streams it', async () => {
    await world.provider({ script: () => ({ tokens: 40, tokenMs: 5 }) });
    const worker = await world.worker({ workers: { min: 2, max: 2 }, concurrency: 1 });
    const ids = Array.from({ length: 4 }, () => world.insert());
    /** @type {Map<string, string>} */
    const texts = new Map();
    for (const id of ids) {
      await worker.follow(id, ({ text, restart }) => texts.set(id, restart ? text : (texts.get(id) ?? '') + text));
    }
    const running = ids.filter((id) => world.row(id).status !== 'completed');
    await allEnded(ids);
    for (const id of running) await world.until(() => texts.get(id) === world.row(id).result.text, () => `the text of ${id}: ${texts.get(id)}`);
    assert.ok(running.length > 0);
  });
});
