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
 * The worker's own transactions are events too: at full load thousands a second, each of which wakes this thread for nothing. So
 * a watch that has made the engine look so often, with no quiet REST_MS between, rests after each further look. Nothing is lost by
 * that: after a look the engine compares `data_version` each millisecond for longer than a rest takes (RECHECK_MS in
 * src/engine/loop.c), and when the rest is over it is told to look again.
 */
const DENSE_LOOKS = 32;
const REST_MS = 20;
/** Elsewhere a watch that is begun anew costs more than the events. */
const rests = process.platform === 'linux';

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
  let looks = 0;
  let lookedAt = 0;
  let base = '';
  let directory = '';
  /** @type {fs.FSWatcher | undefined} */
  let watcher;
  /** @type {NodeJS.Timeout | undefined} */
  let rest;

  const onChange = (/** @type {string} */ _event, /** @type {string | null} */ name) => {
    // Some systems do not name the file.
    if (scheduled || (name !== null && !isOfDatabase(name, base))) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!open) return;
      look();
      if (rests && isDense()) pause();
    });
  };
  const isDense = () => {
    const before = lookedAt;
    lookedAt = performance.now();
    looks = lookedAt - before < REST_MS ? looks + 1 : 1;
    return looks >= DENSE_LOOKS;
  };
  const pause = () => {
    watcher?.close();
    rest = setTimeout(() => {
      begin();
      lookedAt = performance.now();
      // What happened meanwhile has caused no event that anybody saw.
      if (open) look();
    }, REST_MS);
  };
  const begin = () => {
    try {
      watcher = fs.watch(directory, onChange);
      watcher.on('error', onError);
    } catch (error) {
      onError(error);
    }
  };
  const onError = (/** @type {any} */ error) => {
    if (!open) return;
    close();
    report(`the directory of the database cannot be watched (${error?.code ?? error}); new jobs are found by polling`);
  };
  const close = () => {
    open = false;
    clearTimeout(rest);
    watcher?.close();
  };

  try {
    // SQLite keeps its -wal beside the file itself, not beside a link to it.
    const file = fs.realpathSync(database);
    base = path.basename(file);
    directory = path.dirname(file);
    begin();
  } catch (error) {
    onError(error);
  }
  return close;
}

module.exports = { watchDatabase, isOfDatabase };
