// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { useWorld } = require('./support/e2e.js');

describe('worker: a row runs', function () {
  this.timeout(20000);
  const on = useWorld();

  it('that the sqlite3 command-line tool inserted, with nothing but name, model and data', async () => {
    const { world } = on;
    world.database();
    await world.provider({ tokens: 3 });
    await world.worker();
    world.cli(`INSERT INTO llm_jobs (name, model, data) VALUES ('summarize', 'fake/m', '{"prompt":"one two three"}');`);
    const { id } = world.db.prepare('SELECT id FROM llm_jobs').get();
    const row = await world.ended(id);
    assert.equal(row.status, 'completed');
    assert.equal(row.result.text, 'one two three');
    assert.equal(row.result.finishReason, 'stop');
    assert.deepEqual([row.result.provider, row.result.model], ['fake', 'm']);
    assert.deepEqual([row.result.usage.inputTokens, row.result.usage.outputTokens], [3, 3]);
    assert.deepEqual([row.attempts, row.progress, row.error, row.lease_owner, row.lease_token], [1, 100, null, null, null]);
    assert.equal(row.lane, 'fake/m');
    assert.ok(row.created_at <= row.processed_on && row.processed_on <= row.finished_on);
    assert.equal(await world.fake.count(), 1);
  });

  it('beside as many others as there are slots, however many more of them at once than one transaction claims', async () => {
    const { world } = on;
    world.database();
    await world.provider({ script: () => ({ hang: true }) });
    world.createTable();
    await world.worker({ concurrency: 300 });
    world.cli(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 320)
               INSERT INTO llm_jobs (name, model, data) SELECT 'x', 'fake/m', '{"prompt":"x"}' FROM n;`);
    // None of them ends, so nothing but the claims themselves makes the worker look again.
    await world.until(async () => (await world.fake.count()) === 300, 'a call in each slot');
  });

  it('that was inserted before the worker started', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    const first = await world.worker();
    await first.stop();
    const id = world.insert();
    await world.worker();
    assert.equal((await world.ended(id)).status, 'completed');
  });

  it('for a native ollama provider too, streamed and whole', async () => {
    const { world } = on;
    world.database();
    await world.provider({ tokens: 4 });
    await world.worker({ providers: { local: { kind: 'ollama', baseUrl: world.fake.ollamaUrl } } });
    const streamed = world.insert({ model: 'local/llama3.2:1b', data: { prompt: 'a b c d' } });
    const whole = world.insert({ model: 'local/llama3.2:1b', data: { prompt: 'a b c d', stream: false } });
    for (const id of [streamed, whole]) assert.equal((await world.ended(id)).result.text, 'a b c d');
    const paths = (await world.fake.log()).map((one) => one.path);
    assert.deepEqual(paths, ['/api/chat', '/api/chat']);
  });

  it('after one that has completed (D3: a completed row at the top stops nothing)', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    await world.worker({ concurrency: 1 });
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.equal(await world.fake.count(), 2);
  });

  it('when its time has come, delayed or waiting (D2), and not before', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    await world.worker();
    const due = Date.now() + 400;
    const delayed = world.insert({ status: 'delayed', run_at: due, data: { prompt: 'delayed' } });
    const waiting = world.insert({ run_at: due, data: { prompt: 'waiting' } });
    const now = world.insert({ data: { prompt: 'now' } });
    for (const id of [now, delayed, waiting]) assert.equal((await world.ended(id)).status, 'completed');
    assert.equal((await world.prompts())[0], 'now');
    for (const id of [delayed, waiting]) assert.ok(world.row(id).processed_on >= due);
  });

  it('in order of priority, then of arrival, one at a time with concurrency 1', async () => {
    const { world } = on;
    world.database();
    await world.provider();
    const worker = await world.worker({ concurrency: 1 });
    await worker.pause();
    const priorities = [0, 5, -3, 5, 9, 0];
    const ids = world.db.transaction(() =>
      priorities.map((priority, index) => world.insert({ priority, data: { prompt: `row${index}` } }))
    )();
    await worker.resume();
    for (const id of ids) await world.ended(id);
    assert.deepEqual(await world.prompts(), ['row4', 'row1', 'row3', 'row0', 'row5', 'row2']);
    assert.equal((await world.fake.stats()).peak, 1);
  });

  it('and no other table is touched, while triggers of the app on llm_jobs do their work', async () => {
    const { world } = on;
    const db = world.database({
      sql: `CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
            INSERT INTO notes (text) VALUES ('one'), ('two');
            CREATE TABLE ends (job TEXT, status TEXT);
            PRAGMA user_version = 42;`,
    });
    const digest = () =>
      createHash('sha256')
        .update(JSON.stringify([
          db.prepare('SELECT * FROM notes').all(),
          db.prepare("SELECT * FROM sqlite_schema WHERE tbl_name <> 'llm_jobs' ORDER BY name").all(),
          db.pragma('user_version'),
          db.pragma('application_id'),
          db.pragma('journal_mode'),
        ]))
        .digest('hex');
    const before = digest();
    await world.provider({ script: [{}, { status: 400 }] });
    await world.worker({ concurrency: 1 });
    db.exec(`CREATE TRIGGER on_end AFTER UPDATE OF status ON llm_jobs WHEN new.finished_on IS NOT NULL
             BEGIN INSERT INTO ends VALUES (new.id, new.status); END`);
    const good = world.insert();
    await world.ended(good);
    const bad = world.insert();
    await world.ended(bad);
    assert.deepEqual(db.prepare('SELECT job, status FROM ends ORDER BY rowid').all(), [
      { job: good, status: 'completed' },
      { job: bad, status: 'failed' },
    ]);
    assert.equal(digest(), before);
    assert.equal(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'").get().n, 3);
  });

  it('and its text is told live to a subscriber, whole and in order, and to nobody else', async () => {
    const { world } = on;
    world.database();
    await world.provider({ tokens: 30, tokenMs: 5 });
    const worker = await world.worker();
    const told = new Map();
    worker.on('token', ({ id, text }) => told.set(id, [...(told.get(id) ?? []), text]));
    const before = world.insert();
    await world.ended(before);
    assert.deepEqual(await worker.subscribe({ tokens: true }), { tokens: true });
    const id = world.insert({ data: { prompt: 'grüße 漢字 🙂 x' } });
    const row = await world.ended(id);
    await world.until(() => (told.get(id) ?? []).join('') === row.result.text, () => `the tokens; told: ${told.get(id)}`);
    assert.ok(told.get(id).length > 1, 'the text came in more than one piece');
    assert.equal(told.has(before), false);
  });

  it('and its start and end are told as events', async () => {
    const { world } = on;
    world.database();
    await world.provider({ script: [{ status: 500 }] });
    const worker = await world.worker();
    const seen = [];
    worker.on('job', (job) => seen.push(job));
    const id = world.insert({ name: 'greet', opts: { backoff: { type: 'fixed', delayMs: 1 } } });
    await world.ended(id);
    await world.until(() => seen.length >= 4, () => `four events; came: ${JSON.stringify(seen)}`);
    assert.deepEqual(seen, [
      { id, name: 'greet', status: 'active', attempt: 1 },
      { id, name: 'greet', status: 'delayed', code: 'SERVER_ERROR', attempt: 1 },
      { id, name: 'greet', status: 'active', attempt: 2 },
      { id, name: 'greet', status: 'completed', attempt: 2 },
    ]);
  });
});
