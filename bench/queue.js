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
const { figure, shown } = require('./lib/report.js');
const { onStage } = require('./lib/stage.js');

/** @import { Context, Figure, Result, Spread, Table } from './lib/report.js' */

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
    tables: [claimTable(all), addTable(all)],
    figures: ratios(all),
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

/** @param {number} value @returns {Spread} */
const once = (value) => ({ median: value, low: value, high: value });

/** @param {Measured[]} all */
const columnsOf = (all) => all.map(({ others }) => (others === 0 ? 'an empty table' : `beside ${shown(others)} rows`));

/** @param {Measured[]} all @returns {Table} */
function claimTable(all) {
  return {
    id: 'claim',
    title: 'claim + settle, µs a job at the median',
    columns: ['jobs in a transaction', ...columnsOf(all), 'jobs/s over all', 'p99 of a transaction, ms'],
    rows: all[0].claimed.map(({ size, durable }, index) => {
      const { jobsPerSecond, p99Us } = all[all.length - 1].claimed[index];
      const cells = [...all.map(({ claimed }) => claimed[index].usPerJob), Math.round(jobsPerSecond), p99Us / 1000];
      return { name: `${size}, ${durable ? 'durable' : 'without flush'}`, cells: cells.map(once) };
    }),
  };
}

/** @param {Measured[]} all @returns {Table} */
function addTable(all) {
  return {
    id: 'add',
    title: 'adding through Queue, jobs a second',
    columns: ['', ...columnsOf(all)],
    rows: ['FULL', 'NORMAL'].flatMap((synchronous) =>
      Object.entries(WAYS).map(([way, means]) => ({ name: `${means}, ${synchronous}`, cells: all.map(({ added }) => once(Math.round(added[synchronous][way]))) })),
    ),
  };
}

/**
 * What the fullest table costs, as a multiple of the empty one: of each kind the worst.
 * @param {Measured[]} all the empty table first
 * @returns {Figure[]}
 */
function ratios(all) {
  const [empty, fullest] = [all[0], all[all.length - 1]];
  const claims = [true, false].map((durable) => {
    const groups = empty.claimed.map((one, index) => ({ ...one, ratio: fullest.claimed[index].usPerJob / one.usPerJob })).filter((one) => one.durable === durable);
    const worst = groups.reduce((most, one) => (one.ratio > most.ratio ? one : most));
    return figure(`claim + settle, ${durable ? 'durable' : 'without flush'}, time as a multiple of the empty table`, worst.ratio, '×', { budget: 2, note: `groups of ${worst.size}` });
  });
  const adds = ['FULL', 'NORMAL'].map((synchronous) => {
    const ways = Object.entries(WAYS).map(([way, means]) => ({ means, ratio: empty.added[synchronous][way] / fullest.added[synchronous][way] }));
    const worst = ways.reduce((most, one) => (one.ratio > most.ratio ? one : most));
    return figure(`adding, ${synchronous}, time as a multiple of the empty table`, worst.ratio, '×', { budget: 2, note: worst.means });
  });
  return [...claims, ...adds];
}

module.exports = { about: 'adding, claiming and settling, in an empty table and beside a million other rows', run };
