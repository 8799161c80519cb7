// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { useWorld, pause, seeded } = require('../support/e2e.js');

const JOBS = 500;
const KILLS = 50;
const SEED = Number(process.env.LLM_JOBS_TEST_SEED ?? 20261121);
const ENTRY = path.join(__dirname, '..', '..', '..', 'js', 'worker.js');

describe(`a worker that is killed at ${KILLS} random moments during ${JOBS} jobs (seed ${SEED}, D5)`, function () {
  this.timeout(180000);
  const on = useWorld();

  it('loses no job, completes each once, and repeats only calls that were in flight', async () => {
    const { world } = on;
    const random = seeded(SEED);

    // 1. A table whose triggers see what nobody may do: touch a row that has ended
    world.database({ sql: 'CREATE TABLE overwrites (job TEXT, what TEXT); CREATE TABLE ends (job TEXT, status TEXT, result TEXT)' });
    world.createTable();
    world.db.exec(`
      CREATE TRIGGER on_overwrite AFTER UPDATE ON llm_jobs WHEN old.status IN ('completed', 'failed', 'cancelled')
        BEGIN INSERT INTO overwrites VALUES (new.id, old.status || ' to ' || new.status); END;
      CREATE TRIGGER on_delete AFTER DELETE ON llm_jobs BEGIN INSERT INTO overwrites VALUES (old.id, 'deleted'); END;
      CREATE TRIGGER on_end AFTER UPDATE OF status ON llm_jobs WHEN new.status IN ('completed', 'failed', 'cancelled')
        BEGIN INSERT INTO ends VALUES (new.id, new.status, new.result); END;`);
    await world.provider({ tokens: 2, script: () => ({ delayMs: 5 + random() * 80 }) });
    world.db.transaction(() => {
      for (let i = 0; i < JOBS; i++) world.insert({ id: `job${i}`, data: { prompt: `job${i} ends` } });
    })();

    // 2. Kills: most of them while jobs run, some while the worker starts and takes back what its predecessor held
    const env = {
      ...process.env,
      LLM_JOBS_CONFIG: JSON.stringify({
        database: world.file,
        concurrency: 8,
        maxStalls: 1000,
        providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl } },
      }),
    };
    /** @type {Map<string, Set<string>>} of each job, the runs (their lease tokens) that a kill has ended */
    const held = new Map();
    let killsInFlight = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = fork(ENTRY, [], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
      const gone = once(child, 'exit');
      world.ends.push(() => child.kill('SIGKILL'));
      if (random() < 0.8) await ready(child);
      await pause(random() * 60);
      child.kill('SIGKILL');
      const [code, signal] = await gone;
      assert.deepEqual([code, signal], [null, 'SIGKILL'], 'the worker ended by itself');
      const active = world.db.prepare("SELECT id, lease_token AS token FROM llm_jobs WHERE status = 'active'").all();
      // Runs that an earlier kill has ended are still there when this worker died before it could take them back.
      const fresh = active.filter(({ id, token }) => !held.get(id)?.has(token));
      if (fresh.length > 0) killsInFlight += 1;
      for (const { id, token } of fresh) held.set(id, (held.get(id) ?? new Set()).add(token));
    }

    // 3. One more worker, which is left alone
    await world.worker({ concurrency: 8, maxStalls: 1000 });
    const left = world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status NOT IN ('completed', 'failed', 'cancelled')");
    await world.until(() => left.get().n === 0, () => `${left.get().n} rows to end`, 60000);

    // 4. Nothing is lost, nothing was done twice
    const rows = world.db.prepare('SELECT * FROM llm_jobs').all();
    assert.equal(rows.length, JOBS);
    for (const row of rows) {
      assert.deepEqual([row.status, row.attempts, row.error, row.lease_token], ['completed', 1, null, null], JSON.stringify(row));
      assert.equal(JSON.parse(row.result).text, `${row.id} ends`);
      assert.equal(row.stalls, held.get(row.id)?.size ?? 0, `${row.id}: a stall for each run that was killed`);
    }
    assert.deepEqual(world.db.prepare('SELECT * FROM overwrites').all(), []);
    const ends = world.db.prepare('SELECT * FROM ends').all();
    assert.equal(ends.length, JOBS);
    for (const { job, result } of ends) assert.equal(rows.find((row) => row.id === job).result, result);

    // 5. A job was called once, and once more at most for each kill that found it in flight
    /** @type {Map<string, number>} */
    const calls = new Map();
    for (const prompt of await world.prompts()) {
      const id = prompt.split(' ')[0];
      calls.set(id, (calls.get(id) ?? 0) + 1);
    }
    for (const { id } of rows) {
      const count = calls.get(id) ?? 0;
      const kills = held.get(id)?.size ?? 0;
      assert.ok(count >= 1 && count <= 1 + kills, `${id}: ${count} calls, in flight at ${kills} kills`);
    }
    assert.ok(killsInFlight >= KILLS / 2, `only ${killsInFlight} of ${KILLS} kills found a job in flight: the test shows too little`);

    // 6. The file is sound, for SQLite as it is in the app and for another one
    assert.deepEqual(world.db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
    assert.equal(world.cli('PRAGMA integrity_check;').trim(), 'ok');
    const repeats = [...calls.values()].reduce((sum, count) => sum + count - 1, 0);
    const inFlight = [...held.values()].reduce((sum, tokens) => sum + tokens.size, 0);
    console.log(`      ${killsInFlight} of ${KILLS} kills found jobs in flight, ${inFlight} in all; ${repeats} calls were repeated`);
  });
});

/** @param {import('node:child_process').ChildProcess} child */
function ready(child) {
  return new Promise((resolve, reject) => {
    child.on('message', (/** @type {any} */ { channel, payload }) => {
      if (channel === 'worker:ready') resolve(undefined);
      if (channel === 'worker:failed') reject(new Error(`${payload.code}: ${payload.message}`));
    });
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before it was ready`)));
  });
}
