// SPDX-License-Identifier: MIT
'use strict';

/** @import { Database } from 'better-sqlite3' */

/**
 * Rows that a claim must pass by: a third completed, a third delayed to another year, and a third waiting at a higher priority
 * for the model "blocked/m", which is expected to have no room.
 * @param {Database} db
 * @param {number} rows
 */
function fillOthers(db, rows) {
  if (rows === 0) return;
  db.pragma('cache_size = -500000');
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
     INSERT INTO llm_jobs (name, model, data, priority, status, finished_on, run_at)
     SELECT 'other', 'blocked/m', '{"prompt":"other"}', 10,
            CASE i % 3 WHEN 0 THEN 'completed' WHEN 1 THEN 'delayed' ELSE 'waiting' END,
            CASE WHEN i % 3 = 0 THEN 1 END,
            CASE WHEN i % 3 = 1 THEN 9000000000000 + i END
     FROM n`
  ).run(rows);
  settleDown(db);
}

/**
 * @param {Database} db
 * @param {number} rows to be claimed, of model "bench/m"
 */
function fillWaiting(db, rows) {
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
     INSERT INTO llm_jobs (name, model, data) SELECT 'bench', 'bench/m', '{"prompt":"A question of some length, as in a short chat."}' FROM n`
  ).run(rows);
  settleDown(db);
}

/**
 * Everything is in the database file, and what is measured next does not pay for writing it there.
 * @param {Database} db
 */
function settleDown(db) {
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.pragma('cache_size = -16000');
}

module.exports = { fillOthers, fillWaiting };
