// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { isAlive } = require('./support/alive.js');
const { useWorld, pause } = require('./support/e2e.js');

const JS = path.join(__dirname, '..', '..', 'js');

describe('worker: the app does as it likes meanwhile', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    await on.world.provider({ tokens: 3 });
  });

  it('changes the schema, vacuums, checkpoints: the next row runs', async () => {
    const { world } = on;
    await world.worker();
    const steps = [
      'ALTER TABLE llm_jobs ADD COLUMN note_id INTEGER',
      'CREATE INDEX app_by_name ON llm_jobs (name)',
      'CREATE TABLE later (x)',
      'VACUUM',
      'PRAGMA wal_checkpoint(TRUNCATE)',
      'REINDEX',
      'ANALYZE',
      'DROP INDEX llm_jobs_ready',
      'DELETE FROM llm_jobs',
    ];
    for (const sql of steps) {
      world.db.exec(sql);
      assert.equal((await world.ended(world.insert())).status, 'completed', sql);
    }
    assert.deepEqual(world.log.filter((line) => line.startsWith('error')), []);
  });

  it('deletes a row whose call runs: the answer is dropped and counted, the worker goes on', async () => {
    const { world } = on;
    await world.fake.script([{ delayMs: 100 }]);
    const worker = await world.worker();
    world.insert();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    world.db.exec('DELETE FROM llm_jobs');
    await world.until(async () => (await worker.stats()).stale === 1, 'the answer to be dropped');
    assert.equal(world.db.prepare('SELECT count(*) AS n FROM llm_jobs').get().n, 0);
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });

  it('refuses an end or a claim by a trigger: that row waits, the others go on, and it ends once the trigger is gone', async () => {
    const { world } = on;
    const worker = await world.worker({ concurrency: 2 });
    world.db.exec(`CREATE TRIGGER no_end BEFORE UPDATE ON llm_jobs WHEN new.status = 'completed' AND new.name = 'no end'
      BEGIN SELECT RAISE(ABORT, 'not this one'); END`);
    world.db.exec(`CREATE TRIGGER no_claim BEFORE UPDATE ON llm_jobs WHEN new.status = 'active' AND new.name = 'no claim'
      BEGIN SELECT RAISE(ABORT, 'nor this one'); END`);
    const unended = world.insert({ name: 'no end' });
    const unclaimed = world.insert({ name: 'no claim', priority: 9 });
    for (let i = 0; i < 3; i++) assert.equal((await world.ended(world.insert())).status, 'completed');
    assert.deepEqual([world.row(unended).status, world.row(unclaimed).status], ['active', 'waiting']);
    world.db.exec('DROP TRIGGER no_end');
    assert.equal((await world.ended(unended)).status, 'completed');
    assert.equal(await world.fake.count(), 4);
    assert.equal((await worker.stats()).completed, 4);
  });

  it('adds a row in a transaction that takes its time: the job starts after the commit, or never', async () => {
    const { world } = on;
    await world.worker();
    world.db.exec('BEGIN IMMEDIATE');
    const kept = world.insert();
    await pause(300);
    assert.equal(await world.fake.count(), 0);
    world.db.exec('COMMIT');
    assert.equal((await world.ended(kept)).status, 'completed');

    world.db.exec('BEGIN IMMEDIATE');
    world.insert();
    await pause(100);
    world.db.exec('ROLLBACK');
    await world.ended(world.insert());
    assert.equal(await world.fake.count(), 2);
  });

  it('closes its last connection and comes back', async () => {
    const { world } = on;
    await world.worker();
    world.db.close();
    const before = world.database();
    assert.equal((await world.ended(world.insert())).status, 'completed');
    before.close();
    await pause(150);
    world.cli(`INSERT INTO llm_jobs (name, model, data) VALUES ('while nobody else had it open', 'fake/m', '{"prompt":"x"}');`);
    await world.until(async () => (await world.fake.count()) === 2, 'the call');
    world.database();
  });

  it('uses a path that is a symbolic link', async () => {
    const { world } = on;
    const link = path.join(world.dir, 'links', 'to.db');
    fs.mkdirSync(path.dirname(link));
    fs.symlinkSync(world.file, link);
    // With so slow a poll only the file event can have found the row.
    await world.worker({ database: link, pollIntervalMs: 60000 });
    await pause(200);
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });

  it('dies: its worker ends by itself and gives the attempts back', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    world.createTable();
    const id = world.insert();
    const config = { database: world.file, providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl } } };
    const source = `require(${JSON.stringify(JS)}).startWorker(${JSON.stringify(config)}).then((worker) => console.log(worker.pid))`;
    const app = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    world.ends.push(() => app.kill('SIGKILL'));
    const pid = Number(String((await once(app.stdout, 'data'))[0]));
    assert.ok(pid > 0);
    world.ends.push(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
    await world.until(async () => (await world.fake.count()) === 1, 'the call');

    app.kill('SIGKILL');
    await world.until(() => !isAlive(pid), 'the worker to end');
    const row = world.row(id);
    assert.deepEqual([row.status, row.attempts, row.stalls, row.lease_owner], ['waiting', 0, 0, null]);
  });

  it('inserts rows that are odd: each ends or waits with a reason, and the worker goes on', async () => {
    const { world } = on;
    const worker = await world.worker({ leaseMs: 1000 });
    const odd = [
      [{ id: '' }, 'completed'],
      [{ name: '' }, 'completed'],
      [{ model: '' }, 'failed'],
      [{ model: 'fake/' }, 'failed'],
      [{ model: 'fake/with/slashes' }, 'completed'],
      [{ model: `fake/${'m'.repeat(5000)}` }, 'completed'],
      [{ max_attempts: 0 }, 'completed'],
      [{ attempts: 99 }, 'completed'],
      [{ priority: 'high' }, 'completed'],
      [{ run_at: -1 }, 'completed'],
      [{ status: 'delayed' }, 'completed'],
      [{ status: 'active' }, 'completed'],
      [{ status: 'active', lease_owner: 'nobody', lease_until: 1 }, 'completed'],
      [{ history: 'not json' }, 'completed'],
      [{ opts: 'null' }, 'failed'],
      [{ data: '5' }, 'failed'],
      [{ data: '[]' }, 'failed'],
      [{ data: '['.repeat(900) + ']'.repeat(900) }, 'failed'],
      [{ data: { prompt: 'x'.repeat(2e6) } }, 'completed'],
      [{ data: { prompt: 'grüße 🙂 \n\t"quoted" \\ \u2028' } }, 'completed'],
    ];
    const ids = odd.map(([columns]) => world.insert(columns));
    for (const [index, [columns, status]] of odd.entries()) {
      const row = await world.ended(ids[index]);
      const name = JSON.stringify(columns).slice(0, 80);
      assert.equal(row.status, status, `${name}: ${JSON.stringify(row.error)}`);
      if (status === 'failed') assert.match(row.error.code, /^(BAD_JOB|NO_PROVIDER)$/, name);
      if (status === 'failed') assert.ok(row.error.message.length < 500, name);
    }
    assert.equal((await worker.stats()).active, 0);
  });
});

describe('worker: connections', function () {
  this.timeout(20000);
  const on = useWorld();

  it('a kept connection that the server has closed costs no attempt', async () => {
    const { world } = on;
    const choices = [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }];
    const body = JSON.stringify({ id: 'a', model: 'm', choices });
    let connections = 0;
    // A server that promises to keep its connections and breaks each at its second request.
    const server = net.createServer((socket) => {
      connections += 1;
      let text = '';
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        text += chunk;
        const [head, sent] = text.split('\r\n\r\n');
        if (sent === undefined || sent.length < Number(/content-length: (\d+)/i.exec(head)?.[1])) return;
        text = '';
        requests += 1;
        if (requests > 1) socket.destroy();
        else socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      });
    });
    const port = await world.listen(server);
    world.database();
    await world.worker({ concurrency: 1, providers: { fake: { kind: 'openai-compatible', baseUrl: `http://127.0.0.1:${port}/v1` } } });
    for (let i = 0; i < 3; i++) {
      const row = await world.ended(world.insert({ data: { prompt: 'x', stream: false } }));
      assert.deepEqual([row.status, row.attempts, row.result.text], ['completed', 1, 'ok']);
    }
    assert.equal(connections, 3);
  });
});
