// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { Heartbeat, heartbeatSettings } = require('../../js/host/heartbeat.js');
const { exitBy } = require('./support/exit.js');
const { useFakeWorkers } = require('./support/fake-worker.js');
const { isAlive } = require('./support/alive.js');
const { until } = require('./support/until.js');

const OFTEN = { intervalMs: 10, timeoutMs: 300, maxRetries: 3 };
const SOON = { delayMs: 1 };

/** @param {[string, any][]} events */
const named = (events, /** @type {string} */ name) => events.filter(([one]) => one === name).map(([, payload]) => payload);

describe('heartbeat settings', () => {
  it('have defaults, others for a high load, and single changes', () => {
    assert.deepEqual(heartbeatSettings(undefined), { intervalMs: 3000, timeoutMs: 2000, maxRetries: 3 });
    assert.deepEqual(heartbeatSettings(undefined, { highLoad: true }), { intervalMs: 5000, timeoutMs: 3000, maxRetries: 5 });
    assert.deepEqual(heartbeatSettings({ intervalMs: 100 }, { highLoad: true }), { intervalMs: 100, timeoutMs: 3000, maxRetries: 5 });
    assert.equal(heartbeatSettings(false), false);
  });
});

describe('a heartbeat', () => {
  /** Beats whose answers are told one by one: 'ok', 'late' (this process was too busy to hear it), or the code of an error. */
  async function beats(/** @type {string[]} */ answers) {
    /** @type {string[]} */
    const told = [];
    let now = 0;
    const events = {
      async ask(/** @type {number} */ timeoutMs, /** @type {() => void} */ onAnswer) {
        const answer = answers.shift() ?? 'WORKER_CRASHED';
        await new Promise((resolve) => setImmediate(resolve));
        if (answer === 'ok') return onAnswer();
        // As the timer of a question: it comes too late when something else has kept this thread.
        if (answer === 'TIMEOUT') now += timeoutMs + 1;
        if (answer === 'late') now += timeoutMs * 2;
        throw Object.assign(new Error(), { code: answer === 'late' ? 'TIMEOUT' : answer });
      },
      onBeat: () => told.push('beat'),
      onMiss: (/** @type {number} */ misses) => told.push(`miss ${misses}`),
      onHung: () => told.push('hung'),
    };
    const heartbeat = new Heartbeat({ intervalMs: 1, timeoutMs: 20, maxRetries: 3 }, events, () => now);
    heartbeat.start();
    await until(() => answers.length === 0 || told.includes('hung'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    heartbeat.stop();
    return told;
  }

  it('gives up after so many misses in a row, and asks no more', async () => {
    assert.deepEqual(await beats(['ok', 'TIMEOUT', 'TIMEOUT', 'TIMEOUT', 'ok']), ['beat', 'miss 1', 'miss 2', 'miss 3', 'hung']);
  });

  it('forgets misses with the next answer, be it an error', async () => {
    assert.deepEqual(await beats(['TIMEOUT', 'TIMEOUT', 'ok', 'TIMEOUT', 'TIMEOUT', 'POLICY_DENIED', 'TIMEOUT']), ['miss 1', 'miss 2', 'beat', 'miss 1', 'miss 2', 'beat', 'miss 1']);
  });

  it('counts none that this process could not have heard', async () => {
    assert.deepEqual(await beats(['late', 'late', 'late', 'late', 'ok']), ['beat']);
  });
});

describe('a worker that is asked whether it lives', function () {
  this.timeout(20000);
  const on = useFakeWorkers();

  it('is healthy, with what it measured', async () => {
    const { worker, events } = await on.start({ heartbeat: OFTEN });
    const metrics = { cpuUsage: 12.5, memoryUsage: 40, avgResponseTime: 321 };
    worker.request('test:metrics', metrics).catch(() => {});
    await until(() => worker.health?.metrics.cpuUsage === 12.5);
    const { timestamp, ...status } = worker.health;
    assert.deepEqual(status, { status: 'healthy', metrics, misses: 0, generation: 1 });
    assert.ok(Number.isInteger(timestamp));
    await until(() => named(events, 'health-status').length >= 3);
  });

  it('is degraded while it misses beats, and healthy again with the next one', async () => {
    const { worker, events } = await on.start({ heartbeat: { ...OFTEN, maxRetries: 1000 } });
    worker.request('test:beat', { delayMs: null }).catch(() => {});
    await until(() => worker.health?.misses >= 2);
    assert.equal(worker.health.status, 'degraded');
    worker.request('test:beat', { delayMs: 0 }).catch(() => {});
    await until(() => worker.health.status === 'healthy');
    assert.equal(worker.health.misses, 0);
    assert.deepEqual(named(events, 'exit'), []);
    assert.ok(named(events, 'log').some(({ level, line }) => level === 'warn' && /did not answer to a heartbeat within 300 ms \(1 of 1000\)/.test(line)));
  });

  for (const [what, channel, payload] of /** @type {const} */ ([
    ['engine says nothing any more', 'test:beat', { delayMs: null }],
    ['JavaScript thread hangs', 'test:block', undefined],
  ])) {
    it(`is killed and replaced when its ${what}`, async () => {
      const { worker, events } = await on.start({ heartbeat: OFTEN, restart: SOON });
      const first = worker.pid;
      const waits = assert.rejects(worker.request('test:later', { ms: 60000 }), { code: 'WORKER_CRASHED' });
      worker.request(channel, payload).catch(() => {});
      await until(() => named(events, 'restarted').length === 1);
      await waits;
      const reason = 'the worker did not answer to 3 heartbeats';
      assert.deepEqual(named(events, 'restart'), [{ reason, count: 1, delayMs: 1, generation: 1 }]);
      assert.deepEqual(named(events, 'exit'), [{ ...exitBy('SIGKILL'), reason }]);
      assert.equal(named(events, 'health-status').findLast(({ generation }) => generation === 1).status, 'failed');
      assert.equal(isAlive(first), false);
      await until(() => worker.health.status === 'healthy');
    });
  }

  it('is killed when it is stopped by a signal, and does not come back when that one ends', async () => {
    const { worker, events } = await on.start({ heartbeat: OFTEN, restart: SOON });
    const first = worker.pid;
    process.kill(first, 'SIGSTOP');
    await until(() => named(events, 'restarted').length === 1);
    assert.throws(() => process.kill(first, 'SIGCONT'), { code: 'ESRCH' });
    assert.notEqual(worker.pid, first);
  });

  it('is not waited for by stop once it misses beats', async () => {
    const { worker, events } = await on.start({ heartbeat: { ...OFTEN, maxRetries: 1000 } });
    process.kill(worker.pid, 'SIGSTOP');
    await until(() => worker.health?.misses >= 1);
    const drains = assert.rejects(worker.request('test:later', { ms: 1 }), { code: 'WORKER_CRASHED', message: /has been stopped/ });
    // Half of what a drain alone may take that nobody answers.
    const late = new Promise((resolve) => setTimeout(resolve, 3500, 'late').unref());
    assert.notEqual(await Promise.race([worker.stop({ deadlineMs: 0 }), late]), 'late');
    await drains;
    assert.deepEqual(named(events, 'exit'), [exitBy('SIGKILL')]);
    assert.equal(worker.state, 'stopped');
  });

  it('is not killed because the app itself was busy', async () => {
    const { worker, events } = await on.start({ heartbeat: { intervalMs: 10, timeoutMs: 30, maxRetries: 2 } });
    for (let times = 0; times < 10; times++) {
      // Between beats and answers: timers come before what has arrived.
      await new Promise((resolve) => setImmediate(resolve));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
    }
    await until(() => worker.health?.misses === 0);
    assert.deepEqual(named(events, 'exit'), []);
  });

  it('answers each of 100 interleaved questions meanwhile, none of them with the answer to another (D9, D15)', async () => {
    const { worker, events } = await on.start({ heartbeat: { ...OFTEN, intervalMs: 10, timeoutMs: 5000 } });
    const before = named(events, 'health-status').length;
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => worker.request('test:later', { ms: (n * 37) % 200, value: { n } })));
    assert.deepEqual(answers, Array.from({ length: 100 }, (_, n) => ({ n })));
    assert.ok(named(events, 'health-status').length > before);
    assert.deepEqual(named(events, 'exit'), []);
  });

  it('is asked nothing when the app says so', async () => {
    const { worker } = await on.start({ heartbeat: false });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(await worker.request('test:heard'), []);
    assert.equal(worker.health, null);
  });
});
