// SPDX-License-Identifier: MIT
'use strict';

/** A pool of real processes; the addon in them is a stand-in whose heartbeats say what the test wants. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startWorker } = require('../../js/index.js');
const { Followers } = require('../../js/host/followers.js');
const { exitBy } = require('./support/exit.js');
const { Standing } = require('../../js/host/standing.js');
const { isAlive } = require('./support/alive.js');
const { until } = require('./support/until.js');

/** @typedef {import('../../js/host.js').Worker} Worker */

const addon = path.join(__dirname, 'support', 'fake-addon.js');
const IDLE = { active: 0, backlog: false, cpuUsage: 1 };
const BUSY = { active: 5, backlog: true, cpuUsage: 79 };

describe('a pool of workers', function () {
  this.timeout(30000);
  /** @type {string} */ let root;
  /** @type {string} */ let workFile;
  /** @type {Worker[]} */ let workers = [];

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'));
    workFile = path.join(root, 'work.json');
    work(IDLE);
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop({ deadlineMs: 0 })));
    workers = [];
    fs.rmSync(root, { recursive: true, force: true });
  });

  /** What all members have to do from now on. @param {typeof IDLE} what */
  const work = (what) => {
    // A file that a beat reads is never half written.
    fs.writeFileSync(`${workFile}.new`, JSON.stringify(what));
    fs.renameSync(`${workFile}.new`, workFile);
  };

  /** @param {Record<string, any>} [options] @returns {Promise<Worker>} */
  const start = async ({ fake = {}, ...options } = {}) => {
    const worker = await startWorker({
      database: path.join(root, 'app.db'),
      env: { LLM_JOBS_ADDON: addon },
      heartbeat: { intervalMs: 50, timeoutMs: 1000 },
      fake: { workFile, ...fake },
      ...options,
    });
    workers.push(worker);
    return worker;
  };

  const ids = (/** @type {Worker} */ worker) => worker.members.map(({ workerId }) => workerId);

  /** What each member heard. @param {Worker} worker @param {string} channel @returns {Promise<Record<string, any[]>>} */
  const heard = async (worker, channel) => {
    const { members } = await worker.stats();
    return Object.fromEntries(members.map((/** @type {any} */ { workerId, stats }) => [workerId, stats?.heard.filter((/** @type {any} */ one) => one.channel === channel).map((/** @type {any} */ one) => one.payload)]));
  };

  it('is one process unless the app says otherwise', async () => {
    const worker = await start();
    assert.deepEqual(worker.members, [{ workerId: 'fake', pid: worker.pid, state: 'ready', generation: 1, health: null }]);
    assert.equal(worker.ready?.workerId, 'fake');
  });

  it('starts as many as are always kept, each with an id of its own', async () => {
    const worker = await start({ workers: { min: 3, max: 3 }, workerId: 'app' });
    assert.deepEqual(ids(worker), ['app', 'app-2', 'app-3']);
    assert.equal(new Set(worker.members.map(({ pid }) => pid)).size, 3);
    assert.deepEqual([worker.state, worker.ready?.workerId, worker.pid], ['ready', 'app', worker.members[0].pid]);
    const { members, workerId, takes } = await worker.stats();
    assert.deepEqual(members.map((/** @type {any} */ one) => [one.workerId, one.stats.workerId, one.state]), [['app', 'app', 'ready'], ['app-2', 'app-2', 'ready'], ['app-3', 'app-3', 'ready']]);
    assert.equal(workerId, 'app');
    assert.equal(takes, members.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.stats.takes, 0));
  });

  it("rejects with the first one's reason, and leaves no process behind", async () => {
    const processes = () => process.getActiveResourcesInfo().filter((one) => one === 'ProcessWrap').length;
    const before = processes();
    await assert.rejects(start({ workers: { min: 2, max: 2 }, fake: { failStart: true } }), { code: 'BAD_CONFIG', message: /providers\.x/ });
    await until(() => processes() === before);
  });

  it('refuses options that make no sense before it starts anything', async () => {
    await assert.rejects(start({ workers: { min: 3, max: 2 } }), { code: 'BAD_CONFIG', message: /^workers\.max/ });
    await assert.rejects(start({ workers: { max: 2 }, heartbeat: false }), { code: 'BAD_CONFIG', message: /^heartbeat must be on/ });
    await assert.rejects(start({ workers: { max: 2 }, workerId: 'x'.repeat(79) }), { code: 'BAD_CONFIG', message: /^workerId: .* shorter/ });
  });

  it('starts more for a backlog that is bound by the processor, up to the maximum, and ends idle ones down to the minimum', async () => {
    const worker = await start({ workers: { min: 1, max: 3, idleTimeoutMs: 100 } });
    /** @type {any[]} */
    const news = [];
    worker.on('scale', (one) => news.push([one.change, one.reason, one.workerId, one.members]));
    work(BUSY);
    await until(() => news.length === 2);
    assert.deepEqual(news, [['started', 'backlog', 'llm-worker-1-2', 2], ['started', 'backlog', 'llm-worker-1-3', 3]]);
    const pids = worker.members.map(({ pid }) => /** @type {number} */ (pid));
    let beats = 0;
    worker.on('health-status', () => (beats += 1));
    await until(() => beats > 30);
    assert.deepEqual([news.length, ids(worker).length], [2, 3], 'no more than the maximum');
    work(IDLE);
    await until(() => news.length === 4);
    assert.deepEqual(news.slice(2).map(([change, reason]) => [change, reason]), [['ended', 'idle'], ['ended', 'idle']]);
    assert.deepEqual(news.slice(2).map(([, , workerId]) => workerId).sort(), ['llm-worker-1-2', 'llm-worker-1-3']);
    assert.deepEqual(pids.map(isAlive), [true, false, false]);
    beats = 0;
    await until(() => beats > 10);
    assert.deepEqual([news.length, ids(worker)], [4, ['llm-worker-1']]);
  });

  it('tells members that are started later what holds for all', async () => {
    const worker = await start({ workers: { min: 1, max: 2 } });
    await worker.pause('mail');
    await worker.hold('local/m');
    await worker.subscribe({ tokens: true });
    work(BUSY);
    await until(() => ids(worker).length === 2 && worker.members[1].state === 'ready');
    assert.deepEqual((await heard(worker, 'worker:pause'))['llm-worker-1-2'], [{ queue: 'mail' }]);
    assert.deepEqual((await heard(worker, 'worker:hold'))['llm-worker-1-2'], [{ lane: 'local/m', held: true }]);
    assert.deepEqual((await heard(worker, 'worker:subscribe'))['llm-worker-1-2'], [{ tokens: true }]);
    // And now both at once.
    await worker.resume('mail');
    assert.deepEqual(Object.values(await heard(worker, 'worker:resume')), [[{ queue: 'mail' }], [{ queue: 'mail' }]]);
    await worker.drain({ deadlineMs: 7 });
    assert.deepEqual(Object.values(await heard(worker, 'worker:drain')), [[{ deadlineMs: 7 }], [{ deadlineMs: 7 }]]);
  });

  it('starts none while the database is released or nothing more is to be done', async () => {
    const worker = await start({ workers: { min: 1, max: 2 } });
    let beats = 0;
    worker.on('health-status', () => (beats += 1));
    assert.deepEqual(await worker.release(), { released: true, interrupted: 0 });
    work(BUSY);
    await until(() => beats > 10);
    assert.equal(ids(worker).length, 1);
    await worker.resume();
    await until(() => ids(worker).length === 2);
    const other = await start({ workers: { min: 1, max: 2 } });
    await other.drain();
    beats = 0;
    other.on('health-status', () => (beats += 1));
    await until(() => beats > 10);
    assert.equal(ids(other).length, 1);
  });

  it('gives requests to those that have the least of them, and answers each with its own answer', async () => {
    const worker = await start({ workers: { min: 2, max: 2 } });
    const waiting = Array.from({ length: 10 }, () => worker.process({ prompt: 'never' }).catch((error) => error.code));
    await until(async () => Object.values(await heard(worker, 'worker:processRequest')).flat().length === 10);
    assert.deepEqual(Object.values(await heard(worker, 'worker:processRequest')).map((all) => all.length), [5, 5]);
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => worker.process({ prompt: `q${n}` })));
    assert.deepEqual(results.map(({ result }) => result.text), Array.from({ length: 20 }, (_, n) => `to q${n}`));
    await worker.stop({ deadlineMs: 0 });
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['WORKER_CRASHED']));
  });

  it('takes 100 requests at a time, all members together: the 101st is QUEUE_FULL', async () => {
    const worker = await start({ workers: { min: 2, max: 2 } });
    const waiting = Array.from({ length: 100 }, () => worker.process({ prompt: 'never' }).catch((error) => error.code));
    await assert.rejects(worker.process({ prompt: 'now' }), { code: 'QUEUE_FULL', message: /100 requests already wait/, jobId: /^[0-9a-f]{32}$/ });
    assert.equal(Object.values(await heard(worker, 'worker:processRequest')).flat().length, 100);
    await worker.stop({ deadlineMs: 0 });
    await Promise.all(waiting);
    const small = await start({ workers: { min: 2, max: 2 }, maxQueue: 1 });
    small.process({ prompt: 'never' }).catch(() => {});
    await assert.rejects(small.process({ prompt: 'now' }), { code: 'QUEUE_FULL' });
  });

  it('starts another beside one that is stopped, which is killed; the rest goes on, and a continued one can do nothing', async () => {
    const worker = await start({ workers: { min: 2, max: 3, idleTimeoutMs: 60000 }, heartbeat: { intervalMs: 50, timeoutMs: 250, maxRetries: 10 }, restart: { delayMs: 10 } });
    /** @type {any[]} */
    const news = [];
    worker.on('scale', ({ reason, workerId }) => news.push(['scale', reason, workerId]));
    worker.on('exit', ({ workerId, signal }) => news.push(['exit', signal, workerId]));
    worker.on('restarted', ({ workerId, generation }) => news.push(['restarted', generation, workerId]));
    const [first, second] = worker.members.map(({ pid }) => /** @type {number} */ (pid));
    process.kill(first, 'SIGSTOP');
    await until(() => news.length > 0);
    assert.ok(isAlive(first), 'the other one is there before the first is given up');
    assert.equal((await worker.process({ prompt: 'x' })).result.text, 'to x');
    await until(() => news.length === 3);
    assert.deepEqual(news, [['scale', 'unresponsive', 'llm-worker-1-3'], ['exit', exitBy('SIGKILL').signal, 'llm-worker-1'], ['restarted', 2, 'llm-worker-1']]);
    assert.deepEqual([isAlive(first), isAlive(second)], [false, true]);
    assert.throws(() => process.kill(first, 'SIGCONT'), { code: 'ESRCH' });
    assert.deepEqual(worker.members.map(({ state }) => state), ['ready', 'ready', 'ready']);
  });

  it('helps one that answers again also the next time that it does not, and ends no process that answers', async () => {
    const worker = await start({ workers: { min: 1, max: 2, idleTimeoutMs: 100 }, heartbeat: { intervalMs: 50, timeoutMs: 250, maxRetries: 100 } });
    /** @type {string[]} */
    const news = [];
    worker.on('scale', ({ reason }) => news.push(reason));
    const pid = /** @type {number} */ (worker.pid);
    for (const round of [1, 2]) {
      process.kill(pid, 'SIGSTOP');
      await until(() => news.length === 2 * round - 1);
      process.kill(pid, 'SIGCONT');
      await until(() => news.length === 2 * round);
    }
    assert.deepEqual(news, ['unresponsive', 'idle', 'unresponsive', 'idle']);
    assert.deepEqual(worker.members.map((one) => [one.pid, one.generation]), [[pid, 1]]);
  });

  it('never has more processes than the maximum, also when one hangs', async () => {
    const worker = await start({ workers: { min: 2, max: 2 }, heartbeat: { intervalMs: 50, timeoutMs: 200, maxRetries: 3 }, restart: { delayMs: 10 } });
    let most = 0;
    const count = () => (most = Math.max(most, worker.members.filter(({ pid }) => pid !== undefined).length));
    worker.on('health-status', count);
    worker.on('scale', () => assert.fail('none is started'));
    process.kill(/** @type {number} */ (worker.members[1].pid), 'SIGSTOP');
    await new Promise((resolve) => worker.once('restarted', resolve));
    assert.equal(most, 2);
  });

  it('goes on without a member that is given up, and has failed when all are', async () => {
    const worker = await start({ workers: { min: 2, max: 2 }, restart: { maxRestarts: 0 } });
    /** @type {any[]} */
    const failures = [];
    worker.on('failed', (failure) => failures.push(failure.code));
    process.kill(/** @type {number} */ (worker.members[0].pid), 'SIGKILL');
    await until(() => worker.members[0].state === 'failed');
    assert.deepEqual([worker.state, worker.health?.status, failures], ['ready', 'degraded', []]);
    assert.equal((await worker.process({ prompt: 'x' })).result.text, 'to x');
    process.kill(/** @type {number} */ (worker.members[1].pid), 'SIGKILL');
    await until(() => failures.length > 0);
    assert.deepEqual([worker.state, worker.health?.status, failures, worker.pid], ['failed', 'failed', ['RESTART_LIMIT'], undefined]);
    await assert.rejects(worker.stats(), { code: 'WORKER_CRASHED' });
  });

  it('stops all of them; twice is once', async () => {
    const worker = await start({ workers: { min: 3, max: 3 } });
    const pids = worker.members.map(({ pid }) => /** @type {number} */ (pid));
    await Promise.all([worker.stop(), worker.stop()]);
    assert.deepEqual([worker.state, pids.map(isAlive)], ['stopped', [false, false, false]]);
    await assert.rejects(worker.pause(), { code: 'WORKER_CRASHED', message: /has been stopped/ });
  });

  it('ends a member that is just starting when the pool is stopped', async () => {
    const worker = await start({ workers: { min: 1, max: 2 } });
    work(BUSY);
    await until(() => ids(worker).length === 2);
    await worker.stop();
    assert.deepEqual(worker.members.map(({ pid }) => pid).filter(Boolean), []);
  });

  it('listens for a followed job in all members, and in none after it', async () => {
    const worker = await start({ workers: { min: 2, max: 2 } });
    const subscribed = async () => Object.values(await heard(worker, 'worker:subscribe')).map((all) => all.map((/** @type {any} */ one) => one.tokens));
    const unfollow = await worker.follow('a', () => {});
    assert.deepEqual(await subscribed(), [[true], [true]]);
    await unfollow();
    assert.deepEqual(await subscribed(), [[true, false], [true, false]]);
    await worker.follow('b', () => {});
    // The one in which it ended knows; the other one has to be told.
    worker.request('test:events', [{ channel: 'worker:job', payload: { jobs: [{ id: 'b', name: 'x', status: 'completed', attempt: 1 }] } }]).catch(() => {});
    await until(async () => (await subscribed()).every((all) => all.at(-1) === false));
  });
});

describe('what a process is told at its start', () => {
  const told = (/** @type {Standing} */ standing) => standing.messages([]).map(({ channel, payload }) => [channel, payload].filter(Boolean));

  it('is what holds: a drain, a pause, a held lane', () => {
    const standing = new Standing();
    standing.note('worker:hold', { lane: 'a/m', held: true });
    standing.note('worker:hold', { lane: 'b/m', held: true });
    standing.note('worker:hold', { lane: 'a/m', held: false });
    standing.note('worker:pause', undefined);
    standing.note('worker:drain', { deadlineMs: 5 });
    assert.deepEqual(told(standing), [['worker:drain', { deadlineMs: 0 }], ['worker:pause'], ['worker:hold', { lane: 'b/m', held: true }]]);
  });

  it('is that the machine is about to sleep, until it wakes or does not sleep', () => {
    let now = 1000;
    const standing = new Standing(() => now);
    standing.note('worker:power', { event: 'suspend' });
    standing.note('worker:power', { event: 'offline' });
    assert.deepEqual(told(standing), [['worker:power', { event: 'suspend' }]]);
    now += 20000;
    assert.deepEqual(told(standing), []);
    standing.note('worker:power', { event: 'suspend' });
    standing.note('worker:power', { event: 'resume' });
    assert.deepEqual(told(standing), []);
  });
});

describe('who follows a job of several processes', () => {
  const [A, B] = [{}, {}];
  /** @type {any[]} */ let texts;
  /** @type {Followers} */ let followers;
  beforeEach(() => {
    texts = [];
    followers = new Followers();
    const follower = (/** @type {any} */ news) => texts.push(news);
    followers.add('job', follower, '', A);
    followers.add('job', follower, 'Hel', B);
  });

  it('hears each piece once, although each process was asked', () => {
    followers.hear({ id: 'job', text: 'lo' }, B);
    assert.deepEqual(texts, [{ text: 'Hel' }, { text: 'lo' }]);
  });

  it('hears that it begins anew when another process has taken it', () => {
    followers.hear({ id: 'job', text: 'He' }, A);
    followers.hear({ id: 'job', text: 'llo' }, A);
    assert.deepEqual(texts, [{ text: 'Hel' }, { text: 'He', restart: true }, { text: 'llo' }]);
  });

  it('hears nothing of a process that was started again and did not run it', () => {
    followers.restart(A);
    assert.deepEqual(texts, [{ text: 'Hel' }]);
    followers.restart(B);
    assert.deepEqual(texts, [{ text: 'Hel' }, { text: '', restart: true }]);
  });
});
