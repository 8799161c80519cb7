// SPDX-License-Identifier: MIT
'use strict';

/**
 * A terminal that understands what the demo writes, and no more: text, line ends, colours, the cursor up, clearing below.
 *
 * @typedef {{text: string, style: string}} Cell style: a class name of the picture, '' for plain
 */

const STYLES = /** @type {Record<string, string>} */ ({ 1: 'b', 2: 'd', 31: 'r', 32: 'g', 36: 'c' });

class Terminal {
  /**
   * @param {number} columns
   * @param {number} rows
   */
  constructor(columns, rows) {
    this.columns = columns;
    this.rows = rows;
    /** @type {Cell[][]} everything ever written; the screen is its end */
    this.lines = [[]];
    this.row = 0;
    this.column = 0;
    this.style = '';
    this.wraps = true;
  }

  /** @param {string} text */
  write(text) {
    for (const [token] of text.matchAll(/\x1b\[[?\d;]*[A-Za-z]|[^\x1b]|\x1b/gsu)) {
      if (token.startsWith('\x1b[')) this.obey(token);
      else if (token === '\n') this.down();
      else if (token === '\r') this.column = 0;
      else this.put(token);
    }
  }

  /** @param {string} token */
  obey(token) {
    const argument = token.slice(2, -1);
    const command = token.at(-1);
    if (command === 'm') this.style = STYLES[argument] ?? '';
    else if (command === 'A') this.row = Math.max(0, this.row - Number(argument || 1));
    else if (command === 'J') {
      this.lines.length = this.row + 1;
      this.lines[this.row].length = Math.min(this.lines[this.row].length, this.column);
    } else if (argument === '?7') this.wraps = command === 'h';
    else if (argument !== '?25') throw new Error(`the terminal of the cast does not know ${JSON.stringify(token)}`);
  }

  down() {
    this.row += 1;
    if (this.row === this.lines.length) this.lines.push([]);
  }

  /** @param {string} text */
  put(text) {
    if (this.column === this.columns) {
      if (!this.wraps) return;
      this.down();
      this.column = 0;
    }
    const line = this.lines[this.row];
    while (line.length < this.column) line.push({ text: ' ', style: '' });
    line[this.column] = { text, style: this.style };
    this.column += 1;
  }

  /** @returns {Cell[][]} what is to be seen */
  screen() {
    return this.lines.slice(-this.rows).map((line) => [...line]);
  }
}

module.exports = { Terminal };
