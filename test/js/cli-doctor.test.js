// SPDX-License-Identifier: MIT
'use strict';

/** Every check of `npx llm-jobs doctor` is provoked once. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');
const { driveOf, shareOf } = require('../../js/cli/doctor/file.js');
const { isSound } = require('../../js/cli/doctor/versions.js');
const { lives } = require('../../js/cli/doctor/leases.js');
const { temporaryFile } = require('./support/drivers.js');

const cli = path.join(__dirname, '..', '..', 'js', 'cli.js');

describe('npx llm-jobs doctor', function () {
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

  const doctor = (/** @type {{file?: string, env?: Record<string, string>}} */ { file = place.file, env = {} } = {}) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'doctor', file, '--json'], { encoding: 'utf8', env: { ...process.env, ...env } });
    assert.equal(stderr, '');
    const { verdict, findings } = JSON.parse(stdout);
    return { status, verdict, findings };
  };

  /** Asserts that there is such a finding, that it names a remedy, and that the exit code fits. */
  const expect = (/** @type {string} */ check, /** @type {string} */ verdict, /** @type {RegExp} */ message, /** @type {Parameters<typeof doctor>[0]} */ how = {}) => {
    const report = doctor(how);
    const found = report.findings.find((/** @type {any} */ one) => one.check === check && one.verdict === verdict && message.test(one.message));
    assert.ok(found, `no ${verdict} of ${check} like ${message} in ${JSON.stringify(report.findings, null, 1)}`);
    if (verdict !== 'ok') assert.ok(found.remedy.length > 10);
    if (verdict === 'problem') assert.equal(report.status, 1);
  };
  const set = (/** @type {string} */ assignments) => {
    const id = queue.add('a', {});
    db.exec(`UPDATE llm_jobs SET ${assignments} WHERE id = '${id}'`);
  };
  const later = () => Date.now() + 60000;

  it('finds nothing wrong with a fresh queue, in words and as JSON', () => {
    const { status, verdict, findings } = doctor();
    assert.equal(verdict, 'ok', JSON.stringify(findings));
    assert.equal(status, 0);
    assert.deepEqual([...new Set(findings.map((/** @type {any} */ one) => one.check))], 'file drive wal-size sqlite journal integrity table indexes triggers leases jobs'.split(' '));
    const { stdout } = spawnSync(process.execPath, [cli, 'doctor', place.file], { encoding: 'utf8' });
    assert.match(stdout, /^ok +journal +journal_mode is WAL$/m);
    assert.match(stdout, /\nverdict: ok\n$/);
  });

  it('changes nothing', () => {
    queue.add('a', {});
    db.exec('DROP INDEX llm_jobs_due');
    const before = [db.pragma('data_version', { simple: true }), db.pragma('schema_version', { simple: true })];
    doctor();
    assert.deepEqual([db.pragma('data_version', { simple: true }), db.pragma('schema_version', { simple: true })], before);
  });

  it('knows the versions of SQLite that can corrupt a WAL database', () => {
    assert.deepEqual(['3.51.2', '3.50.6', '3.49.1', '3.44.5', '3.7.0'].filter(isSound), []);
    assert.deepEqual(['3.51.3', '3.50.7', '3.44.6', '3.53.4', '4.0.0'].filter((one) => !isSound(one)), []);
    expect('sqlite', 'problem', /addon was not found/, { env: { LLM_JOBS_ADDON: '/nowhere.node' } });
  });

  it('sees a file that is missing, a folder, or something else than a database', () => {
    expect('file', 'problem', /does not exist/, { file: `${place.file}-no` });
    assert.ok(!fs.existsSync(`${place.file}-no`));
    expect('file', 'problem', /is not a file/, { file: path.dirname(place.file) });
    const odd = `${place.file}-odd`;
    fs.writeFileSync(odd, Buffer.alloc(8192, 0x5a));
    expect('database', 'problem', /encrypted or not/, { file: odd });
    fs.rmSync(odd);
  });

  it('sees a file that cannot be written', function () {
    // To root nothing is forbidden.
    if (process.getuid?.() === 0) this.skip();
    fs.chmodSync(place.file, 0o444);
    expect('file', 'problem', /cannot be written/);
    fs.chmodSync(place.file, 0o000);
    expect('file', 'problem', /cannot be read/);
  });

  it('tells network drives by the numbers of their kind', () => {
    assert.equal(driveOf(0x6969).verdict, 'problem');
    assert.match(driveOf(0xff534d42 | 0).message, /CIFS/);
    assert.equal(driveOf(0x65735546).verdict, 'warn');
    assert.equal(driveOf(0xef53).verdict, 'ok');
    assert.equal(driveOf(undefined).verdict, 'ok');
  });

  it("tells Windows' network drives by their real names", () => {
    for (const folder of ['\\\\nas\\apps', '\\\\nas\\apps\\notes', '//nas/apps', '\\\\?\\UNC\\nas\\apps', '\\\\wsl.localhost\\Debian\\home'])
      assert.equal(shareOf(folder).verdict, 'problem', folder);
    assert.match(shareOf('\\\\nas\\apps').message, /of nas/);
    for (const folder of ['C:\\', 'C:\\Users\\Ann', 'C:/Users/Ann', '\\\\?\\C:\\Users\\Ann', '\\\\.\\C:\\x']) assert.equal(shareOf(folder).verdict, 'ok', folder);
  });

  it('sees a large log', () => {
    const file = path.join(path.dirname(place.file), 'large.db');
    const other = new BetterSqlite3(file);
    new Queue(other);
    other.close();
    fs.writeFileSync(`${file}-wal`, '');
    fs.truncateSync(`${file}-wal`, 65 * 1024 * 1024);
    expect('wal-size', 'warn', /68157440 bytes/, { file });
    for (const end of ['', '-wal', '-shm']) fs.rmSync(file + end, { force: true });
  });

  it('sees another journal mode, and pages that are broken', () => {
    db.pragma('journal_mode = DELETE');
    expect('journal', 'problem', /is delete/);
    // A copy that nobody has open, for a page of it is overwritten by hand.
    const file = path.join(path.dirname(place.file), 'broken.db');
    db.prepare('VACUUM INTO ?').run(file);
    const page = Number(db.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'llm_jobs_due'").pluck().get());
    const size = Number(db.pragma('page_size', { simple: true }));
    const bytes = fs.readFileSync(file);
    bytes.fill(0xff, (page - 1) * size, page * size);
    fs.writeFileSync(file, bytes);
    expect('integrity', 'problem', /quick_check says: .*page/, { file });
    fs.rmSync(file);
    db.exec("CREATE TABLE other (x TEXT NOT NULL); INSERT INTO other VALUES ('a')");
    db.unsafeMode(true);
    db.pragma('writable_schema = ON');
    db.exec("UPDATE sqlite_master SET rootpage = 99999 WHERE name = 'other'");
    db.pragma('writable_schema = OFF');
    expect('database', 'problem', /cannot be read: malformed/);
  });

  it('sees what the table lacks, and triggers on it', () => {
    db.exec('DROP INDEX llm_jobs_due; DROP INDEX llm_jobs_leases; CREATE INDEX llm_jobs_leases ON llm_jobs (lease_owner)');
    expect('indexes', 'warn', /missing: llm_jobs_due$/);
    expect('indexes', 'warn', /not as they should be: llm_jobs_leases$/);
    db.exec('CREATE TRIGGER mine AFTER INSERT ON llm_jobs BEGIN SELECT 1; END');
    expect('triggers', 'warn', /"mine"/);
    db.exec('DROP TRIGGER mine; ALTER TABLE llm_jobs DROP COLUMN history');
    expect('table', 'warn', /missing: history/);
    db.exec('ALTER TABLE llm_jobs RENAME COLUMN name TO label');
    expect('table', 'problem', /missing: name, history/);
    db.exec('DROP TABLE llm_jobs');
    expect('table', 'problem', /there is no table/);
  });

  it('says who holds what and whether that process lives', () => {
    const here = `w@${os.hostname()}:${process.pid}:abc`;
    set(`status = 'active', lease_owner = '${here}', lease_until = ${later()}`);
    expect('leases', 'ok', /holds 1 job until .*is alive/);
    set(`status = 'active', lease_owner = 'w@elsewhere:1:abc', lease_until = ${later()}`);
    expect('leases', 'ok', /on another machine/);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    set(`status = 'active', lease_owner = 'x@${os.hostname()}:${dead}:abc', lease_until = ${later()}`);
    expect('leases', 'warn', /its process has ended/);
    set(`status = 'active', lease_owner = 'y@${os.hostname()}:${dead}:abc', lease_until = 1000`);
    expect('leases', 'problem', /which is past/);
    set("status = 'active'");
    expect('leases', 'problem', /nobody holds 1 job without a time/);
    assert.equal(lives('a@b:c@elsewhere:5:9'), undefined);
    assert.equal(lives(null), undefined);
  });

  it('sees jobs that are stuck, and says why', () => {
    set("status = 'waiting-children', dependency_count = 1");
    expect('children', 'problem', /children that have all ended/);
    set("status = 'delayed', run_at = 'tomorrow'");
    expect('run-at', 'problem', /no number/);
    set(`status = 'delayed', run_at = ${Date.now() * 1000}`);
    expect('run-at', 'warn', /ten years/);
    set("model = CAST('openai/x' AS BLOB)");
    expect('types', 'problem', /no text/);
    set('cancel_requested = 1, created_at = 1');
    expect('cancel', 'problem', /asked to be cancelled/);
    expect('worker', 'warn', /could run, and no worker/);
  });
});
