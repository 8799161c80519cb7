// SPDX-License-Identifier: MIT
'use strict';

/**
 * Table llm_jobs of the original schema in its variants: how it keeps time, and which states its CHECK knows.
 */

const STATES = "'waiting', 'active', 'completed', 'failed', 'delayed', 'paused'";

/** @type {Record<string, {now: string, of: (ms: number) => number}>} */
const UNITS = {
  'seconds with a fraction': { now: "unixepoch('subsec')", of: (ms) => ms / 1000 },
  'whole seconds': { now: 'unixepoch()', of: (ms) => Math.floor(ms / 1000) },
  milliseconds: { now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)", of: (ms) => ms },
};

/** @type {Record<string, {sql: string, cancelled: string, flows: boolean}>} */
const CHECKS = {
  'no CHECK': { sql: '', cancelled: 'cancelled', flows: true },
  'the first CHECK': { sql: `CHECK (status IN (${STATES}))`, cancelled: 'failed', flows: false },
  'a CHECK with waiting-children': { sql: `CHECK ("llm_jobs"."status" in (${STATES}, 'waiting-children'))`, cancelled: 'failed', flows: true },
};

/** The columns that such a table has, the app's own one included. */
const COLUMNS =
  'id, name, data, opts, priority, status, progress, attempts, max_attempts, delay, parent_job_id, dependency_count, result, failure_reason, ' +
  'stacktrace, created_at, processed_on, finished_on, user_id';

/**
 * With a table and a trigger of the app's own beside it.
 * @param {{now: string}} unit
 * @param {{sql: string}} check
 * @param {string} [more]
 */
function olderTable(unit, check, more = '') {
  return `CREATE TABLE llm_jobs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, data TEXT NOT NULL, opts TEXT, priority INTEGER DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'waiting' ${check.sql}, progress INTEGER DEFAULT 0, attempts INTEGER DEFAULT 0,
    max_attempts INTEGER DEFAULT 3, delay INTEGER DEFAULT 0, parent_job_id TEXT REFERENCES llm_jobs(id) ON DELETE SET NULL,
    dependency_count INTEGER DEFAULT 0, result TEXT, failure_reason TEXT, stacktrace TEXT,
    created_at INTEGER NOT NULL DEFAULT (${unit.now}), processed_on INTEGER, finished_on INTEGER, user_id TEXT DEFAULT (upper('u1'))
  )${more};
  CREATE INDEX idx_llm_jobs_status_priority ON llm_jobs(status, priority DESC, created_at);
  CREATE INDEX idx_llm_jobs_parent ON llm_jobs(parent_job_id, dependency_count);
  CREATE TABLE audit (job TEXT, status TEXT);
  CREATE TRIGGER audited AFTER UPDATE OF status ON llm_jobs BEGIN INSERT INTO audit VALUES (new.id, new.status); END;`;
}

module.exports = { olderTable, UNITS, CHECKS, COLUMNS };
