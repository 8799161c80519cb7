// SPDX-License-Identifier: MIT
'use strict';

/** A terminal in which the last lines are drawn anew again and again while finished lines scroll by above them. */
class Screen {
  /** @param {NodeJS.WriteStream} output */
  constructor(output) {
    this.output = output;
    /** Whether it is a terminal; otherwise only finished lines are written, with no codes in them. */
    this.live = output.isTTY === true && process.env.TERM !== 'dumb';
    this.colour = this.live && !process.env.NO_COLOR;
    /** Lines drawn below the finished ones. */
    this.drawn = 0;
    // Whoever ends the process: the cursor must not stay hidden.
    process.once('exit', () => this.clear());
  }

  get columns() {
    return this.live ? Math.max(40, this.output.columns ?? 80) : 100;
  }

  get rows() {
    return Math.max(10, this.output.rows ?? 24);
  }

  /**
   * @param {string} text
   * @param {'bold' | 'dim' | 'green' | 'red' | 'cyan'} style
   */
  paint(text, style) {
    const code = { bold: 1, dim: 2, green: 32, red: 31, cyan: 36 }[style];
    return this.colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }

  /** @param {string[]} lines that stay */
  print(...lines) {
    this.output.write(`${this.erased()}${lines.map((line) => `${line}\n`).join('')}`);
    this.drawn = 0;
  }

  /** @param {string[]} lines that replace those drawn before */
  draw(lines) {
    if (!this.live) return;
    // Without automatic line breaks, a line that is too long cannot shift those below it.
    this.output.write(`${this.erased()}\x1b[?25l\x1b[?7l${lines.map((line) => `${line}\n`).join('')}\x1b[?7h`);
    this.drawn = lines.length;
  }

  /** Takes away what was drawn and shows the cursor. */
  clear() {
    if (!this.live || this.drawn === 0) return;
    this.output.write(`${this.erased()}\x1b[?25h`);
    this.drawn = 0;
  }

  erased() {
    return this.drawn > 0 ? `\x1b[${this.drawn}A\r\x1b[0J` : '';
  }
}

module.exports = { Screen };
