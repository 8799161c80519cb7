// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const path = require('node:path');

/** Where a file has one name in any case, the system reports it as it lies on the disk, and a configuration may say otherwise. */
const ignoresCase = process.platform === 'win32' || process.platform === 'darwin';

/**
 * @param {string} name a file's, as the system reports it
 * @param {string} database the name of the database's file
 * @returns {boolean} whether it is the database, its -wal, its -shm or its -journal
 */
function isOfDatabase(name, database, ignoreCase = ignoresCase) {
  return ignoreCase ? name.toLowerCase().startsWith(database.toLowerCase()) : name.startsWith(database);
}

/**
 * Calls `look` when a file of the database changes: the database itself, its -wal or its -journal. It watches the directory and
 * never opens one of the files, because closing a file that SQLite has open in this process drops SQLite's locks. Many changes in
 * one turn of the event loop are one call. A watch that fails is reported once; the engine's slow poll finds the jobs then.
 * @param {string} database
 * @param {() => void} look
 * @param {(line: string) => void} report
 * @returns {() => void} ends the watch
 */
function watchDatabase(database, look, report) {
  let scheduled = false;
  let open = true;

  const onChange = (/** @type {string} */ _event, /** @type {string | null} */ name) => {
    // Some systems do not name the file.
    if (scheduled || (name !== null && !isOfDatabase(name, base))) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (open) look();
    });
  };
  const onError = (/** @type {any} */ error) => {
    if (!open) return;
    close();
    report(`the directory of the database cannot be watched (${error?.code ?? error}); new jobs are found by polling`);
  };
  const close = () => {
    open = false;
    watcher?.close();
  };

  let base = '';
  /** @type {fs.FSWatcher | undefined} */
  let watcher;
  try {
    // SQLite keeps its -wal beside the file itself, not beside a link to it.
    const file = fs.realpathSync(database);
    base = path.basename(file);
    watcher = fs.watch(path.dirname(file), onChange);
    watcher.on('error', onError);
  } catch (error) {
    onError(error);
  }
  return close;
}

module.exports = { watchDatabase, isOfDatabase };
