// SPDX-License-Identifier: MIT
'use strict';

/**
 * The app of bench/app-writes.js: it writes to its own database at a steady rate, with the driver as it comes, and measures how
 * long each write keeps its thread.
 */

const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');
const { quantile } = require('./report.js');

const { file, seconds, perSecond, way } = JSON.parse(process.argv[2]);
// No option at all: the busy timeout is the driver's own.
const db = new BetterSqlite3(file);
db.pragma('synchronous = NORMAL');
const write = way === 'own' ? ownTable() : addJob();
/** @type {number[]} */
const took = [];
let busy = 0;
const begun = now();

function ownTable() {
  db.exec('CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, at INTEGER NOT NULL)');
  const insert = db.prepare('INSERT INTO notes (title, at) VALUES (?, ?)');
  return () => insert.run('A small row of the app.', Date.now());
}

function addJob() {
  const queue = new Queue(db);
  return () => queue.add('bench', { prompt: 'A job of the app.', stream: false }, { model: 'fake/m' });
}

/** Milliseconds of the monotonic clock. */
function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

function writeOnce() {
  const before = now();
  try {
    write();
  } catch (error) {
    if (!String(/** @type {any} */ (error).code).startsWith('SQLITE_BUSY')) throw error;
    busy++;
  }
  took.push(now() - before);
}

/** As many writes as are due: after a long one, those that it held up follow at once, and the rate stays what it is. */
function next() {
  while (took.length < seconds * perSecond && now() >= begun + (took.length * 1000) / perSecond) writeOnce();
  if (took.length < seconds * perSecond) {
    setTimeout(next, 1);
    return;
  }
  const ms = now() - begun;
  db.close();
  took.sort((one, other) => one - other);
  const answer = {
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    max: quantile(took, 1),
    over5Ms: took.filter((one) => one > 5).length,
    count: took.length,
    busy,
    perSecond: (took.length / ms) * 1000,
  };
  process.send?.(answer, () => process.disconnect());
}

process.on('disconnect', () => process.exit(0));
next();
