// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn, spawnSync } = require('node:child_process');
const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');
const { temporaryFile } = require('./support/drivers.js');

const cli = path.join(__dirname, '..', '..', 'js', 'cli.js');

describe('npx llm-jobs', function () {
  this.timeout(30000);
  /** @type {ReturnType<typeof temporaryFile>} */ let place;
  /** @type {import('better-sqlite3').Database} */ let db;
  /** @type {Queue} */ let queue;

  beforeEach(() => {
    place = temporaryFile();
    db = new BetterSqlite3(place.file);
    db.pragma('journal_mode = WAL');
    queue = new Queue(db);
  });
  afterEach(() => {
    db.close();
    place.remove();
  });

  const call = (/** @type {string[]} */ ...args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };
  const on = (/** @type {string[]} */ ...args) => call(...args, '--db', place.file);

  it('prints its help', () => {
    const { status, stdout } = call('--help');
    assert.equal(status, 0);
    for (const command of ['doctor', 'list', 'show', 'add', 'cancel', 'retry', 'counts']) assert.match(stdout, new RegExp(`npx llm-jobs ${command} `));
  });

  it('says what is wrong with a command line, and ends with 2', () => {
    /** @type {[string[], RegExp][]} */
    const cases = [
      [[], /command is missing/],
      [['frob'], /no command frob; there are doctor, /],
      [['constructor'], /no command constructor/],
      [['show', 'x'], /add --db FILE/],
      [['doctor'], /doctor FILE/],
      [['show', '--db', 'x'], /needs the ID/],
      [['show', 'a', 'b', '--db', 'x'], /does not know what to do with b/],
      [['counts', '--code', 'X', '--db', 'x'], /no option --code/],
      [['counts', '--wrong', '--db', 'x'], /--wrong/],
      [['add', 'a', '--db', place.file], /--data/],
      [['add', 'a', '--data', '{', '--db', place.file], /not JSON.*single quotes/],
      [['add', 'a', '--data', '[]', '--db', place.file], /BAD_JOB.*data/],
      [['add', 'a', '--data', '{}', '--priority', 'high', '--db', place.file], /--priority must be a whole number/],
      [['retry', '--db', place.file], /either the ID/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = call(...args);
      assert.match(stderr, message);
      assert.equal(status, 2, args.join(' '));
    }
  });

  it('makes no file when the path is wrong', () => {
    const { status, stderr } = call('counts', '--db', `${place.file}-no`);
    assert.equal(status, 1);
    assert.match(stderr, /NOT_FOUND: there is no file .*correct the path/);
    assert.match(call('counts', '--db', `${place.file}-no`).stderr, /no file/);
    db.exec('DROP TABLE llm_jobs');
    assert.match(on('counts').stderr, /NOT_FOUND: this database has no table llm_jobs/);
    assert.equal(db.prepare('SELECT count(*) FROM sqlite_master').pluck().get(), 0);
  });

  it('adds a job and shows it', () => {
    const { status, stdout } = on('add', 'summarize', '--data', '{"prompt":"Hello"}', '--model', 'openai/gpt-5-mini', '--priority', '-3', '--queue', 'mail');
    assert.equal(status, 2, 'a number that begins with a hyphen needs =');
    assert.equal(stdout, '');
    const id = on('add', 'summarize', '--data', '{"prompt":"Hello"}', '--model', 'openai/gpt-5-mini', '--priority=-3', '--queue', 'mail').stdout.trim();
    const job = queue.get(id);
    assert.deepEqual([job?.name, job?.data, job?.model, job?.priority, job?.queue], ['summarize', { prompt: 'Hello' }, 'openai/gpt-5-mini', -3, 'mail']);
    assert.match(on('show', id).stdout, /^status +"waiting"$/m);
    assert.deepEqual(JSON.parse(on('show', id, '--json').stdout).data, { prompt: 'Hello' });
    assert.match(JSON.parse(on('add', 'a', '--data', '{}', '--json').stdout).id, /^[0-9a-f]{32}$/);
    const none = on('show', 'nothing');
    assert.equal(none.status, 1);
    assert.match(none.stderr, /NOT_FOUND: there is no job nothing/);
  });

  it('leaves no control character of a job to the terminal', () => {
    const id = queue.add('a', { prompt: 'x' }, { model: 'openai/\u001b[2J' });
    assert.ok(!on('show', id).stdout.includes('\u001b'));
    assert.ok(!on('list').stdout.includes('\u001b'));
  });

  it('cancels a job, marks one that runs, and says when there is nothing to cancel', () => {
    const [idle, running] = [queue.add('a', {}), queue.add('b', {})];
    db.prepare("UPDATE llm_jobs SET status = 'active' WHERE id = ?").run(running);
    assert.match(on('cancel', idle).stdout, /was waiting and is cancelled/);
    assert.equal(queue.get(idle)?.status, 'cancelled');
    assert.match(on('cancel', running).stdout, /is running; the worker/);
    assert.equal(queue.get(running)?.cancelRequested, true);
    const again = on('cancel', idle);
    assert.equal(again.status, 1);
    assert.match(again.stdout, /has ended already: cancelled/);
  });

  it('counts, once or whenever something changes', async () => {
    queue.add('a', {});
    assert.match(on('counts').stdout, /^waiting 1$/m);
    assert.equal(JSON.parse(on('counts', '--json').stdout).waiting, 1);
    const child = spawn(process.execPath, [cli, 'counts', '--watch', '--db', place.file]);
    try {
      let said = '';
      child.stdout.on('data', (chunk) => (said += chunk));
      const until = async (/** @type {RegExp} */ words) => {
        while (!words.test(said)) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await until(/waiting 1/);
      queue.add('b', {});
      await until(/waiting 2/);
      assert.equal(said.trim().split('\n').length, 2);
    } finally {
      child.kill();
    }
  });

  it('lists jobs', function () {
    const ids = [queue.add('a', {}), queue.add('b', {}, { queue: 'mail' })];
    const { status, stdout } = on('list');
    assert.equal(status, 0);
    for (const id of ids) assert.ok(stdout.includes(id));
    assert.deepEqual(JSON.parse(on('list', '--queue', 'mail', '--json').stdout).map((/** @type {any} */ job) => job.id), [ids[1]]);
    assert.equal(JSON.parse(on('list', '--limit', '1', '--json').stdout).length, 1);
    assert.equal(on('list', '--status', 'failed').stdout, '');
  });

  it('says that a file is no database', function () {
    const file = `${place.file}-text`;
    fs.writeFileSync(file, 'This is a text, and no database at all. '.repeat(40));
    try {
      const { status, stderr } = call('list', '--db', file);
      assert.deepEqual([status, stderr.split(':')[1]], [1, ' DB_ENCRYPTED']);
    } finally {
      fs.rmSync(file);
    }
  });

  it('calls what an option cannot be wrong usage', function () {
    assert.equal(on('list', '--status', 'nope').status, 2);
    assert.equal(on('list', '--limit', '0').status, 2);
  });

  it('retries one job, or all with a code', function () {
    const ids = ['a', 'b', 'c'].map((name) => queue.add(name, {}));
    const fail = db.prepare("UPDATE llm_jobs SET status = 'failed', finished_on = 1, error = ? WHERE id = ?");
    ids.forEach((id) => fail.run('{"code":"AUTH","message":"No."}', id));
    assert.match(on('retry', ids[0]).stdout, /1 job runs again/);
    assert.equal(queue.get(ids[0])?.status, 'waiting');
    assert.match(on('retry', '--code', 'AUTH').stdout, /2 jobs run again/);
    assert.equal(on('retry', ids[0]).status, 1);
  });
});
