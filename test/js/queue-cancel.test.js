// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');

describe('Queue.cancel', () => {
  /** @type {import('better-sqlite3').Database} */ let db;
  /** @type {Queue} */ let queue;

  beforeEach(() => {
    db = new BetterSqlite3(':memory:');
    queue = new Queue(db);
  });
  afterEach(() => db.close());

  const addIn = (/** @type {string} */ status) => {
    const id = queue.add('a', {});
    db.prepare('UPDATE llm_jobs SET status = ? WHERE id = ?').run(status, id);
    return id;
  };

  for (const status of ['waiting', 'delayed', 'waiting-children']) {
    it(`ends a job that is ${status}`, () => {
      const before = Date.now();
      const id = addIn(status);
      assert.equal(queue.cancel(id), true);
      const job = queue.get(id);
      assert.equal(job?.status, 'cancelled');
      assert.equal(job?.error?.code, 'CANCELLED');
      assert.ok(Number(job?.finishedOn) >= before);
      assert.equal(queue.cancel(id), false, 'a second time');
    });
  }

  it('marks a job that runs, and leaves the rest to the worker', () => {
    const id = addIn('active');
    assert.equal(queue.cancel(id), false);
    const job = queue.get(id);
    assert.deepEqual([job?.status, job?.cancelRequested, job?.error, job?.finishedOn], ['active', true, null, null]);
  });

  for (const status of ['completed', 'failed', 'cancelled']) {
    it(`changes nothing of a job that is ${status}`, () => {
      const id = addIn(status);
      const before = queue.get(id);
      assert.equal(queue.cancel(id), false);
      assert.deepEqual(queue.get(id), before);
    });
  }

  it('knows nobody', () => {
    assert.equal(queue.cancel('nobody'), false);
    assert.throws(() => queue.cancel(/** @type {any} */ (5)), { code: 'BAD_JOB', message: /got 5/ });
  });

  it('frees the dedupKey', () => {
    const id = queue.add('a', {}, { dedupKey: 'k' });
    queue.cancel(id);
    assert.notEqual(queue.add('a', {}, { dedupKey: 'k' }), id);
  });
});
