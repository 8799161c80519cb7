// SPDX-License-Identifier: MIT
'use strict';

/** @import { Worker } from '../../js/index.js' */

/** Nothing that is measured here takes a tenth of it. */
const LIMIT_MS = 120000;

/**
 * Counts the completed jobs that a worker tells of. `reached` resolves with the moment (performance.now) in which so many have completed
 * since the counting began; it rejects when a job ends otherwise.
 * @param {Worker} worker
 * @returns {{completed: () => number, reached: (count: number) => Promise<number>}}
 */
function countEnds(worker) {
  let completed = 0;
  /** @type {{count: number, resolve: (at: number) => void, reject: (error: Error) => void, timer: NodeJS.Timeout}[]} */
  let waiting = [];
  /** @type {Error | null} */
  let trouble = null;
  worker.on('job', ({ status, code }) => {
    if (status === 'completed') completed += 1;
    else if (status !== 'active' && code !== 'INTERRUPTED') trouble ??= new Error(`a job is ${status} with ${code}`);
    const due = waiting.filter(({ count }) => trouble !== null || count <= completed);
    if (due.length === 0) return;
    waiting = waiting.filter((one) => !due.includes(one));
    for (const { timer, resolve, reject } of due) {
      clearTimeout(timer);
      if (trouble === null) resolve(performance.now());
      else reject(trouble);
    }
  });
  return {
    completed: () => completed,
    reached: (count) =>
      new Promise((resolve, reject) => {
        if (trouble !== null) return void reject(trouble);
        if (completed >= count) return void resolve(performance.now());
        const timer = setTimeout(() => reject(new Error(`${completed} of ${count} jobs have completed in ${LIMIT_MS} ms`)), LIMIT_MS);
        waiting.push({ count, resolve, reject, timer });
      }),
  };
}

module.exports = { countEnds };
