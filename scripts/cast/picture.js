// SPDX-License-Identifier: MIT
'use strict';

/** @import { Cell } from './terminal.js' */

const CHAR = 7.83;
const LINE = 17;
const MARGIN = 14;

/**
 * An SVG that shows the screens one after another, for ever, and in a program that does not animate the last one.
 * @param {{seconds: number, screen: Cell[][]}[]} frames each with the time for which it is shown
 * @param {{columns: number, rows: number, title: string}} size
 * @returns {string}
 */
function picture(frames, { columns, rows, title }) {
  const width = Math.ceil(columns * CHAR + 2 * MARGIN);
  const height = rows * LINE + 2 * MARGIN;
  const total = frames.reduce((sum, frame) => sum + frame.seconds, 0);
  const names = new Map();
  /** Lines that many frames share are written once. */
  const shared = (/** @type {string} */ body) => {
    if (!names.has(body)) names.set(body, `l${names.size}`);
    return names.get(body);
  };

  let at = 0;
  const groups = frames.map(({ seconds, screen }, index) => {
    const uses = screen
      .map((line, row) => ({ body: lineOf(line), row }))
      .filter(({ body }) => body !== '')
      .map(({ body, row }) => `<use href="#${shared(body)}" y="${row * LINE}"/>`)
      .join('');
    const [from, to] = [at / total, (at + seconds) / total].map((share) => Math.min(1, share).toFixed(5));
    at += seconds;
    const last = index === frames.length - 1;
    const values = index === 0 ? `values="visible;hidden" keyTimes="0;${to}"` : last ? `values="hidden;visible" keyTimes="0;${from}"` : `values="hidden;visible;hidden" keyTimes="0;${from};${to}"`;
    const animation = `<animate attributeName="visibility" calcMode="discrete" dur="${total.toFixed(2)}s" repeatCount="indefinite" ${values}/>`;
    return `<g visibility="${last ? 'visible' : 'hidden'}">${animation}${uses}</g>`;
  });
  const definitions = [...names].map(([body, name]) => `<text id="${name}" x="${MARGIN}" y="${MARGIN + 12}">${body}</text>`);

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    '<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#d6deeb}' +
      '.b{font-weight:bold;fill:#fff}.d{fill:#7f8c9b}.g{fill:#5fd38d}.r{fill:#ff6b6b}.c{fill:#4fb3ff}</style>',
    `<rect width="${width}" height="${height}" rx="8" fill="#10151c"/>`,
    `<defs>${definitions.join('\n')}</defs>`,
    ...groups,
    '</svg>',
    '',
  ].join('\n');
}

/**
 * @param {Cell[]} line
 * @returns {string} tspans; each says where it begins, so that a font of another width shifts nothing
 */
function lineOf(line) {
  let body = '';
  for (let start = 0; start < line.length; ) {
    let end = start + 1;
    while (end < line.length && line[end].style === line[start].style) end += 1;
    const text = line.slice(start, end).map((cell) => cell.text).join('').trimEnd();
    const indent = text.length - text.trimStart().length;
    const style = line[start].style;
    if (text !== '') {
      const x = (MARGIN + (start + indent) * CHAR).toFixed(1);
      const length = ([...text].length - indent) * CHAR;
      body += `<tspan x="${x}" textLength="${length.toFixed(1)}"${style === '' ? '' : ` class="${style}"`}>${escape(text.trimStart())}</tspan>`;
    }
    start = end;
  }
  return body;
}

/**
 * Spaces are kept by what they are: not every program heeds `white-space`.
 * @param {string} text
 */
function escape(text) {
  return text.replaceAll(' ', '\u00a0').replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

module.exports = { picture };
