// SPDX-License-Identifier: MIT
'use strict';

/** What must hold of the model's rows after each step and at the end. */

const assert = require('node:assert/strict');
const { canSet } = require('./clock.js');
const { heldAtKills } = require('./model-worker.js');
const { checkEnd } = require('./model-ends.js');
const { REPEATS } = require('./model-jobs.js');
const { parse } = require('./model-provider.js');
const { UNFINISHED, WRONG_ENDED } = require('./model-watch.js');

/** @import { Model } from './model.js' */
/** @import { Planned } from './model-ends.js' */

const QUIET_MS = 40000;
const COUNT_EVERY = 100; // steps between two counts of all rows

/**
 * What must hold after each step.
 * @param {Model} model @param {string} when for the message
 */
function check(model, when) {
  assert.deepEqual(model.sql.violations.all(), [], `${when}: a write that must not be`);
  assert.deepEqual(model.sql.wrong.all(), [], `${when}: rows that must not be`);
  if (model.steps % COUNT_EVERY === 0) assert.equal(model.sql.rows.get(), model.jobs.size, `${when}: rows`);
  for (const { id, faults } of model.workers) assert.deepEqual(faults, [], `${when}: worker ${id}`);
  for (const [key, state] of model.repeats) {
    const next = model.sql.occurrence.get(key);
    if (state === 'going') assert.ok(next !== undefined, `${when}: ${key} comes no more, and nobody has cancelled it`);
    else if (next === undefined) model.repeats.delete(key);
    else assert.equal(next, state, `${when}: ${key} was cancelled, and comes again`);
  }
}

/**
 * No more operations, all clocks right with each other: everything must come to its end.
 * @param {Model} model
 */
async function quiet(model) {
  for (const worker of model.workers) {
    worker.resume();
    worker.reopen();
    if (canSet) worker.clock.set(model.aheadMs);
  }
  await checkRepeats(model);
  for (const [key, state] of model.repeats) if (state === 'going') model.endRepeat(key);
  model.write(() => model.sql.dueNow.run());
  const rows = model.world.db.prepare(`SELECT id, status, run_at - ? AS due, attempts, stalls, dependency_count, lease_owner, error
    FROM llm_jobs WHERE status IN ${UNFINISHED} LIMIT 5`);
  const left = () => `${model.sql.left.get()} rows to end: ${JSON.stringify(rows.all(model.now()))}; ${JSON.stringify(model.workers.map(({ id, log }) => ({ id, log })))}`;
  await model.world.until(() => model.sql.left.get() === 0, left, QUIET_MS);
}

/**
 * What comes again within a minute does so by the clock as it is, not as it was; a set-back of a minute is let pass.
 * @param {Model} model
 */
async function checkRepeats(model) {
  const late = model.world.db.prepare(`SELECT dedup_key, run_at - ? AS due FROM llm_jobs
    WHERE dedup_key IN ('repeat0', 'repeat1', 'repeat2') AND status = 'delayed' AND run_at > ? + 121000`);
  const found = () => late.all(model.now(), model.now());
  await model.world.until(() => found().length === 0, () => `repeats that were put off: ${JSON.stringify(found())}`);
}

/**
 * @typedef {object} Found what the checks of the ends have counted
 * @property {Record<string, number>} ends of each kind
 * @property {number} calls
 * @property {number} occurrences of the jobs that come again
 */

/**
 * After `quiet`: how each job has ended.
 * @param {Model} model
 * @returns {Promise<Found>}
 */
async function checkEnds(model) {
  const { db } = model.world;
  const byId = (/** @type {string} */ sql) => new Map(db.prepare(sql).all().map((row) => [row.id ?? row.job, row]));
  const rows = byId("SELECT * FROM llm_jobs WHERE name = 'job'");
  const tallies = byId('SELECT * FROM tally');
  const calls = await countCalls(model);
  assert.deepEqual(db.prepare(WRONG_ENDED).all(), []);
  assert.deepEqual([...rows.keys()].sort(), [...model.jobs.keys()].sort());

  // 1. Each job's end
  const find = (/** @type {string} */ id) => ({
    planned: /** @type {Planned} */ (model.jobs.get(id)),
    row: rows.get(id),
    tally: tallies.get(id),
    calls: calls.get(id) ?? 0,
  });
  /** @type {Map<string, number>} */
  const lastOfKey = new Map();
  for (const { supersede, order } of model.jobs.values()) if (supersede !== null) lastOfKey.set(supersede, order);
  /** @type {Record<string, number>} */
  const ends = {};
  for (const [id, row] of rows) {
    checkEnd(id, find, (key) => lastOfKey.get(key) ?? -1);
    const end = row.status === 'completed' ? row.status : `${row.status} ${JSON.parse(row.error).code}`;
    ends[end] = (ends[end] ?? 0) + 1;
  }

  // 2. Runs that a kill has ended count as stalls, unless they could not go back
  for (const [id, times] of heldAtKills(model.workers)) {
    const { lost, aborted } = tallies.get(id);
    assert.ok(lost + aborted >= times, `${id}: ${times} kills, but ${lost} stalls`);
  }

  // 3. The app's own rows and their jobs were committed together, and what was rolled back was never run
  for (const job of db.prepare('SELECT job FROM notes').pluck().all()) assert.ok(rows.has(job), `${job} has a note and no row`);
  for (const id of model.never) assert.ok(!calls.has(id), `${id} was called and never committed`);

  // 4. What comes again comes once for all the times that a jump has left out
  const seconds = (performance.now() - model.openedAt) / 1000;
  const occurrences = db.prepare("SELECT count(*) FROM llm_jobs WHERE name = 'repeat'").pluck().get();
  const most = REPEATS.length * (seconds + 2 * model.workers.length * (model.jumps + 1)) + (model.counts.repeat ?? 0);
  assert.ok(occurrences <= most, `${occurrences} occurrences in ${seconds} s with ${model.jumps} jumps`);
  return { ends, occurrences, calls: [...calls.values()].reduce((sum, n) => sum + n, 0) };
}

/**
 * @param {Model} model
 * @returns {Promise<Map<string, number>>} of each job
 */
async function countCalls(model) {
  /** @type {Map<string, number>} */
  const calls = new Map();
  for (const prompt of await model.world.prompts()) {
    const { id } = parse(prompt);
    calls.set(id, (calls.get(id) ?? 0) + 1);
  }
  return calls;
}

/**
 * @param {Model} model
 * @param {Found} found
 * @returns {string} one line of numbers
 */
function summary(model, { ends, calls, occurrences }) {
  const say = (/** @type {Record<string, number>} */ counts) => Object.entries(counts).map(([key, n]) => `${n} ${key}`).join(', ');
  const inFlight = model.workers.reduce((sum, worker) => sum + worker.killsInFlight, 0);
  const lost = model.world.db.prepare('SELECT sum(lost) FROM tally').pluck().get();
  return `${say(model.counts)}; ${inFlight} kills found jobs in flight, ${lost} stalls; ${calls} calls; ${occurrences} occurrences; ends: ${say(ends)}`;
}

module.exports = { check, quiet, checkEnds, summary };
