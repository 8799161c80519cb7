// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');

describe('Queue.counts', () => {
  it('refuses what it does not know', () => {
    const db = new BetterSqlite3(':memory:');
    const queue = new Queue(db);
    assert.throws(() => queue.counts(/** @type {any} */ ({ queu: 'mail' })), { code: 'BAD_CONFIG', message: /no "queu"/ });
    assert.throws(() => queue.counts(/** @type {any} */ (5)), { code: 'BAD_CONFIG', message: /got 5/ });
    assert.throws(() => queue.counts({ queue: '' }), { code: 'BAD_CONFIG', message: /options\.queue/ });
    db.close();
  });

  it('counts each state, of all queues or of one', () => {
    const db = new BetterSqlite3(':memory:');
    const queue = new Queue(db);
    const states = { waiting: 1, active: 2, completed: 3, failed: 4, delayed: 5, 'waiting-children': 6, cancelled: 7 };
    for (const [status, n] of Object.entries(states)) {
      const ids = queue.addBulk(Array.from({ length: n }, () => ({ name: 'a', data: {}, options: { queue: 'mail' } })));
      const ended = ['completed', 'failed', 'cancelled'].includes(status) ? 1 : null;
      for (const id of ids) db.prepare('UPDATE llm_jobs SET status = ?, finished_on = ? WHERE id = ?').run(status, ended, id);
    }
    queue.add('a', {});
    assert.deepEqual(queue.counts(), { ...states, waiting: 2 });
    assert.deepEqual(queue.counts({ queue: 'mail' }), states);
    assert.deepEqual(queue.counts({ queue: 'nobody' }), Object.fromEntries(Object.keys(states).map((status) => [status, 0])));
    db.close();
  });

  it('reads indexes, not the rows with their answers', () => {
    const db = new BetterSqlite3(':memory:');
    /** @type {string[]} */
    const seen = [];
    const prepare = db.prepare.bind(db);
    db.prepare = /** @type {any} */ ((/** @type {string} */ sql) => (seen.push(sql), prepare(sql)));
    const queue = new Queue(db);
    queue.counts();
    const plan = prepare(`EXPLAIN QUERY PLAN ${seen.find((sql) => sql.includes('count(*)'))}`).all();
    const reads = plan.map((/** @type {any} */ row) => row.detail).filter((detail) => detail.includes('llm_jobs'));
    assert.equal(reads.length, 7);
    assert.ok(reads.every((detail) => detail.includes('COVERING INDEX')), reads.join('\n'));
    db.close();
  });
});
