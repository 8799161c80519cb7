// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, kill } = require('../support/e2e.js');

describe('worker: answers made in the background', function () {
  this.timeout(30000);
  const on = useWorld();
  const opts = { background: true };

  beforeEach(async () => {
    on.world.database();
    await on.world.provider();
  });

  /** @param {Record<string, any>} [config] */
  const start = (config = {}) => {
    const fake = { kind: 'openai-compatible', api: 'responses', baseUrl: on.world.fake.openaiUrl, ...config.provider };
    return on.world.worker({ providers: { fake }, leaseMs: 1000, ...config.worker });
  };
  /** @returns {Promise<{posts: any[], polls: any[], cancels: any[]}>} what came to the provider */
  const calls = async () => {
    const all = await on.world.fake.log();
    return {
      posts: all.filter((one) => one.path === '/v1/responses'),
      polls: all.filter((one) => one.method === 'GET' && one.path.startsWith('/v1/responses/')),
      cancels: all.filter((one) => one.path.endsWith('/cancel')),
    };
  };
  /** @param {string} id */
  const noted = async (id) => {
    await on.world.until(() => on.world.row(id).remote !== null, 'the id in the row');
    return JSON.parse(on.world.row(id).remote);
  };

  it('asks for it, keeps it at the provider, and leaves nothing in the row', async () => {
    await start();
    const id = on.world.insert({ opts });
    const row = await on.world.ended(id);
    const { posts, polls } = await calls();
    assert.deepEqual([row.status, row.attempts, row.remote, posts.length, polls.length], ['completed', 1, null, 1, 0]);
    const { background, store, stream } = posts[0].body;
    assert.deepEqual({ background, store, stream }, { background: true, store: true, stream: true });
  });

  it('by the configuration of the provider too, but for embeddings', async () => {
    await start({ provider: { background: true } });
    await on.world.ended(on.world.insert());
    assert.equal((await calls()).posts[0].body.background, true);
    const row = await on.world.ended(on.world.insert({ data: { input: 'a' } }));
    assert.equal(row.status, 'completed');
  });

  it('a worker killed while it listens leaves the id in the row, and the next one fetches the answer: one request in all', async () => {
    await on.world.fake.script([{ hangAfterTokens: 3, pendingPolls: 1, text: 'the answer' }]);
    const worker = await start();
    const id = on.world.insert({ opts });
    const { kind, id: response, provider, key, model, at } = await noted(id);
    assert.deepEqual([kind, response, provider, key, model], ['response', 'resp_fake1', 'fake', 0, 'm']);
    assert.ok(at > 0);
    await kill(worker);
    await start();
    const row = await on.world.ended(id);
    const { posts, polls } = await calls();
    assert.deepEqual([row.status, row.result.text, row.attempts, row.remote], ['completed', 'the answer', 1, null]);
    assert.deepEqual([posts.length, polls.length], [1, 2]);
  });

  it('a worker that is stopped gives the attempt back, and the next one fetches the answer', async () => {
    await on.world.fake.script([{ hangAfterTokens: 3 }]);
    const worker = await start();
    const id = on.world.insert({ opts });
    await noted(id);
    await worker.stop({ deadlineMs: 0 });
    const left = on.world.row(id);
    assert.deepEqual([left.status, left.attempts, JSON.parse(left.remote).id], ['waiting', 0, 'resp_fake1']);
    await start();
    const row = await on.world.ended(id);
    assert.deepEqual([row.status, row.attempts, (await calls()).posts.length], ['completed', 1, 1]);
  });

  it('a broken connection is followed by polls, in the same try', async () => {
    await on.world.fake.script([{ cutAfterTokens: 2, pendingPolls: 2 }]);
    await start();
    const row = await on.world.ended(on.world.insert({ opts }));
    const { posts, polls } = await calls();
    assert.deepEqual([row.status, row.attempts, row.error, posts.length, polls.length], ['completed', 1, null, 1, 3]);
  });

  it('without a stream it is polled from the beginning', async () => {
    await on.world.fake.script([{ pendingPolls: 0 }]);
    await start();
    const row = await on.world.ended(on.world.insert({ opts, data: { prompt: 'one two', stream: false } }));
    const { posts, polls } = await calls();
    assert.deepEqual([row.status, posts.length, polls.length], ['completed', 1, 1]);
  });

  it('a worker killed before the id came asks again, once', async () => {
    await on.world.fake.script([{ hang: true }]);
    const worker = await start();
    const id = on.world.insert({ opts });
    await on.world.until(async () => (await calls()).posts.length === 1, 'the request');
    assert.equal(on.world.row(id).remote, null);
    await kill(worker);
    await start();
    assert.deepEqual([(await on.world.ended(id)).status, (await calls()).posts.length], ['completed', 2]);
  });

  it('an id that the provider does not know any more is asked for anew, and the history says so', async () => {
    await on.world.fake.script([{ cutAfterTokens: 1, lost: true }]);
    await start();
    const row = await on.world.ended(on.world.insert({ opts }));
    const { posts, polls } = await calls();
    assert.deepEqual([row.status, row.attempts, posts.length, polls.length], ['completed', 1, 2, 1]);
    assert.equal(row.history[0].lost, 'resp_fake1');
  });

  it('a response that failed at the provider counts as a try, and is asked for anew', async () => {
    await on.world.fake.script([{ cutAfterTokens: 1, failsLater: true }]);
    await start();
    const row = await on.world.ended(on.world.insert({ opts: { ...opts, backoff: { type: 'fixed', delayMs: 1 } } }));
    assert.deepEqual([row.status, row.attempts, row.history[0].code, (await calls()).posts.length], ['completed', 2, 'SERVER_ERROR', 2]);
    assert.equal((await calls()).polls.length, 2);
  });

  it('an incomplete one is an answer that was cut at its length', async () => {
    await on.world.fake.script([{ cutAfterTokens: 1, finishReason: 'length' }]);
    await start();
    const row = await on.world.ended(on.world.insert({ opts }));
    assert.deepEqual([row.status, row.result.finishReason], ['completed', 'length']);
  });

  it('cancelling the job cancels the response', async () => {
    await on.world.fake.script([{ hangAfterTokens: 1 }]);
    await start();
    const id = on.world.insert({ opts });
    await noted(id);
    on.world.db.prepare('UPDATE llm_jobs SET cancel_requested = 1 WHERE id = ?').run(id);
    const row = await on.world.ended(id);
    assert.deepEqual([row.status, row.remote], ['cancelled', null]);
    await on.world.until(async () => (await calls()).cancels.length === 1, 'the end of the response');
  });

  it('cancelling a job whose worker has stopped cancels the response too', async () => {
    const { Queue } = require('../../../js/index.js');
    await on.world.fake.script([{ hangAfterTokens: 1 }]);
    const worker = await start();
    const id = on.world.insert({ opts });
    await noted(id);
    await worker.stop({ deadlineMs: 0 });
    assert.equal(new Queue(on.world.db).cancel(id), false);
    await start();
    assert.equal((await on.world.ended(id)).status, 'cancelled');
    await on.world.until(async () => (await calls()).cancels.length === 1, 'the end of the response');
    assert.equal((await calls()).posts.length, 1);
  });

  it('a response that is not ready within timeoutMs is cancelled, and the try fails', async () => {
    await on.world.fake.script([{ cutAfterTokens: 1, pendingPolls: 100 }]);
    await start();
    const id = on.world.insert({ opts: { ...opts, timeoutMs: 1200 }, max_attempts: 1 });
    const row = await on.world.ended(id);
    assert.deepEqual([row.status, row.error.code, row.remote], ['failed', 'TIMEOUT_TOTAL', null]);
    await on.world.until(async () => (await calls()).cancels.length === 1, 'the end of the response');
  });

  it('where there is no such thing the job or the configuration is refused', async () => {
    await on.world.worker();
    const refused = await on.world.ended(on.world.insert({ opts }));
    assert.deepEqual([refused.status, refused.error.code], ['failed', 'BAD_REQUEST']);
    assert.match(refused.error.message, /^opts\.background: provider fake /);
    const malformed = await on.world.ended(on.world.insert({ opts: { background: 'yes' } }));
    assert.deepEqual([malformed.error.code, malformed.error.message], ['BAD_JOB', 'opts.background: must be true or false']);
    const fake = { kind: 'openai-compatible', baseUrl: on.world.fake.openaiUrl, background: true };
    await assert.rejects(on.world.worker({ providers: { fake } }), (/** @type {any} */ error) => error.code === 'BAD_CONFIG' && /providers\.fake\.background/.test(error.message));
  });
});
