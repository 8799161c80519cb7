// SPDX-License-Identifier: MIT
'use strict';

/**
 * Numbers from 0 to 1 that look random and are the same for the same seed (the generator of Park and Miller), so that every
 * stack of a round gets the same gaps.
 * @param {number} seed a whole number above 0
 */
function randomFrom(seed) {
  const modulus = 2147483647;
  let state = (seed * 48271) % modulus;
  return () => (state = (state * 48271) % modulus) / modulus;
}

module.exports = { randomFrom };
