// SPDX-License-Identifier: MIT
'use strict';

/** Runs parts one after the other, and keeps what they give beside what a file has of others. */

const fs = require('node:fs');
const { commit, load } = require('./machine.js');
const { asJson } = require('./report.js');

/** @import { Measured, Part, Report } from './report.js' */

/**
 * A part that throws leaves the others their turn.
 * @param {Record<string, () => Part>} parts in the order in which they are to run
 * @param {object} how
 * @param {boolean} how.quick
 * @param {(line: string) => void} how.note
 * @param {(name: string) => void} how.onStart
 * @param {(name: string, measured: Measured) => void} how.onMeasured
 * @param {(name: string, error: unknown) => void} how.onFailed
 */
async function measureAll(parts, { quick, note, onStart, onMeasured, onFailed }) {
  for (const [name, open] of Object.entries(parts)) {
    onStart(name);
    let measured;
    try {
      measured = await measure(open(), quick, note);
    } catch (error) {
      onFailed(name, error);
      continue;
    }
    onMeasured(name, measured);
  }
}

/** @param {Part} part @param {boolean} quick @param {(line: string) => void} note @returns {Promise<Measured>} */
async function measure(part, quick, note) {
  const before = load();
  const date = new Date().toISOString();
  const begun = performance.now();
  const result = await part.run({ quick, note });
  const seconds = Math.round((performance.now() - begun) / 1000);
  return { taken: { date, commit: commit(), quick, seconds, load: [before, load()] }, ...result };
}

/**
 * What the file has of parts that are not in the report stays in it, unless nobody knows them any more.
 * @param {string} file
 * @param {Report} report
 * @param {string[]} known names of all parts, in their order
 */
function save(file, report, known) {
  /** @type {Report | null} */
  const old = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : null;
  for (const key of /** @type {const} */ (['cpu', 'cores', 'memoryMb'])) {
    if (old !== null && old.machine[key] !== report.machine[key]) {
      throw new Error(`${file} is of another machine: its ${key} is ${old.machine[key]}, not ${report.machine[key]}. Remove it or name another file.`);
    }
  }
  /** @type {Record<string, Measured>} */
  const parts = {};
  for (const name of known) {
    const measured = report.parts[name] ?? old?.parts[name];
    if (measured !== undefined) parts[name] = measured;
  }
  const quick = Object.values(parts).some(({ taken }) => taken.quick);
  fs.writeFileSync(file, asJson({ ...report, versions: { ...old?.versions, ...report.versions }, quick, parts }));
}

module.exports = { measureAll, save };
