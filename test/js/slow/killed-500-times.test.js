// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld, pause, seeded } = require('../support/e2e.js');
const { RawWorker, heldAtKills } = require('../support/model-worker.js');

const KILLS = 500;
const WORKERS = 3;
const BACKLOG = 60; // unfinished jobs that are kept in the table, so that every kill can find some
const SEED = Number(process.env.LLM_JOBS_TEST_SEED ?? 20261122);

describe(`three workers on one file that are killed ${KILLS} times in all (seed ${SEED})`, function () {
  this.timeout(240000);
  const on = useWorld();

  it('lose no job, complete each once, and repeat only calls that were in flight', async () => {
    const { world } = on;

    // 1. A table whose triggers see what nobody may do: touch a row that has ended
    world.database({ sql: 'CREATE TABLE overwrites (job TEXT, what TEXT); CREATE TABLE ends (job TEXT, status TEXT, result TEXT)' });
    world.createTable();
    world.db.exec(`
      CREATE TRIGGER on_overwrite AFTER UPDATE ON llm_jobs WHEN old.status IN ('completed', 'failed', 'cancelled')
        BEGIN INSERT INTO overwrites VALUES (new.id, old.status || ' to ' || new.status); END;
      CREATE TRIGGER on_delete AFTER DELETE ON llm_jobs BEGIN INSERT INTO overwrites VALUES (old.id, 'deleted'); END;
      CREATE TRIGGER on_end AFTER UPDATE OF status ON llm_jobs WHEN new.status IN ('completed', 'failed', 'cancelled')
        BEGIN INSERT INTO ends VALUES (new.id, new.status, new.result); END;`);
    await world.provider({ process: true, script: require.resolve('../support/model-provider.js') });
    const random = seeded(SEED);
    const left = world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status NOT IN ('completed', 'failed', 'cancelled')");
    let jobs = 0;
    const feed = world.db.transaction(() => {
      for (let n = left.get().n; n < BACKLOG; n++) {
        const id = `job${jobs++}`;
        world.insert({ id, data: { prompt: `${id} ${JSON.stringify({ delayMs: random() * 25 })}` } });
      }
    });

    // 2. Each worker is killed at random moments of its life and starts again at once
    const config = {
      database: world.file,
      concurrency: 6,
      maxStalls: 1000,
      providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl } },
    };
    const workers = Array.from({ length: WORKERS }, (_, i) => new RawWorker(world, { ...config, workerId: `w${i}` }));
    let kills = 0;
    /** @param {RawWorker} worker @param {() => number} chance */
    const torment = async (worker, chance) => {
      while (kills < KILLS) {
        kills += 1;
        feed.immediate();
        worker.start();
        if (chance() < 0.8) await worker.ready;
        await pause(chance() * 120);
        await worker.kill();
      }
    };
    await Promise.all(workers.map((worker, i) => torment(worker, seeded(SEED + 1 + i))));

    // 3. The workers once more, left alone: they take back what their predecessors held
    for (const worker of workers) worker.start();
    for (const worker of workers) await worker.ready;
    await world.until(() => left.get().n === 0, () => `${left.get().n} rows to end`, 60000);

    // 4. Nothing is lost, nothing was done twice
    const held = heldAtKills(workers);
    const rows = world.db.prepare('SELECT * FROM llm_jobs').all();
    assert.equal(rows.length, jobs);
    for (const row of rows) {
      assert.deepEqual([row.status, row.attempts, row.error, row.lease_token], ['completed', 1, null, null], JSON.stringify(row));
      assert.equal(JSON.parse(row.result).text, `${row.id} ends`);
      assert.equal(row.stalls, held.get(row.id) ?? 0, `${row.id}: a stall for each run that was killed`);
    }
    assert.deepEqual(world.db.prepare('SELECT * FROM overwrites').all(), []);
    const ends = new Map(world.db.prepare('SELECT job, result FROM ends').all().map(({ job, result }) => [job, result]));
    assert.equal(world.db.prepare('SELECT count(*) AS n FROM ends').get().n, jobs);
    for (const { id, result } of rows) assert.equal(ends.get(id), result);

    // 5. A job was called once, and once more at most for each kill that found it in flight
    /** @type {Map<string, number>} */
    const calls = new Map();
    for (const prompt of await world.prompts()) {
      const id = prompt.split(' ')[0];
      calls.set(id, (calls.get(id) ?? 0) + 1);
    }
    for (const { id } of rows) {
      const count = calls.get(id) ?? 0;
      assert.ok(count >= 1 && count <= 1 + (held.get(id) ?? 0), `${id}: ${count} calls, in flight at ${held.get(id) ?? 0} kills`);
    }
    assert.equal(workers.reduce((sum, worker) => sum + worker.kills, 0), KILLS);
    const inFlight = workers.reduce((sum, worker) => sum + worker.killsInFlight, 0);
    assert.ok(inFlight >= KILLS / 2, `only ${inFlight} of ${KILLS} kills found a job in flight: the test shows too little`);

    // 6. The file is sound, for SQLite as it is in the app and for another one
    assert.deepEqual(world.db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
    assert.equal(world.cli('PRAGMA integrity_check;').trim(), 'ok');
    const repeats = [...calls.values()].reduce((sum, count) => sum + count - 1, 0);
    const runs = [...held.values()].reduce((sum, count) => sum + count, 0);
    console.log(`      ${jobs} jobs; ${inFlight} of ${KILLS} kills found jobs in flight, ${runs} in all; ${repeats} calls were repeated`);
  });
});
