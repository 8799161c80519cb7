// SPDX-License-Identifier: MIT
'use strict';

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {number} value
 * @property {string} unit
 * @property {number} [budget] the most that is allowed
 * @property {number} [least] the least that is allowed
 * @property {boolean} [pass] with a budget or a least
 * @property {string} [note]
 *
 * @typedef {{median: number, low: number, high: number}} Spread of several runs
 *
 * @typedef {object} Table
 * @property {string} title
 * @property {string[]} columns of which the first names the row; the others say their unit
 * @property {{name: string, cells: Spread[]}[]} rows
 *
 * @typedef {object} Result
 * @property {Record<string, string | number>} settings
 * @property {Figure[]} figures
 * @property {Table[]} [tables]
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
 * @param {{budget?: number, least?: number, note?: string}} [more]
 * @returns {Figure}
 */
function figure(name, value, unit, { budget, least, note } = {}) {
  return {
    name,
    value: Number(value.toPrecision(6)),
    unit,
    ...(budget !== undefined && { budget, pass: value <= budget }),
    ...(least !== undefined && { least, pass: value >= least }),
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
function print(name, { settings, figures, tables = [] }) {
  console.log(`\n${name}`);
  for (const [key, value] of Object.entries(settings)) console.log(`  ${key}: ${value}`);
  tables.forEach(printTable);
  const width = Math.max(...figures.map((one) => one.name.length));
  for (const { name: what, value, unit, budget, least, pass, note } of figures) {
    const limit = budget !== undefined ? `budget ${budget}` : `at least ${least}`;
    const verdict = pass === undefined ? '' : `  ${pass ? 'PASS' : 'FAIL'} (${`${limit} ${unit}`.trim()})`;
    console.log(`  ${what.padEnd(width)}  ${shown(value).padStart(9)} ${unit}${verdict}${note === undefined ? '' : `  ${note}`}`);
  }
}

/** @param {Table} table */
function printTable({ title, columns, rows }) {
  const lines = [columns, ...rows.map(({ name, cells }) => [name, ...cells.map(spreadShown)])];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  console.log(`  ${title}`);
  for (const line of lines) console.log(`    ${line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`);
}

/** @param {Spread} spread */
function spreadShown({ median, low, high }) {
  return low === high ? shown(median) : `${shown(median)} (${shown(low)}–${shown(high)})`;
}

/** @param {number[]} values @returns {Spread} */
function spread(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return { median: quantile(sorted, 0.5), low: sorted[0], high: sorted[sorted.length - 1] };
}

/** @param {number} value three significant digits, and all of those before the point */
function shown(value) {
  if (Number.isInteger(value)) return String(value);
  if (value === 0) return '0';
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

module.exports = { figure, print, printHead, quantile, shown, spread, spreadShown };
