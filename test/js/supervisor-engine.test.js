// SPDX-License-Identifier: MIT
'use strict';

/** The supervisor over real workers: what becomes of rows, questions and figures. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { exitBy } = require('./support/exit.js');
const { canPreload, preload } = require('./support/preload.js');
const { isAlive } = require('./support/alive.js');
const { useWorld } = require('./support/e2e.js');

const JS = path.resolve(__dirname, '..', '..', 'js', 'index.js');
const OFTEN = { intervalMs: 20, timeoutMs: 500, maxRetries: 2 };
const SOON = { delayMs: 1 };

describe('a worker that dies in the middle of calls', function () {
  this.timeout(30000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    await on.world.provider();
  });

  it('rejects what was asked at once; its rows live on and complete after the restart', async () => {
    const { world } = on;
    await world.fake.script(Array.from({ length: 5 }, () => ({ hang: true })));
    const worker = await world.worker({ restart: SOON });
    const ids = Array.from({ length: 5 }, () => world.insert());
    await world.until(async () => (await world.fake.count()) === 5, 'the calls');
    const asked = assert.rejects(worker.request('worker:release', { deadlineMs: 60000 }, { timeoutMs: 60000 }), { code: 'WORKER_CRASHED' });
    process.kill(Number(worker.pid), 'SIGKILL');
    await asked;
    for (const id of ids) {
      const row = await world.ended(id);
      assert.deepEqual([row.status, row.attempts, row.stalls], ['completed', 1, 1]);
    }
    assert.deepEqual([worker.ready?.generation, worker.ready?.recovered], [2, 5]);
    assert.equal(await world.fake.count(), 10);
  });

  it('takes no job when it was paused before it died, until it is resumed', async () => {
    const { world } = on;
    const worker = await world.worker({ restart: SOON });
    await worker.pause();
    process.kill(Number(worker.pid), 'SIGKILL');
    const id = world.insert();
    await world.until(() => worker.state === 'ready' && worker.ready?.generation === 2, 'the restart');
    assert.equal((await worker.stats()).paused, true);
    assert.deepEqual([world.row(id).status, (await worker.stats()).claimed], ['waiting', 0]);
    await worker.resume();
    assert.equal((await world.ended(id)).status, 'completed');
  });

  it('asks the app for its keys anew, since they were in memory only', async () => {
    const { world } = on;
    const fake = { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl, apiKey: { secret: 'main' } };
    /** @type {string[]} */
    const asked = [];
    const secrets = (/** @type {string} */ name) => `sk-${asked.push(name)}`;
    const worker = await world.worker({ restart: SOON, providers: { fake }, secrets });
    assert.equal((await world.ended(world.insert())).status, 'completed');
    process.kill(Number(worker.pid), 'SIGKILL');
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.deepEqual(asked, ['main', 'main']);
  });

  it('answers 100 interleaved questions each with its own answer while its heart beats and jobs stream (D9, D15)', async () => {
    const { world } = on;
    await world.fake.script(() => ({ text: 'one two three four five six', tokenMs: 20 }));
    const worker = await world.worker({ heartbeat: { ...OFTEN, intervalMs: 10, timeoutMs: 10000 } });
    await worker.subscribe({ tokens: true });
    const ids = Array.from({ length: 20 }, () => world.insert());
    let beats = 0;
    worker.on('health-status', () => beats++);
    const questions = Array.from({ length: 100 }, (_, n) => {
      if (n % 4 === 0) return worker.request('worker:cancel', { jobId: `none-${n}` }).then((answer) => assert.deepEqual(answer, { cancelled: false }));
      if (n % 4 === 1) return worker.hold(`nobody-${n}`).then(assert.fail, (error) => assert.match(error.message, /names no provider/));
      if (n % 4 === 2) return worker.stats().then((stats) => assert.equal(stats.workerId, worker.ready?.workerId));
      return worker.power('offline').then((answer) => assert.deepEqual(answer, { probing: false }));
    });
    await Promise.all(questions);
    for (const id of ids) assert.equal((await world.ended(id)).status, 'completed');
    await world.until(() => beats > 0, 'a heartbeat');
    assert.equal(worker.state, 'ready');
    assert.equal(worker.ready?.generation, 1);
  });
});

describe('a worker whose engine thread hangs', function () {
  this.timeout(30000);
  const on = useWorld();

  beforeEach(async function () {
    if (!canPreload) this.skip();
    on.world.database();
    await on.world.provider();
  });

  it('is noticed though its JavaScript thread lives, and replaced; its job runs again', async () => {
    const { world } = on;
    const block = path.join(world.dir, 'block');
    const worker = await world.worker({ restart: SOON, heartbeat: OFTEN, env: { ...preload('block'), LLM_JOBS_TEST_BLOCK: block } });
    /** @type {any[]} */
    const told = [];
    for (const name of ['restart', 'exit']) worker.on(name, (payload) => told.push([name, payload]));
    assert.equal((await world.ended(world.insert())).status, 'completed');
    await world.fake.script([{ hang: true }]);
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 2, 'the call');
    const first = Number(worker.pid);

    fs.writeFileSync(block, '');
    worker.once('restart', () => fs.rmSync(block));
    // The JavaScript thread answers for itself: a second start is refused.
    await assert.rejects(worker.request('worker:initialize', { config: {} }), { code: 'BAD_CONFIG' });
    await world.until(() => worker.ready?.generation === 2, 'the restart');
    const reason = 'the worker did not answer to 2 heartbeats';
    assert.deepEqual(told, [
      ['exit', { ...exitBy('SIGKILL'), reason }],
      ['restart', { reason, count: 1, delayMs: 1, generation: 1 }],
    ]);
    assert.equal(isAlive(first), false);
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.attempts, row.stalls], ['completed', 1, 1]);
  });
});

describe('the health of a worker', function () {
  this.timeout(30000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    await on.world.provider();
  });

  it('is measured: memory and processor time as the system has them, and the mean duration of calls', async function () {
    if (process.platform !== 'linux') this.skip();
    const { world } = on;
    await world.fake.script(() => ({ delayMs: 200 }));
    const worker = await world.worker({ heartbeat: { ...OFTEN, intervalMs: 200 } });
    await Promise.all([1, 2, 3].map(() => world.ended(world.insert())));
    await world.until(() => (worker.health?.metrics.avgResponseTime ?? 0) > 0, 'a measured call');
    const { status, metrics, misses } = worker.health ?? assert.fail();
    assert.deepEqual([status, misses], ['healthy', 0]);
    assert.ok(metrics.avgResponseTime >= 200 && metrics.avgResponseTime < 5000, String(metrics.avgResponseTime));
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${worker.pid}/status`, 'utf8'))?.[1]);
    assert.ok(Math.abs(metrics.memoryUsage - kilobytes / 1024) < 10, `${metrics.memoryUsage} MB; the system says ${kilobytes} kB`);
    assert.ok(metrics.cpuUsage >= 0 && metrics.cpuUsage <= 800, String(metrics.cpuUsage));
    const { cpuMs } = await worker.request('worker:heartbeat');
    const fields = fs.readFileSync(`/proc/${worker.pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const systemMs = (Number(fields[11]) + Number(fields[12])) * 10;
    assert.ok(Math.abs(cpuMs - systemMs) <= 100, `${cpuMs} ms; the system says ${systemMs} ms`);
  });

  it('over its memory limit keeps jobs out of half of its slots, and says so', async () => {
    const { world } = on;
    await world.fake.script(() => ({ hang: true }));
    // A limit that any process is a little over, but not so far that it is replaced.
    const probe = await world.worker({ workerId: 'probe' });
    const { rssBytes } = await probe.request('worker:heartbeat');
    await probe.stop();
    const maxMB = rssBytes / 1048576 / 1.2;
    const worker = await world.worker({ concurrency: 8, heartbeat: OFTEN, securityPolicy: { resourceLimits: { memory: { maxMB } } } });
    const throttled = await new Promise((resolve) => worker.once('throttle', resolve));
    assert.deepEqual(throttled, { on: true, reason: 'memory', concurrency: 4 });
    await world.until(async () => (await worker.request('worker:heartbeat')).concurrency === 1, 'the last step');
    assert.equal(worker.health?.status, 'degraded');
    world.insert();
    const second = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the only call');
    assert.deepEqual([world.row(second).status, (await worker.stats()).active], ['waiting', 1]);
  });
});

describe('an app that ends', function () {
  this.timeout(30000);
  const on = useWorld();
  const STREAMS = 20;

  beforeEach(async () => {
    on.world.database();
    await on.world.provider({ script: () => ({ tokens: 2000, tokenMs: 20 }) });
  });

  /** @param {string[]} ids */
  const given = (ids) => {
    for (const id of ids) {
      const row = on.world.row(id);
      assert.deepEqual([row.status, row.attempts, row.stalls, row.lease_owner, row.error], ['waiting', 0, 0, null, null]);
    }
    assert.deepEqual(on.world.db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
  };

  /** Starts an app with a worker. */
  const start = async (/** @type {object} */ more) => {
    const { world } = on;
    const config = { database: world.file, providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl } }, ...more };
    const source = `require(${JSON.stringify(JS)}).startWorker(${JSON.stringify(config)}).then((worker) => console.log(worker.pid))`;
    const app = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    world.ends.push(() => app.kill('SIGKILL'));
    const pid = Number(String((await once(app.stdout, 'data'))[0]));
    world.ends.push(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
    return { app, pid };
  };

  it('by a stop in the middle of 20 streams: the worker ends by itself, and the attempts are given back', async () => {
    const { world } = on;
    const worker = await world.worker({ concurrency: STREAMS });
    const ids = Array.from({ length: STREAMS }, () => world.insert());
    await world.until(() => ids.every((id) => world.row(id).partial !== null), 'text of each stream');
    /** @type {any[]} */
    const exits = [];
    worker.on('exit', (exit) => exits.push(exit));
    const pid = Number(worker.pid);
    await worker.stop({ deadlineMs: 300 });
    assert.deepEqual([exits, worker.state, isAlive(pid)], [[{ code: 0, signal: null }], 'stopped', false]);
    given(ids);
  });

  it('by kill -9: the worker ends within two seconds, and the next start takes up its jobs', async () => {
    const { world } = on;
    world.createTable();
    const ids = Array.from({ length: STREAMS }, () => world.insert());
    const { app, pid } = await start({ concurrency: STREAMS });
    await world.until(() => ids.every((id) => world.row(id).partial !== null), 'text of each stream');
    app.kill('SIGKILL');
    await world.until(() => !isAlive(pid), 'the worker to end', 2000);
    given(ids);
    await world.fake.script(() => ({ text: 'done' }));
    await world.worker({ concurrency: STREAMS });
    for (const id of ids) assert.equal((await world.ended(id)).status, 'completed');
  });

  it('by kill -9 while the engine hangs: the worker ends all the same, and the next start takes up its job', async function () {
    if (!canPreload) this.skip();
    const { world } = on;
    const block = path.join(world.dir, 'block');
    world.createTable();
    const id = world.insert();
    const { app, pid } = await start({ env: { ...preload('block'), LLM_JOBS_TEST_BLOCK: block } });
    await world.until(() => world.row(id).partial !== null, 'some text');
    fs.writeFileSync(block, '');
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    app.kill('SIGKILL');
    await world.until(() => !isAlive(pid), 'the worker to end', 5000);
    await world.fake.script(() => ({ text: 'done' }));
    await world.worker();
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.stalls], ['completed', 1]);
  });
});
