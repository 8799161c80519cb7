// SPDX-License-Identifier: MIT
'use strict';

/** Runs C test programs and reads what cmocka prints. */

const path = require('node:path');
const paths = require('../setup/paths');
const { runProgram } = require('./program');

/**
 * @param {string} output
 * @param {string | null} trouble how the program ended, when not with 0
 * @returns {import('./tally').Count}
 */
function countCmocka(output, trouble) {
  const lines = output.split('\n').map((line) => line.replace(/\u001b\[[0-9;]*m/g, ''));
  const number = (/** @type {RegExp} */ pattern) =>
    lines.reduce((sum, line) => sum + Number(pattern.exec(line)?.[1] ?? 0), 0);
  const started = lines.filter((line) => /^\[ RUN {6}\]/.test(line)).length;
  const passed = lines.filter((line) => /^\[ {7}OK \]/.test(line)).length;
  const skipped = number(/^\[ {2}SKIPPED \] (\d+) test\(s\)/);
  let failed = number(/^\[ {2}FAILED {2}\] (\d+) test\(s\)/);
  // The test in which a program died was started and has no end, whatever its exit code says. A sanitizer may also fail a
  // program after its last test.
  failed = Math.max(failed, started - passed - skipped, trouble === null ? 0 : 1);
  // A program that ran nothing is not a program that passed.
  if (started === 0 && failed === 0) failed = 1;
  return { passed, failed, skipped };
}

/**
 * @param {import('./tally').Tally} tally
 * @param {string[]} names of the programs
 * @param {{folder: string, label?: string, env?: NodeJS.ProcessEnv, before?: string[], seconds?: number}} options
 *   `label` stands behind the name; `before`: a command line to start the program with
 */
async function runC(tally, names, { folder, label = '', env = {}, before = [], seconds = 120 }) {
  for (const name of names) {
    const [command, ...args] = [...before, path.join(folder, name)];
    const fixtures = path.join(paths.root, 'test', 'fixtures', 'wire-examples');
    const ended = await runProgram(command, args, {
      seconds,
      cwd: paths.root,
      env: { CMOCKA_MESSAGE_OUTPUT: 'stdout', LJ_FIXTURES: fixtures, ...env },
    });
    const details = ended.trouble === null ? ended.output : `${ended.output}\n${name} ${ended.trouble}`;
    tally.add(`test/c/${name}.c${label}`, countCmocka(ended.output, ended.trouble), ended.ms, details);
  }
}

module.exports = { runC, countCmocka };
