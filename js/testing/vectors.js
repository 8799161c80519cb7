// SPDX-License-Identifier: MIT
'use strict';

const { createHash } = require('node:crypto');

const DIMENSIONS = 8;

/**
 * The same vector for the same text, in every run: numbers from -1 to 1 that a 32-bit float holds exactly.
 * @param {string} text
 * @param {number} [dimensions]
 * @returns {number[]}
 */
function vectorOf(text, dimensions = DIMENSIONS) {
  return Array.from({ length: dimensions }, (_, index) => {
    const bytes = createHash('sha256').update(`${index} ${text}`).digest();
    return bytes.readInt16LE() / 32768;
  });
}

module.exports = { vectorOf };
