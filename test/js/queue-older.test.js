// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { Queue } = require('../../js/index.js');
const { readChecks } = require('../../js/queue/shape.js');
const { useWorld } = require('./support/e2e.js');
const { olderTable, UNITS, CHECKS, COLUMNS } = require('./support/older.js');

const DAY = 86400000;

describe('a table of the original schema', function () {
  this.timeout(30000);
  const on = useWorld();

  /** @param {string} [where] */
  const values = (where = '1') => on.world.db.prepare(`SELECT ${COLUMNS}, typeof(created_at) AS type FROM llm_jobs WHERE ${where} ORDER BY rowid`).all();
  const healthy = () => assert.equal(on.world.db.pragma('integrity_check', { simple: true }), 'ok');

  /** As the app's old code does it. */
  const insert = (/** @type {Record<string, any>} */ columns) => {
    const row = { name: 'test', data: JSON.stringify({ prompt: 'Hello' }), ...columns };
    const names = Object.keys(row);
    on.world.db.prepare(`INSERT INTO llm_jobs (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`).run(Object.values(row));
    return String(row.id);
  };

  for (const [unitName, unit] of Object.entries(UNITS)) {
    for (const [checkName, check] of Object.entries(CHECKS)) {
      describe(`${unitName}, ${checkName}`, () => {
        /** Rows of an app that has used the table for long. */
        const fill = () => {
          const now = Date.now();
          const at = (/** @type {number} */ ago) => unit.of(now - ago);
          insert({ id: 'old-done', status: 'completed', created_at: at(3 * DAY), finished_on: at(2 * DAY), result: '{"content":"Hi"}' });
          insert({ id: 'new-done', status: 'completed', created_at: at(3 * DAY), finished_on: at(3600000), result: 'text' });
          insert({ id: 'old-failed', status: 'failed', created_at: at(9 * DAY), finished_on: at(9 * DAY), failure_reason: 'boom', stacktrace: 'at x' });
          insert({ id: 'waits', created_at: at(60000), priority: 5 });
          insert({ id: 'ran', status: 'active', created_at: at(90000), processed_on: at(80000), attempts: 1 });
          insert({ id: 'due', status: 'delayed', created_at: at(90000), processed_on: at(1000) });
          insert({ id: 'due-by-delay', status: 'delayed', created_at: at(90000), delay: 80000 });
          insert({ id: 'later', status: 'delayed', created_at: at(90000), processed_on: at(-DAY) });
          insert({ id: 'later-by-delay', status: 'delayed', created_at: at(0), delay: DAY });
          insert({ id: 'held', status: 'paused' });
        };

        it('opens, changes no value of the app, and tells times in milliseconds', () => {
          const { world } = on;
          world.database({ sql: olderTable(unit, check) });
          fill();
          const before = values();
          const queue = new Queue(world.db);
          assert.deepEqual(values(), before);
          new Queue(world.db);
          assert.deepEqual(values(), before);
          const near = (/** @type {any} */ time, /** @type {number} */ ago) =>
            assert.ok(Number.isInteger(time) && Math.abs(Date.now() - ago - time) < 60000, `${time} is not ${ago} ms ago`);
          const done = queue.get('old-done');
          near(done?.createdAt, 3 * DAY);
          near(done?.finishedOn, 2 * DAY);
          near(queue.get('ran')?.processedOn, 80000);
          near(queue.get('later')?.runAt, -DAY);
          near(queue.get('later-by-delay')?.runAt, -DAY);
          assert.deepEqual(queue.list({ order: 'oldest' }).jobs.map((job) => job.id), before.map((/** @type {any} */ row) => row.id));
          assert.deepEqual(queue.list({ order: 'oldest' }).jobs.map((job) => job.seq), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
          assert.equal(queue.get('held')?.status, 'paused');
          healthy();
        });

        it('works: runs, cancels, retries, prunes, watches', async () => {
          const { world } = on;
          world.database({ sql: olderTable(unit, check) });
          fill();
          const kept = "id IN ('old-done', 'new-done', 'old-failed', 'later-by-delay', 'held')";
          const before = values(kept);
          const OWN = 'id, name, data, opts, delay, failure_reason, stacktrace, created_at, user_id';
          const own = () => world.db.prepare(`SELECT ${OWN} FROM llm_jobs WHERE id IN ('waits', 'ran', 'due', 'due-by-delay', 'later') ORDER BY id`).all();
          const ownBefore = own();
          await world.provider({ tokens: 2 });
          await world.worker({ types: { test: { model: 'fake/m' } } });

          // 1. What is due runs, what was running runs again, the rest is left alone
          for (const id of ['waits', 'ran', 'due', 'due-by-delay']) {
            const row = await world.ended(id);
            assert.equal(row.status, 'completed', `${id}: ${JSON.stringify(row.error)}`);
            const queued = row.result.timing.queuedMs;
            assert.ok(queued >= 0 && queued < 200000, `${id} waited ${queued} ms`);
          }
          const queue = new Queue(world.db);

          // 2. The app's old code goes on; so does Queue
          const stop = new AbortController();
          const seen = [];
          const watching = (async () => {
            for await (const { job } of queue.watch({ signal: stop.signal })) seen.push(`${job.id} ${job.status}`);
          })();
          assert.equal((await world.ended(insert({ id: 'another' }))).status, 'completed');
          const id = queue.add('test', { prompt: 'Hi' }, { priority: 3 });
          assert.equal((await queue.waitFor(id, { timeoutMs: 15000 })).status, 'completed');
          await world.until(() => seen.includes('another completed') && seen.includes(`${id} completed`), () => `the watcher; it saw ${seen}`);

          // 3. Cancel and retry
          assert.equal(queue.cancel('later'), true);
          assert.deepEqual([queue.get('later')?.status, queue.get('later')?.error?.code], [check.cancelled, 'CANCELLED']);
          await world.until(() => seen.includes(`later ${check.cancelled}`), 'the watcher to see the end');
          assert.equal(queue.retry('later'), true);
          assert.equal((await world.ended('later')).status, 'completed');
          await world.fake.script([{ delayMs: 2000 }]);
          const aborted = queue.add('test', { prompt: 'Abort' });
          await world.until(() => queue.get(aborted)?.status === 'active', 'the job to start');
          queue.cancel(aborted);
          const end = await world.ended(aborted);
          assert.deepEqual([end.status, end.error.code], [check.cancelled, 'CANCELLED']);
          await world.fake.script([]);
          const [first, second] = [1, 2].map(() => queue.add('test', { prompt: 'Hi' }, { supersedeKey: 'k', delay: 3600000 }));
          assert.deepEqual([queue.get(first)?.status, queue.get(first)?.error?.code], [check.cancelled, 'SUPERSEDED']);
          assert.equal(queue.remove(second), true);
          const expired = insert({ id: 'expired', expires_at: unit.of(Date.now() - 5000) });
          assert.deepEqual([(await world.ended(expired)).status, world.row(expired).error.code], [check.cancelled, 'EXPIRED']);

          // 4. Flows, where there is a state for them
          const flow = { name: 'test', data: { prompt: 'Parent' }, children: [{ name: 'test', data: { prompt: 'Child' } }] };
          if (check.flows) {
            const ids = queue.addFlow(flow);
            assert.equal((await world.ended(ids.id)).status, 'completed');
          } else {
            assert.throws(() => queue.addFlow(flow), { code: 'DB_SCHEMA', message: /waiting-children.*docs\/table\.md/ });
            const parent = queue.add('test', { prompt: 'Parent' }, { delay: 3600000 });
            assert.throws(() => queue.add('test', { prompt: 'Child' }, { parentId: parent }), { code: 'DB_SCHEMA' });
            queue.remove(parent);
          }

          // 5. What the app wrote is as it was
          assert.deepEqual(values(kept), before);
          assert.deepEqual(own(), ownBefore);
          stop.abort();
          await watching;

          // 6. Prune: the newest end is not of 1970
          const count = () => queue.counts().completed;
          const all = count();
          assert.equal(queue.prune({ status: 'completed', keep: all }), 0);
          assert.equal(queue.prune({ status: 'completed', olderThanMs: DAY }), 1);
          assert.equal(queue.get('old-done'), null);
          assert.equal(queue.prune({ status: 'completed', keep: all - 2 }), 1);
          assert.equal(queue.get('new-done'), null);
          assert.equal(count(), all - 2);
          healthy();
        });
      });
    }
  }

  const [unit] = Object.values(UNITS);
  const [free, first] = Object.values(CHECKS);

  it('a job finds its row when its number changes under the call', async () => {
    const { world } = on;
    world.database({ sql: olderTable(unit, first) });
    insert({ id: 'gone', status: 'failed', finished_on: 1 });
    await world.provider({ tokens: 2 });
    await world.fake.script([{ delayMs: 400 }, { delayMs: 400 }]);
    await world.worker({ types: { test: { model: 'fake/m' } } });
    insert({ id: 'a' });
    insert({ id: 'b' });
    await world.until(async () => (await world.fake.count()) === 2, 'both calls');
    world.db.exec("DELETE FROM llm_jobs WHERE id = 'gone'; VACUUM; UPDATE llm_jobs SET rowid = rowid - 1");
    assert.equal((await world.ended('a')).status, 'completed');
    assert.equal((await world.ended('b')).status, 'completed');
    assert.equal(await world.fake.count(), 2);
    healthy();
  });

  it('watch goes on where it was when all numbers have changed', async () => {
    const { world } = on;
    world.database({ sql: olderTable(unit, free) });
    for (let n = 0; n < 20; n++) insert({ id: `w${n}` });
    const queue = new Queue(world.db);
    world.db.exec("UPDATE llm_jobs SET revision = 7 WHERE id IN ('w10', 'w11', 'w12', 'w13')");
    const read = async (/** @type {string} */ from, /** @type {number} */ most) => {
      const found = [];
      const stop = new AbortController();
      for await (const { job, cursor } of queue.watch({ cursor: from, signal: stop.signal })) {
        found.push({ id: job.id, cursor });
        if (found.length === most) stop.abort();
      }
      return found;
    };
    const begun = await read('start', 2);
    assert.deepEqual(begun.map(({ id }) => id), ['w10', 'w11']);
    world.db.exec("DELETE FROM llm_jobs WHERE id IN ('w0', 'w1', 'w2', 'w3', 'w4'); UPDATE llm_jobs SET rowid = rowid - 5; VACUUM");
    const more = await read(begun[1].cursor, 7);
    assert.deepEqual(more.map(({ id }) => id), ['w12', 'w13', 'w5', 'w6', 'w7', 'w8', 'w9']);
    world.db.exec("DELETE FROM llm_jobs WHERE id IN ('w5', 'w6'); UPDATE llm_jobs SET rowid = rowid - 2");
    insert({ id: 'new' });
    assert.deepEqual((await read(more[6].cursor, 7)).map(({ id }) => id), ['w14', 'w15', 'w16', 'w17', 'w18', 'w19', 'new']);
  });

  it('retention of the worker takes both units for what they are', async () => {
    const { world } = on;
    world.database({ sql: olderTable(unit, first) });
    const now = Date.now();
    insert({ id: 'old', status: 'completed', finished_on: unit.of(now - 2 * DAY) });
    insert({ id: 'young', status: 'completed', finished_on: unit.of(now - 60000) });
    insert({ id: 'old-ms', status: 'completed', finished_on: now - 2 * DAY });
    await world.provider({ tokens: 2 });
    await world.worker({ retention: { completed: { ageMs: DAY } } });
    const left = () => world.db.prepare("SELECT group_concat(id, ' ') AS ids FROM llm_jobs").get().ids;
    await world.until(() => left() === 'young', () => `retention; there are ${left()}`);
  });

  it('WITHOUT ROWID is DB_SCHEMA, and nothing is added', async () => {
    const { world } = on;
    world.database({ sql: olderTable(unit, free, ' WITHOUT ROWID') });
    const columns = () => world.db.prepare("SELECT count(*) AS n FROM pragma_table_info('llm_jobs')").get().n;
    const before = columns();
    assert.throws(() => new Queue(world.db), { code: 'DB_SCHEMA', message: /WITHOUT ROWID.*docs\/table\.md/ });
    await assert.rejects(world.worker({ types: { test: { model: 'ollama/m' } }, providers: { ollama: { kind: 'ollama' } } }), { code: 'DB_SCHEMA' });
    assert.equal(columns(), before);
  });

  it('a delayed row that a trigger guards does not keep the table from being completed', () => {
    const { world } = on;
    world.database({ sql: olderTable(unit, free) });
    insert({ id: 'd', status: 'delayed', delay: 5000 });
    world.db.exec("CREATE TRIGGER guard BEFORE UPDATE ON llm_jobs BEGIN SELECT raise(ABORT, 'no'); END");
    const queue = new Queue(world.db);
    assert.equal(queue.get('d')?.runAt, null);
  });

  it('a parent that plain SQL adds waits for its children in any table', async () => {
    const { world } = on;
    world.database({ sql: olderTable(unit, first) });
    await world.provider({ tokens: 2 });
    await world.worker({ types: { test: { model: 'fake/m' } } });
    world.db.exec('BEGIN');
    insert({ id: 'parent', priority: 9, data: JSON.stringify({ prompt: 'Parent' }) });
    insert({ id: 'child', parent_job_id: 'parent', data: JSON.stringify({ prompt: 'Child' }) });
    world.db.exec('COMMIT');
    assert.equal((await world.ended('parent')).status, 'completed');
    assert.deepEqual(await world.prompts(), ['Child', 'Parent']);
  });

  it('the rebuild of docs/table.md makes it the table as it is now', () => {
    const { world } = on;
    const page = fs.readFileSync(path.join(__dirname, '../../docs/table.md'), 'utf8');
    const sql = /```sql\n([\s\S]+?)\n```/.exec(page)?.[1];
    assert.ok(sql);
    world.database({ sql: olderTable(unit, first) });
    const now = Date.now();
    insert({ id: 'a', created_at: unit.of(now), priority: null });
    insert({ id: 'b', status: 'paused' });
    insert({ id: 'c', status: 'delayed', delay: 1000, created_at: unit.of(now) });
    insert({ id: null, status: 'failed', finished_on: unit.of(now) });
    new Queue(world.db);
    const { user_version: version } = world.db.prepare('PRAGMA user_version').get();
    world.db.exec(sql);
    const queue = new Queue(world.db);
    assert.deepEqual(queue.list({ order: 'oldest' }).jobs.map((job) => job.status), ['waiting', 'paused', 'delayed', 'failed']);
    assert.equal(world.row('a').created_at, now);
    assert.equal(world.row('c').run_at, now + 1000);
    const { id, children } = queue.addFlow({ name: 'test', data: {}, children: [{ name: 'test', data: {} }] });
    assert.equal(queue.get(id)?.status, 'waiting-children');
    queue.cancel(children[0].id);
    assert.equal(queue.get(children[0].id)?.status, 'cancelled');
    assert.equal(world.db.prepare('PRAGMA user_version').get().user_version, version);
    healthy();
  });

  it('reads a CHECK as SQLite does', () => {
    const known = (/** @type {string} */ sql) => Object.values(readChecks(sql));
    assert.deepEqual(known('CREATE TABLE t (status TEXT)'), ['cancelled', true]);
    assert.deepEqual(known(`create table t ("status" text check("t"."status" in ('completed','failed')))`), ['failed', false]);
    assert.deepEqual(known("CREATE TABLE t (status CHECK ([status] IN ('completed', 'cancelled', 'waiting-children')))"), ['cancelled', true]);
    assert.deepEqual(known("CREATE TABLE t (a CHECK (a IN ('completed')), status /* CHECK (status IN ('completed')) */)"), ['cancelled', true]);
    assert.deepEqual(known("CREATE TABLE t (status -- don't CHECK (status = 'completed'\n CHECK ((status) IN (('completed'), 'cancelled')))"), ['cancelled', false]);
    assert.deepEqual(known("CREATE TABLE t (status CHECK (status <> 'it''s completed'), b DEFAULT 'check (status = ''completed'')')"), ['cancelled', true]);
    assert.deepEqual(known("CREATE TABLE t (status CHECK (status IN ('completed"), ['cancelled', true]);
  });
});
