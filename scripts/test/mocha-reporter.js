// SPDX-License-Identifier: MIT
'use strict';

/**
 * mocha's usual report for people, plus the counts as a file for scripts/test/mocha.js. mocha gives the exit code and one
 * report, but not both kinds at once.
 */

const fs = require('node:fs');
const Mocha = require('mocha');

class Reporter extends Mocha.reporters.Spec {
  constructor(/** @type {Mocha.Runner} */ runner, /** @type {Mocha.MochaOptions} */ options) {
    super(runner, options);
    const file = process.env.LLM_JOBS_MOCHA_COUNTS;
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      if (file) fs.writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
}

module.exports = Reporter;
