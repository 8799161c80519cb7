// SPDX-License-Identifier: MIT
'use strict';

/**
 * Waits until something is true, at most some seconds.
 * @param {() => unknown | Promise<unknown>} isTrue
 * @param {string} [what]
 */
async function until(isTrue, what = String(isTrue)) {
  const deadline = Date.now() + 8000;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`it did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

module.exports = { until };
