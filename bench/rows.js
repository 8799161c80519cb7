// SPDX-License-Identifier: MIT
'use strict';

/**
 * Whether a table that is full makes new jobs wait: the delay from commit to request (lib/delays.js), in an empty table and
 * beside a million rows that a claim must pass by: ended ones, delayed ones, and waiting ones of a lane that is rate limited.
 */

const { figure } = require('./lib/report.js');
const { measureDelays } = require('./lib/delays.js');
const { onStage } = require('./lib/stage.js');

/** @import { Context, Result } from './lib/report.js' */

const GAP_MS = [5, 40];

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const rows = quick ? 100000 : 1000000;
  const inserts = quick ? 50 : 300;
  const empty = await measure(0, inserts);
  note(`empty table: ${empty.p50.toFixed(2)} ms at the median`);
  const full = await measure(rows, inserts);
  return {
    settings: {
      inserts: `${inserts} by a NORMAL writer, gaps of ${GAP_MS.join(' to ')} ms`,
      'full table': `${rows} other rows: a quarter each completed, failed, delayed to another year, and waiting for a lane that is rate limited`,
    },
    figures: [
      figure('commit to request, empty table, p50', empty.p50, 'ms'),
      figure('commit to request, empty table, p99', empty.p99, 'ms'),
      figure('commit to request, full table, p50', full.p50, 'ms'),
      figure('commit to request, full table, p99', full.p99, 'ms'),
      figure('full to empty table, ratio of p50', full.p50 / empty.p50, '', { budget: 2 }),
    ],
  };
}

/**
 * @param {number} rows
 * @param {number} inserts
 */
function measure(rows, inserts) {
  return onStage(async (stage) => {
    const fake = await stage.provider({ tokens: 5, script: require.resolve('./lib/limited.js') });
    stage.insert(1, () => 'warm');
    if (rows > 0) fill(stage.db, rows);
    const worker = await stage.worker({ providers: { fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl } } });
    const end = Date.now() + 20000;
    // The first call of the limited lane closes it for the whole run.
    while ((await fake.count()) < (rows > 0 ? 2 : 1) || (await worker.stats()).active > 0) {
      if (Date.now() > end) throw new Error('the worker did not come to rest');
    }
    return measureDelays(stage, fake, { synchronous: 'NORMAL', inserts, gapMs: GAP_MS });
  });
}

/**
 * @param {import('better-sqlite3').Database} db
 * @param {number} rows
 */
function fill(db, rows) {
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
     INSERT INTO llm_jobs (name, model, data, status, finished_on, run_at)
     SELECT 'other', 'fake/limited', '{"prompt":"other"}',
            CASE i % 4 WHEN 0 THEN 'completed' WHEN 1 THEN 'failed' WHEN 2 THEN 'delayed' ELSE 'waiting' END,
            CASE WHEN i % 4 < 2 THEN 1 END,
            CASE WHEN i % 4 = 2 THEN 9000000000000 + i END
     FROM n`
  ).run(rows);
  db.pragma('wal_checkpoint(TRUNCATE)');
}

module.exports = { about: 'the same delay beside a million other rows', run };
