// SPDX-License-Identifier: MIT
'use strict';

const { ownerOf } = require('./areas');
const { inclusive } = require('./profile');

/**
 * The functions of a profile, those that execute most themselves first; instructions per job.
 * @param {{profile: import('./profile.js').Profile, jobs: number, owners: Map<string, string>}} measured
 * @returns {{name: string, owner: string, self: number, inclusive: number}[]}
 */
function functionTable({ profile, jobs, owners }) {
  /** @type {Map<string, {name: string, owner: string, self: number, inclusive: number}>} */
  const rows = new Map();
  for (const fn of profile.values()) {
    // callgrind tells the first call of a function that calls itself from the deeper ones, whose cost is part of the first.
    const name = fn.name.replace(/'\d+$/, '');
    const key = `${fn.file}:${name}`;
    const row = rows.get(key) ?? { name, owner: ownerOf(fn, owners), self: 0, inclusive: 0 };
    row.self += fn.self / jobs;
    if (name === fn.name) row.inclusive += inclusive(fn) / jobs;
    rows.set(key, row);
  }
  return [...rows.values()].sort((one, other) => other.self - one.self);
}

module.exports = { functionTable };
