// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { Limits, limitSettings } = require('../../js/host/limits.js');
const { useFakeWorkers } = require('./support/fake-worker.js');
const { until } = require('./support/until.js');

/** @param {number} cpuUsage @param {number} [memoryUsage] */
const metrics = (cpuUsage, memoryUsage = 50) => ({ cpuUsage, memoryUsage, avgResponseTime: 0 });

describe('limits of a worker process', () => {
  const limits = () => new Limits({ cpu: { maxUsage: 80 }, memory: { maxMB: 100 } });

  it('have defaults, others for a high load, and single changes', () => {
    assert.deepEqual(limitSettings(undefined), { cpu: { maxUsage: 80 }, memory: { maxMB: 1024 } });
    assert.deepEqual(limitSettings({ memory: { maxMB: 300 } }, { highLoad: true }), { cpu: { maxUsage: 90 }, memory: { maxMB: 300 } });
  });

  it('halve the slots with each beat over them, and leave one', () => {
    const one = limits();
    const slots = [81, 95, 300, 200, 200].map((cpu) => one.judge(metrics(cpu), 10).concurrency);
    assert.deepEqual(slots, [5, 2, 1, undefined, undefined]);
    assert.equal(one.throttled, true);
  });

  it('give the slots back step by step, once it is well below', () => {
    const one = limits();
    one.judge(metrics(90), 16);
    assert.deepEqual([79, 70, 70, 90, 70].map((cpu) => one.judge(metrics(cpu), 16).concurrency), [undefined, 10, 12, 6, 8]);
    const rest = [];
    while (one.throttled && rest.length < 20) rest.push(one.judge(metrics(1), 16).concurrency);
    assert.deepEqual(rest, [10, 12, 14, null]);
    assert.deepEqual(one.judge(metrics(1), 16), { reason: 'cpu', replace: false });
  });

  it('tell which of them it is, memory first', () => {
    const one = limits();
    assert.deepEqual(one.judge(metrics(1, 101), 4), { reason: 'memory', replace: false, concurrency: 2 });
    assert.equal(one.judge(metrics(99, 101), 4).reason, 'memory');
    assert.equal(one.judge(metrics(99, 99), 4).reason, 'cpu');
  });

  it('have a process replaced that is far over its memory for two beats in a row', () => {
    const one = limits();
    assert.deepEqual([160, 120, 160, 160].map((mb) => one.judge(metrics(1, mb), 4).replace), [false, false, false, true]);
  });
});

describe('a worker over its limits', function () {
  this.timeout(20000);
  const on = useFakeWorkers();
  const OFTEN = { intervalMs: 10, timeoutMs: 5000 };

  it('is told to take fewer jobs, step by step all of them again, and the app hears of it', async () => {
    const { worker, events } = await on.start({ heartbeat: OFTEN, concurrency: 8 });
    const throttles = () => events.filter(([name]) => name === 'throttle').map(([, payload]) => payload);
    worker.request('test:metrics', metrics(150)).catch(() => {});
    await until(() => throttles().length === 3);
    assert.equal(worker.health.status, 'degraded');
    worker.request('test:metrics', metrics(5)).catch(() => {});
    await until(() => throttles().at(-1).on === false);
    const expected = [4, 2, 1, 2, 3, 4, 5, 6, 7].map((concurrency) => ({ on: true, reason: 'cpu', concurrency }));
    assert.deepEqual(throttles(), [...expected, { on: false, reason: 'cpu', concurrency: 8 }]);
    await until(() => worker.health.status === 'healthy');
    const asked = (await worker.request('test:heard')).filter((/** @type {any} */ { channel }) => channel === 'worker:throttle');
    assert.deepEqual(asked.map((/** @type {any} */ { payload }) => payload.concurrency), [4, 2, 1, 2, 3, 4, 5, 6, 7, null]);
  });

  it('far over its memory is drained and replaced, and begins with all slots', async () => {
    const { worker, events } = await on.start({ heartbeat: OFTEN, restart: { delayMs: 1 }, securityPolicy: { resourceLimits: { memory: { maxMB: 100 } } } });
    const first = worker.pid;
    worker.request('test:metrics', metrics(5, 151)).catch(() => {});
    await until(() => events.some(([name]) => name === 'restarted'));
    const reason = 'the worker uses 151 MB of memory, far over its limit';
    assert.deepEqual(events.filter(([name]) => name === 'exit' || name === 'restart'), [
      ['exit', { code: 0, signal: null, reason }],
      ['restart', { reason, count: 1, delayMs: 1, generation: 1 }],
    ]);
    assert.notEqual(worker.pid, first);
    await until(() => worker.health.generation === 2);
    assert.equal(worker.health.status, 'healthy');
  });

  it('is not replaced when nothing is to be started again', async () => {
    const { worker, events } = await on.start({ heartbeat: OFTEN, restart: false, securityPolicy: { resourceLimits: { memory: { maxMB: 100 } } } });
    worker.request('test:metrics', metrics(5, 500)).catch(() => {});
    await until(() => worker.health?.metrics.memoryUsage === 500);
    const { length } = events;
    await until(() => events.length > length + 5);
    assert.deepEqual([worker.state, worker.health.status, events.some(([name]) => name === 'exit')], ['ready', 'degraded', false]);
  });
});
