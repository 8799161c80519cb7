// SPDX-License-Identifier: MIT
'use strict';

/**
 * The frame of a process that would be the app's (bench/lib/contestant.js, bench/lib/endurer.js): it opens one of the stacks of
 * bench/peers, does what it is for, and closes the stack when the parent has looked at the processes for the last time.
 */

const { peers } = require('../peers/index.js');

/** @import { OpenPeer } from '../peers/peer.js' */

/** Resolves when the parent says go on. */
const told = () => new Promise((resolve) => process.once('message', resolve));

/**
 * @param {string} name of the stack
 * @param {any} options of its `open`
 * @param {(peer: OpenPeer) => Promise<void>} work
 */
function withPeer(name, options, work) {
  // The parent was killed: nobody will say go on, and nobody wants the rest.
  process.once('disconnect', () => process.exit(1));
  const main = async () => {
    const peer = await peers[name].open(options);
    await work(peer);
    await told();
    const stored = await peer.stored();
    await peer.close();
    process.send?.({ stored }, () => process.exit(0));
  };
  main().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { withPeer, told };
