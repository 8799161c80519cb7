// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { startWorker } = require('../../js/index.js');
const { useWorld } = require('./support/e2e.js');

const providers = { fake: { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' } };

/**
 * A start that must fail: it says which code and what to do, and leaves no process behind.
 * @param {Record<string, any>} config
 * @param {string} code
 * @param {RegExp[]} words that the message must hold: the culprit and the remedy
 */
async function refuses(config, code, ...words) {
  let worker;
  try {
    worker = await startWorker(config);
  } catch (error) {
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.match(error.message, word);
    return;
  }
  await worker.stop({ deadlineMs: 0 });
  assert.fail(`the worker started; ${code} was expected`);
}

describe('worker: a start that cannot succeed says why', function () {
  this.timeout(20000);
  const on = useWorld();

  it('unknown keys, with their path', async () => {
    const { world } = on;
    world.database();
    const base = { database: world.file, providers };
    await refuses({ ...base, concurency: 5 }, 'BAD_CONFIG', /concurency/, /concurrency/);
    await refuses({ ...base, providers: { fake: { ...providers.fake, maxConcurent: 2 } } }, 'BAD_CONFIG', /providers\.fake.*maxConcurent/, /maxConcurrent/);
    const timeouts = { firstByte: 1 };
    await refuses({ ...base, providers: { fake: { ...providers.fake, timeouts } } }, 'BAD_CONFIG', /providers\.fake\.timeouts.*firstByte/, /firstByteMs/);
  });

  it('bad values, with their path and what is allowed', async () => {
    const { world } = on;
    world.database();
    const base = { database: world.file, providers };
    await refuses({ ...base, onLogs: () => {} }, 'BAD_CONFIG', /^onLogs: .*plain JSON/, /a function/);
    await refuses({ ...base, concurrency: NaN }, 'BAD_CONFIG', /^concurrency: .*NaN/);
    await refuses({ ...base, concurrency: 5n }, 'BAD_CONFIG', /^concurrency: .*5n/);
    await refuses({ ...base, providers: { fake: { ...providers.fake, headers: { a: new Map() } } } }, 'BAD_CONFIG', /^providers\.fake\.headers\.a: /);
    await refuses({ ...base, concurrency: 0 }, 'BAD_CONFIG', /concurrency/, /1/);
    await refuses({ ...base, concurrency: 'many' }, 'BAD_CONFIG', /concurrency/);
    await refuses({ ...base, logLevel: 'loud' }, 'BAD_CONFIG', /logLevel/, /debug/);
    await refuses({ ...base, providers: {} }, 'BAD_CONFIG', /providers/);
    await refuses({ ...base, providers: { fake: { kind: 'carrier-pigeon' } } }, 'BAD_CONFIG', /providers\.fake\.kind/, /ollama/);
    await refuses({ ...base, models: { fast: ['nobody/m'] } }, 'BAD_CONFIG', /models\.fast/, /fake/);
  });

  it('plain http to another machine, unless it is allowed', async () => {
    const { world } = on;
    world.database();
    const far = { kind: 'openai-compatible', baseUrl: 'http://192.0.2.1/v1' };
    await refuses({ database: world.file, providers: { far } }, 'BAD_CONFIG', /providers\.far\.baseUrl/, /https/, /allowInsecure/);
    await world.worker({ providers: { far: { ...far, allowInsecure: true } } });
  });

  it('a database that is not there, which it does not create', async () => {
    const { world } = on;
    const file = path.join(world.dir, 'missing.db');
    await refuses({ database: file, providers }, 'BAD_CONFIG', /database/, /missing\.db/);
    assert.deepEqual(fs.readdirSync(world.dir), []);
    await refuses({ database: path.join(world.dir, 'no', 'such', 'dir.db'), providers }, 'BAD_CONFIG', /dir\.db/);
    await refuses({ database: world.dir, providers }, 'BAD_CONFIG');
  });

  it('a database that is not in WAL mode, which it does not change', async () => {
    const { world } = on;
    const db = world.database({ wal: false, sql: 'CREATE TABLE notes (text)' });
    await refuses({ database: world.file, providers }, 'DB_NOT_WAL', /WAL/i, /journal_mode/);
    assert.equal(db.pragma('journal_mode', { simple: true }), 'delete');
    assert.equal(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name LIKE 'llm_jobs%'").get().n, 0);
  });

  it('a file that is no database, or an encrypted one, which it does not write', async () => {
    const { world } = on;
    const bytes = Buffer.alloc(8192, 'this is no database. ');
    fs.writeFileSync(world.file, bytes);
    await refuses({ database: world.file, providers }, 'DB_ENCRYPTED', /app\.db/);
    assert.ok(fs.readFileSync(world.file).equals(bytes));
  });

  it('a table llm_jobs of somebody else, which keeps its rows', async () => {
    const { world } = on;
    const db = world.database({ sql: "CREATE TABLE llm_jobs (x); INSERT INTO llm_jobs VALUES ('theirs')" });
    await refuses({ database: world.file, providers }, 'DB_SCHEMA', /llm_jobs/);
    assert.deepEqual(db.prepare('SELECT * FROM llm_jobs').all(), [{ x: 'theirs' }]);
  });

  it('an engine that was started badly leaves the database as it is, and a good start follows', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    const first = await world.worker();
    await first.stop();
    const id = world.insert();
    await refuses({ database: world.file, providers, pollInterval: 5 }, 'BAD_CONFIG', /pollInterval/, /pollIntervalMs/);
    assert.equal(world.row(id).status, 'waiting');
    await world.worker();
    assert.equal((await world.ended(id)).status, 'completed');
  });
});

describe('worker: the table refuses what is no job', function () {
  this.timeout(20000);
  const on = useWorld();

  it('invalid JSON in data or opts, an unknown status, a row without a name', async () => {
    const { world } = on;
    const db = world.database();
    await world.provider();
    await world.worker();
    const refused = [
      "INSERT INTO llm_jobs (name, model, data) VALUES ('a', 'fake/m', '{prompt: 1')",
      "INSERT INTO llm_jobs (name, model, data, opts) VALUES ('a', 'fake/m', '{}', 'x')",
      "INSERT INTO llm_jobs (name, model, data, status) VALUES ('a', 'fake/m', '{}', 'done')",
      "INSERT INTO llm_jobs (model, data) VALUES ('fake/m', '{}')",
      "INSERT INTO llm_jobs (name, model) VALUES ('a', 'fake/m')",
    ];
    for (const sql of refused) assert.throws(() => world.cli(`${sql};`), /constraint failed/);
    assert.equal(db.prepare('SELECT count(*) AS n FROM llm_jobs').get().n, 0);
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });
});
