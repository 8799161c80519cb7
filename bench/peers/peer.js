// SPDX-License-Identifier: MIT
'use strict';

/**
 * What each stack under comparison is: `open` makes it ready, `work` takes prompts, does for each "row in, HTTP call, result
 * stored" and resolves when the last result is stored; `stored` tells how many results there are, read from the store.
 *
 * @typedef {object} PeerOptions
 * @property {string} dir an empty folder for its store
 * @property {string} url the base of an OpenAI-compatible API, "…/v1"
 * @property {boolean} stream whether the answer is a stream of tokens
 * @property {number} concurrency
 * @property {boolean} full whether a stored result must survive a power cut; otherwise as the stack's users have it by default
 * @property {number} redisPort 0 when the peer did not say that it needs one
 *
 * @typedef {object} OpenPeer
 * @property {(prompts: string[]) => Promise<void>} work
 * @property {() => number | Promise<number>} stored
 * @property {number[]} [pids] processes of its own beside the one that opened it
 * @property {() => unknown} close
 *
 * @typedef {object} Peer
 * @property {string} about
 * @property {{usual: string, full: string}} durability what `full: false` and `full: true` are here
 * @property {boolean} [redis] whether it needs a Redis
 * @property {(options: PeerOptions) => Promise<OpenPeer>} open
 */

/** Each must end with this many characters of text, so that no stack is fast because it leaves something out. */
const ANSWER_CHARACTERS = { plain: 1000, stream: 1000 };

/** The request that every stack makes. */
function bodyOf(/** @type {string} */ prompt, /** @type {boolean} */ stream) {
  return { model: 'm', messages: [{ role: /** @type {const} */ ('user'), content: prompt }], stream };
}

module.exports = { bodyOf, ANSWER_CHARACTERS };
