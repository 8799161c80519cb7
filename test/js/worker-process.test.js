// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useFakeWorkers } = require('./support/fake-worker.js');
const { until } = require('./support/until.js');
const { useWorld } = require('./support/e2e.js');

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
    assert.deepEqual(told.filter(({ restart }) => restart), [{ text: '', restart: true }]);
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

describe('process and follow, of a real worker', function () {
  this.timeout(20000);
  const on = useWorld();
  const WORDS = Array.from({ length: 40 }, (_, n) => `word${n}`).join(' ');

  beforeEach(async () => {
    on.world.database();
    await on.world.provider();
  });

  it('a job is a row, and its result is that of the row', async () => {
    const { world } = on;
    const worker = await world.worker();
    const { jobId, result } = await worker.process({ prompt: 'Hello', model: 'fake/m' });
    const row = world.row(jobId);
    assert.deepEqual([row.status, row.name, row.result], ['completed', 'process_request', result]);
    await world.fake.script([{ status: 400, error: { message: 'no' } }]);
    await assert.rejects(worker.process({ prompt: 'Hello', model: 'fake/m' }), ({ code, jobId: failed }) => {
      assert.deepEqual([code, world.row(failed).status], ['BAD_REQUEST', 'failed']);
      return true;
    });
  });

  it('a job whose worker dies is rejected at once by the name of its row, which completes after the restart', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    const worker = await world.worker({ restart: { delayMs: 1 } });
    const asked = worker.process({ prompt: 'Hello', model: 'fake/m' }).then(assert.fail, (error) => error);
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    process.kill(Number(worker.pid), 'SIGKILL');
    const { code, jobId } = await asked;
    assert.equal(code, 'WORKER_CRASHED');
    assert.equal((await world.ended(jobId)).status, 'completed');
    // Asked again by the same id, it is the same job.
    const { result } = await worker.process({ jobId, prompt: 'Hello', model: 'fake/m' });
    assert.deepEqual([world.row(jobId).result, await world.fake.count()], [result, 2]);
  });

  for (const all of [false, true]) {
    it(`text is told whole and once, whenever one begins to follow${all ? ', while the text of all jobs is told too' : ''}`, async () => {
      const { world } = on;
      await world.fake.script([{ text: WORDS, tokenMs: 5 }, { text: 'other words', tokenMs: 5 }]);
      const worker = await world.worker();
      if (all) await worker.subscribe({ tokens: true });
      const id = world.insert();
      /** @type {string[]} */
      const texts = [];
      const follow = async () => {
        const at = texts.push('') - 1;
        await worker.follow(id, ({ text, restart }) => (texts[at] = (restart ? '' : texts[at]) + text));
      };
      await follow();
      world.insert();
      for (const part of [5, 15, 25]) {
        await world.until(() => texts[0].includes(`word${part}`), 'some text');
        await follow();
      }
      await world.ended(id);
      await world.until(() => texts.every((text) => text.length >= WORDS.length), () => JSON.stringify(texts));
      assert.deepEqual(texts, [WORDS, WORDS, WORDS, WORDS]);
    });
  }

  it('text of a job whose worker died is void, and told anew by the next one', async () => {
    const { world } = on;
    await world.fake.script([{ text: WORDS, hangAfterTokens: 10 }, { text: WORDS, tokenMs: 2 }]);
    const worker = await world.worker({ restart: { delayMs: 1 } });
    const id = world.insert();
    let text = '';
    let restarts = 0;
    await worker.follow(id, (news) => {
      if (news.restart) restarts += 1;
      text = (news.restart ? '' : text) + news.text;
    });
    await world.until(() => text.includes('word5'), 'some text');
    process.kill(Number(worker.pid), 'SIGKILL');
    assert.equal((await world.ended(id)).result.text, WORDS);
    await world.until(() => text.length >= WORDS.length, () => text);
    assert.deepEqual([text, restarts], [WORDS, 1]);
  });
});
