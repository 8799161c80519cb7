// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { fork, spawn } = require('node:child_process');
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const { drizzle } = require('drizzle-orm/better-sqlite3');
const BetterSqlite3 = require('better-sqlite3');
const { Queue, LlmJobsError } = require('../../js/index.js');
const { drivers, temporaryFile } = require('./support/drivers.js');

for (const driver of drivers) {
  describe(`Queue over ${driver.name}`, () => {
    /** @type {ReturnType<typeof temporaryFile>} */ let place;
    /** @type {import('./support/drivers.js').App} */ let app;
    /** @type {Queue} */ let queue;

    const open = (/** @type {{bigints?: boolean}} */ options = {}) => {
      app = driver.open(place.file, options);
      app.exec('PRAGMA journal_mode = WAL; CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)');
      queue = new Queue(app.db);
    };
    beforeEach(() => {
      place = temporaryFile();
    });
    afterEach(() => {
      app.close();
      place.remove();
    });

    it('adds, reads, counts and cancels', () => {
      open();
      const id = queue.add('summarize', { prompt: 'x' }, { priority: 3 });
      assert.equal(queue.get(id)?.priority, 3);
      assert.equal(queue.counts().waiting, 1);
      assert.equal(queue.cancel(id), true);
      assert.equal(queue.counts().cancelled, 1);
      assert.equal(queue.get('nobody'), null);
    });

    it("adds in the app's transaction: both rows commit together", () => {
      open();
      const id = app.transaction(() => {
        app.exec("INSERT INTO notes (text) VALUES ('a')");
        return queue.add('summarize', { prompt: 'x' });
      });
      assert.equal(app.all('SELECT * FROM notes').length, 1);
      assert.equal(queue.get(id)?.status, 'waiting');
    });

    it("adds in the app's transaction: neither row stays when it is rolled back", () => {
      open();
      let id = '';
      assert.throws(
        () =>
          app.transaction(() => {
            app.exec("INSERT INTO notes (text) VALUES ('a')");
            id = queue.add('summarize', { prompt: 'x' });
            queue.add('summarize', { prompt: 'y' }, { dedupKey: 'k' });
            queue.addBulk([{ name: 'summarize', data: { prompt: 'z' } }]);
            throw new Error('the app changes its mind');
          }),
        /changes its mind/
      );
      assert.equal(app.all('SELECT * FROM notes').length, 0);
      assert.equal(queue.get(id), null);
      assert.equal(queue.counts().waiting, 0);
    });

    it("undoes only its own part when it fails inside the app's transaction", () => {
      open();
      app.transaction(() => {
        app.exec("INSERT INTO notes (text) VALUES ('a')");
        const taken = queue.add('summarize', { prompt: 'x' });
        const bulk = [
          { name: 'summarize', data: { prompt: 'y' } },
          { name: 'summarize', data: { prompt: 'z' }, options: { id: taken } },
        ];
        assert.throws(() => queue.addBulk(bulk), { code: 'BAD_JOB' });
      });
      assert.equal(app.all('SELECT * FROM notes').length, 1);
      assert.equal(queue.counts().waiting, 1);
    });

    it('adds all of a bulk or nothing, in a transaction of its own', () => {
      open();
      const ids = queue.addBulk([1, 2, 3].map((n) => ({ name: 'summarize', data: { n } })));
      assert.deepEqual(ids.map((id) => queue.get(id)?.data.n), [1, 2, 3]);
      const bulk = [{ name: 'summarize', data: {} }, { name: 'summarize', data: {}, options: { id: ids[0] } }];
      assert.throws(() => queue.addBulk(bulk), { code: 'BAD_JOB' });
      assert.equal(queue.counts().waiting, 3);
      assert.equal(queue.add('summarize', { prompt: 'still works' }).length, 32);
    });

    it('gives numbers to an app that reads BigInt', () => {
      open({ bigints: true });
      const id = queue.add('summarize', { prompt: 'x' }, { priority: 2, delay: 1000, dedupKey: 'k' });
      const job = queue.get(id);
      assert.equal(typeof job?.createdAt, 'number');
      assert.equal(job?.priority, 2);
      assert.equal(typeof job?.runAt, 'number');
      assert.equal(queue.counts().delayed, 1);
      assert.equal(queue.add('summarize', { prompt: 'x' }, { dedupKey: 'k' }), id);
      assert.equal(queue.cancel(id), true);
      assert.equal(typeof app.all('SELECT 1 AS one')[0].one, 'bigint');
    });

    it("does everything in the app's transaction, and undoes all of it with that", () => {
      open();
      const before = queue.addFlow({ name: 'p', data: {}, children: [{ name: 'c', data: {} }] });
      const [failed, old] = [queue.add('a', {}), queue.add('b', {}, { supersedeKey: 'k' })];
      app.exec(`UPDATE llm_jobs SET status = 'failed', finished_on = 1 WHERE id = '${failed}'`);
      const rows = () => app.all('SELECT id, status, cancel_requested, revision, dependency_count FROM llm_jobs ORDER BY seq').map((row) => ({ ...row }));
      const untouched = rows();
      const work = () => {
        queue.addFlow({ name: 'p', data: {}, children: [{ name: 'c', data: {} }] });
        queue.add('b', {}, { supersedeKey: 'k' });
        assert.equal(queue.get(old)?.error?.code, 'SUPERSEDED');
        assert.equal(queue.retry({ status: 'failed' }), 1);
        assert.equal(queue.cancel(failed), true);
        assert.equal(queue.retry(failed), true);
        assert.equal(queue.remove(before.children[0].id, { force: true }), true);
        assert.equal(queue.cancel(before.id), true);
        assert.equal(queue.prune({ olderThanMs: 0 }), 2);
        assert.equal(queue.list({ status: 'waiting' }).jobs.length, 3);
      };
      assert.throws(() => app.transaction(() => (work(), assert.fail('the app changes its mind'))), /changes its mind/);
      assert.deepEqual(rows(), untouched);
      app.transaction(work);
      assert.equal(queue.get(before.id), null);
      assert.equal(queue.children(before.id).length, 0);
    });

    it('waits while another process holds the write lock', async () => {
      open();
      const other = fork(path.join(__dirname, 'support', 'hold-lock.js'), [place.file, '300'], { execArgv: [] });
      try {
        await new Promise((resolve, reject) => {
          other.once('message', resolve);
          other.once('exit', () => reject(new Error('the process that should hold the lock ended')));
        });
        queue.add('summarize', { prompt: 'x' });
        queue.add('summarize', { prompt: 'x' }, { dedupKey: 'k' });
        assert.equal(queue.counts().waiting, 2);
      } finally {
        other.kill('SIGKILL');
      }
    });
  });
}

describe("Queue in an app's transaction that has only begun", () => {
  it('waits for another program that writes, and sees what it has written', async () => {
    const place = temporaryFile();
    const db = new BetterSqlite3(place.file);
    db.pragma('journal_mode = WAL');
    const queue = new Queue(db);
    const ids = ['a', 'b', 'c'].map((name) => queue.add(name, {}));
    db.exec(`UPDATE llm_jobs SET status = 'failed', finished_on = 1 WHERE id = '${ids[1]}'`);
    const script = `const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]);
      db.exec("BEGIN IMMEDIATE; INSERT INTO llm_jobs (name, data) VALUES ('other', '{}')");
      process.send('held');
      process.once('message', () => setTimeout(() => { db.exec('COMMIT'); process.disconnect(); }, 100));`;
    try {
      for (const act of [() => queue.remove(ids[0]), () => queue.retry(ids[1]), () => queue.cancel(ids[2]), () => queue.add('d', {}, { supersedeKey: 'k' })]) {
        const other = spawn(process.execPath, ['-e', script, place.file], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
        await new Promise((resolve, reject) => other.once('message', resolve).once('exit', () => reject(new Error('the other program ended'))));
        const ended = new Promise((resolve) => other.once('exit', resolve));
        other.send('let go soon');
        db.exec('BEGIN');
        assert.ok(act());
        db.exec('COMMIT');
        await ended;
      }
      assert.equal(queue.list({ name: 'other' }).jobs.length, 4);
    } finally {
      db.close();
      place.remove();
    }
  });
});

describe('Queue refuses', () => {
  const refused = (/** @type {any} */ db, /** @type {RegExp} */ why) =>
    assert.throws(
      () => new Queue(db),
      (/** @type {any} */ error) => {
        assert.ok(error instanceof LlmJobsError);
        assert.equal(error.code, 'BAD_CONFIG');
        assert.match(error.message, /better-sqlite3 or node:sqlite/);
        assert.match(error.message, why);
        return true;
      }
    );

  it('what is no connection', () => {
    refused(undefined, /got undefined/);
    refused('app.db', /got "app.db"/);
    refused({}, /none of these/);
    refused(() => {}, /got a function/);
  });

  it('asynchronous drivers, and says why', () => {
    refused({ prepare() {}, exec() {}, parallelize() {}, serialize() {} }, /asynchronous/);
    refused({ $client: { execute() {}, batch() {}, executeMultiple() {} } }, /under the Drizzle instance is asynchronous/);
    refused(Promise.resolve(), /asynchronous/);
  });

  it("a Drizzle transaction instead of the instance", () => {
    const client = new BetterSqlite3(':memory:');
    try {
      drizzle({ client }).transaction((tx) => refused(tx, /Drizzle transaction/));
    } finally {
      client.close();
    }
  });

  it('a node:sqlite that cannot tell whether a transaction is open', () => {
    const old = Object.create({ constructor: { name: 'DatabaseSync' } }, { prepare: { value() {} }, exec: { value() {} } });
    refused(old, /Node ≥ 22\.16/);
  });

  it('options it does not know', () => {
    const db = new DatabaseSync(':memory:');
    assert.throws(() => new Queue(db, /** @type {any} */ ({ name: 'x' })), { code: 'BAD_CONFIG', message: /no option "name"/ });
    assert.throws(() => new Queue(db, /** @type {any} */ ({ queue: 5 })), { code: 'BAD_CONFIG', message: /got 5/ });
    db.close();
  });

  it("leaves a closed connection's own error as it is", () => {
    const node = new DatabaseSync(':memory:');
    node.close();
    assert.throws(() => new Queue(node), /not open/);
    const better = new BetterSqlite3(':memory:');
    better.close();
    assert.throws(() => new Queue(better), /not open/);
  });
});
