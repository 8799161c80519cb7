// SPDX-License-Identifier: MIT
'use strict';

/** The process that adds jobs for bench/queue.js. It sends jobs per second for each way to add them. */

const BetterSqlite3 = require('better-sqlite3');
const { Queue } = require('../../js/index.js');
const { quantile } = require('./report.js');

const { file, synchronous, ones, groups, bulk, bulks } = JSON.parse(process.argv[2]);
const db = new BetterSqlite3(file);
db.pragma(`synchronous = ${synchronous}`);
const queue = new Queue(db);
const prompt = 'A question of some length, as in a short chat.';
const options = { model: 'bench/m' };

/**
 * @param {number} times
 * @param {number} jobs each time
 * @param {() => void} work
 * @returns {number} jobs per second: at the median for groups, over all for single ones, whose median leaves out what they cost
 */
function rate(times, jobs, work) {
  const took = [];
  for (let i = 0; i < times; i++) {
    const begun = process.hrtime.bigint();
    work();
    took.push(Number(process.hrtime.bigint() - begun) / 1e9);
  }
  took.sort((one, other) => one - other);
  return jobs === 1 ? times / took.reduce((sum, one) => sum + one, 0) : jobs / quantile(took, 0.5);
}

const add = () => queue.add('bench', { prompt }, options);
const many = Array.from({ length: bulk }, () => ({ name: 'bench', data: { prompt }, options }));
const hundred = db.transaction(() => {
  for (let i = 0; i < 100; i++) add();
});
// The first calls compile code and statements.
for (let i = 0; i < 20; i++) add();
const answer = {
  one: rate(ones, 1, add),
  hundred: rate(groups, 100, hundred),
  bulk: rate(bulks, bulk, () => queue.addBulk(many)),
};
db.close();
process.send?.(answer, () => process.disconnect());
