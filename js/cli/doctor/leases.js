// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const { table } = require('../../schema.js');

/** @import { Driver } from '../../driver.js' */
/** @import { Tell } from '../doctor.js' */

const MOST = 50;

/**
 * Who holds what, and whether that process is alive.
 * @param {Driver} driver
 * @param {number} now
 * @param {Tell} tell
 * @returns {number} how many workers hold a lease that has not run out
 */
function examineLeases(driver, now, tell) {
  const rows = driver
    .prepare(
      `SELECT lease_owner AS owner, count(*) AS jobs, min(CASE WHEN typeof(lease_until) = 'integer' THEN lease_until ELSE 0 END) AS until ` +
        `FROM ${table} WHERE status = 'active' GROUP BY lease_owner ORDER BY jobs DESC LIMIT ${MOST}`
    )
    .all();
  let holders = 0;
  for (const { owner, jobs, until } of rows) {
    const alive = lives(owner);
    const who = owner === null ? 'nobody' : JSON.stringify(owner);
    const held = `${who} holds ${jobs === 1 ? '1 job' : `${jobs} jobs`}`;
    if (until < now) {
      const since = until === 0 ? 'without a time' : `until ${shown(until)}, which is past`;
      const remedy = alive === true ? 'its process lives but does not renew: it may be stopped or hang; restart it' : 'start a worker: it takes the jobs over';
      tell('leases', 'problem', `${held} ${since}`, remedy);
    } else if (alive === false) {
      tell('leases', 'warn', `${held} until ${shown(until)}, but its process has ended`, 'start a worker: it takes the jobs over, at the latest when the lease runs out');
    } else {
      holders++;
      tell('leases', 'ok', `${held} until ${shown(until)}; its process ${alive === true ? 'is alive' : 'is on another machine'}`);
    }
  }
  if (rows.length === 0) tell('leases', 'ok', 'nobody holds a job');
  return holders;
}

/** @param {number} ms */
function shown(ms) {
  return ms > 8.64e15 ? `the time ${ms}` : new Date(ms).toISOString();
}

/**
 * @param {unknown} owner `workerId@host:pid:start`, where the worker's id may hold any character
 * @returns {boolean | undefined} undefined: it cannot be told from here
 */
function lives(owner) {
  const parts = /@([^@]*):(\d+):[^:@]*$/.exec(String(owner));
  if (parts === null || parts[1] !== os.hostname()) return undefined;
  const pid = Number(parts[2]);
  if (!(pid > 0 && pid <= 0x7fffffff)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return /** @type {any} */ (error).code !== 'ESRCH';
  }
  // A process that has ended and whose parent has not asked about it yet can still be sent signals.
  try {
    const line = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^ [ZX]/.test(line.slice(line.lastIndexOf(')') + 1));
  } catch {
    return true;
  }
}

module.exports = { examineLeases, lives };
