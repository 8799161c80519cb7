// SPDX-License-Identifier: MIT
'use strict';

/** Ceiling of one line of output; a longer one is reported in pieces. */
const MAX_LINE = 65536;

/**
 * Reads what a process prints, line by line, so that a full pipe never stops it.
 * @param {NodeJS.ReadableStream | null} stream
 * @param {(line: string) => void} onLine
 */
function splitLines(stream, onLine) {
  if (stream === null) return;
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (/** @type {string} */ chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach((line) => onLine(line));
    if (rest.length >= MAX_LINE) {
      onLine(rest);
      rest = '';
    }
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
  stream.on('error', () => {});
}

module.exports = { splitLines };
