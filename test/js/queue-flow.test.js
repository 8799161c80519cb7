// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');
const { drivers } = require('./support/drivers.js');

describe('Queue.list', () => {
  it('walks the rows when a state is common, and its index when it is rare', () => {
    const db = new BetterSqlite3(':memory:');
    /** @type {string[]} */
    const seen = [];
    const prepare = db.prepare.bind(db);
    db.prepare = /** @type {any} */ ((/** @type {string} */ sql) => (seen.push(sql), prepare(sql)));
    const queue = new Queue(db);
    db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
      INSERT INTO llm_jobs (name, data, status, finished_on) SELECT 'a', '{}', iif(i % 1000 = 0, 'failed', 'completed'), i FROM n`);
    const plan = (/** @type {any} */ options) => {
      const { jobs } = queue.list({ ...options, limit: 3 });
      const all = prepare(`EXPLAIN QUERY PLAN ${seen.at(-1)}`).all(3).map((/** @type {any} */ row) => row.detail);
      return [jobs.map(({ seq }) => seq), all.join(', ')];
    };
    assert.deepEqual(plan({ status: 'completed' }), [[5999, 5998, 5997], 'SCAN llm_jobs']);
    const [failed, rare] = plan({ status: 'failed' });
    assert.deepEqual(failed, [6000, 5000, 4000]);
    assert.match(String(rare), /SEARCH llm_jobs USING INDEX llm_jobs_finished/);
    assert.deepEqual(plan({ status: ['failed', 'completed'] }), [[6000, 5999, 5998], 'SCAN llm_jobs']);
    db.close();
  });
});

for (const driver of drivers.slice(0, 2)) {
  describe(`Queue: flows and keys over ${driver.name}`, () => {
    /** @type {ReturnType<typeof driver.open>} */ let app;
    /** @type {Queue<any>} */ let queue;
    beforeEach(() => {
      app = driver.open(':memory:');
      queue = new Queue(app.db);
    });
    afterEach(() => app.close());

    const job = (/** @type {string} */ id) => /** @type {any} */ (queue.get(id));
    const set = (/** @type {string} */ id, /** @type {string} */ assignments) => app.exec(`UPDATE llm_jobs SET ${assignments} WHERE id = '${id}'`);

    it('addFlow adds a tree of any depth, and get and children give it back', () => {
      const ids = queue.addFlow({ name: 'p', data: {}, children: [{ name: 'a', data: {}, children: [{ name: 'aa', data: {} }] }, { name: 'b', data: {} }] });
      assert.deepEqual([job(ids.id).status, job(ids.id).dependencyCount], ['waiting-children', 2]);
      assert.deepEqual(queue.children(ids.id).map(({ name, status, dependencyCount }) => [name, status, dependencyCount]), [
        ['a', 'waiting-children', 1],
        ['b', 'waiting', 0],
      ]);
      assert.equal(job(ids.children[0].children[0].id).parentJobId, ids.children[0].id);
    });

    it('addFlow adds nothing when one job is wrong, or the app rolls back', () => {
      assert.throws(() => queue.addFlow({ name: 'p', data: {}, children: [{ name: 'a', data: {} }, { name: '', data: {} }] }), {
        code: 'BAD_JOB', message: /children\[1\]/,
      });
      assert.throws(() => app.transaction(() => {
        queue.addFlow({ name: 'p', data: {}, children: [{ name: 'a', data: {} }] });
        throw new Error('the app changes its mind');
      }), /mind/);
      assert.deepEqual(app.all('SELECT * FROM llm_jobs'), []);
    });

    it('parentId parks the parent; one that runs, has ended or does not exist is refused with the reason (D6, D7)', () => {
      const parent = queue.add('p', {});
      const children = [queue.add('c', {}, { parentId: parent }), queue.add('c', {}, { parentId: parent })];
      assert.deepEqual([job(parent).status, job(parent).dependencyCount], ['waiting-children', 2]);
      assert.ok(job(parent).revision > 0);
      set(parent, "status = 'active'");
      assert.throws(() => queue.add('c', {}, { parentId: parent }), { code: 'BAD_JOB', message: /runs already/ });
      set(parent, "status = 'completed', finished_on = 1");
      assert.throws(() => queue.add('c', {}, { parentId: parent }), { code: 'BAD_JOB', message: /has ended/ });
      assert.throws(() => queue.add('c', {}, { parentId: 'nobody' }), { code: 'BAD_JOB', message: /no such job/ });
      assert.equal(queue.children(parent).length, children.length);
    });

    it('cancel of a parent asks its children to end; of a child, the engine to look at the parent (D8)', () => {
      const flow = queue.addFlow({ name: 'p', data: {}, children: [{ name: 'a', data: {} }, { name: 'b', data: {} }] });
      assert.equal(queue.cancel(flow.children[0].id), true);
      assert.equal(job(flow.id).dependencyCount, 0);
      assert.equal(queue.cancel(flow.id), true);
      assert.deepEqual([job(flow.id).status, job(flow.id).error.code], ['cancelled', 'CANCELLED']);
      assert.deepEqual([job(flow.children[1].id).status, job(flow.children[1].id).cancelRequested], ['waiting', true]);
    });

    it('supersedeKey: the newest wins over those that have not started, and leaves one that runs to the engine', () => {
      const running = queue.add('a', {}, { supersedeKey: 'k' });
      set(running, "status = 'active'");
      const first = queue.add('a', {}, { supersedeKey: 'k', delay: 1000 });
      const second = queue.add('a', {}, { supersedeKey: 'k', supersede: 'active' });
      assert.deepEqual([job(first).status, job(first).error.code, job(first).revision > 0], ['cancelled', 'SUPERSEDED', true]);
      assert.deepEqual([job(second).status, job(second).opts], ['waiting', { supersede: 'active' }]);
      assert.deepEqual([job(running).status, job(running).cancelRequested], ['active', false]);
    });

    it('a job that dedupKey keeps out supersedes nobody', () => {
      const old = queue.add('a', {}, { supersedeKey: 'k', dedupKey: 'd' });
      assert.equal(queue.add('a', {}, { supersedeKey: 'k', dedupKey: 'd' }), old);
      assert.equal(job(old).status, 'waiting');
    });

    it('a job that repeats is there once, however often it is added; cron is left to the engine', () => {
      const id = queue.add('tick', {}, { repeat: { everyMs: 1000 } });
      assert.equal(queue.add('tick', {}, { repeat: { everyMs: 1000 } }), id);
      assert.deepEqual([job(id).dedupKey, job(id).status], ['repeat:tick', 'waiting']);
      const cron = job(queue.add('daily', {}, { repeat: { cron: '0 9 * * *', tz: 'Europe/Berlin' } }));
      assert.deepEqual([cron.status, cron.runAt], ['waiting', null]);
      assert.throws(() => queue.add('x', {}, { repeat: { cron: '* * *' } }), { message: /five fields/ });
    });

    it('retry begins again with all attempts, keeps the error, and refuses a taken key (D11)', () => {
      const id = queue.add('a', {}, { dedupKey: 'k' });
      set(id, `status = 'failed', attempts = 3, stalls = 2, finished_on = 5, run_at = 7, error = '{"code":"AUTH"}'`);
      assert.equal(queue.retry(id), true);
      const again = job(id);
      assert.deepEqual([again.status, again.attempts, again.stalls, again.finishedOn, again.runAt, again.error.code], ['waiting', 0, 0, null, null, 'AUTH']);
      assert.equal(queue.retry(id), false, 'it waits already');
      queue.cancel(id);
      queue.add('a', {}, { dedupKey: 'k' });
      assert.throws(() => queue.retry(id), { code: 'BAD_JOB', message: /"k"/ });
      assert.equal(queue.retry('nobody'), false);
    });

    it('retry in bulk takes a filter, and passes over rows whose key is taken', () => {
      const ids = ['AUTH', 'AUTH', 'TLS'].map((code) => {
        const id = queue.add('a', {}, { dedupKey: 'k' });
        set(id, `status = 'failed', finished_on = 5, error = '{"code":"${code}"}'`);
        return id;
      });
      assert.equal(queue.retry({ code: 'AUTH' }), 1);
      assert.deepEqual(ids.map((id) => job(id).status).sort(), ['failed', 'failed', 'waiting']);
      assert.throws(() => queue.retry(/** @type {any} */ ({ codes: 'AUTH' })), { code: 'BAD_CONFIG', message: /codes/ });
    });

    it('retry refuses a job while a newer one of its supersedeKey runs, for that one must be able to wait again', () => {
      const [older, newer] = [1, 2].map(() => {
        const id = queue.add('a', {}, { supersedeKey: 's' });
        set(id, `status = 'failed', finished_on = 5, error = '{"code":"AUTH"}'`);
        return id;
      });
      set(newer, "status = 'active', finished_on = NULL");
      assert.throws(() => queue.retry(older), { code: 'BAD_JOB', message: /supersedeKey "s"/ });
      assert.equal(queue.retry({ code: 'AUTH' }), 0);
      set(newer, "status = 'completed', finished_on = 6");
      assert.equal(queue.retry(older), true);
    });

    it('a retried parent asks to be examined; a retried child parks its parent', () => {
      const flow = queue.addFlow({ name: 'p', data: {}, children: [{ name: 'c', data: {} }] });
      set(flow.id, "status = 'failed', finished_on = 1");
      set(flow.children[0].id, "status = 'failed', finished_on = 1");
      queue.retry(flow.children[0].id);
      queue.retry(flow.id);
      assert.deepEqual([job(flow.id).status, job(flow.id).dependencyCount], ['waiting-children', 0]);
    });

    it('remove: not a job that runs, nor a child that is needed unless forced', () => {
      const flow = queue.addFlow({ name: 'p', data: {}, children: [{ name: 'c', data: {} }] });
      const [child] = flow.children;
      assert.throws(() => queue.remove(child.id), { code: 'BAD_JOB', message: /force/ });
      assert.equal(queue.remove(child.id, { force: true }), true);
      assert.equal(job(flow.id).dependencyCount, 0);
      assert.equal(queue.remove(child.id), false);
      set(flow.id, "status = 'active'");
      assert.throws(() => queue.remove(flow.id), { code: 'BAD_JOB', message: /cancel it first/ });
    });

    it('prune keeps young rows, the newest, needed children and what opts.keep keeps (D12)', () => {
      const ids = queue.addBulk(Array.from({ length: 6 }, (_, n) => ({ name: 'a', data: { n } })));
      ids.forEach((id, n) => set(id, `status = 'completed', finished_on = ${n === 5 ? Date.now() : 1000 + n}`));
      assert.throws(() => queue.prune(/** @type {any} */ ({})), { code: 'BAD_CONFIG' });
      assert.equal(queue.prune({ olderThanMs: 60000, keep: 3 }), 3);
      assert.deepEqual(ids.map((id) => job(id) !== null), [false, false, false, true, true, true]);
      const flow = queue.addFlow({ name: 'p', data: {}, children: [{ name: 'c', data: {} }] });
      set(flow.children[0].id, "status = 'completed', finished_on = 1");
      const kept = queue.add('a', {}, { keep: { ageMs: 1e13 } });
      set(kept, "status = 'completed', finished_on = 1");
      assert.equal(queue.prune({ keep: 0 }), 3);
      assert.ok(job(flow.children[0].id) && job(kept));
    });

    it('list pages through everything once, in both directions, with filters', () => {
      const ids = queue.addBulk(Array.from({ length: 25 }, (_, n) => ({ name: n % 2 ? 'odd' : 'even', data: {} })));
      for (const order of /** @type {const} */ (['newest', 'oldest'])) {
        /** @type {string[]} */ const seen = [];
        for (let cursor = null; ; ) {
          const page = queue.list({ limit: 10, order, cursor });
          seen.push(...page.jobs.map(({ id }) => id));
          if ((cursor = page.cursor) === null) break;
        }
        assert.deepEqual(seen, order === 'oldest' ? ids : [...ids].reverse());
      }
      assert.equal(queue.list({ name: 'odd', status: 'waiting' }).jobs.length, 12);
      assert.deepEqual(queue.list({ status: ['failed', 'cancelled'] }), { jobs: [], cursor: null });
      assert.throws(() => queue.list({ limit: 1001 }), { code: 'BAD_CONFIG', message: /1001/ });
    });
  });
}
