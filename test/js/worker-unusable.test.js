// SPDX-License-Identifier: MIT
'use strict';

/**
 * Databases that a worker can't use: startWorker says why, and how to mend it. test/c/test_unusable.c has the causes that need
 * no process of their own.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { useWorld } = require('./support/e2e.js');
const { canPreload, preload } = require('./support/preload.js');

const NFS = '0x6969';
const FUSE = '0x65735546';
const cli = path.join(__dirname, '..', '..', 'js', 'cli.js');

describe('worker: a database that cannot be used', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    on.world.createTable();
    await on.world.provider({ tokens: 2 });
  });

  it('a folder, and a folder that is not there', async () => {
    const { world } = on;
    await assert.rejects(world.worker({ database: world.dir }), { code: 'BAD_CONFIG', message: /is a folder/ });
    await assert.rejects(world.worker({ database: path.join(world.dir, 'no', 'app.db') }), { code: 'BAD_CONFIG', message: /no folder/ });
  });

  it('a damaged file', async () => {
    const { world } = on;
    world.db.pragma('wal_checkpoint(TRUNCATE)');
    const bytes = fs.readFileSync(world.file);
    const damaged = path.join(world.dir, 'damaged.db');
    fs.writeFileSync(damaged, bytes.fill(0xff, 100, 108));
    await assert.rejects(world.worker({ database: damaged }), { code: 'DB_CORRUPT', message: /damaged.*restore a backup/ });
  });

  it('a file that is damaged while the worker runs: it writes nothing, and goes on once it is mended', async () => {
    const { world } = on;
    await world.worker();
    assert.equal((await world.ended(world.insert())).status, 'completed');
    // An index whose pages lie beyond the end of the file, put there behind the back of this connection.
    const mend = world.db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'llm_jobs_ready'").get().rootpage;
    const point = (/** @type {number} */ page) => {
      world.db.unsafeMode(true);
      const version = world.db.pragma('schema_version', { simple: true });
      world.db.pragma('writable_schema = ON');
      world.db.prepare("UPDATE sqlite_schema SET rootpage = ? WHERE name = 'llm_jobs_ready'").run(page);
      world.db.pragma('writable_schema = OFF');
      world.db.pragma(`schema_version = ${version + 1}`);
      world.db.unsafeMode(false);
    };
    point(999999);
    await world.until(() => world.log.some((line) => line.includes('DB_CORRUPT')), 'DB_CORRUPT in the log');
    assert.match(world.log.find((line) => line.includes('DB_CORRUPT')), /damaged.*restore a backup/);
    point(mend);
    assert.equal((await world.ended(world.insert())).status, 'completed');
  });

  describe('on a drive of another machine', () => {
    before(function () {
      if (!canPreload) this.skip();
    });

    /** @returns {Record<string, string>} an environment in which every file system is of this type */
    const drive = (/** @type {string} */ type) => ({ ...preload('drive'), LLM_JOBS_TEST_DRIVE: type });

    it('the worker does not start, and doctor says the same', async () => {
      const { world } = on;
      const env = drive(NFS);
      await assert.rejects(world.worker({ env }), (/** @type {any} */ error) => {
        assert.equal(error.code, 'DB_NETWORK');
        assert.ok(error.message.includes(world.file));
        const { stdout } = spawnSync(process.execPath, [cli, 'doctor', world.file, '--json'], { encoding: 'utf8', env: { ...process.env, ...env } });
        const found = JSON.parse(stdout).findings.find((/** @type {any} */ one) => one.check === 'drive');
        assert.equal(found.verdict, 'problem');
        assert.ok(error.message.includes(found.message.replace('the database ', '')), `${error.message} / ${found.message}`);
        assert.ok(error.message.endsWith(found.remedy), `${error.message} / ${found.remedy}`);
        return true;
      });
    });

    it('a FUSE drive may be one: the worker warns and runs', async () => {
      const { world } = on;
      await world.worker({ env: drive(FUSE) });
      assert.equal((await world.ended(world.insert())).status, 'completed');
      assert.ok(world.log.some((line) => /^warn: .*FUSE drive/.test(line)), world.log.join('\n'));
    });
  });
});
