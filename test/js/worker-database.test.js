// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { Queue } = require('../../js/index.js');
const { useWorld, pause } = require('./support/e2e.js');

/** Collects the payloads of an event that the host has no name for. */
function listen(worker) {
  const heard = [];
  worker.on('log', ({ line }) => heard.push(line));
  return heard;
}

describe('worker: the database as the app has it', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    new Queue(on.world.db);
    await on.world.provider({ tokens: 2 });
  });

  it('a column that a migration takes away: the worker says which, and goes on when it is back', async () => {
    const { world } = on;
    const worker = await world.worker();
    const heard = listen(worker);
    world.db.exec('ALTER TABLE llm_jobs RENAME COLUMN lane TO lane_old');
    const id = world.insert();
    await world.until(() => heard.some((line) => line.includes('DB_SCHEMA') && line.includes('lane')), 'DB_SCHEMA in the log');
    assert.equal(world.row(id).status, 'waiting');
    world.db.exec('ALTER TABLE llm_jobs RENAME COLUMN lane_old TO lane');
    assert.equal((await world.ended(id)).status, 'completed');
  });

  it('the table rebuilt as Drizzle does it, under a running call: nothing is lost', async () => {
    const { world } = on;
    await world.fake.script([{ delayMs: 300 }]);
    await world.worker();
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const { sql } = world.db.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'llm_jobs'").get();
    const indexes = world.db.prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'llm_jobs' AND sql IS NOT NULL").all();
    world.db.exec('BEGIN IMMEDIATE');
    world.db.exec(sql.replace('llm_jobs', '__new_llm_jobs'));
    world.db.exec('INSERT INTO __new_llm_jobs SELECT * FROM llm_jobs; DROP TABLE llm_jobs; ALTER TABLE __new_llm_jobs RENAME TO llm_jobs');
    for (const index of indexes) world.db.exec(index.sql);
    world.db.exec('COMMIT');
    assert.equal((await world.ended(id)).status, 'completed');
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.equal(await world.fake.count(), 2);
  });

  it('a trigger that calls a function which only the app has: its row waits, and runs once the trigger is gone', async () => {
    const { world } = on;
    await world.worker();
    world.db.exec('CREATE TRIGGER calls AFTER UPDATE ON llm_jobs BEGIN SELECT app_function(new.id); END');
    world.db.function('app_function', () => 1);
    const id = world.insert();
    await pause(300);
    assert.equal(world.row(id).status, 'waiting');
    world.db.exec('DROP TRIGGER calls');
    assert.equal((await world.ended(id)).status, 'completed');
  });

  it('a file that is replaced: nothing is written to the old one, and the worker goes on with the new one', async () => {
    const { world } = on;
    await world.fake.script([{ delayMs: 400 }]);
    const worker = await world.worker();
    const heard = listen(worker);
    world.insert({ id: 'old' });
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const path = world.file;
    world.db.exec("VACUUM INTO '" + path + ".copy'");
    world.db.close();
    fs.renameSync(path, `${path}.orphan`);
    for (const end of ['-wal', '-shm']) if (fs.existsSync(path + end)) fs.renameSync(path + end, `${path}.orphan${end}`);
    const Database = require('better-sqlite3');
    const copy = new Database(`${path}.copy`);
    copy.pragma('journal_mode = WAL');
    copy.exec("DELETE FROM llm_jobs; INSERT INTO llm_jobs (id, name, model, data) VALUES ('new', 'n', 'fake/m', '{\"prompt\":\"x\"}')");
    copy.close();
    fs.renameSync(`${path}.copy`, path);
    await world.until(() => heard.some((line) => line.includes('DB_MOVED')), 'DB_MOVED in the log');
    world.db = new Database(path);
    assert.equal((await world.ended('new')).status, 'completed');
    const orphan = new Database(`${path}.orphan`);
    assert.equal(orphan.prepare("SELECT status FROM llm_jobs WHERE id = 'old'").get().status, 'active');
    orphan.close();
  });

  it('release closes the file, so that the journal mode can be changed; resume reopens it', async () => {
    const { world } = on;
    const worker = await world.worker();
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.deepEqual(await worker.release(), { released: true, interrupted: 0 });
    assert.equal(world.db.pragma('journal_mode = DELETE', { simple: true }), 'delete');
    const id = world.insert();
    world.db.pragma('journal_mode = WAL');
    await pause(200);
    assert.equal(world.row(id).status, 'waiting');
    await worker.resume();
    assert.equal((await world.ended(id)).status, 'completed');
  });

  it('release gives back what runs at its deadline', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    const worker = await world.worker();
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    assert.deepEqual(await worker.release({ deadlineMs: 50 }), { released: true, interrupted: 1 });
    assert.deepEqual([world.row(id).status, world.row(id).attempts], ['waiting', 0]);
    await worker.resume();
    assert.equal((await world.ended(id)).status, 'completed');
  });

  it('resume before the release is done takes it back, and whoever waits for it is told', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    const worker = await world.worker();
    const id = world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    const released = assert.rejects(worker.release({ deadlineMs: 10000 }), { code: 'INTERRUPTED', message: /worker:resume/ });
    await worker.resume();
    await released;
    assert.equal(world.row(id).status, 'active');
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });

  it('retention removes what is old or too many, but no child that a parent still needs, and nothing unasked', async () => {
    const { world } = on;
    const long = Date.now() - 1e9;
    for (let i = 0; i < 250; i++) world.insert({ status: 'completed', finished_on: long + i });
    for (let i = 0; i < 5; i++) world.insert({ status: 'failed', finished_on: long + i, name: `f${i}` });
    world.insert({ status: 'cancelled', finished_on: long });
    world.insert({ id: 'p', status: 'waiting-children', dependency_count: 1 });
    world.insert({ id: 'c', parent_job_id: 'p', status: 'completed', finished_on: long });
    world.insert({ id: 'late', parent_job_id: 'p', status: 'delayed', run_at: Date.now() + 1e8 });
    world.insert({ id: 'kept', status: 'completed', finished_on: long, opts: { keep: { ageMs: 2e9 } } });
    await world.worker({ retention: { completed: { ageMs: 1000 }, failed: { count: 2 } } });
    const left = () => world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed'").get().n;
    await world.until(() => left() === 2, () => `two completed rows to be left; there are ${left()}`);
    await world.until(() => world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'failed'").get().n === 2, 'two failed rows');
    assert.deepEqual(world.db.prepare("SELECT name FROM llm_jobs WHERE status = 'failed' ORDER BY seq").all().map((row) => row.name), ['f3', 'f4']);
    assert.equal(world.row('c').status, 'completed');
    assert.equal(world.row('kept').status, 'completed');
    assert.equal(world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'cancelled'").get().n, 1);
  });
});

describe('worker: pauses', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    new Queue(on.world.db);
    await on.world.provider({ tokens: 2 });
  });

  it('of one queue: the others go on', async () => {
    const { world } = on;
    const worker = await world.worker();
    await worker.pause('slow');
    const held = world.insert({ queue: 'slow' });
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.equal(world.row(held).status, 'waiting');
    await worker.resume('slow');
    assert.equal((await world.ended(held)).status, 'completed');
  });

  it('of a lane that an app holds for itself: the others go on, until it lets go', async () => {
    const { world } = on;
    const worker = await world.worker();
    const letGo = await worker.hold('fake/chat');
    const held = world.insert({ model: 'fake/chat', priority: 9 });
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.equal(world.row(held).status, 'waiting');
    await letGo();
    assert.equal((await world.ended(held)).status, 'completed');
    await worker.hold('fake');
    const all = world.insert();
    await pause(150);
    assert.equal(world.row(all).status, 'waiting');
  });
});
