// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useFakeWorkers } = require('./support/fake-worker.js');
const { until } = require('./support/until.js');

describe('process: a job and its result in one question', () => {
  const on = useFakeWorkers();

  it('chooses the id of the row and resolves with its result', async () => {
    const { worker } = await on.start();
    const { jobId, result } = await worker.process({ prompt: 'one', model: 'local/m', priority: 3 });
    assert.match(jobId, /^[0-9a-f]{32}$/);
    assert.equal(result.text, 'to one');
    const [{ channel, payload }] = await worker.request('test:heard');
    assert.deepEqual([channel, payload], ['worker:processRequest', { prompt: 'one', model: 'local/m', priority: 3, jobId }]);
    assert.equal((await worker.process({ jobId: 'mine', prompt: 'x' })).jobId, 'mine');
  });

  it('says which row it is whenever it rejects', async () => {
    const { worker } = await on.start({ restart: false });
    await assert.rejects(worker.process({ prompt: 'refused' }), { name: 'LlmJobsError', code: 'QUEUE_FULL', jobId: /^[0-9a-f]{32}$/ });
    await assert.rejects(worker.process({ jobId: 'late', prompt: 'never' }, { timeoutMs: 20 }), { code: 'TIMEOUT', jobId: 'late' });
    const dying = assert.rejects(worker.process({ jobId: 'dead', prompt: 'never' }), { code: 'WORKER_CRASHED', jobId: 'dead' });
    process.kill(worker.pid, 'SIGKILL');
    await dying;
    await assert.rejects(worker.process(/** @type {any} */ ('Hello')), { code: 'INVALID', message: /got "Hello"/ });
  });

  it('a question without an answer is logged, with its channel', async () => {
    const { worker, events } = await on.start();
    await assert.rejects(worker.process({ prompt: 'never', data: 'a secret text' }, { timeoutMs: 20 }), { code: 'TIMEOUT' });
    const [{ level, line }] = events.filter(([name]) => name === 'log').map(([, payload]) => payload);
    assert.deepEqual([level, line], ['warn', 'worker:processRequest (request 2) was not answered within 20 ms']);
  });
});

describe('loadModel', () => {
  const on = useFakeWorkers();

  it('takes a name or the whole request', async () => {
    const { worker } = await on.start();
    assert.deepEqual(await worker.loadModel('local/m'), { model: 'local/m', loaded: true, ms: 1 });
    await worker.loadModel({ model: 'local/n', keepAliveMs: 60000 });
    assert.deepEqual((await worker.request('test:heard')).map((/** @type {any} */ one) => one.payload), [{ model: 'local/m' }, { model: 'local/n', keepAliveMs: 60000 }]);
  });
});

describe('follow: the text of one job', () => {
  const on = useFakeWorkers();
  const token = (/** @type {string} */ id, /** @type {string} */ text, more = {}) => ({ channel: 'worker:token', payload: { tokens: [{ id, text, ...more }] } });

  /** Starts a worker and follows job a. */
  const followed = async () => {
    const { worker, events } = await on.start({ restart: { delayMs: 1 } });
    /** @type {any[]} */
    const told = [];
    const stop = await worker.follow('a', (/** @type {any} */ news) => told.push(news));
    const say = (/** @type {any[]} */ ...all) => void worker.request('test:events', all).catch(() => {});
    return { worker, events, told, stop, say };
  };

  it('tells what there is, then what comes, of this job only and nothing twice', async () => {
    const { told, say } = await followed();
    say(token('b', 'other'), token('a', ' and'), token('a', 'again', { restart: true }), token('b', 'end'));
    await until(() => told.length === 4);
    assert.deepEqual(told, [{ text: 'so far' }, { text: ' more' }, { text: ' and' }, { text: 'again', restart: true }]);
  });

  it('ends with the function that it resolved with', async () => {
    const { worker, told, stop, say } = await followed();
    const other = await worker.follow('a', () => {});
    await stop();
    await other();
    await stop();
    say(token('a', ' unheard'));
    const heard = await worker.request('test:heard');
    assert.deepEqual(heard.map((/** @type {any} */ one) => one.payload), [{ jobId: 'a', tokens: true }, { jobId: 'a', tokens: true }, { jobId: 'a', tokens: false }]);
    assert.equal(told.some(({ text }) => text === ' unheard'), false);
  });

  it('begins anew after a restart, and says so', async () => {
    const { worker, events, told, say } = await followed();
    process.kill(worker.pid, 'SIGKILL');
    await until(() => events.some(([name]) => name === 'restarted'));
    assert.deepEqual(told.at(-1), { text: '', restart: true });
    assert.deepEqual((await worker.request('test:heard'))[0], { channel: 'worker:subscribe', payload: { jobId: 'a', tokens: true } });
    say(token('a', 'fresh'));
    await until(() => told.at(-1).text === 'fresh');
  });

  it('is not asked of the next process when the job has ended', async () => {
    const { worker, events, say } = await followed();
    say({ channel: 'worker:job', payload: { jobs: [{ id: 'a', name: 'x', status: 'completed', attempt: 1 }] } });
    await new Promise((resolve) => worker.once('job', resolve));
    process.kill(worker.pid, 'SIGKILL');
    await until(() => events.some(([name]) => name === 'restarted'));
    assert.deepEqual(await worker.request('test:heard'), []);
  });
});
