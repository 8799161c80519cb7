// SPDX-License-Identifier: MIT
'use strict';

const { table, ms } = require('../../schema.js');

/** @import { Driver } from '../../driver.js' */
/** @import { Tell } from '../doctor.js' */

/** The engine learns of a cancellation within a second; a job that ends after this long was not told. */
const PATIENCE_MS = 60000;
/** Ten years: nobody plans a call of a model further ahead, but seconds or microseconds taken for milliseconds are there. */
const FAR_MS = 10 * 366 * 24 * 3600 * 1000;
const LONG_AGO_MS = 1e10;
/** As many ids as are named in a finding. */
const NAMED = 3;

/**
 * What is stuck, and why. `:now` is put into the text, for a number needs no quotes.
 * @type {{check: string, verdict: 'warn' | 'problem', where: string, message: string, remedy: string}[]}
 */
const STUCK = [
  {
    check: 'children',
    verdict: 'problem',
    where:
      "job.status = 'waiting-children' AND NOT EXISTS (SELECT 1 FROM llm_jobs AS child WHERE child.parent_job_id = job.id " +
      "AND child.status IN ('waiting', 'active', 'delayed', 'waiting-children'))",
    message: 'wait for children that have all ended',
    remedy: 'start a worker: it looks at them when it starts',
  },
  {
    check: 'run-at',
    verdict: 'problem',
    where: "job.status IN ('delayed', 'waiting') AND typeof(job.run_at) IN ('text', 'blob')",
    message: 'have a run_at that is no number, so they never run',
    remedy: 'set run_at to Unix milliseconds, or to NULL to run at once',
  },
  {
    check: 'run-at',
    verdict: 'warn',
    where:
      "job.status = 'delayed' AND typeof(job.run_at) IN ('integer', 'real') AND " +
      `(job.run_at > :now + ${FAR_MS} OR (job.run_at > 0 AND job.run_at < ${LONG_AGO_MS}))`,
    message: 'have a run_at more than ten years ahead, or in 1970: not milliseconds?',
    remedy: 'set run_at to Unix milliseconds, or to NULL to run at once',
  },
  {
    check: 'types',
    verdict: 'problem',
    where:
      "job.status IN ('waiting', 'delayed', 'waiting-children') AND (typeof(job.name) <> 'text' OR typeof(job.queue) <> 'text' " +
      "OR typeof(job.model) NOT IN ('text', 'null') OR typeof(job.id) <> 'text')",
    message: 'have a name, queue, model or id that is no text (a BLOB?)',
    remedy: 'UPDATE llm_jobs SET model = CAST(model AS TEXT), and so on: a BLOB is never equal to the same text',
  },
  {
    check: 'cancel',
    verdict: 'problem',
    where: `job.cancel_requested <> 0 AND job.finished_on IS NULL AND ${ms('ifnull(job.processed_on, job.created_at)')} < :now - ${PATIENCE_MS}`,
    message: 'were asked to be cancelled and have not ended',
    remedy: 'start a worker, or look at its log: it ends them within a second',
  },
];

/**
 * @param {Driver} driver
 * @param {number} now
 * @param {number} holders how many workers hold a live lease
 * @param {Tell} tell
 */
function examineJobs(driver, now, holders, tell) {
  let well = true;
  for (const { check, verdict, where, message, remedy } of STUCK) {
    const from = `FROM ${table} AS job WHERE ${where.replaceAll(':now', String(now))}`;
    const { n } = /** @type {{n: number}} */ (driver.prepare(`SELECT count(*) AS n ${from}`).get());
    if (n === 0) continue;
    well = false;
    const ids = driver.prepare(`SELECT CAST(id AS TEXT) AS id ${from} LIMIT ${NAMED}`).all();
    tell(check, verdict, `${many(n)} ${message}: ${ids.map(({ id }) => JSON.stringify(id)).join(', ')}${n > NAMED ? ', …' : ''}`, remedy);
  }
  // A worker without a job holds no lease, so that this is only a hint.
  const { n } = /** @type {{n: number}} */ (
    driver.prepare(`SELECT count(*) AS n FROM ${table} WHERE status = 'waiting' OR (status = 'delayed' AND run_at <= ${now})`).get()
  );
  if (n > 0 && holders === 0) {
    well = false;
    tell('worker', 'warn', `${many(n)} could run, and no worker runs anything`, 'start a worker that serves their queue; if one runs, look at its log');
  }
  if (well) tell('jobs', 'ok', 'no job is stuck');
}

/** @param {number} n */
function many(n) {
  return n === 1 ? '1 of the jobs' : `${n} jobs`;
}

module.exports = { examineJobs };
