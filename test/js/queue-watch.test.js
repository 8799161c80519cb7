// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { Queue } = require('../../js/index.js');
const { bus } = require('../../js/bus.js');
const { drivers, temporaryFile } = require('./support/drivers.js');

/**
 * @template T
 * @param {AsyncIterable<T>} changes
 * @param {number} count
 */
async function take(changes, count) {
  /** @type {T[]} */
  const taken = [];
  for await (const change of changes) if (taken.push(change) === count) break;
  return taken;
}

for (const driver of drivers.slice(0, 2)) {
  describe(`Queue.watch over ${driver.name}`, () => {
    /** @type {ReturnType<typeof temporaryFile>} */ let place;
    /** @type {ReturnType<typeof driver.open>[]} */ let apps;
    /** @type {Queue<any>[]} */ let queues;
    beforeEach(() => {
      place = temporaryFile();
      apps = [0, 1, 2].map(() => driver.open(place.file));
      apps[0].exec('PRAGMA journal_mode = WAL');
      queues = apps.map((app) => new Queue(app.db));
    });
    afterEach(() => {
      apps.forEach((app) => app.close());
      place.remove();
      assert.equal(bus.listenerCount('jobs'), 0, 'somebody still listens');
    });

    it('tells of what is added and changed from the call on, then ends with its signal', async () => {
      queues[0].add('before', {});
      const stop = new AbortController();
      const changes = queues[0].watch({ signal: stop.signal, pollMs: 5 });
      const id = queues[1].add('a', {});
      const first = await changes.next();
      queues[1].cancel(id);
      const second = await changes.next();
      assert.deepEqual([first, second].map(({ value }) => value && [value.job.id, value.job.status]), [[id, 'waiting'], [id, 'cancelled']]);
      stop.abort();
      assert.equal((await changes.next()).done, true);
      const [again] = await take(queues[2].watch({ cursor: /** @type {any} */ (first.value).cursor, pollMs: 5 }), 1);
      assert.equal(again.job.status, 'cancelled');
    });

    it('tells of a new row that got the seq of one removed, and of changes after the last one was removed', async () => {
      const other = queues[0].add('other', {});
      const id = queues[0].add('a', {});
      queues[0].cancel(id);
      const stop = new AbortController();
      const changes = queues[1].watch({ pollMs: 5, signal: stop.signal });
      const next = async () => (await changes.next()).value?.job;
      queues[0].remove(id);
      // The row that inherits the largest number is told of once more, as it is.
      const heir = await next();
      assert.deepEqual([heir?.id, heir?.status], [other, 'waiting']);
      const fresh = queues[0].add('b', {});
      assert.equal((await next())?.id, fresh);
      queues[0].cancel(other);
      assert.equal((await next())?.status, 'cancelled');
      stop.abort();
    });

    it('hides no addition from a reader that stopped between a change and it, when the changed row is removed', async () => {
      const early = queues[0].add('early', {});
      const late = queues[0].add('late', {});
      queues[0].cancel(late);
      const [first] = await take(queues[1].watch({ cursor: 'start', pollMs: 5 }), 1);
      assert.equal(first.job.id, late);
      queues[0].remove(late);
      const [second] = await take(queues[1].watch({ cursor: first.cursor, pollMs: 5 }), 1);
      assert.equal(second.job.id, early);
    });

    it('hides no change when the clock was set back and the row with the largest number is removed', async () => {
      const clock = Date.now;
      const early = queues[0].add('early', {});
      const late = queues[0].add('late', {});
      try {
        Date.now = () => clock() + 3600000;
        queues[0].cancel(late);
      } finally {
        Date.now = clock;
      }
      const [first] = await take(queues[1].watch({ cursor: 'start', pollMs: 5 }), 1);
      assert.equal(first.job.id, late);
      queues[0].remove(late);
      queues[0].cancel(early);
      const [second] = await take(queues[1].watch({ cursor: first.cursor, pollMs: 5 }), 1);
      assert.deepEqual([second.job.id, second.job.status], [early, 'cancelled']);
    });

    it('tells once of a row that changes while the rows before it are given out', async () => {
      const ids = ['a', 'b', 'c'].map((name) => queues[0].add(name, {}));
      /** @type {string[]} */ const told = [];
      for await (const { job } of queues[1].watch({ cursor: 'start', pollMs: 5 })) {
        told.push(`${ids.indexOf(job.id)} ${job.status}`);
        if (told.length === 1) queues[0].cancel(ids[1]);
        if (told.length === 2) queues[0].add('end', {});
        if (job.name === 'end') break;
      }
      assert.deepEqual(told.slice(0, -1).sort(), ['0 waiting', '1 cancelled', '2 waiting']);
    });

    it('tells of what the app does on the same connection only when it is committed', async () => {
      const stop = new AbortController();
      const changes = queues[0].watch({ pollMs: 5, signal: stop.signal });
      const pending = changes.next();
      apps[0].exec('BEGIN');
      queues[0].add('a', {});
      await new Promise((resolve) => setTimeout(resolve, 40));
      apps[0].exec('ROLLBACK');
      const id = queues[0].add('b', {});
      assert.equal((await pending).value?.job.id, id);
      stop.abort();
    });

    it('looks at once when a worker of this process tells of jobs, tells of the ids it is asked for, and lets go at the end', async () => {
      const wanted = queues[0].add('a', {});
      const changes = queues[0].watch({ cursor: 'start', pollMs: 3600000, ids: [wanted] });
      assert.equal((await changes.next()).value?.job.id, wanted);
      const pending = changes.next();
      await new Promise((resolve) => setImmediate(resolve));
      queues[1].add('another', {});
      queues[1].cancel(wanted);
      bus.emit('jobs', [{ id: wanted, name: 'a', status: 'cancelled' }]);
      assert.equal((await pending).value?.job.status, 'cancelled');
      await changes.return();
    });

    it('goes through thousands that changed together, page by page, and through them again from any cursor', async () => {
      const ids = queues[0].addBulk(Array.from({ length: 1300 }, (_, n) => ({ name: 'a', data: { n } })));
      apps[0].exec("UPDATE llm_jobs SET status = 'cancelled', finished_on = 1, revision = 7 WHERE seq % 2");
      const all = await take(queues[1].watch({ cursor: 'start', pollMs: 5 }), ids.length);
      assert.deepEqual(new Set(all.map(({ job }) => job.id)), new Set(ids));
      const rest = await take(queues[1].watch({ cursor: all[599].cursor, pollMs: 5 }), ids.length - 600);
      assert.deepEqual(rest.map(({ job }) => job.id), all.slice(600).map(({ job }) => job.id));
    });

    it('fails when the connection is closed', async () => {
      const changes = queues[0].watch({ pollMs: 5 });
      const pending = changes.next();
      apps[0].close();
      await assert.rejects(pending, /not open/);
      apps[0] = driver.open(place.file);
    });

    it('refuses what is no cursor', () => {
      assert.throws(() => queues[0].watch({ cursor: 'x' }), { code: 'BAD_CONFIG', message: /cursor/ });
    });

    it('misses nothing and tells nothing twice: three connections, rollbacks, crashes of the reader (D13)', async function () {
      this.timeout(20000);
      let seed = Number(process.env.SEED ?? Date.now() % 1e9);
      const note = `seed ${seed}`;
      const random = (/** @type {number} */ n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
      /** @type {Map<string, string>} */ const told = new Map();
      /** @type {Set<string>} */ const pairs = new Set();
      let cursor = 'start';
      const read = async (/** @type {number} */ atMost) => {
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), 30);
        let count = 0;
        for await (const change of queues[2].watch({ cursor, signal: stop.signal, pollMs: 2 })) {
          const pair = `${change.job.id} ${change.job.revision}`;
          assert.ok(!pairs.has(pair), `${pair} twice, ${note}`);
          pairs.add(pair);
          told.set(change.job.id, change.job.status);
          cursor = change.cursor;
          if (++count === atMost) break; // a crash: what was read but not given out is read again
        }
        clearTimeout(timer);
      };
      /** @type {string[]} */ const ids = [];
      const act = (/** @type {number} */ writer) => {
        const queue = queues[writer];
        const id = ids[random(ids.length || 1)] ?? 'nobody';
        const kind = random(10);
        if (kind < 2) queue.cancel(id);
        else if (kind === 2) queue.retry({ status: 'cancelled', limit: 3 });
        else if (kind === 3) ids.push(queue.add('a', {}));
        else if (kind === 4) apps[writer].exec("INSERT INTO llm_jobs (name, data) VALUES ('plain', '{}')");
        else if (kind === 5) queue.list({ limit: 1 }).jobs.forEach((job) => queue.remove(job.id, { force: true }));
        else if (kind === 6) queue.prune({ keep: 5 + random(30), limit: 1 + random(5) });
        else ids.push(queue.addFlow({ name: 'p', data: {}, children: [{ name: 'c', data: {} }] }).id);
      };
      for (let step = 0; step < 300; step++) {
        const writer = random(2);
        try {
          apps[writer].transaction(() => {
            for (let n = random(4); n >= 0; n--) act(writer);
            if (random(3) === 0) throw new Error('rolled back');
          });
        } catch (error) {
          assert.match(String(error), /rolled back/);
        }
        if (random(10) === 0) await read(1 + random(20));
      }
      for (let rest = -1; rest !== pairs.size; ) {
        rest = pairs.size;
        await read(Infinity);
      }
      const rows = apps[0].all('SELECT id, status FROM llm_jobs');
      assert.ok(rows.length > 10, `${rows.length} rows, ${note}`);
      for (const { id, status } of rows) assert.equal(told.get(id), status, `${id}, ${note}`);
    });
  });
}
