// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startWorker } = require('../../js/index.js');
const { bus } = require('../../js/bus.js');
const { endedBy, exitBy } = require('./support/exit.js');
const { isAlive } = require('./support/alive.js');
const { until } = require('./support/until.js');

/** @typedef {import('../../js/host.js').Worker} Worker */

const addon = path.join(__dirname, 'support', 'fake-addon.js');

describe('startWorker', () => {
  /** @type {string} */ let root;
  /** @type {Worker[]} */ let workers = [];

  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'))));
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    workers = [];
    fs.rmSync(root, { recursive: true, force: true });
  });

  /** @param {Record<string, any>} [options] @returns {Promise<Worker>} */
  const start = async ({ env = {}, ...options } = {}) => {
    const worker = await startWorker({ database: path.join(root, 'app.db'), env: { LLM_JOBS_ADDON: addon, ...env }, ...options });
    workers.push(worker);
    return worker;
  };

  it('resolves when the worker is ready, and hands it the configuration', async () => {
    const worker = await start({ providers: { local: { kind: 'ollama' } }, concurrency: 3 });
    assert.equal(worker.ready?.workerId, 'fake');
    assert.equal(worker.pid, worker.ready?.pid);
    assert.notEqual(worker.pid, process.pid);
    const config = await worker.request('test:config');
    assert.deepEqual(config, { database: path.join(root, 'app.db'), providers: { local: { kind: 'ollama' } }, concurrency: 3 });
  });

  it('makes a relative path mean what it means here', async () => {
    const worker = await start({ database: 'some.db' });
    assert.equal((await worker.request('test:config')).database, path.resolve('some.db'));
  });

  it('hands over the keys that the configuration names, and nothing else of the environment', async () => {
    process.env.LJ_TEST_KEY = 'sk-1';
    process.env.LJ_TEST_OTHER = 'sk-2';
    try {
      const worker = await start({ providers: { a: { kind: 'openai', apiKey: { env: 'LJ_TEST_KEY' } } }, env: { EXTRA: 7, HOME: undefined }, execArgv: ['--no-warnings'] });
      const { env, argv, execArgv } = await worker.stats();
      assert.deepEqual([env.LJ_TEST_KEY, env.LJ_TEST_OTHER, env.EXTRA, env.HOME], ['sk-1', undefined, '7', undefined]);
      assert.equal(env.PATH, process.env.PATH);
      assert.equal(Object.keys(env).some((name) => name.startsWith('npm_') || name === 'NODE_OPTIONS'), false);
      assert.deepEqual([argv, execArgv], [[], ['--no-warnings']]);
    } finally {
      delete process.env.LJ_TEST_KEY;
      delete process.env.LJ_TEST_OTHER;
    }
  });

  it("rejects with the engine's reason, and leaves no process behind", async () => {
    for (const [fake, code, message] of [
      [{ failStart: true }, 'BAD_CONFIG', /providers\.x: unknown key/],
      [{ failLater: true }, 'DB_NOT_WAL', /not in WAL mode/],
    ]) {
      const processes = () => process.getActiveResourcesInfo().filter((one) => one === 'ProcessWrap').length;
      const before = processes();
      await assert.rejects(start({ fake }), { name: 'LlmJobsError', code, message });
      await until(() => processes() === before);
    }
  });

  it('rejects when the addon is missing, and without restarts when the process ends at once', async () => {
    await assert.rejects(start({ env: { LLM_JOBS_ADDON: path.join(root, 'none.node') } }), { code: 'ADDON_MISSING', message: /none\.node/ });
    const entry = path.join(root, 'crash.js');
    fs.writeFileSync(entry, 'process.exit(7);');
    await assert.rejects(start({ entry, restart: false }), { code: 'WORKER_CRASHED', message: /with code 7/ });
  });

  it('refuses options that make no sense before it starts anything', async () => {
    const bad = (/** @type {any} */ options, /** @type {RegExp} */ message) => assert.rejects(startWorker(options), { code: 'BAD_CONFIG', message });
    await bad(undefined, /got undefined/);
    await bad({}, /database must be the path .* got undefined/);
    await bad({ database: 5 }, /got 5/);
    await bad({ database: 'x', execArgv: '--x' }, /execArgv must be an array/);
    await bad({ database: 'x', onLog: true }, /onLog must be a function/);
    await bad({ database: 'x', entry: path.join(root, 'none.js') }, /entry must be the path of a file that exists/);
    await bad({ database: 'x', preset: 'low' }, /preset must be "highLoad"/);
    await bad({ database: 'x', heartbeat: { interval: 5 } }, /heartbeat\.interval: unknown key; heartbeat has intervalMs, timeoutMs, maxRetries/);
    await bad({ database: 'x', heartbeat: { maxRetries: 0 } }, /heartbeat\.maxRetries must be a number from 1 .* got 0/);
    await bad({ database: 'x', restart: true }, /restart must be an object \{maxRestarts, .* got true/);
    await bad({ database: 'x', securityPolicy: { resourceLimits: { memory: { maxMB: '1' } } } }, /resourceLimits\.memory\.maxMB .* got "1"/);
  });

  it('answers each of many interleaved requests with its own answer (D9)', async () => {
    const worker = await start();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => worker.request('test:later', { ms: (n * 37) % 50, value: n }))
    );
    assert.deepEqual(answers, Array.from({ length: 100 }, (_, n) => n));
  });

  it("rejects with the answer's error, with TIMEOUT, and forgets late answers", async () => {
    const worker = await start();
    await assert.rejects(worker.request('test:error'), { name: 'LlmJobsError', code: 'RATE_LIMITED', message: 'too many' });
    await assert.rejects(worker.request('test:nothing'), { code: 'NOT_FOUND' });
    await assert.rejects(worker.request('test:later', { ms: 60, value: 1 }, { timeoutMs: 20 }), { code: 'TIMEOUT', message: /test:later .* 20 ms/ });
    assert.equal(await worker.request('test:later', { ms: 60, value: 2 }), 2);
    await assert.rejects(worker.request('test:later', { text: 'x'.repeat(1000001) }), { code: 'TOO_BIG' });
    await assert.rejects(worker.request(/** @type {any} */ (undefined)), { code: 'BAD_CONFIG' });
    await assert.rejects(worker.request('test:later', { ms: 5n }), { code: 'INVALID', message: /^test:later: .*plain JSON/ });
    await assert.rejects(worker.drain({ deadlineMs: -5 }), { code: 'BAD_CONFIG', message: /got -5/ });
  });

  it('rejects all that wait as soon as the process ends, and what comes after', async () => {
    const worker = await start({ restart: false });
    /** @type {any[]} */
    const exits = [];
    worker.on('exit', (exit) => exits.push(exit));
    const waiting = [1, 2, 3].map(() => worker.request('test:later', { ms: 60000 }));
    waiting.forEach((one) => one.catch(() => {}));
    worker.request('test:crash').catch(() => {});
    for (const one of waiting) await assert.rejects(one, { code: 'WORKER_CRASHED', message: new RegExp(`test:later: .* ${endedBy('SIGKILL')}`) });
    await assert.rejects(worker.stats(), { code: 'WORKER_CRASHED' });
    assert.equal(worker.pid, undefined);
    worker.notify();
    await until(() => exits.length > 0);
    assert.deepEqual(exits, [exitBy('SIGKILL')]);
    await worker.stop();
  });

  it('tells of jobs one by one, and the queues of this process of all', async () => {
    const worker = await start();
    /** @type {any[]} */
    const jobs = [];
    /** @type {any[]} */
    const news = [];
    /** @type {any[]} */
    const tokens = [];
    const onNews = (/** @type {any} */ all) => news.push(all);
    bus.on('jobs', onNews);
    worker.on('job', (job) => jobs.push(job));
    worker.on('token', (token) => tokens.push(token));
    const both = [{ id: 'a', name: 'x', status: 'active', attempt: 1 }, { id: 'a', name: 'x', status: 'completed', attempt: 1 }];
    const text = [{ id: 'a', text: 'He' }, { id: 'a', text: 'llo' }];
    worker.request('test:events', [{ channel: 'worker:job', payload: { jobs: both } }, { channel: 'worker:token', payload: { tokens: text } }]).catch(() => {});
    await until(() => tokens.length === 2);
    bus.off('jobs', onNews);
    assert.deepEqual([jobs, news, tokens], [both, [both], text]);
  });

  it('tells when the database cannot be used for the time being, and when it can again', async () => {
    const worker = await start();
    /** @type {any[]} */
    const heard = [];
    for (const name of ['suspended', 'resumed']) worker.on(name, (payload) => heard.push([name, payload]));
    const suspended = { code: 'DB_MOVED', message: 'Another file is there.' };
    worker.request('test:events', [{ channel: 'worker:suspended', payload: suspended }, { channel: 'worker:resumed', payload: { message: 'It is back.' } }]).catch(() => {});
    await until(() => heard.length === 2);
    assert.deepEqual(heard, [['suspended', suspended], ['resumed', { message: 'It is back.' }]]);
  });

  it('passes log lines and output on, from the first one', async () => {
    /** @type {any[]} */
    const lines = [];
    const worker = await start({ onLog: (/** @type {string} */ level, /** @type {string} */ line) => lines.push([level, line]) });
    // There is no such database, so the watch says that it cannot watch.
    await until(() => lines.length === 1);
    assert.deepEqual([lines[0][0], /cannot be watched/.test(lines[0][1])], ['warn', true]);
    worker.request('test:events', [{ channel: 'worker:log', payload: { level: 'info', line: 'hello' } }]).catch(() => {});
    worker.request('test:print', { text: 'one\ntwo\n' }).catch(() => {});
    await until(() => lines.length === 4);
    assert.deepEqual(lines.slice(1).sort(), [['debug', 'one'], ['debug', 'two'], ['info', 'hello']]);
  });

  it('notifies, pauses, resumes, subscribes and drains by the channels of those names', async () => {
    fs.writeFileSync(path.join(root, 'app.db'), '');
    const worker = await start();
    const before = (await worker.stats()).notified;
    worker.notify();
    await until(async () => (await worker.stats()).notified > before);
    assert.deepEqual([await worker.pause(), await worker.resume()], [{ paused: true }, { paused: false }]);
    await assert.rejects(worker.cancel('x'), { code: 'NOT_FOUND', message: 'no worker:cancel' });
    assert.deepEqual(await worker.subscribe({ tokens: true }), { tokens: true });
    assert.deepEqual(await worker.drain({ deadlineMs: 123 }), { drained: 123, interrupted: 0 });
  });

  it('notices changes of the database files', async () => {
    fs.writeFileSync(path.join(root, 'app.db'), '');
    const worker = await start();
    await until(async () => (await worker.stats()).notified > 0, 'the look after the watch began');
    const before = (await worker.stats()).notified;
    fs.writeFileSync(path.join(root, 'app.db-wal'), 'a');
    await until(async () => (await worker.stats()).notified > before);
  });

  it('stops: drains, stops the engine, ends the process; twice is once', async () => {
    const stoppedFile = path.join(root, 'stopped');
    const worker = await start({ fake: { stoppedFile } });
    const pid = /** @type {number} */ (worker.pid);
    /** @type {any[]} */
    const exits = [];
    worker.on('exit', (exit) => exits.push(exit));
    await Promise.all([worker.stop({ deadlineMs: 50 }), worker.stop()]);
    assert.deepEqual(exits, [{ code: 0, signal: null }]);
    assert.equal(fs.readFileSync(stoppedFile, 'utf8'), 'stopped');
    assert.equal(isAlive(pid), false);
    await assert.rejects(worker.stats(), { code: 'WORKER_CRASHED', message: /has been stopped/ });
  });

  it('reports what an uncaught error of the worker said', async () => {
    /** @type {string[]} */
    const lines = [];
    const worker = await start({ restart: false, onLog: (/** @type {string} */ _level, /** @type {string} */ line) => lines.push(line) });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.request('test:throw').catch(() => {});
    assert.deepEqual(await ended, { code: 1, signal: null });
    await until(() => lines.some((line) => line.includes('thrown by the fake addon')));
  });
});
