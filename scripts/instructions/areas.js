// SPDX-License-Identifier: MIT
'use strict';

/**
 * Where instructions go, in two ways: by step of the engine, and by whose code it is. Both add up to the whole.
 */

const path = require('node:path');
const { ask } = require('../setup/command');
const { archives } = require('../setup/origin');
const { inclusive } = require('./profile');

/** @import { Fn, Profile } from './profile.js' */

/**
 * @typedef {object} Area
 * @property {string} name
 * @property {string[]} functions that are the step, with all that they call but the steps inside of it; `file.c:name` where it is static
 * @property {string} [inside] the step that calls it
 */

/** @type {Area[]} from the loop down */
const areas = [
  { name: 'loop', functions: ['lj_loop'] },
  { name: 'transaction', functions: ['lj_writer_turn'], inside: 'loop' },
  { name: 'settle', functions: ['lj_writer_settle'], inside: 'transaction' },
  { name: 'verdict', functions: ['lj_verdict_build'], inside: 'transaction' },
  { name: 'claim', functions: ['lj_writer_plan', 'lj_claim', 'lj_claim_next_due'], inside: 'transaction' },
  { name: 'commit', functions: ['lj_store_begin', 'lj_store_commit'], inside: 'transaction' },
  { name: 'upkeep', functions: ['lj_writer_upkeep'], inside: 'transaction' },
  { name: 'run start', functions: ['lj_run_start'], inside: 'transaction' },
  { name: 'HTTP start', functions: ['lj_http_start'], inside: 'run start' },
  { name: 'HTTP turn', functions: ['lj_http_turn'], inside: 'loop' },
  { name: 'response', functions: ['lj_response_status', 'lj_response_header', 'lj_response_feed'], inside: 'HTTP turn' },
  { name: 'response end', functions: ['src/engine/run.c:on_end'], inside: 'HTTP turn' },
  { name: 'HTTP wait', functions: ['lj_http_poll'], inside: 'loop' },
  { name: 'network', functions: ['vn_sleep'], inside: 'HTTP wait' },
  { name: 'network', functions: ['vn_pass'], inside: 'loop' },
  { name: 'events', functions: ['lj_engine_take', 'lj_engine_free_text'], inside: 'network' },
];

/** The program that is counted. */
const PROGRAM = 'bench_instructions';

/** The simulated network is none of the engine's. */
const OUTSIDE = 'network';

/** @param {Profile} profile @param {string} name */
function find(profile, name) {
  const [, file, bare] = /^(?:(.*):)?(.*)$/.exec(name) ?? [];
  return [...profile.values()].filter((fn) => fn.name === bare && (file === undefined || fn.file.endsWith(`/${file}`)));
}

/**
 * @param {Profile} profile
 * @param {number} jobs
 * @returns {{areas: Record<string, number>, missing: string[]}} instructions per job, and names of functions that were not seen
 */
function byArea(profile, jobs) {
  const all = [...profile.values()];
  const missing = /** @type {string[]} */ ([]);
  const costs = areas.map(({ name, functions }) => {
    const found = functions.map((one) => find(profile, one));
    found.forEach((list, i) => list.length === 0 && name !== OUTSIDE && missing.push(functions[i]));
    // The loop never returns, so callgrind does not know what it cost since the count began.
    return (name === 'loop' ? all : found.flat()).reduce((sum, fn) => sum + (name === 'loop' ? fn.self : inclusive(fn)), 0);
  });
  /** @type {Record<string, number>} */
  const sums = {};
  areas.forEach(({ name }, i) => {
    if (name === OUTSIDE) return;
    const inner = areas.reduce((sum, one, j) => sum + (one.inside === name ? costs[j] : 0), 0);
    sums[name] = Math.round((costs[i] - inner) / jobs);
  });
  return { areas: sums, missing };
}

/** Whose code a function is, by its library; a name that several have belongs to the first, the one that does most here. */
const OWNERS = { cjson: 'cJSON', sqlite3: 'SQLite', curl: 'curl', nghttp2: 'nghttp2', 'pcre2-8': 'PCRE2', ssl: 'OpenSSL', crypto: 'OpenSSL' };

/** @param {string} libraries folder of the static libraries @returns {Map<string, string>} owner by name of a function */
function ownersOf(libraries) {
  const owners = new Map();
  for (const [library, owner] of Object.entries(OWNERS)) {
    const file = archives(libraries).find((name) => path.basename(name) === `lib${library}.a`);
    const names = file === undefined ? null : ask('nm', ['--defined-only', '-f', 'posix', file]);
    for (const [, name] of (names ?? '').matchAll(/^(\S+) [tTwWi] /gm)) if (!owners.has(name)) owners.set(name, owner);
  }
  return owners;
}

/** Of the program that takes the C library's place, or of the network that it simulates. */
const STANDS_IN = /^(clock_gettime|nanosleep|getrandom|getpid|gethostname|vn_mix|poll|epoll_wait|vn_look_\w+)$/;

/** @param {Fn} fn @param {Map<string, string>} owners */
function ownerOf(fn, owners) {
  if (fn.file.includes('/bench/c/')) return STANDS_IN.test(fn.name) ? 'libc' : OUTSIDE;
  if (/\/src\/\w+\/\w+\.[ch]$/.test(fn.file) && path.basename(fn.object) === PROGRAM) return 'engine';
  if (path.basename(fn.object) === PROGRAM) return owners.get(fn.name.replace(/'\d+$/, '')) ?? 'engine';
  return 'libc'; // and the linker's stubs that lead there, which have no name
}

/**
 * @param {Profile} profile @param {number} jobs @param {Map<string, string>} owners
 * @returns {Record<string, number>} instructions per job
 */
function byOwner(profile, jobs, owners) {
  /** @type {Record<string, number>} */
  const costs = { engine: 0, SQLite: 0, curl: 0, cJSON: 0, libc: 0 };
  for (const fn of profile.values()) {
    const owner = ownerOf(fn, owners);
    if (owner !== OUTSIDE) costs[owner] = (costs[owner] ?? 0) + fn.self;
    // What the simulated network asks of the C library.
    else
      for (const [key, cost] of fn.calls) {
        const callee = /** @type {Fn} */ (profile.get(key));
        if (ownerOf(callee, owners) === 'libc') costs.libc -= cost;
      }
  }
  return Object.fromEntries(Object.entries(costs).map(([owner, cost]) => [owner, Math.round(cost / jobs)]));
}

module.exports = { PROGRAM, byArea, byOwner, ownersOf, ownerOf };
