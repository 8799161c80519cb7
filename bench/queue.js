// SPDX-License-Identifier: MIT
'use strict';

/**
 * The queue without calls: adding jobs through `Queue`, and the engine's claim and settlement (bench/c/bench_claim_settle.c), in
 * an empty table and beside many other rows.
 */

const fs = require('node:fs');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const { setup } = require('../scripts/setup.js');
const { release } = require('../scripts/setup/addon.js');
const { askChild } = require('./lib/child.js');
const { fillOthers, fillWaiting } = require('./lib/fill.js');
const { figure } = require('./lib/report.js');
const { onStage } = require('./lib/stage.js');

/** @import { Context, Figure, Result } from './lib/report.js' */

const PROGRAM = 'bench_claim_settle';
const SIZES = [1, 10, 50];
const ENQUEUE = path.join(__dirname, 'lib', 'enqueue.js');
const WAYS = { one: 'one by one', hundred: 'transactions of 100', bulk: 'addBulk' };

/**
 * @typedef {{size: number, durable: boolean, usPerJob: number, jobsPerSecond: number, p99Us: number}} Claimed
 * @typedef {{others: number, added: Record<string, Record<string, number>>, claimed: Claimed[], databaseMb: number}} Measured
 *
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const tables = quick ? [0, 1000, 10000] : [0, 100000, 1000000];
  const plan = quick
    ? { transactions: 20, ones: 50, groups: 5, bulk: 1000, bulks: 1 }
    : { transactions: 400, ones: 1500, groups: 40, bulk: 10000, bulks: 5 };
  await setup({ parts: ['addon', PROGRAM] });
  /** @type {Measured[]} */
  const all = [];
  for (const others of tables) {
    note(`${others} other rows`);
    all.push(await measure(others, plan));
  }
  return {
    settings: {
      'other rows': 'a third each completed, delayed to another year, and waiting at a higher priority for a lane without room',
      'claim + settle': `${plan.transactions} transactions of each size: the last group is settled and the next one claimed; µs per job at the median`,
      added: `${plan.ones} jobs one by one, ${plan.groups} transactions of 100, ${plan.bulks} of addBulk with ${plan.bulk}; groups at the median`,
      databases: all.map(({ others, databaseMb }) => `${others} rows ${databaseMb.toFixed(0)} MB`).join(', '),
    },
    figures: [...claimFigures(all), ...addFigures(all)],
  };
}

/**
 * @param {number} others
 * @param {{transactions: number, ones: number, groups: number, bulk: number, bulks: number}} plan
 * @returns {Promise<Measured>}
 */
function measure(others, { transactions, ...adding }) {
  return onStage(async (stage) => {
    fillOthers(stage.db, others);
    // Each size is measured twice, with durable commits and without; two groups more than measured are claimed.
    fillWaiting(stage.db, SIZES.reduce((sum, size) => sum + 2 * size * (transactions + 2), 0));
    const databaseMb = fs.statSync(stage.file).size / 1048576;
    const args = [stage.file, String(transactions), ...SIZES.map(String)];
    const { stdout } = await promisify(execFile)(path.join(release, PROGRAM), args);
    /** @type {Measured['added']} */
    const added = {};
    for (const synchronous of ['FULL', 'NORMAL']) {
      stage.db.pragma('wal_checkpoint(TRUNCATE)');
      added[synchronous] = await askChild(stage, ENQUEUE, { file: stage.file, synchronous, ...adding });
    }
    return { others, added, claimed: JSON.parse(stdout), databaseMb };
  });
}

/**
 * @param {Measured[]} all the empty table first
 * @returns {Figure[]}
 */
function claimFigures(all) {
  return all[0].claimed.flatMap((empty, index) => {
    const { size, durable } = empty;
    const name = `claim + settle, groups of ${size}, ${durable ? 'durable' : 'without flush'}`;
    return all.flatMap(({ others, claimed }) => {
      const { usPerJob, jobsPerSecond, p99Us } = claimed[index];
      return [
        figure(`${name}, ${others} others`, usPerJob, 'µs a job', {
          note: `${Math.round(jobsPerSecond)} jobs/s; p99 of a transaction ${(p99Us / 1000).toFixed(2)} ms`,
        }),
        ...(others === 0 ? [] : [figure('  ratio to the empty table', usPerJob / empty.usPerJob, '', { budget: 2 })]),
      ];
    });
  });
}

/**
 * @param {Measured[]} all
 * @returns {Figure[]}
 */
function addFigures(all) {
  return ['FULL', 'NORMAL'].flatMap((synchronous) =>
    Object.entries(WAYS).flatMap(([way, means]) =>
      all.flatMap(({ others, added }) => {
        const rate = added[synchronous][way];
        return [
          figure(`add, ${means}, ${synchronous}, ${others} others`, rate, 'jobs/s'),
          ...(others === 0 ? [] : [figure('  times slower than the empty table', all[0].added[synchronous][way] / rate, '', { budget: 2 })]),
        ];
      })
    )
  );
}

module.exports = { about: 'adding, claiming and settling, in an empty table and beside a million other rows', run };
