// SPDX-License-Identifier: MIT
'use strict';

const os = require('node:os');
const { execFileSync } = require('node:child_process');

/** What a figure depends on and a reader of it must know. */
function describeMachine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memoryMb: Math.round(os.totalmem() / 1048576),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    // Of the driver that the writing process uses; the worker reports its own.
    betterSqlite3: require('better-sqlite3/package.json').version,
    commit: commit(),
    load: os.loadavg().map((load) => Number(load.toFixed(2))),
  };
}

/** The commit of the clone, with + when files differ from it; 'unknown' outside a clone. */
function commit() {
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: __dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}

module.exports = { describeMachine };
