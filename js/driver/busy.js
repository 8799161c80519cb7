// SPDX-License-Identifier: MIT
'use strict';

/** @import { Connection } from '../driver.js' */

/** What better-sqlite3 waits by default; node:sqlite waits not at all unless it is opened with `timeout`. */
const PATIENCE_MS = 5000;
const FIRST_PAUSE_MS = 1;
const LAST_PAUSE_MS = 20;

const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Runs `work`, a whole transaction or the statement that begins one, again while another process holds the write lock, at most
 * five seconds in all. The worker's own transactions take a few milliseconds. Inside the app's transaction nothing is repeated:
 * there only the app knows where to begin again.
 * @template T
 * @param {Connection} connection
 * @param {() => T} work
 * @returns {T}
 */
function whenFree(connection, work) {
  const deadline = performance.now() + PATIENCE_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
    try {
      return work();
    } catch (error) {
      if (!connection.isBusy(error) || connection.inTransaction() || performance.now() > deadline) throw error;
    }
    Atomics.wait(pause, 0, 0, pauseMs);
  }
}

module.exports = { whenFree };
