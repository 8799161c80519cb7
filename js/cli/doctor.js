// SPDX-License-Identifier: MIT
'use strict';

const { examineFile } = require('./doctor/file.js');
const { examineVersions, tellUnreadable } = require('./doctor/versions.js');
const { examineTable } = require('./doctor/table.js');
const { examineLeases } = require('./doctor/leases.js');
const { examineJobs } = require('./doctor/jobs.js');
const { openDatabase } = require('./database.js');

/**
 * @typedef {'ok' | 'warn' | 'problem'} Verdict
 *
 * @typedef {object} Finding
 * @property {string} check a short name, for programs
 * @property {Verdict} verdict
 * @property {string} message
 * @property {string} [remedy] what to do; absent when all is well
 *
 * @typedef {(check: string, verdict: Verdict, message: string, remedy?: string) => void} Tell
 */

/**
 * Looks at everything that stops jobs from running and changes nothing: the database is opened for reading only. Later checks
 * are left out when an earlier one shows that they cannot be made.
 * @param {string} file
 * @returns {Finding[]}
 */
function examine(file) {
  /** @type {Finding[]} */
  const findings = [];
  /** @type {Tell} */
  const tell = (check, verdict, message, remedy) => void findings.push({ check, verdict, message, ...(remedy === undefined ? {} : { remedy }) });

  // 1. The file from outside: by its path only, because closing a descriptor of it would drop SQLite's locks
  if (!examineFile(file, tell)) return findings;

  // 2. The database
  let database;
  try {
    database = openDatabase(file, { readOnly: true });
    const sane = examineVersions(database, tell) && examineTable(database.driver, file, tell);
    // 3. The jobs
    if (sane) {
      const now = Date.now();
      const holders = examineLeases(database.driver, now, tell);
      examineJobs(database.driver, now, holders, tell);
    }
  } catch (error) {
    // Some drivers read the file when they open it, and a broken page may turn up in any check.
    tellUnreadable(error, tell);
  } finally {
    database?.close();
  }
  return findings;
}

/**
 * @param {string} file
 * @param {{json: boolean, print: (line: string) => void}} options
 * @returns {number} the exit code: 1 when a problem was found; what is only odd does not count
 */
function doctor(file, { json, print }) {
  const findings = examine(file);
  const worst = ['problem', 'warn', 'ok'].find((verdict) => findings.some((one) => one.verdict === verdict));
  if (json) {
    print(JSON.stringify({ verdict: worst, findings }, null, 2));
  } else {
    for (const { verdict, check, message, remedy } of findings) {
      print(`${verdict.padEnd(8)} ${check.padEnd(12)} ${message}`);
      if (remedy !== undefined) print(`${' '.repeat(22)}→ ${remedy}`);
    }
    print(`verdict: ${worst}`);
  }
  return worst === 'problem' ? 1 : 0;
}

module.exports = { doctor };
