// SPDX-License-Identifier: MIT
'use strict';

/**
 * Runs mocha on each test file in a process of its own: a crash of the addon is laid to the right file, and no file can
 * open a database that another file's driver holds open (docs/architecture.md says why that matters).
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { find } = require('../gyp');
const paths = require('../setup/paths');
const { runProgram } = require('./program');

const isSlow = (/** @type {string} */ file) => file.startsWith('test/js/slow/');

/** What the quick run leaves out as well: the binary and the compilers of other systems, the stand-in for Electron, and files that take long. */
const isLong = (/** @type {string} */ file) =>
  isSlow(file) || /^test\/js\/(build|electron)\//.test(file) || /\/(demo|docs-blocks|pool|pool-jobs|queue-older|worker-limits|supervisor-\w+)\.test\.js$/.test(file);

/** @param {{slow: boolean, long?: boolean}} wanted @returns {string[]} */
function mochaFiles({ slow, long = true }) {
  const files = find('test/js', '.test.js').filter((file) => (slow || !isSlow(file)) && (long || !isLong(file)));
  // What is quick to fail comes first.
  return files.sort((a, b) => Number(isSlow(a)) - Number(isSlow(b)) || (a < b ? -1 : 1));
}

/** @param {string} file @returns {import('./tally').Count | null} null: mocha did not reach its end */
function readCounts(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * @param {import('./tally').Tally} tally @param {string[]} files
 * @param {{together?: number, host?: MochaHost}} [options] how many files run at a time; what they print then comes when they have
 *   ended
 */
async function runMocha(tally, files, { together = 1, host = node } = {}) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-mocha-'));
  const waiting = [...files.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, file] = next;
      await runFile(tally, file, path.join(scratch, `${index}.json`), { show: together === 1, host });
    }
  };
  try {
    await Promise.all(Array.from({ length: together }, work));
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * @typedef {object} MochaHost what mocha runs in
 * @property {string} command
 * @property {string[]} args before mocha's own
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [name] in the list of files
 */

/** @type {MochaHost} */
const node = { command: paths.node, args: [path.join(paths.modules, 'mocha', 'bin', 'mocha.js')] };

/** @param {import('./tally').Tally} tally @param {string} file @param {string} counts @param {{show: boolean, host: MochaHost}} how */
async function runFile(tally, file, counts, { show, host }) {
  const args = [
    ...host.args,
    '--no-config',
    '--reporter',
    path.join(__dirname, 'mocha-reporter.js'),
    '--timeout',
    isSlow(file) ? '120000' : '20000',
    '--forbid-only',
    file,
  ];
  const ended = await runProgram(host.command, args, {
    seconds: isSlow(file) ? 900 : 180,
    cwd: paths.root,
    env: {
      LLM_JOBS_MOCHA_COUNTS: counts,
      ...host.env,
      PATH: `${path.dirname(paths.node)}${path.delimiter}${process.env.PATH ?? ''}`,
    },
    show,
  });
  const count = readCounts(counts) ?? { passed: 0, failed: 0, skipped: 0 };
  // Ended badly without a failed test: it crashed, hung, or would not load.
  const crashed = ended.trouble !== null && count.failed === 0;
  if (crashed) count.failed = 1;
  tally.add(host.name === undefined ? file : `${file} in ${host.name}`, count, ended.ms, crashed ? `${ended.output}${file} ${ended.trouble}` : ended.output);
}

module.exports = { mochaFiles, runMocha };
