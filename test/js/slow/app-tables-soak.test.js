// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { Queue } = require('../../../js/index.js');
const { useWorld, pause, seeded } = require('../support/e2e.js');
const { RawWorker } = require('../support/model-worker.js');
const { SQL, hashes } = require('../support/sample-app.js');

const JOBS = Number(process.env.LLM_JOBS_SOAK_JOBS ?? 4000);
const SEED = Number(process.env.LLM_JOBS_TEST_SEED ?? 20261124);
const KEPT = 200;
const BACKLOG = 100;
const UNFINISHED = "('waiting', 'delayed', 'waiting-children', 'active')";

describe(`an app's database during ${JOBS} jobs of all kinds (seed ${SEED})`, function () {
  this.timeout(300000);
  const on = useWorld();

  it('has the same content in every table but llm_jobs before and after, and is sound', async () => {
    const { world } = on;
    const random = seeded(SEED);
    const below = (/** @type {number} */ n) => Math.floor(random() * n);

    // 1. The app, which notes ends of jobs by a trigger of its own
    const db = world.database({ sql: SQL });
    const queue = new Queue(db);
    db.exec(`
      CREATE TABLE ends (job TEXT, status TEXT);
      CREATE TRIGGER note_end AFTER UPDATE OF status ON llm_jobs WHEN new.status IN ('completed', 'failed', 'cancelled')
        BEGIN INSERT INTO ends VALUES (new.id, new.status); END;`);
    const before = hashes(db, ['ends']);
    assert.ok(Object.keys(before).length > 12, `only ${Object.keys(before)}`);

    // 2. Two workers, which also remove what is old
    await world.provider({ process: true, script: require.resolve('../support/model-provider.js') });
    const config = {
      database: world.file,
      concurrency: 5,
      leaseMs: 1000,
      maxStalls: 1000000,
      pollIntervalMs: 20,
      retention: { completed: { count: KEPT }, failed: { count: KEPT }, cancelled: { count: KEPT } },
      providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl, breaker: { threshold: 1000000 } } },
    };
    const workers = ['a', 'b'].map((workerId) => new RawWorker(world, { ...config, workerId }));
    for (const worker of workers) worker.start();
    for (const worker of workers) await worker.ready;

    // 3. Jobs of all kinds, cancelled and retried, while workers are killed
    const left = db.prepare(`SELECT count(*) FROM llm_jobs WHERE status IN ${UNFINISHED}`).pluck();
    const plans = [[], [], [], [], ['500'], ['400'], ['cut', '500'], ['500', '500', '500']];
    /** @type {string[]} */
    const ids = [];
    const job = () => {
      const id = `s${ids.length}`;
      ids.push(id);
      const data = { prompt: `${id} ${JSON.stringify({ delayMs: below(8), plan: plans[below(plans.length)] })}` };
      return { name: 'job', data, options: { id, model: `fake/m${below(3)}`, maxAttempts: 2, backoff: { type: /** @type {const} */ ('fixed'), delayMs: 1 + below(20) } } };
    };
    const add = (/** @type {object} */ options = {}) => {
      const { name, data, options: given } = job();
      queue.add(name, data, { ...given, ...options });
    };
    const repeat = () => queue.add('again', { prompt: 'again {}' }, { model: 'fake/m0', repeat: { everyMs: 1000 } });
    const did = { flows: 0, cancelled: 0, retried: 0, kills: 0 };
    repeat();
    while (ids.length < JOBS) {
      const what = random();
      if (left.get() > BACKLOG) await pause(5);
      else if (what < 0.5) add();
      else if (what < 0.6) add({ supersedeKey: `key${below(4)}`, supersede: 'active' });
      else if (what < 0.65) add({ delay: below(100), expiresAt: Date.now() + 100 + below(100) });
      else if (what < 0.8) did.flows += queue.addFlow({ ...job(), children: [job(), { ...job(), children: [job()] }] }).children.length / 2;
      else if (what < 0.88) did.cancelled += Number(queue.cancel(ids[Math.max(0, ids.length - 1 - below(30))] ?? 'none'));
      else if (what < 0.91) did.retried += queue.retry({ code: ['SERVER_ERROR', 'CANCELLED', 'CHILD_FAILED'][below(3)], name: 'job', limit: below(10) + 1 });
      else if (what < 0.92) {
        const worker = workers[below(workers.length)];
        await worker.kill();
        worker.start();
        did.kills += 1;
      } else await pause(random() * 4);
    }

    // 4. The end of it: what repeats is cancelled, and workers that have nothing else to do remove what is too much
    queue.cancel(repeat());
    await world.until(() => left.get() === 0, () => `${left.get()} rows to end`, 60000);
    for (const worker of workers) {
      await worker.kill();
      worker.start();
    }
    const most = () => Math.max(...['completed', 'failed', 'cancelled'].map((status) => queue.counts()[status]));
    // Rows that have ended in the same millisecond as the last one to be kept are kept too.
    await world.until(() => most() <= KEPT + 20, () => `${most()} rows of one state to become ${KEPT}`);
    for (const worker of workers) await worker.end();
    assert.deepEqual(workers.flatMap((worker) => worker.faults), []);

    // 5. Every job has come to an end, and none has completed twice
    const ended = new Set(db.prepare('SELECT DISTINCT job FROM ends').pluck().all());
    assert.deepEqual(ids.filter((id) => !ended.has(id)), []);
    assert.deepEqual(db.prepare("SELECT job FROM ends WHERE status = 'completed' GROUP BY job HAVING count(*) > 1").all(), []);
    const again = db.prepare("SELECT count(*) FROM ends WHERE job NOT LIKE 's%'").pluck().get();
    for (const [what, count] of Object.entries({ ...did, again })) assert.ok(count > 1, `${what}: ${count}`);

    // 6. Nothing else has changed, for this SQLite and for another one
    assert.deepEqual(hashes(db, ['ends']), before);
    assert.deepEqual(db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
    assert.deepEqual(db.pragma('foreign_key_check'), []);
    db.exec("INSERT INTO notes_text (notes_text) VALUES ('integrity-check')");
    assert.equal(world.cli('PRAGMA integrity_check;').trim(), 'ok');
    console.log(`      ${Object.keys(before).length} hashes; ${ids.length} jobs, ${Object.entries({ ...did, again }).map(([what, n]) => `${n} ${what}`).join(', ')}`);
  });
});
