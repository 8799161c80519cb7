// SPDX-License-Identifier: MIT
'use strict';

/**
 * What set-up tells the person who waits. Everything goes to stderr: stdout belongs to the program that runs afterwards
 * (`npm run bench > report.txt` holds the report and nothing else).
 */

let spoke = false;

/** @param {string} text */
function say(text) {
  spoke = true;
  process.stderr.write(`[setup] ${text}\n`);
}

/** True when anything was said: then set-up did something and ends with a closing line. */
function hasSpoken() {
  return spoke;
}

/** An end that the person can do something about: it is shown without a stack. */
class SetupError extends Error {}

/** @param {number} since what Date.now() gave */
function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

module.exports = { say, hasSpoken, SetupError, seconds };
