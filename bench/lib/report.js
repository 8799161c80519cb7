// SPDX-License-Identifier: MIT
'use strict';

/**
 * What the parts give and how it is told. A report is plain JSON: run.js prints or saves it, page.js makes docs/benchmarks.md of it.
 *
 * @typedef {object} Figure
 * @property {string} name two blanks in front: it belongs to the last one without them
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
 * @property {string} [id] by which prose finds it: "plain 10"
 * @property {string} title
 * @property {string[]} columns of which the first names the row; the others say their unit
 * @property {{name: string, cells: Spread[], note?: string}[]} rows a row that is named like a stack of bench/peers, perhaps with a
 *   comma or a blank and more behind it, is shown with the stack's durability
 * @property {boolean} [full] whether the stacks in it ran with `full: true`
 *
 * @typedef {object} Axis
 * @property {string} label with its unit
 * @property {boolean} [log]
 *
 * @typedef {object} Series data of a plot, which bench/plots.js draws as bench-NAME.svg
 * @property {string} name of small letters, digits and hyphens
 * @property {string} title
 * @property {Axis} x
 * @property {Axis} y
 * @property {{name: string, points: [x: number, median: number, low: number, high: number][]}[]} lines
 *
 * @typedef {object} Result
 * @property {Record<string, string | number>} settings
 * @property {Figure[]} figures
 * @property {Table[]} [tables]
 * @property {Series[]} [series]
 *
 * @typedef {object} Taken when and where from a part's figures are
 * @property {string} date
 * @property {string} commit
 * @property {boolean} quick
 * @property {number} seconds
 * @property {[before: number, after: number]} load of the machine, over the last minute
 *
 * @typedef {Result & {taken: Taken}} Measured
 *
 * @typedef {object} Report
 * @property {import('./machine.js').Machine} machine
 * @property {Record<string, string>} versions
 * @property {Record<string, {about: string, durability: {usual: string, full: string}}>} stacks
 * @property {boolean} quick whether a part of it is from a quick run
 * @property {Record<string, Measured>} parts
 * @property {Record<string, string>} [failed] the trouble of the parts that threw
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

/** @param {import('./machine.js').Machine} machine @param {string} commit @param {boolean} quick */
function printHead({ cpu, cores, memoryMb, system, temporary, flushMs }, commit, quick) {
  console.log(`${cpu}, ${cores} cores, ${memoryMb} MB; ${system}; ${temporary}, a flush takes ${shown(flushMs)} ms; commit ${commit}`);
  if (quick) console.log('A quick run: it shows that the benchmarks work; its figures say little.');
}

/** @param {Record<string, string>} versions */
function printVersions(versions) {
  console.log(`\n${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')}`);
}

/**
 * @param {string} name
 * @param {Measured} measured
 */
function print(name, { settings, figures, tables = [], taken }) {
  console.log(`\n${name} (${taken.seconds} s, load ${taken.load.join(' → ')})`);
  for (const [key, value] of Object.entries(settings)) console.log(`  ${key}: ${value}`);
  tables.forEach(printTable);
  const width = Math.max(...figures.map((one) => one.name.length));
  for (const { name: what, value, unit, note, ...judged } of figures) {
    const verdict = judged.pass === undefined ? '' : `  ${judged.pass ? 'PASS' : 'FAIL'} (${`${limitOf(judged)} ${unit}`.trim()})`;
    console.log(`  ${what.padEnd(width)}  ${shown(value).padStart(9)} ${unit}${verdict}${note === undefined ? '' : `  ${note}`}`);
  }
}

/** @param {{budget?: number, least?: number}} judged */
function limitOf({ budget, least }) {
  return budget !== undefined ? `budget ${budget}` : `at least ${least}`;
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

/**
 * The report as text that people and `git diff` can read: a line for each spread and each point.
 * @param {object} report
 */
function asJson(report) {
  const text = JSON.stringify(report, null, 2);
  const flat = text.replace(/[{[](?:\s+(?:"\w+": )?-?[\d.e+-]+,?)+\s+[}\]]/g, (one) => one.replace(/\s+/g, ' ').replace(/^\[ | \]$/g, (edge) => edge.trim()));
  return `${flat}\n`;
}

module.exports = { asJson, figure, limitOf, print, printHead, printVersions, quantile, shown, spread, spreadShown };
