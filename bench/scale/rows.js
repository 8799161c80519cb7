// SPDX-License-Identifier: MIT
'use strict';

/**
 * Jobs in a table that grows: beside finished ones, as a table without retention has them, and in front of a backlog of the same
 * model. The backlog is behind the measured jobs, so that as many rows as the figure says wait all the time.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');
const { release } = require('../../scripts/setup/addon.js');
const { countEnds } = require('../lib/ends.js');
const { workOf } = require('../lib/proc.js');
const { figure, spread } = require('../lib/report.js');
const { onStage } = require('../lib/stage.js');

/** @import { Context, Figure, Series, Spread, Table } from '../lib/report.js' */

const PROGRAM = 'bench_claim_settle';
const CONCURRENCY = 20;
const KINDS = /** @type {const} */ ({ finished: 'finished jobs', backlog: 'jobs that wait behind' });
/** The measured jobs have their numbers between those of the finished ones and those of the backlog. */
const FRONT = 10000000;
const BACKLOG = 20000000;

/** @typedef {keyof typeof KINDS} Kind */
/** @typedef {{jobsPerSecond: number, cpuPerThousand: number, durableUs: number, plainUs: number}} Run */
/** @typedef {{rows: number[], rounds: number, warm: number, jobs: number, transactions: number}} Plan */

/** @param {boolean} quick @returns {Plan} */
function planOf(quick) {
  return quick
    ? { rows: [1000, 10000], rounds: 1, warm: 100, jobs: 500, transactions: 20 }
    : { rows: [1000, 10000, 100000, 1000000], rounds: 5, warm: 500, jobs: 5000, transactions: 200 };
}

/**
 * Makes a database with so many rows.
 * @param {string} file
 * @param {Kind} kind
 * @param {number} rows
 */
function fill(file, kind, rows) {
  const db = new BetterSqlite3(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = OFF');
  db.pragma('cache_size = -500000');
  new Queue(db);
  const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @rows)';
  // Ids that grow with time, as those of `Queue` do.
  const common = "printf('%032x', i), 'bench', 'bench/m', '{\"prompt\":\"A question of some length, as in a short chat.\",\"stream\":false}'";
  if (kind === 'backlog') {
    db.prepare(`${numbers} INSERT INTO llm_jobs (seq, id, name, model, data) SELECT ${BACKLOG} + i, ${common} FROM n`).run({ rows });
  } else {
    db.prepare(
      `${numbers} INSERT INTO llm_jobs (seq, id, name, model, data, status, progress, result, attempts, lane, processed_on, finished_on, revision)
       SELECT i, ${common}, 'completed', 100, '{"text":"An answer, shorter than most.","model":"m","finishReason":"stop"}', 1, 'bench/m',
              1790000000000 + i, 1790000000500 + i, i FROM n`,
    ).run({ rows });
  }
  db.close();
}

/**
 * Adds jobs in front of the backlog.
 * @param {import('better-sqlite3').Database} db
 * @param {number} from how many there are already
 * @param {number} count
 */
function addFront(db, from, count) {
  db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @count)
     INSERT INTO llm_jobs (seq, name, model, data) SELECT ${FRONT} + @from + i, 'bench', 'bench/m',
     '{"prompt":"A question of some length, as in a short chat.","stream":false}' FROM n`,
  ).run({ from, count });
  db.pragma('wal_checkpoint(TRUNCATE)');
}

/**
 * @param {string} template
 * @param {Plan} plan
 * @param {string} baseUrl
 * @returns {Promise<Run>}
 */
function runOnce(template, { warm, jobs, transactions }, baseUrl) {
  return onStage(async (stage) => {
    // With flushes and without; one group more is claimed before the clock runs.
    const claims = 2 * CONCURRENCY * (transactions + 1);
    addFront(stage.db, 0, claims);
    const { stdout } = await promisify(execFile)(path.join(release, PROGRAM), [stage.file, String(transactions), String(CONCURRENCY)]);
    const [durable, plain] = JSON.parse(stdout);

    addFront(stage.db, claims, warm + jobs);
    const worker = await stage.worker({
      concurrency: CONCURRENCY,
      securityPolicy: undefined,
      providers: { bench: { kind: 'openai-compatible', baseUrl } },
    });
    const pid = /** @type {number} */ (worker.pid);
    const ends = countEnds(worker);
    const begun = await ends.reached(warm);
    const first = ends.completed();
    const before = workOf(pid).cpuMs;
    const ended = await ends.reached(warm + jobs);
    const done = ends.completed() - first;
    const cpuMs = workOf(pid).cpuMs - before;
    await worker.stop({ deadlineMs: 0 });
    const { n } = stage.db
      .prepare("SELECT count(*) AS n FROM llm_jobs WHERE seq > ? AND status = 'completed' AND length(result->>'text') > 500")
      .get(FRONT + claims);
    // The first of the backlog may be among them: as soon as no job in front waits, they are called.
    if (n < warm + jobs) throw new Error(`${n} of ${warm + jobs} jobs have their result`);
    return { jobsPerSecond: (done / (ended - begun)) * 1000, cpuPerThousand: cpuMs / done, durableUs: durable.usPerJob, plainUs: plain.usPerJob };
  }, template);
}

/**
 * @param {Context} context
 * @param {string} baseUrl
 */
async function measureRows({ quick, note }, baseUrl) {
  const plan = planOf(quick);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-rows-'));
  const kinds = /** @type {Kind[]} */ (Object.keys(KINDS));
  const cases = kinds.flatMap((kind) => plan.rows.map((rows) => ({ kind, rows, file: path.join(dir, `${kind}-${rows}.db`), runs: /** @type {Run[]} */ ([]) })));
  try {
    for (const { kind, rows, file } of cases) {
      note(`filling: ${rows} ${KINDS[kind]}`);
      fill(file, kind, rows);
    }
    for (let round = 0; round < plan.rounds; round++) {
      for (const { kind, rows, file, runs } of cases) {
        note(`round ${round + 1} of ${plan.rounds}: ${rows} ${KINDS[kind]}`);
        runs.push(await runOnce(file, plan, baseUrl));
      }
    }
    const sizes = cases.filter(({ rows }) => rows === plan.rows.at(-1)).map(({ kind, file }) => `${KINDS[kind]} ${(fs.statSync(file).size / 1048576).toFixed(0)} MB`);
    return { settings: settingsOf(plan, sizes), ...told(kinds, plan, cases) };
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * @param {Kind[]} kinds
 * @param {Plan} plan
 * @param {{kind: Kind, rows: number, runs: Run[]}[]} cases
 * @returns {{tables: Table[], figures: Figure[], series: Series[]}}
 */
function told(kinds, plan, cases) {
  const of = (/** @type {Kind} */ kind, /** @type {number} */ rows, /** @type {keyof Run} */ key) =>
    spread(cases.filter((one) => one.kind === kind && one.rows === rows).flatMap(({ runs }) => runs.map((run) => run[key])));
  const keys = /** @type {const} */ (['jobsPerSecond', 'cpuPerThousand', 'durableUs', 'plainUs']);
  const [few, many] = [plan.rows[0], plan.rows[plan.rows.length - 1]];
  const x = { label: 'other rows in the table', log: true };
  const lines = (/** @type {keyof Run} */ key) =>
    kinds.map((kind) => ({ name: KINDS[kind], points: plan.rows.map((rows) => point(rows, of(kind, rows, key))) }));
  return {
    tables: kinds.map((kind) => ({
      title: `beside ${KINDS[kind]}`,
      columns: ['other rows', 'jobs/s', 'CPU s per 1,000 jobs', `claim + settle, groups of ${CONCURRENCY}, durable, µs a job`, 'without flush, µs a job'],
      rows: plan.rows.map((rows) => ({ name: rows.toLocaleString('en-US'), cells: keys.map((key) => of(kind, rows, key)) })),
    })),
    figures: kinds.flatMap((kind) => {
      const ratio = (/** @type {keyof Run} */ key) => of(kind, many, key).median / of(kind, few, key).median;
      const where = `${many.toLocaleString('en-US')} to ${few.toLocaleString('en-US')} ${KINDS[kind]}`;
      return [
        figure(`claim + settle, durable, ratio of ${where}`, ratio('durableUs'), '×', { budget: 2 }),
        figure(`claim + settle, without flush, ratio of ${where}`, ratio('plainUs'), '×', { budget: 2 }),
        figure(`jobs/s, ratio of ${where}`, ratio('jobsPerSecond'), '×'),
      ];
    }),
    series: [
      { name: 'scale-rows', title: `Jobs per second with a growing table, ${CONCURRENCY} at a time`, x, y: { label: 'jobs per second' }, lines: lines('jobsPerSecond') },
      { name: 'scale-claim', title: 'Cost of claim and settlement with a growing table', x, y: { label: 'µs per job, without flush' }, lines: lines('plainUs') },
    ],
  };
}

/** @param {number} x @param {Spread} spread @returns {[number, number, number, number]} */
function point(x, { median, low, high }) {
  return [x, median, low, high];
}

/** @param {Plan} plan @param {string[]} sizes */
function settingsOf({ rounds, warm, jobs, transactions }, sizes) {
  return {
    rows: `${jobs} jobs, after ${warm} that are not counted, ${CONCURRENCY} at a time against nginx, each run on a new copy of the file (${sizes.join(', ')} at the most)`,
    'claim + settle': `${transactions} transactions of ${CONCURRENCY} jobs in C: the last group is settled and the next one claimed; µs at the median`,
    'rounds of rows': `${rounds}, interleaved; median, lowest and highest`,
  };
}

module.exports = { measureRows, fill, point, PROGRAM };
