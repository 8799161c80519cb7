// SPDX-License-Identifier: MIT
'use strict';

/** bench/instructions.json: what jobs cost when it was recorded, by what it was recorded, and what has changed since. */

const fs = require('node:fs');
const path = require('node:path');
const { ask, compiler } = require('../setup/command');
const paths = require('../setup/paths');

/** @import { Count } from './measure.js' */

const FILE = path.join(paths.root, 'bench', 'instructions.json');

/** How much more than recorded a job may cost, in percent. */
const LIMIT = 5;

/**
 * @typedef {object} Baseline
 * @property {string} about
 * @property {Record<string, string>} machine what must be the same for counts to be comparable, and this repository does not decide
 * @property {Record<string, string>} libraries what must be the same too, and is pinned here
 * @property {Record<string, Count>} kinds
 */

const ABOUT =
  'Instructions per job, counted by "npm run instructions -- --save" (docs/performance.md). A pull request may cost 5 % more than this ' +
  'and no more.';

/** @returns {Record<string, string>} */
function describeMachine() {
  const macros = ask(compiler(), ['-dM', '-E', '-x', 'c', '/dev/null']) ?? '';
  const version = /#define __VERSION__ "(.*)"/.exec(macros)?.[1] ?? 'unknown';
  const report = /** @type {any} */ (process.report.getReport());
  return {
    architecture: process.arch,
    compiler: /#define __clang__ /.test(macros) ? version : `gcc ${version}`,
    glibc: report.header.glibcVersionRuntime ?? 'none',
    valgrind: /valgrind-([\d.]+)/.exec(ask('valgrind', ['--version']) ?? '')?.[1] ?? 'none',
  };
}

/** Of the libraries that take part. @param {Record<string, string>} versions */
const describeLibraries = ({ sqlite, curl, cjson }) => ({ sqlite, curl, cjson });

/** @returns {Baseline} */
const readBaseline = () => JSON.parse(fs.readFileSync(FILE, 'utf8'));

/** @param {Omit<Baseline, 'about'>} baseline */
function writeBaseline(baseline) {
  fs.writeFileSync(FILE, `${JSON.stringify({ about: ABOUT, ...baseline }, null, 2)}\n`);
}

/** "gcc 12.2.0 instead of gcc 14.2.0"; '' when nothing differs. @param {Record<string, string>} now @param {Record<string, string>} recorded */
function difference(now, recorded) {
  return Object.keys({ ...recorded, ...now })
    .filter((name) => now[name] !== recorded[name])
    .map((name) => `${name} ${now[name]} instead of ${recorded[name]}`)
    .join(', ');
}

/** @param {number} now @param {number} recorded in percent */
const change = (now, recorded) => (now / recorded - 1) * 100;

const signed = (/** @type {number} */ percent) => `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;

const shown = (/** @type {number} */ count) => Math.round(count).toLocaleString('en-US');

/** Where most of the growth is. @param {Record<string, number>} now @param {Record<string, number>} recorded */
function grewMost(now, recorded) {
  return Object.keys({ ...recorded, ...now })
    .map((name) => ({ name, from: recorded[name] ?? 0, to: now[name] ?? 0 }))
    .reduce((most, one) => (one.to - one.from > most.to - most.from ? one : most));
}

/**
 * @param {string} about the kind in words
 * @param {Count} now
 * @param {Count} recorded
 * @returns {{percent: number, line: string, complaint: string | null}}
 */
function compare(about, now, recorded) {
  const percent = change(now.instructions, recorded.instructions);
  const line = `${about}: ${shown(now.instructions)} instructions a job, ${signed(percent)}`;
  if (now.instructions <= recorded.instructions * (1 + LIMIT / 100)) return { percent, line, complaint: null };
  const step = grewMost(now.areas, recorded.areas);
  const owner = grewMost(now.owners, recorded.owners);
  const complaint =
    `${about} costs ${signed(percent)} instructions a job: ${shown(now.instructions)} instead of ${shown(recorded.instructions)}, and ` +
    `${LIMIT} % more are allowed. "${step.name}" grew most, from ${shown(step.from)} to ${shown(step.to)}; of the libraries, ${owner.name}, from ` +
    `${shown(owner.from)} to ${shown(owner.to)}. See "npm run instructions -- --functions". When it is worth it, say why in the commit and ` +
    'renew the baseline: "npm run instructions -- --save".';
  return { percent, line, complaint };
}

module.exports = { FILE, LIMIT, compare, describeLibraries, describeMachine, difference, readBaseline, shown, signed, change, writeBaseline };
