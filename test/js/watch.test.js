// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { isOfDatabase, watchDatabase } = require('../../js/watch.js');
const { until } = require('./support/until.js');

describe('the watch on the database', () => {
  /** @type {string} */ let root;
  /** @type {string} */ let file;
  let looks = 0;
  /** @type {string[]} */ let lines = [];
  let end = () => {};

  const watch = (/** @type {string} */ database) => {
    end = watchDatabase(database, () => (looks += 1), (line) => lines.push(line));
  };
  const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'));
    file = path.join(root, 'app.db');
    fs.writeFileSync(file, '');
    looks = 0;
    lines = [];
  });
  afterEach(() => {
    end();
    fs.rmSync(root, { recursive: true, force: true });
  });

  it('looks when the database or its -wal changes', async () => {
    watch(file);
    fs.writeFileSync(`${file}-wal`, 'a');
    await until(() => looks > 0);
    await settled();
    looks = 0;
    fs.appendFileSync(file, 'a');
    await until(() => looks > 0);
  });

  it('does not care about other files', async () => {
    watch(file);
    fs.writeFileSync(path.join(root, 'other.db-wal'), 'a');
    fs.writeFileSync(path.join(root, 'my-app.db'), 'a');
    await settled();
    assert.equal(looks, 0);
  });

  it('knows the files of the database by any case where the system does', () => {
    for (const name of ['Notes.DB', 'notes.db', 'notes.db-wal', 'NOTES.DB-JOURNAL']) assert.ok(isOfDatabase(name, 'Notes.db', true), name);
    assert.ok(!isOfDatabase('other.db', 'Notes.db', true));
    assert.ok(isOfDatabase('Notes.db-wal', 'Notes.db', false));
    assert.ok(!isOfDatabase('notes.db-wal', 'Notes.db', false));
  });

  it('looks once for many changes in one turn', async () => {
    watch(file);
    for (let n = 0; n < 200; n += 1) fs.appendFileSync(`${file}-wal`, 'a');
    await until(() => looks > 0);
    await settled();
    // The system hands over what happened in one batch, or a few.
    assert.ok(looks <= 5, `${looks} looks`);
  });

  it('follows a link to where SQLite keeps the -wal', async () => {
    const link = path.join(fs.mkdtempSync(path.join(root, 'elsewhere-')), 'link.db');
    fs.symlinkSync(file, link);
    watch(link);
    fs.writeFileSync(`${file}-wal`, 'a');
    await until(() => looks > 0);
  });

  it('is quiet after its end', async () => {
    watch(file);
    fs.writeFileSync(`${file}-wal`, 'a');
    end();
    await settled();
    assert.deepEqual([looks, lines], [0, []]);
  });

  it('rests while its files change without a pause, then looks without an event', async function () {
    if (process.platform !== 'linux') this.skip();
    const real = fs.watch;
    const { EventEmitter } = require('node:events');
    let begun = 0;
    let closed = 0;
    /** @type {(event: string, name: string) => void} */
    let tell = () => {};
    fs.watch = /** @type {any} */ (
      (/** @type {string} */ _directory, /** @type {typeof tell} */ listener) => {
        begun += 1;
        tell = listener;
        return Object.assign(new EventEmitter(), { close: () => (closed += 1) });
      }
    );
    const change = async () => {
      tell('change', 'app.db-wal');
      await new Promise((resolve) => setImmediate(resolve));
    };
    try {
      watch(file);
      // A quiet moment, which a busy machine may bring about, makes it count anew.
      let changes = 0;
      for (; closed === 0 && changes < 100000; changes += 1) await change();
      assert.deepEqual([begun, closed], [1, 1]);
      assert.equal(looks, changes);
      await until(() => begun === 2);
      assert.equal(looks, changes + 1);
      for (let n = 0; closed === 1 && n < 100000; n += 1) await change();
      await until(() => begun === 3);
      end();
      await settled();
      assert.equal(begun, 3);
    } finally {
      fs.watch = real;
    }
  });

  it('reports once that it cannot watch', () => {
    watch(path.join(root, 'nowhere', 'app.db'));
    assert.deepEqual(lines, ['the directory of the database cannot be watched (ENOENT); new jobs are found by polling']);
  });

  it('reports a watch that breaks once, and goes on without it', () => {
    const real = fs.watch;
    const { EventEmitter } = require('node:events');
    const watcher = Object.assign(new EventEmitter(), { closed: 0, close() { this.closed += 1; } });
    fs.watch = /** @type {any} */ (() => watcher);
    try {
      watch(file);
    } finally {
      fs.watch = real;
    }
    const error = Object.assign(new Error('x'), { code: 'EPERM' });
    watcher.emit('error', error);
    watcher.emit('error', error);
    assert.deepEqual(lines.length, 1);
    assert.ok(watcher.closed > 0);
  });
});
