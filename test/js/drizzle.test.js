// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const BetterSqlite3 = require('better-sqlite3');
const { eq, getTableColumns } = require('drizzle-orm');
const { drizzle } = require('drizzle-orm/better-sqlite3');
const kit = require('drizzle-kit/api');
const { llmJobs } = require('../../js/drizzle.js');
const { Queue } = require('../../js/index.js');
const schema = require('../../js/schema.js');

/** The SQL that `drizzle-kit generate` writes for an app that has no other table. */
async function migration() {
  const before = await kit.generateSQLiteDrizzleJson({});
  return kit.generateSQLiteMigration(before, await kit.generateSQLiteDrizzleJson({ llmJobs }));
}

/** drizzle-kit prints the progress of its reading, which is not for a report of tests. */
async function push(/** @type {import('better-sqlite3').Database} */ db) {
  const write = process.stdout.write;
  process.stdout.write = /** @type {any} */ (() => true);
  try {
    return (await kit.pushSQLiteSchema({ llmJobs }, /** @type {any} */ (drizzle(db)))).statementsToExecute;
  } finally {
    process.stdout.write = write;
  }
}

/** Text of SQL without what means nothing: quotes of names, spaces, and IF NOT EXISTS. */
const plain = (/** @type {string} */ text) => text.replace(/[`"\s;]/g, '').toLowerCase();

/** What SQLite knows of a table and its indexes. */
function anatomy(/** @type {import('better-sqlite3').Database} */ db) {
  const all = (/** @type {string} */ sql) => /** @type {any[]} */ (db.prepare(sql).all());
  const columns = all("SELECT name, upper(type) AS type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo('llm_jobs')");
  const list = all("SELECT name, \"unique\", origin, partial FROM pragma_index_list('llm_jobs') ORDER BY name");
  const indexes = list.map((index) => ({ ...index, columns: all(`SELECT seqno, cid, name, "desc", coll FROM pragma_index_xinfo('${index.name}')`) }));
  const texts = all("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name").map(({ sql }) => plain(sql));
  return { columns: columns.map((one) => ({ ...one, dflt_value: one.dflt_value && plain(one.dflt_value) })), indexes, texts };
}

describe('llm-jobs/drizzle', function () {
  this.timeout(30000);
  /** @type {import('better-sqlite3').Database} */ let made;
  /** @type {import('better-sqlite3').Database} */ let generated;

  beforeEach(async () => {
    made = new BetterSqlite3(':memory:');
    new Queue(made);
    generated = new BetterSqlite3(':memory:');
    for (const sql of await migration()) generated.exec(sql);
  });
  afterEach(() => {
    made.close();
    generated.close();
  });

  it('has the columns of the schema, in its order', () => {
    assert.deepEqual(Object.keys(getTableColumns(llmJobs)), schema.columns.map(({ name }) => name));
  });

  it('makes by drizzle-kit the table that Queue makes: columns, defaults, indexes, also those on expressions', () => {
    assert.deepEqual(anatomy(generated), anatomy(made));
  });

  it('brings the checks: the generated table refuses the same rows', () => {
    const refused = ["'a', '{', 'waiting', 0, NULL", "'a', '{}', 'done', 0, NULL", "'a', '{}', 'waiting', 101, NULL", "'a', '{}', 'waiting', 0, '{'"];
    for (const values of refused) {
      for (const db of [made, generated]) assert.throws(() => db.exec(`INSERT INTO llm_jobs (name, data, status, progress, opts) VALUES (${values})`), /CHECK/);
    }
    generated.exec("INSERT INTO llm_jobs (id, name, data) VALUES ('one', 'a', '{}')");
    assert.throws(() => generated.exec("INSERT INTO llm_jobs (id, name, data) VALUES ('one', 'a', '{}')"), /UNIQUE/);
  });

  it('leaves Queue nothing to add to a table that Drizzle made', () => {
    const version = () => generated.pragma('schema_version', { simple: true });
    const before = version();
    new Queue(generated);
    assert.equal(version(), before);
  });

  it('is not rebuilt by push; only indexes are made again, and come out as they were', async () => {
    for (const db of [made, generated]) {
      const before = anatomy(db);
      const id = new Queue(db).add('a', {});
      const statements = await push(db);
      assert.deepEqual(statements.filter((sql) => !/^(DROP INDEX|CREATE (UNIQUE )?INDEX) /.test(sql)), []);
      for (const sql of statements) db.exec(sql);
      assert.deepEqual(anatomy(db), before);
      assert.equal(new Queue(db).get(id)?.status, 'waiting');
    }
  });

  it('inserts and selects; what Drizzle inserts is a job', () => {
    const orm = drizzle(made);
    const data = JSON.stringify({ prompt: 'Hello' });
    const row = orm.insert(llmJobs).values({ name: 'summarize', data, model: 'openai/gpt-5-mini' }).returning().get();
    assert.match(row.id, /^[0-9a-f]{32}$/);
    assert.equal(row.status, 'waiting');
    const job = new Queue(orm).get(row.id);
    assert.deepEqual(job?.data, { prompt: 'Hello' });
    assert.equal(job?.maxAttempts, 3);
    assert.ok(Math.abs(Number(job?.createdAt) - Date.now()) < 5000);
    const found = orm.select({ data: llmJobs.data, run: llmJobs.run_at }).from(llmJobs).where(eq(llmJobs.status, 'waiting')).all();
    assert.deepEqual(found, [{ data, run: null }]);
  });
});
