// SPDX-License-Identifier: MIT
'use strict';

/** Letters that take two columns of a terminal, roughly: East Asian ones and pictures. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;

/**
 * A model may say anything, also what a terminal would obey.
 * @param {string} text
 */
function harmless(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}

/** @param {string} text */
function width(text) {
  let columns = 0;
  for (const letter of text) columns += /\p{Mark}/u.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1;
  return columns;
}

/**
 * At most so many columns, with "…" where something is left out.
 * @param {string} text
 * @param {number} columns
 */
function fit(text, columns) {
  if (width(text) <= columns) return text;
  let kept = '';
  for (const letter of text) {
    if (width(kept + letter) > columns - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

/**
 * Exactly so many columns.
 * @param {string} text
 * @param {number} columns
 * @param {'left' | 'right'} [side] where the text stands
 */
function pad(text, columns, side = 'left') {
  const short = fit(text, columns);
  const gap = ' '.repeat(Math.max(0, columns - width(short)));
  return side === 'left' ? short + gap : gap + short;
}

/**
 * @param {string} text
 * @param {number} columns
 * @param {string} indent
 * @returns {string[]} lines
 */
function wrap(text, columns, indent) {
  /** @type {string[]} */
  const lines = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((one) => one !== '')) {
    if (line !== '' && width(indent) + width(line) + 1 + width(word) > columns) {
      lines.push(indent + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(indent + line);
  return lines;
}

/** @param {number | null | undefined} ms */
function duration(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60000);
  return minutes < 60 ? `${minutes} min ${Math.round((ms % 60000) / 1000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

module.exports = { harmless, width, fit, pad, wrap, duration };
