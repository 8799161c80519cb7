// SPDX-License-Identifier: MIT
'use strict';

/** The libraries of test/c/preload, which stand before the C library in a process that a test starts. Linux only. */

const fs = require('node:fs');
const path = require('node:path');

const canPreload = process.platform === 'linux';

/**
 * @param {string} name of the file in test/c/preload, without its ending
 * @returns {{LD_PRELOAD: string}} what the process's environment needs
 */
function preload(name) {
  const library = path.join(__dirname, '..', '..', '..', 'build', 'Release', `libpreload_${name}.so`);
  if (!fs.existsSync(library)) throw new Error(`there is no ${library}: "npm test -- FILE" builds it`);
  return { LD_PRELOAD: library };
}

module.exports = { canPreload, preload };
