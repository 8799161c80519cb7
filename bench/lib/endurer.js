// SPDX-License-Identifier: MIT
'use strict';

/**
 * The process that would be the app's, of bench/endurance.js: it opens one of the stacks of bench/peers, waits for "go", and gives it
 * jobs at a steady pace: once a second as many as are due. What a stack can't do in time waits until it has ended the last ones.
 */

const { withPeer, told } = require('./opened.js');

const { name, seconds, perSecond, ...options } = JSON.parse(process.argv[2]);
/** After a halt of the machine a stack gets no more than this at once. */
const MOST_AT_ONCE = 10 * perSecond;

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {(prompts: string[]) => Promise<void>} work @returns {Promise<number>} how many jobs it has done */
async function pace(work) {
  const begun = performance.now();
  let done = 0;
  for (let second = 1; second <= seconds; second++) {
    const due = Math.min(MOST_AT_ONCE, second * perSecond - done);
    await work(Array.from({ length: due }, (_, i) => `A question of some length, as in a short chat, number ${done + i}.`));
    done += due;
    const rest = second * 1000 - (performance.now() - begun);
    if (rest > 0) await pause(rest);
  }
  return done;
}

withPeer(name, options, async (peer) => {
  process.send?.({ pids: peer.pids ?? [] });
  await told();
  process.send?.({ done: await pace(peer.work) });
});
