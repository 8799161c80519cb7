// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { Restarts, restartSettings } = require('../../js/host/restart.js');
const { endedBy, exitBy, inElectron } = require('./support/exit.js');
const { useFakeWorkers } = require('./support/fake-worker.js');
const { isAlive } = require('./support/alive.js');
const { until } = require('./support/until.js');

const FAST = { delayMs: 1, maxDelayMs: 4 };

describe('the count of restarts', () => {
  /** @param {object} settings */
  const counted = (settings) => {
    const clock = { ms: 0 };
    return { clock, restarts: new Restarts(restartSettings(settings), () => clock.ms) };
  };

  it('doubles the delay up to its limit, and ends after the last restart', () => {
    const { restarts } = counted({ maxRestarts: 4, delayMs: 100, maxDelayMs: 350 });
    const plans = [1, 2, 3, 4, 5].map(() => restarts.next(true));
    assert.deepEqual(plans.slice(0, 4), [{ count: 1, delayMs: 100 }, { count: 2, delayMs: 200 }, { count: 3, delayMs: 350 }, { count: 4, delayMs: 350 }]);
    assert.equal(plans[4], null);
  });

  it('is not reset by a start that succeeds, only by time (D10)', () => {
    const { clock, restarts } = counted({ maxRestarts: 2, windowMs: 1000, delayMs: 1 });
    for (const ms of [0, 400]) {
      clock.ms = ms;
      assert.ok(restarts.next(true));
    }
    clock.ms = 900;
    assert.equal(restarts.next(true), null);
    clock.ms = 1100;
    assert.deepEqual(restarts.next(true), { count: 2, delayMs: 2 });
  });

  it('does not forget with time while no start has succeeded', () => {
    const { clock, restarts } = counted({ maxRestarts: 2, windowMs: 1000, delayMs: 1 });
    assert.ok(restarts.next(false));
    clock.ms = 5000;
    assert.ok(restarts.next(false));
    clock.ms = 10000;
    assert.equal(restarts.next(false), null);
  });
});

describe('a worker that dies', function () {
  this.timeout(20000);
  const on = useFakeWorkers();

  it('is started again, and everybody hears of it in order', async () => {
    const { worker, events } = await on.start({ restart: FAST });
    const first = worker.pid;
    process.kill(first, 'SIGKILL');
    await until(() => events.some(([name]) => name === 'restarted'));
    assert.deepEqual(
      events.filter(([name]) => name !== 'log'),
      [
        ['exit', exitBy('SIGKILL')],
        ['health-status', events.find(([name]) => name === 'health-status')?.[1]],
        ['restart', { reason: `the worker process ended ${endedBy('SIGKILL')}`, count: 1, delayMs: 1, generation: 1 }],
        ['restarted', worker.ready],
      ],
    );
    const { status, generation } = events.find(([name]) => name === 'health-status')?.[1];
    assert.deepEqual([status, generation], ['failed', 1]);
    assert.deepEqual([worker.ready?.generation, worker.ready?.protocol, worker.state], [2, 1, 'ready']);
    assert.notEqual(worker.pid, first);
    assert.equal(await worker.request('test:later', { ms: 1, value: 'hello' }), 'hello');
  });

  it('answers no question until the next one runs: those that wait are rejected at once, new ones too', async () => {
    const { worker, events } = await on.start({ restart: { delayMs: 50 } });
    const waiting = Array.from({ length: 10 }, () => worker.request('test:later', { ms: 60000 }));
    const rejected = Promise.all(waiting.map((one) => assert.rejects(one, { code: 'WORKER_CRASHED', message: new RegExp(endedBy('SIGKILL')) })));
    worker.once('exit', () => assert.equal(events.some(([name]) => name === 'restarted'), false));
    process.kill(worker.pid, 'SIGKILL');
    await rejected;
    assert.equal(worker.state, 'restarting');
    await assert.rejects(worker.stats(), { code: 'WORKER_CRASHED', message: /about to be started again/ });
    await until(() => worker.state === 'ready');
    assert.ok(await worker.stats());
  });

  it('is given up after the limit, with the reason', async () => {
    const { worker, events } = await on.start({ restart: { ...FAST, maxRestarts: 2 } });
    for (let death = 1; death <= 3; death++) {
      await until(() => worker.state === 'ready');
      process.kill(worker.pid, 'SIGKILL');
      await until(() => events.filter(([name]) => name === 'exit').length === death);
    }
    await until(() => events.some(([name]) => name === 'failed'));
    const [, failure] = /** @type {any} */ (events.find(([name]) => name === 'failed'));
    assert.equal(failure.code, 'RESTART_LIMIT');
    assert.match(failure.message, new RegExp(`${endedBy('SIGKILL')}; it has been started 2 more times within 60000 ms, and is given up`));
    assert.deepEqual([worker.state, worker.pid, worker.health?.status], ['failed', undefined, 'failed']);
    await assert.rejects(worker.stats(), { code: 'WORKER_CRASHED', message: /not started again/ });
    await worker.stop();
    assert.equal(worker.state, 'failed');
  });

  it('at its start is started again up to the limit, then startWorker rejects with the reason (D10)', async () => {
    const countFile = path.join(on.root, 'starts');
    await assert.rejects(on.start({ restart: { ...FAST, maxRestarts: 3 }, fake: { countFile, crashUntil: 1000 } }), {
      code: 'RESTART_LIMIT',
      message: /^the worker process ended with code 7; it has been started 3 more times/,
    });
    assert.equal(fs.readFileSync(countFile, 'utf8').length, 4);
  });

  it('at its first starts may still become one that works', async () => {
    const countFile = path.join(on.root, 'starts');
    const { worker } = await on.start({ restart: FAST, fake: { countFile, crashUntil: 3 } });
    assert.deepEqual([worker.ready?.generation, worker.state], [3, 'ready']);
  });

  it('is not started again for a reason that the worker gives at its first start', async () => {
    const countFile = path.join(on.root, 'starts');
    await assert.rejects(on.start({ restart: FAST, fake: { countFile, failLater: true } }), { code: 'DB_NOT_WAL' });
    assert.equal(fs.readFileSync(countFile, 'utf8').length, 1);
  });

  it('gets told what its predecessor was asked, before anything else', async () => {
    const { worker } = await on.start({ restart: FAST });
    await worker.pause();
    await worker.pause('mail');
    await worker.pause('gone');
    await worker.resume('gone');
    const release = await worker.hold('local/m');
    await worker.hold('local/n');
    await release();
    await worker.subscribe({ tokens: true });
    process.kill(worker.pid, 'SIGKILL');
    await until(() => worker.state === 'ready' && worker.ready?.generation === 2);
    assert.deepEqual(await worker.request('test:heard'), [
      { channel: 'worker:pause' },
      { channel: 'worker:pause', payload: { queue: 'mail' } },
      { channel: 'worker:hold', payload: { lane: 'local/n', held: true } },
      { channel: 'worker:subscribe', payload: { tokens: true } },
    ]);
  });

  it('is not started again while the database is released, but by resume', async () => {
    const { worker, events } = await on.start({ restart: FAST });
    await worker.release();
    process.kill(worker.pid, 'SIGKILL');
    await until(() => events.some(([name]) => name === 'restart'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([worker.state, worker.pid], ['restarting', undefined]);
    assert.deepEqual(await worker.resume(), { paused: false });
    await until(() => worker.state === 'ready');
    assert.equal(worker.ready?.generation, 2);
  });

  it('is not started again after a stop, nor while one waits for its restart', async () => {
    const countFile = path.join(on.root, 'starts');
    const { worker, events } = await on.start({ restart: { delayMs: 20 }, fake: { countFile } });
    process.kill(worker.pid, 'SIGKILL');
    await until(() => events.some(([name]) => name === 'restart'));
    await worker.stop();
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.deepEqual([worker.state, worker.pid, fs.readFileSync(countFile, 'utf8')], ['stopped', undefined, '.']);
    await assert.rejects(worker.stats(), { code: 'WORKER_CRASHED', message: /has been stopped/ });
  });

  it('never lives beside its successor', async () => {
    const { worker } = await on.start({ restart: { ...FAST, maxRestarts: 100 } });
    const pids = [];
    for (let death = 0; death < 10; death++) {
      await until(() => worker.state === 'ready');
      assert.deepEqual(pids.filter(isAlive), []);
      pids.push(worker.pid);
      process.kill(worker.pid, ['SIGKILL', 'SIGTERM', 'SIGSEGV'][death % 3]);
      const { generation } = worker.ready;
      await until(() => worker.ready?.generation === generation + 1 && worker.state === 'ready');
    }
    assert.equal(new Set(pids).size, 10);
  });
});

describe('the handshake', () => {
  const on = useFakeWorkers();

  it('refuses a worker that speaks another protocol, and names both versions', async function () {
    // Its workers speak process.send.
    if (inElectron) this.skip();
    const old = path.join(on.root, 'old.js');
    const answer = (/** @type {object} */ payload) => `process.on('message', ({id, channel}) => process.send({id, channel, payload: ${JSON.stringify(payload)}}))`;
    fs.writeFileSync(old, answer({ workerId: 'old' }));
    await assert.rejects(on.start({ entry: old }), { code: 'BAD_CONFIG', message: /another protocol \(none\) .* \(version 1\)/ });
    fs.writeFileSync(old, answer({ workerId: 'old', protocol: 7 }));
    await assert.rejects(on.start({ entry: old }), { code: 'BAD_CONFIG', message: /\(version 7\) .* \(version 1\)/ });
  });
});
