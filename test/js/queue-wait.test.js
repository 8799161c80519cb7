// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');
const { bus } = require('../../js/bus.js');
const { temporaryFile } = require('./support/drivers.js');

describe('Queue.waitFor', () => {
  /** @type {ReturnType<typeof temporaryFile>} */ let place;
  /** @type {import('better-sqlite3').Database} */ let db;
  /** @type {Queue} */ let queue;

  beforeEach(() => {
    place = temporaryFile();
    db = new BetterSqlite3(place.file);
    db.pragma('journal_mode = WAL');
    queue = new Queue(db);
  });
  afterEach(() => {
    db.close();
    place.remove();
    assert.equal(bus.listenerCount('jobs'), 0, 'somebody still listens');
  });

  const end = (/** @type {string} */ id, status = 'completed') =>
    db.prepare(`UPDATE llm_jobs SET status = ?, result = '{"text":"done"}', finished_on = 1 WHERE id = ?`).run(status, id);

  it('resolves with the ended job, whatever its end', async () => {
    for (const status of ['completed', 'failed', 'cancelled']) {
      const id = queue.add('a', {});
      const waiting = queue.waitFor(id);
      end(id, status);
      const job = await waiting;
      assert.deepEqual([job.id, job.status, job.result.text], [id, status, 'done']);
    }
  });

  it('resolves for a job that has ended before', async () => {
    const id = queue.add('a', {});
    end(id);
    assert.equal((await queue.waitFor(id)).status, 'completed');
  });

  it('does not take a retry or a start for an end', async () => {
    const id = queue.add('a', {});
    const waiting = queue.waitFor(id, { timeoutMs: 150 });
    db.prepare("UPDATE llm_jobs SET status = 'active'").run();
    setTimeout(() => db.prepare("UPDATE llm_jobs SET status = 'delayed'").run(), 60);
    await assert.rejects(waiting, { code: 'TIMEOUT' });
  });

  it('rejects with NOT_FOUND when there is no such job, or no more', async () => {
    await assert.rejects(queue.waitFor('nobody'), { name: 'LlmJobsError', code: 'NOT_FOUND', message: /no job nobody/ });
    const id = queue.add('a', {});
    const waiting = queue.waitFor(id);
    db.prepare('DELETE FROM llm_jobs').run();
    await assert.rejects(waiting, { code: 'NOT_FOUND' });
  });

  it('rejects with TIMEOUT and leaves the job alone', async () => {
    const id = queue.add('a', {});
    await assert.rejects(queue.waitFor(id, { timeoutMs: 10 }), { code: 'TIMEOUT', message: new RegExp(`job ${id} .* 10 ms`) });
    assert.equal(queue.get(id)?.status, 'waiting');
  });

  it("rejects with the signal's reason, before and while it waits", async () => {
    const id = queue.add('a', {});
    const reason = new Error('the user left');
    await assert.rejects(queue.waitFor(id, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const waiting = queue.waitFor(id, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(waiting, reason);
  });

  it('lets many wait for many with one timer, and for the same one', async () => {
    const ids = queue.addBulk(Array.from({ length: 1200 }, (_, n) => ({ name: 'a', data: { n } })));
    const waiting = Promise.all([...ids, ids[0]].map((id) => queue.waitFor(id)));
    db.prepare("UPDATE llm_jobs SET status = 'completed', finished_on = 1").run();
    const jobs = await waiting;
    assert.deepEqual(jobs.map((job) => job.id), [...ids, ids[0]]);
  });

  it('finds the end of any one among many that go on', async () => {
    const ids = queue.addBulk(Array.from({ length: 1200 }, (_, n) => ({ name: 'a', data: { n } })));
    const others = new AbortController();
    const rest = Promise.allSettled(ids.slice(0, -1).map((id) => queue.waitFor(id, { signal: others.signal })));
    const last = queue.waitFor(/** @type {string} */ (ids.at(-1)));
    end(/** @type {string} */ (ids.at(-1)));
    assert.equal((await last).data.n, 1199);
    others.abort();
    assert.ok((await rest).every((one) => one.status === 'rejected'));
  });

  it('looks at once when a worker of this process tells of the end, and only then', async () => {
    const id = queue.add('a', {});
    let resolved = false;
    const waiting = queue.waitFor(id).then(() => (resolved = true));
    end(id);
    bus.emit('jobs', [{ id, status: 'active' }, { id: 'somebody else', status: 'completed' }]);
    await Promise.resolve();
    assert.equal(resolved, false);
    bus.emit('jobs', [{ id, status: 'completed' }]);
    // No timer can have fired between: what follows runs in the same turn of the event loop.
    await new Promise((resolve) => process.nextTick(resolve));
    assert.equal(resolved, true);
    await waiting;
  });

  it('believes nothing that may yet be rolled back', async () => {
    const id = queue.add('a', {});
    const waiting = queue.waitFor(id, { timeoutMs: 200 });
    db.exec('BEGIN');
    queue.cancel(id);
    bus.emit('jobs', [{ id, status: 'cancelled' }]);
    await new Promise((resolve) => setTimeout(resolve, 80));
    db.exec('ROLLBACK');
    await assert.rejects(waiting, { code: 'TIMEOUT' });
  });

  it('sees what another process commits', async () => {
    const id = queue.add('a', {});
    const waiting = queue.waitFor(id);
    const script = `const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync(process.argv[1]);
      db.exec("PRAGMA busy_timeout = 5000; UPDATE llm_jobs SET status = 'completed', finished_on = 1");`;
    execFileSync(process.execPath, ['-e', script, place.file], { stdio: 'ignore' });
    assert.equal((await waiting).status, 'completed');
  });

  it('rejects all when the connection is closed', async () => {
    const ids = [queue.add('a', {}), queue.add('a', {})];
    const waiting = ids.map((id) => queue.waitFor(id));
    db.close();
    for (const one of waiting) await assert.rejects(one, /not open/);
    db = new BetterSqlite3(place.file);
  });

  it('refuses a bad timeout and a bad id', async () => {
    await assert.rejects(queue.waitFor('x', { timeoutMs: -1 }), { code: 'BAD_CONFIG', message: /got -1/ });
    await assert.rejects(queue.waitFor('x', { timeoutMs: Infinity }), { code: 'BAD_CONFIG' });
    await assert.rejects(queue.waitFor('x', /** @type {any} */ ({ timeout: 5 })), { code: 'BAD_CONFIG', message: /did you mean "timeoutMs"/ });
    await assert.rejects(queue.waitFor('x', /** @type {any} */ ({ signal: 5 })), { code: 'BAD_CONFIG', message: /AbortSignal; got 5/ });
    await assert.rejects(queue.waitFor(/** @type {any} */ (undefined)), { code: 'BAD_JOB', message: /got undefined/ });
  });

  it('keeps the process alive while somebody waits, and not longer', () => {
    const script = `
      const { DatabaseSync } = require('node:sqlite');
      const { Queue } = require(${JSON.stringify(path.resolve(__dirname, '../../js/index.js'))});
      const db = new DatabaseSync(':memory:');
      const queue = new Queue(db);
      const id = queue.add('a', {});
      setTimeout(() => queue.cancel(id), 120).unref();
      queue.waitFor(id).then((job) => console.log(job.status));`;
    const printed = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10000, stdio: ['ignore', 'pipe', 'ignore'] });
    assert.equal(printed.trim(), 'cancelled');
  });
});
