// SPDX-License-Identifier: MIT
'use strict';

const path = require('node:path');
const BetterSqlite3 = require('better-sqlite3');

/** The app's own SQLite file as a good developer opens it. @param {import('./peer.js').PeerOptions} options */
function openStore({ dir, full }) {
  const db = new BetterSqlite3(path.join(dir, 'app.db'));
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${full ? 'FULL' : 'NORMAL'}`);
  return db;
}

/** What `full: false` and `full: true` are for a stack on better-sqlite3. */
const DURABILITY = {
  usual: 'SQLite in WAL with synchronous=NORMAL: a power cut may take the last results',
  full: 'SQLite in WAL with synchronous=FULL: results survive a power cut',
};

/** What may not run before has to wait long enough for any benchmark, and not so long that some stack's arithmetic breaks. */
const YEAR_MS = 365 * 24 * 3600 * 1000;

module.exports = { openStore, DURABILITY, YEAR_MS };
