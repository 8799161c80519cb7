// SPDX-License-Identifier: MIT
'use strict';

/**
 * The wall clock of a child process, which a test sets while the process runs. Monotonic time stays as it is: that is what a
 * machine sees when it has slept or when somebody sets its clock. Linux only.
 */

const fs = require('node:fs');
const { canPreload: canSet, preload } = require('./preload.js');

class Clock {
  /** @param {string} file to be made; it stays open as long as this process runs or until `close` */
  constructor(file) {
    this.aheadMs = 0;
    if (!canSet) return;
    const library = preload('clock');
    this.fd = fs.openSync(file, 'w+');
    /** What the process is to be started with. */
    this.env = { ...library, LLM_JOBS_TEST_CLOCK: file };
    this.set(0);
  }

  /** @param {number} aheadMs how far the process's clock is ahead of this one's; negative: behind */
  set(aheadMs) {
    if (this.fd === undefined) throw new Error('clocks of other processes can be set on Linux only');
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(aheadMs));
    fs.writeSync(this.fd, bytes, 0, bytes.length, 0);
    this.aheadMs = aheadMs;
  }

  close() {
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
  }
}

module.exports = { Clock, canSet };
