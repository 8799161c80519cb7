// SPDX-License-Identifier: MIT
'use strict';

/** What all runners found, added up, and how it is shown. */

/** @typedef {{passed: number, failed: number, skipped: number}} Count */

class Tally {
  constructor() {
    /** @type {Count} */
    this.count = { passed: 0, failed: 0, skipped: 0 };
    /** @type {string[]} what failed, for the end of a long log */
    this.failures = [];
  }

  /**
   * @param {string} name what ran
   * @param {Count} count
   * @param {number} ms
   * @param {string} [details] shown when something failed
   */
  add(name, count, ms, details = '') {
    this.count.passed += count.passed;
    this.count.failed += count.failed;
    this.count.skipped += count.skipped;
    const parts = [`${count.passed} passed`];
    if (count.failed > 0) parts.push(`${count.failed} failed`);
    if (count.skipped > 0) parts.push(`${count.skipped} skipped`);
    if (count.failed > 0) {
      this.failures.push(name);
      if (details !== '') process.stdout.write(details.endsWith('\n') ? details : details + '\n');
    }
    process.stdout.write(
      `${count.failed > 0 ? 'FAIL' : '  ok'}  ${name}: ${parts.join(', ')} (${(ms / 1000).toFixed(1)} s)\n`,
    );
  }

  /** Prints the closing line. @returns {number} the exit code */
  close() {
    const { passed, failed, skipped } = this.count;
    for (const name of this.failures) process.stdout.write(`failed: ${name}\n`);
    process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    // A run in which nothing ran proves nothing.
    return failed > 0 || passed === 0 ? 1 : 0;
  }
}

module.exports = { Tally };
