// SPDX-License-Identifier: MIT
'use strict';

/** Checks the types of js/ with tsc. */

const path = require('node:path');
const paths = require('../setup/paths');
const { runProgram } = require('./program');

/** @param {import('./tally').Tally} tally */
async function runTypes(tally) {
  const tsc = path.join(paths.modules, 'typescript', 'bin', 'tsc');
  const { output, trouble, ms } = await runProgram(paths.node, [tsc, '-p', paths.root, '--pretty', 'false'], {
    seconds: 300,
    cwd: paths.root,
  });
  const failed = trouble === null ? 0 : 1;
  tally.add('tsc on js/', { passed: 1 - failed, failed, skipped: 0 }, ms, output);
}

module.exports = { runTypes };
