// SPDX-License-Identifier: MIT
'use strict';

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {number} value
 * @property {string} unit
 * @property {number} [budget] the most that is allowed
 * @property {boolean} [pass] with a budget
 * @property {string} [note]
 *
 * @typedef {object} Result
 * @property {Record<string, string | number>} settings
 * @property {Figure[]} figures
 *
 * @typedef {object} Context
 * @property {boolean} quick
 * @property {(line: string) => void} note tells of progress
 *
 * @typedef {{about: string, run: (context: Context) => Promise<Result>}} Part
 */

/**
 * @param {string} name
 * @param {number} value
 * @param {string} unit
 * @param {{budget?: number, note?: string}} [more]
 * @returns {Figure}
 */
function figure(name, value, unit, { budget, note } = {}) {
  return {
    name,
    value: Number(value.toPrecision(6)),
    unit,
    ...(budget !== undefined && { budget, pass: value <= budget }),
    ...(note !== undefined && { note }),
  };
}

/** @param {{machine: Record<string, any>, date: string, quick: boolean}} report */
function printHead({ machine, date, quick }) {
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryMb} MB; ${machine.system}; load ${machine.load.join(' ')}`);
  console.log(`Node ${machine.node}, better-sqlite3 ${machine.betterSqlite3}, commit ${machine.commit}; ${date}`);
  if (quick) console.log('A quick run: it shows that the benchmark works; its figures say little.');
}

/**
 * @param {string} name
 * @param {Result} result
 */
function print(name, { settings, figures }) {
  console.log(`\n${name}`);
  for (const [key, value] of Object.entries(settings)) console.log(`  ${key}: ${value}`);
  const width = Math.max(...figures.map((one) => one.name.length));
  for (const { name: what, value, unit, budget, pass, note } of figures) {
    const verdict = budget === undefined ? '' : `  ${pass ? 'PASS' : 'FAIL'} (budget ${`${budget} ${unit}`.trim()})`;
    console.log(`  ${what.padEnd(width)}  ${shown(value).padStart(9)} ${unit}${verdict}${note === undefined ? '' : `  ${note}`}`);
  }
}

/** @param {number} value three significant digits, and all of those before the point */
function shown(value) {
  if (Number.isInteger(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(4, digits));
}

/**
 * The smallest value that is no smaller than the given share of all.
 * @param {number[]} sorted
 * @param {number} share 0…1
 */
function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))];
}

module.exports = { figure, print, printHead, quantile };
