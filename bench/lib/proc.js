// SPDX-License-Identifier: MIT
'use strict';

/** What Linux says about another process. Nothing here asks the process itself, which would disturb the figures. */

const fs = require('node:fs');

/** A clock tick of /proc is a hundredth of a second on every Linux that Node runs on. */
const TICK_MS = 10;

/**
 * @param {number} pid
 * @returns {{rssMb: number, peakMb: number, pssMb: number, anonymousMb: number}} RSS counts pages that others share in full, PSS their share;
 *   anonymous is what belongs to this process alone: heaps, stacks, changed pages of libraries
 */
function memoryOf(pid) {
  const status = fields(`/proc/${pid}/status`);
  const rollup = fields(`/proc/${pid}/smaps_rollup`);
  return { rssMb: status.VmRSS / 1024, peakMb: status.VmHWM / 1024, pssMb: rollup.Pss / 1024, anonymousMb: status.RssAnon / 1024 };
}

/**
 * @param {number} pid
 * @returns {number} of the process's threads
 */
function threadsOf(pid) {
  return fs.readdirSync(`/proc/${pid}/task`).length;
}

/**
 * @typedef {{cpuMs: number, tickCpuMs: number, switches: number, threads: Map<string, {name: string, cpuMs: number, switches: number}>}} Work
 *
 * @param {number} pid
 * @returns {Work} since the process's start. `cpuMs` comes from the scheduler, exact to the nanosecond; `tickCpuMs` from
 *   /proc/PID/stat, which counts hundredths of a second. `switches` are voluntary: each is one sleep, and so one wake-up.
 */
function workOf(pid) {
  const threads = new Map();
  for (const id of fs.readdirSync(`/proc/${pid}/task`)) {
    const base = `/proc/${pid}/task/${id}`;
    const name = fs.readFileSync(`${base}/comm`, 'utf8').trim();
    const cpuMs = Number(fs.readFileSync(`${base}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    threads.set(id, { name, cpuMs, switches: fields(`${base}/status`).voluntary_ctxt_switches });
  }
  // Fields 14 and 15, counted behind the name, which may hold blanks.
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const numbers = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const all = [...threads.values()];
  return {
    cpuMs: all.reduce((sum, one) => sum + one.cpuMs, 0),
    tickCpuMs: (Number(numbers[11]) + Number(numbers[12])) * TICK_MS,
    switches: all.reduce((sum, one) => sum + one.switches, 0),
    threads,
  };
}

/**
 * @param {string} file of lines `Name: number …`
 * @returns {Record<string, number>}
 */
function fields(file) {
  const pairs = fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.match(/^(\w+):\s+(\d+)/))
    .filter((match) => match !== null);
  return Object.fromEntries(pairs.map((match) => [match[1], Number(match[2])]));
}

module.exports = { memoryOf, threadsOf, workOf, TICK_MS };
