// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const { quantile } = require('./report.js');

/**
 * @typedef {object} Machine what a figure depends on and a reader of it must know
 * @property {string} cpu
 * @property {number} cores
 * @property {number} memoryMb
 * @property {string} system with its kernel
 * @property {string} temporary the file system on which the databases are
 * @property {number} flushMs what it takes, at the median, until a page of 4 KB is on the disk: each durable commit pays it
 */

const FLUSHES = 100;

/** @returns {Machine} */
function describeMachine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memoryMb: Math.round(os.totalmem() / 1048576),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    temporary: fileSystemOf(fs.realpathSync(os.tmpdir())),
    flushMs: timeFlush(),
  };
}

/** @param {string} dir @returns {string} the type of the file system that holds it */
function fileSystemOf(dir) {
  const holds = (/** @type {string} */ point) => dir === point || dir.startsWith(point.endsWith('/') ? point : `${point}/`);
  try {
    const mounts = fs.readFileSync('/proc/mounts', 'utf8').trim().split('\n').map((line) => line.split(' '));
    return mounts.filter(([, point]) => holds(point)).reduce((best, one) => (one[1].length >= best[1].length ? one : best))[2];
  } catch {
    return 'an unknown file system';
  }
}

function timeFlush() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-flush-'));
  const file = fs.openSync(path.join(dir, 'page'), 'w');
  const page = Buffer.alloc(4096, 'x');
  try {
    const took = Array.from({ length: FLUSHES }, () => {
      const begun = process.hrtime.bigint();
      fs.writeSync(file, page, 0, page.length, 0);
      fs.fdatasyncSync(file);
      return Number(process.hrtime.bigint() - begun) / 1e6;
    });
    return Number(quantile(took.sort((one, other) => one - other), 0.5).toPrecision(3));
  } finally {
    fs.closeSync(file);
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** The commit of the clone, with + when files differ from it, but for those that are made of figures; 'unknown' outside a clone. */
function commit() {
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: __dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no', '--', ':/', ':(top,exclude)bench/figures.json', ':(top,exclude)docs') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}

/** Over the last minute. */
function load() {
  return Number(os.loadavg()[0].toFixed(2));
}

/** How each program says its version, and where in that. @type {[name: string, args: string[], found: RegExp][]} */
const PROGRAMS = [
  ['nginx', ['-v'], /nginx\/([\d.]+)/],
  ['redis-server', ['--version'], /v=([\d.]+)/],
  ['wrk', ['-v'], /wrk \D*([\d.]+)/],
  ['h2load', ['--version'], /nghttp2\/([\d.]+)/],
];

/** In this package's own node_modules, and in those of bench/, which are there once a part has asked for them. */
const PACKAGES = { '../..': ['better-sqlite3', 'openai'], '..': ['bullmq', 'ioredis', 'undici', 'eventsource-parser', 'p-queue', 'plainjob'] };

/**
 * What is installed; what is not there was not measured.
 * @param {Record<string, string>} ofWorker what it says of itself and of the libraries in it
 * @returns {Record<string, string>}
 */
function versions({ version, ...libraries }) {
  /** @type {Record<string, string>} */
  const found = { 'llm-jobs': version, ...libraries, Node: process.versions.node };
  for (const [up, names] of Object.entries(PACKAGES)) {
    for (const name of names) {
      const file = path.join(__dirname, up, 'node_modules', name, 'package.json');
      if (fs.existsSync(file)) found[name] = JSON.parse(fs.readFileSync(file, 'utf8')).version;
    }
  }
  for (const [name, args, pattern] of PROGRAMS) {
    const { stdout = '', stderr = '' } = spawnSync(name, args, { encoding: 'utf8', timeout: 5000 });
    const match = pattern.exec(`${stdout}${stderr}`);
    if (match !== null) found[name] = match[1];
  }
  return found;
}

module.exports = { describeMachine, versions, commit, load };
