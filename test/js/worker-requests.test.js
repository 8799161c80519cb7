// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, kill } = require('./support/e2e.js');

describe('worker: requests by message', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    on.world.createTable();
    await on.world.provider();
  });

  it('the row is there, and its result is the answer', async () => {
    const { world } = on;
    const worker = await world.worker();
    const jobId = 'ab'.repeat(16);
    const answer = await worker.request('worker:processRequest', { jobId, model: 'fake/m', prompt: 'Hello' });
    const row = world.row(jobId);
    assert.deepEqual(answer, { jobId, result: row.result });
    assert.deepEqual([row.status, row.name, row.priority, row.data], ['completed', 'process_request', 10, { prompt: 'Hello' }]);
  });

  it('a request that is sent again after a crash of the worker is the same job, and is answered by the next worker', async () => {
    const { world } = on;
    await world.fake.script([{ tokens: 1000, tokenMs: 20 }, {}]);
    const worker = await world.worker();
    const jobId = 'cd'.repeat(16);
    const ask = (/** @type {any} */ to) => to.request('worker:processRequest', { jobId, model: 'fake/m', prompt: 'Hello' });
    const lost = ask(worker);
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    await Promise.all([assert.rejects(lost, { code: 'WORKER_CRASHED' }), kill(worker)]);
    const { result } = await ask(await world.worker());
    assert.deepEqual(world.row(jobId).result, result);
    assert.equal(world.db.prepare('SELECT count(*) AS n FROM llm_jobs').get().n, 1);
  });

  it('a hundred at a time each get their own answer; more than maxQueue are refused and add no row', async () => {
    const { world } = on;
    const worker = await world.worker({ concurrency: 20, maxQueue: 50 });
    const ids = Array.from({ length: 100 }, (_, at) => at.toString(16).padStart(32, '0'));
    const ends = await Promise.allSettled(ids.map((jobId) => worker.request('worker:processRequest', { jobId, model: 'fake/m', prompt: `${jobId} and some more words` })));
    const refused = ends.filter((end) => end.status === 'rejected');
    refused.forEach(({ reason }) => assert.equal(reason.code, 'QUEUE_FULL'));
    assert.ok(refused.length > 0);
    assert.ok(refused.length <= 50);
    ends.forEach((end, at) => end.status === 'fulfilled' && assert.deepEqual(end.value, { jobId: ids[at], result: world.row(ids[at]).result }));
    assert.equal(world.db.prepare('SELECT count(*) AS n FROM llm_jobs').get().n, 100 - refused.length);
  });
});
