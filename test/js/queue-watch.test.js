// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { Queue } = require('../../js/index.js');
const { drivers, temporaryFile } = require('./support/drivers.js');

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
      const again = await queues[2].watch({ cursor: /** @type {any} */ (first.value).cursor, pollMs: 5 }).next();
      assert.equal(again.value?.job.status, 'cancelled');
    });

    it('tells of a new row that got the seq of one removed, and of changes after the last one was removed', async () => {
      const other = queues[0].add('other', {});
      const id = queues[0].add('a', {});
      queues[0].cancel(id);
      const stop = new AbortController();
      const changes = queues[1].watch({ pollMs: 5, signal: stop.signal });
      queues[0].remove(id);
      const fresh = queues[0].add('b', {});
      assert.equal((await changes.next()).value?.job.id, fresh);
      queues[0].cancel(other);
      assert.equal((await changes.next()).value?.job.id, other);
      stop.abort();
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
      const act = (/** @type {Queue<any>} */ queue) => {
        const id = ids[random(ids.length || 1)] ?? 'nobody';
        const kind = random(4);
        if (kind === 0) queue.cancel(id);
        else if (kind === 1) queue.retry({ status: 'cancelled', limit: 3 });
        else if (kind === 2) ids.push(queue.add('a', {}));
        else ids.push(queue.addFlow({ name: 'p', data: {}, children: [{ name: 'c', data: {} }] }).id);
      };
      for (let step = 0; step < 300; step++) {
        const writer = random(2);
        try {
          apps[writer].transaction(() => {
            for (let n = random(4); n >= 0; n--) act(queues[writer]);
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
      assert.equal(told.size, rows.length, note);
      for (const { id, status } of rows) assert.equal(told.get(id), status, `${id}, ${note}`);
    });
  });
}
