// SPDX-License-Identifier: MIT
'use strict';

/**
 * Whether a provider that is rate limited holds up another: the delay from commit to request (lib/delays.js) for jobs of
 * priority 0, alone and behind many waiting jobs of priority 10 whose provider has said 429 with a long Retry-After.
 */

const { figure, quantile } = require('./lib/report.js');
const { measureDelays } = require('./lib/delays.js');
const { onStage } = require('./lib/stage.js');

/** @import { Context, Result } from './lib/report.js' */

const GAP_MS = [5, 40];
const BUDGET_MS = 5;

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const waiting = quick ? 5000 : 100000;
  const inserts = quick ? 30 : 200;
  const rounds = quick ? 1 : 3;
  /** @type {{alone: Delays[], behind: Delays[]}} */
  const all = { alone: [], behind: [] };
  // In turn, so that what else the machine does falls on both.
  for (let i = 0; i < rounds; i++) {
    all.alone.push(await measure(0, inserts));
    all.behind.push(await measure(waiting, inserts));
    note(`round ${i + 1}: p50 ${all.alone[i].p50.toFixed(2)} ms alone, ${all.behind[i].p50.toFixed(2)} ms behind ${waiting}`);
  }
  const alone = medians(all.alone);
  const behind = medians(all.behind);
  return {
    settings: {
      inserts: `${inserts} of priority 0 by a NORMAL writer, gaps of ${GAP_MS.join(' to ')} ms; medians of ${rounds} rounds`,
      behind: `${waiting} waiting jobs of priority 10, whose provider is paused for an hour`,
    },
    figures: [
      figure('commit to request, alone, p50', alone.p50, 'ms'),
      figure('commit to request, alone, p99', alone.p99, 'ms'),
      figure('commit to request, behind them, p50', behind.p50, 'ms'),
      figure('commit to request, behind them, p99', behind.p99, 'ms'),
      figure('difference of p50', behind.p50 - alone.p50, 'ms', { budget: BUDGET_MS }),
      figure('difference of p99', behind.p99 - alone.p99, 'ms', { budget: BUDGET_MS }),
    ],
  };
}

/**
 * @typedef {{p50: number, p99: number, max: number}} Delays
 *
 * @param {Delays[]} all
 * @returns {{p50: number, p99: number}}
 */
function medians(all) {
  const median = (/** @type {'p50' | 'p99'} */ key) => quantile(all.map((one) => one[key]).sort((one, other) => one - other), 0.5);
  return { p50: median('p50'), p99: median('p99') };
}

/**
 * @param {number} waiting
 * @param {number} inserts
 * @returns {Promise<Delays>}
 */
function measure(waiting, inserts) {
  return onStage(async (stage) => {
    const fake = await stage.provider({ tokens: 5 });
    const limited = await stage.provider({ tokens: 5, script: require.resolve('./lib/limited.js') });
    stage.insert(1, () => 'warm');
    if (waiting > 0) {
      stage.db
        .prepare(
          `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
           INSERT INTO llm_jobs (name, model, data, priority) SELECT 'other', 'other/limited', '{"prompt":"other"}', 10 FROM n`
        )
        .run(waiting);
      stage.db.pragma('wal_checkpoint(TRUNCATE)');
    }
    const worker = await stage.worker({
      providers: {
        fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl },
        other: { kind: 'openai-compatible', baseUrl: limited.openaiUrl },
      },
    });
    const end = Date.now() + 20000;
    // The first call of the limited provider closes its lane for the whole run.
    while ((await fake.count()) < 1 || (waiting > 0 && (await limited.count()) < 1) || (await worker.stats()).active > 0) {
      if (Date.now() > end) throw new Error('the worker did not come to rest');
    }
    return measureDelays(stage, fake, { synchronous: 'NORMAL', inserts, gapMs: GAP_MS });
  });
}

module.exports = { about: 'whether many waiting jobs of a rate-limited provider hold up those of another', run };
