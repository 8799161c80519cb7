// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');
const schema = require('../../js/schema.js');
const { temporaryFile } = require('./support/drivers.js');

describe('Queue and its table', () => {
  /** @type {ReturnType<typeof temporaryFile>} */ let place;
  /** @type {import('better-sqlite3').Database} */ let db;

  beforeEach(() => {
    place = temporaryFile();
    db = new BetterSqlite3(place.file);
    db.pragma('journal_mode = WAL');
  });
  afterEach(() => {
    db.close();
    place.remove();
  });

  const objects = () => db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name').all();
  const columns = () => db.prepare("SELECT name FROM pragma_table_info('llm_jobs')").all().map((/** @type {any} */ row) => row.name);

  /** A table as an older version might have made it: only what every version has. */
  const makeOlder = () => {
    const kept = schema.columns.filter((column) => column.add === null || column.name === 'priority');
    db.exec(`CREATE TABLE llm_jobs (${kept.map((column) => `${column.name} ${column.declare}`).join(', ')})`);
    db.exec(`INSERT INTO llm_jobs (id, name, data) VALUES ('old', 'a', '{}')`);
  };

  it('creates exactly what the schema says', () => {
    new Queue(db);
    const made = objects();
    db.exec('DROP TABLE llm_jobs');
    db.exec(schema.createTable);
    schema.indexes.forEach((index) => db.exec(index.sql));
    assert.deepEqual(made, objects());
    assert.deepEqual(columns(), schema.columns.map((column) => column.name));
  });

  it('touches nothing else: other tables, user_version, journal_mode', () => {
    db.exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT); CREATE INDEX by_text ON notes (text); INSERT INTO notes (text) VALUES ('a')");
    db.pragma('user_version = 42');
    db.pragma('application_id = 7');
    db.pragma('journal_mode = DELETE');
    new Queue(db);
    assert.equal(db.pragma('user_version', { simple: true }), 42);
    assert.equal(db.pragma('application_id', { simple: true }), 7);
    assert.equal(db.pragma('journal_mode', { simple: true }), 'delete');
    assert.equal(objects().filter((/** @type {any} */ one) => one.tbl_name !== 'llm_jobs').length, 2);
    assert.deepEqual(db.prepare('SELECT * FROM notes').all(), [{ id: 1, text: 'a' }]);
  });

  it('adds what an older table lacks and keeps its rows', () => {
    makeOlder();
    const queue = new Queue(db);
    assert.deepEqual(new Set(columns()), new Set(schema.columns.map((column) => column.name)));
    for (const index of schema.indexes) assert.ok(objects().some((/** @type {any} */ one) => one.name === index.name), index.name);
    const old = queue.get('old');
    assert.equal(old?.maxAttempts, 3);
    assert.equal(old?.createdAt, null);
    const id = queue.add('b', {}, { dedupKey: 'k' });
    assert.ok(queue.get(id)?.createdAt);
    assert.deepEqual(queue.counts().waiting, 2);
  });

  it("keeps columns, indexes and triggers of the app's own", () => {
    new Queue(db);
    db.exec('ALTER TABLE llm_jobs ADD COLUMN note_id INTEGER; CREATE INDEX by_note ON llm_jobs (note_id)');
    db.exec('CREATE TRIGGER t AFTER INSERT ON llm_jobs BEGIN SELECT 1; END');
    const before = objects();
    new Queue(db);
    assert.deepEqual(objects(), before);
  });

  it('only reads a table that is complete, so it needs no lock', () => {
    new Queue(db);
    const version = () => db.pragma('schema_version', { simple: true });
    const before = version();
    const other = new BetterSqlite3(place.file, { timeout: 0 });
    try {
      other.exec('BEGIN IMMEDIATE');
      new Queue(db);
      other.exec('ROLLBACK');
    } finally {
      other.close();
    }
    assert.equal(version(), before);
  });

  it("upgrades inside the app's transaction, and not when that is rolled back", () => {
    makeOlder();
    const before = objects();
    db.exec('BEGIN');
    new Queue(db);
    db.exec('ROLLBACK');
    assert.deepEqual(objects(), before);
  });

  it('says which column it cannot add, and adds none of the others', () => {
    db.exec('CREATE TABLE llm_jobs (id TEXT, name TEXT, data TEXT)');
    const before = objects();
    assert.throws(() => new Queue(db), { code: 'DB_SCHEMA', message: /has no column "status"/ });
    assert.deepEqual(objects(), before);
    db.exec('DROP TABLE llm_jobs');
    new Queue(db);
    db.exec('ALTER TABLE llm_jobs RENAME COLUMN name TO label');
    assert.throws(() => new Queue(db), { code: 'DB_SCHEMA', message: /has no column "name".*renamed/ });
  });

  it('lets the table refuse what another program might write', () => {
    new Queue(db);
    const insert = (/** @type {string} */ values) => () => db.exec(`INSERT INTO llm_jobs (name, data, status, progress) VALUES (${values})`);
    insert("'a', '{}', 'waiting', 0")();
    assert.throws(insert("'a', '{', 'waiting', 0"), /CHECK/);
    assert.throws(insert("'a', '{}', 'done', 0"), /CHECK/);
    assert.throws(insert("'a', '{}', 'waiting', 101"), /CHECK/);
    assert.throws(insert("NULL, '{}', 'waiting', 0"), /NOT NULL/);
  });

  it('reads rows that a plain INSERT made', () => {
    const queue = new Queue(db);
    const before = Date.now() - 1000;
    db.exec(`INSERT INTO llm_jobs (name, model, data) VALUES ('summarize', 'openai/gpt-5-mini', '{"prompt":"Hello"}')`);
    const { id } = /** @type {{id: string}} */ (db.prepare('SELECT id FROM llm_jobs').get());
    const job = queue.get(id);
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(job?.data, { prompt: 'Hello' });
    assert.ok(job && Number(job.createdAt) > before && Number(job.createdAt) <= Date.now() + 1);
    db.exec(`UPDATE llm_jobs SET result = 'not JSON'`);
    assert.equal(queue.get(id)?.result, 'not JSON');
  });
});
