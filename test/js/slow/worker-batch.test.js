// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, kill } = require('../support/e2e.js');

/** What differs between the APIs. */
const APIS = {
  openai: { kind: 'openai-compatible', url: 'openaiUrl', create: '/v1/batches', upload: '/v1/files', list: '/v1/batches' },
  anthropic: { kind: 'anthropic', url: 'anthropicUrl', create: '/v1/messages/batches', upload: null, list: '/v1/messages/batches', apiKey: { env: 'LLM_JOBS_TEST_BATCH_KEY' } },
  gemini: { kind: 'gemini', url: 'geminiUrl', create: '/v1beta/models/m:batchGenerateContent', upload: null, list: '/v1beta/batches', apiKey: { env: 'LLM_JOBS_TEST_BATCH_KEY' } },
};

for (const [name, api] of Object.entries(APIS)) {
  describe(`worker: batches by ${name}`, function () {
    this.timeout(40000);
    const on = useWorld();
    const opts = { batch: true, backoff: { type: 'fixed', delayMs: 1 } };

    before(() => void (process.env.LLM_JOBS_TEST_BATCH_KEY = 'k'));
    after(() => void delete process.env.LLM_JOBS_TEST_BATCH_KEY);
    beforeEach(async () => {
      on.world.database();
      await on.world.provider();
    });

    /** @param {Record<string, any>} [batch] @param {Record<string, any>} [config] */
    const start = (batch = {}, config = {}) => {
      const { kind, url, apiKey } = /** @type {any} */ (api);
      const fake = { kind, baseUrl: /** @type {any} */ (on.world.fake)[url], ...(apiKey && { apiKey }), batch: { maxJobs: 20, maxWaitMs: 200, pollMs: 100, ...batch } };
      return on.world.worker({ providers: { fake }, leaseMs: 1000, ...config });
    };
    /** @param {number} count @param {object} [more] */
    const insert = (count, more = {}) =>
      on.world.db.transaction(() =>
        Array.from({ length: count }, (_, at) => on.world.insert({ data: { prompt: `job ${at}`, maxTokens: 50 }, opts, ...more }))
      )();
    /** @param {string[]} ids */
    const all = async (ids) => {
      const rows = [];
      for (const id of ids) rows.push(await on.world.ended(id, 25000));
      return rows;
    };
    const calls = async () => {
      const log = await on.world.fake.log();
      const of = (/** @type {string} */ method, /** @type {(path: string) => boolean} */ test) => log.filter((one) => one.method === method && test(one.path));
      return {
        creates: of('POST', (path) => path === api.create),
        uploads: of('POST', (path) => path === api.upload),
        lists: of('GET', (path) => path === api.list),
        cancels: of('POST', (path) => /[:/]cancel$/.test(path)),
        single: log.filter((one) => one.chat),
      };
    };
    /** @param {any[]} rows */
    const once = (rows) => {
      for (const row of rows) {
        assert.deepEqual([row.status, row.attempts, row.history.length, row.remote, row.lease_owner], ['completed', 1, 1, null, null], JSON.stringify(row));
        assert.equal(row.result.text.startsWith('job'), true);
      }
    };

    it('twenty jobs are one batch, and each has its own answer', async () => {
      const worker = await start({ maxWaitMs: 60000 });
      const ids = insert(20);
      const rows = await all(ids);
      once(rows);
      const { creates, single, lists, uploads } = await calls();
      assert.deepEqual([creates.length, single.length, lists.length, uploads.length], [1, 0, 0, api.upload ? 1 : 0]);
      rows.forEach((row, at) => assert.ok(row.result.text.startsWith(`job ${at}`), row.result.text));
      assert.ok(rows[0].result.usage.inputTokens > 0);
      assert.equal((await worker.stats()).completed, 20);
    });

    it('what is fewer waits for maxWaitMs, and jobs without opts.batch wait for nothing', async () => {
      await start({ maxWaitMs: 700 });
      const ids = insert(3);
      await on.world.ended(on.world.insert());
      assert.deepEqual(ids.map((id) => on.world.row(id).status), ['delayed', 'delayed', 'delayed']);
      once(await all(ids));
      const { creates, single } = await calls();
      assert.deepEqual([creates.length, single.length], [1, 1]);
    });

    it('more than maxJobs are several batches', async () => {
      await start({ maxJobs: 4 });
      once(await all(insert(9)));
      assert.equal((await calls()).creates.length, 3);
    });

    it('a worker killed while it creates the batch finds it again: one batch, each job once', async () => {
      await on.world.fake.script((request) => (request.path === api.create ? { hang: true } : {}));
      const worker = await start();
      const ids = insert(5);
      await on.world.until(async () => (await calls()).creates.length === 1, 'the batch');
      await kill(worker);
      await start();
      once(await all(ids));
      const { creates, single, lists } = await calls();
      assert.deepEqual([creates.length, single.length, lists.length], [1, 0, 1]);
    });

    it('also when there are so many newer ones that it is on another page of the list', async () => {
      await on.world.fake.script((request) => (request.path === api.create && request.headers.foreign === undefined ? { hang: true } : {}));
      const worker = await start();
      const ids = insert(3);
      await on.world.until(async () => (await calls()).creates.length === 1, 'the batch');
      await kill(worker);
      const foreign = JSON.parse(JSON.stringify((await calls()).creates[0].body).replaceAll(/[0-9a-f]{32}/g, 'f'.repeat(32)));
      // Of another size where nothing but that and the keys in its results tells whose it is.
      foreign.requests?.splice(1);
      const options = { method: 'POST', headers: { foreign: 'yes', 'content-type': 'application/json' }, body: JSON.stringify(foreign) };
      for (let n = 0; n < 101; n++) assert.equal((await fetch(`${on.world.fake.url}${api.create}`, options)).status, 200);
      await start();
      once(await all(ids));
      const { creates, single, lists } = await calls();
      assert.deepEqual([creates.length, single.length, lists.length], [102, 0, 2]);
    });

    it('and takes none for it that is not its own', async () => {
      await on.world.fake.script((request) => (request.path === api.create && request.headers.foreign === undefined ? { hang: true } : {}));
      const worker = await start();
      const ids = insert(3);
      await on.world.until(async () => (await calls()).creates.length === 1, 'the batch');
      await kill(worker);
      const own = (await calls()).creates[0].body;
      const foreign = JSON.stringify(own).replaceAll(/[0-9a-f]{32}/g, 'f'.repeat(32));
      const { status } = await fetch(`${on.world.fake.url}${api.create}`, { method: 'POST', headers: { foreign: 'yes', 'content-type': 'application/json' }, body: foreign });
      assert.equal(status, 200);
      await start();
      once(await all(ids));
      const { creates, single } = await calls();
      assert.deepEqual([creates.length, single.length], [2, 0]);
    });

    it('a worker killed before it created the batch creates it, once', async () => {
      const worker = await start({ maxWaitMs: 60000, maxJobs: 5 });
      await worker.stop();
      const ids = insert(5);
      on.world.db.prepare(`UPDATE llm_jobs SET status = 'delayed', batch = ?, run_at = ?, remote = ?`).run('a'.repeat(32), Date.now() + 1e8,
        JSON.stringify({ kind: 'batch', batch: 'a'.repeat(32), state: 'creating', provider: 'fake', key: 0, model: 'm', jobs: 5, at: Date.now(), owner: 'somebody', until: 1 }));
      await start();
      once(await all(ids));
      const { creates, single, lists } = await calls();
      // Looked for twice: its creation might still have been under way.
      assert.deepEqual([creates.length, single.length, lists.length], [1, 0, 2]);
    });

    it('a worker killed after the batch was created goes on polling it', async () => {
      await on.world.fake.script((request) => (request.path === api.create ? { pendingPolls: 3 } : {}));
      const worker = await start();
      const ids = insert(5);
      await on.world.until(() => ids.every((id) => /"state":"created"/.test(on.world.row(id).remote ?? '')), 'the id in the rows');
      await kill(worker);
      await start();
      once(await all(ids));
      const { creates, single, lists } = await calls();
      assert.deepEqual([creates.length, single.length, lists.length], [1, 0, 0]);
    });

    it('a worker killed among the results leaves each job settled once', async () => {
      const worker = await start({ maxJobs: 200, maxWaitMs: 60000 });
      const ids = insert(200);
      await on.world.until(() => on.world.db.prepare(`SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed'`).get().n > 0, 'the first result', 25000);
      await kill(worker);
      await start({ maxJobs: 200, maxWaitMs: 60000 });
      once(await all(ids));
      const { creates, single } = await calls();
      assert.deepEqual([creates.length, single.length], [1, 0]);
    });

    it('two workers make no batch twice', async () => {
      await Promise.all([start({}, { workerId: 'one' }), start({}, { workerId: 'two' })]);
      const ids = insert(20);
      once(await all(ids));
      const { creates, single } = await calls();
      const entries = new Set(creates.flatMap((one) => (one.body.requests ?? [1]).map((/** @type {any} */ entry) => entry.custom_id ?? one.body.input_file_id)));
      assert.equal(single.length, 0);
      assert.ok(creates.length <= 2 && entries.size >= creates.length);
    });

    it('what a batch did not answer before it expired runs by a call of its own', async () => {
      await on.world.fake.script((request) => (request.path === api.create ? { expires: 3 } : {}));
      await start({ maxJobs: 5 });
      once(await all(insert(5)));
      const { creates, single } = await calls();
      assert.deepEqual([creates.length, single.length], [1, 2]);
    });

    it('or fails, without fallback', async () => {
      await on.world.fake.script((request) => (request.path === api.create ? { expires: 3 } : {}));
      await start({ maxJobs: 5, fallback: false });
      const rows = await all(insert(5));
      assert.deepEqual(rows.map((row) => row.status).sort(), ['completed', 'completed', 'completed', 'failed', 'failed']);
      assert.equal(rows.find((row) => row.status === 'failed').error.code, 'TIMEOUT_TOTAL');
      assert.equal((await calls()).single.length, 0);
    });

    it('errors of one job are its own: those that pass are tried again by a call, the others fail', async () => {
      await on.world.fake.script((request) => {
        const text = JSON.stringify(request.body?.messages ?? request.body?.contents ?? '');
        if (request.n !== 0) return {};
        return /job 1"/.test(text) ? { status: 400, error: { message: 'bad' } } : /job 2"/.test(text) ? { status: 500 } : {};
      });
      await start({ maxJobs: 4 });
      const [first, bad, again, last] = await all(insert(4));
      assert.deepEqual([first.status, bad.status, again.status, last.status], ['completed', 'failed', 'completed', 'completed']);
      assert.deepEqual([bad.error.code, again.attempts, again.history[0].code], ['BAD_REQUEST', 2, 'SERVER_ERROR']);
      assert.equal((await calls()).single.length, 1);
    });

    it('a batch that is refused as a whole runs by calls', async () => {
      await on.world.fake.script((request) => (request.path === api.create ? { status: 400, error: { message: 'no' } } : {}));
      await start({ maxJobs: 3 });
      const rows = await all(insert(3));
      assert.deepEqual(rows.map((row) => row.status), ['completed', 'completed', 'completed']);
      assert.equal((await calls()).single.length, 3);
    });

    it('a cancelled job ends at once, and the batch when no job is left in it', async () => {
      await on.world.fake.script((request) => (request.path === api.create ? { pendingPolls: 50 } : {}));
      await start({ maxJobs: 2 });
      const ids = insert(2);
      await on.world.until(() => ids.every((id) => /"state":"created"/.test(on.world.row(id).remote ?? '')), 'the batch');
      const cancel = on.world.db.prepare('UPDATE llm_jobs SET cancel_requested = 1 WHERE id = ?');
      cancel.run(ids[0]);
      assert.equal((await on.world.ended(ids[0])).status, 'cancelled');
      assert.equal((await calls()).cancels.length, 0);
      cancel.run(ids[1]);
      assert.equal((await on.world.ended(ids[1])).status, 'cancelled');
      await on.world.until(async () => (await calls()).cancels.length === 1, 'the end of the batch');
    });
  });
}

describe('worker: opts.batch where there is none', function () {
  this.timeout(20000);
  const on = useWorld();

  it('is a call as any other, which the log says once', async () => {
    on.world.database();
    await on.world.provider();
    await on.world.worker();
    const ids = [1, 2].map(() => on.world.insert({ opts: { batch: true } }));
    for (const id of ids) assert.equal((await on.world.ended(id)).status, 'completed');
    assert.equal(on.world.log.filter((line) => /opts\.batch/.test(String(line))).length, 1);
  });

  it('configured for a kind that has none is BAD_CONFIG', async () => {
    on.world.database();
    await assert.rejects(on.world.worker({ providers: { fake: { kind: 'ollama', batch: {} } } }), (/** @type {any} */ error) => error.code === 'BAD_CONFIG' && /providers\.fake\.batch/.test(error.message));
  });
});
