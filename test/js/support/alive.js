// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');

/**
 * Whether a process runs. One that has ended but that nobody has asked for its exit code yet counts as dead: an orphan's new
 * parent takes its time.
 * @param {number} pid
 */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (/** @type {any} */ error) {
    // Elsewhere there is no /proc; the signal could be sent.
    return error.code === 'ENOENT' && !fs.existsSync('/proc/self');
  }
}

module.exports = { isAlive };
