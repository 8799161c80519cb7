// SPDX-License-Identifier: MIT
'use strict';

/** @typedef {{title: string, text: string}} Section */

/** Paragraphs of a text without headings are put together up to this size. */
const GROUP_CHARS = 1200;
/** A longer section is cut between paragraphs, so that it fits any model's context. */
const MAX_CHARS = 8000;
const TITLE_CHARS = 60;

/**
 * Splits a text into sections: at its Markdown headings, or, when it has none, into groups of paragraphs. Headings without text
 * below them are left out; a text without any words has no section.
 * @param {string} text
 * @returns {Section[]}
 */
function splitSections(text) {
  const lines = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n').split('\n');
  const sections = atHeadings(lines) ?? groups(paragraphs(lines.join('\n')));
  return sections.filter((section) => /\p{L}|\p{N}/u.test(section.text)).flatMap(cut);
}

/**
 * @param {string[]} lines
 * @returns {Section[] | null} null when there is no heading
 */
function atHeadings(lines) {
  /** @type {{title: string, lines: string[]}[]} */
  const found = [{ title: '', lines: [] }];
  let fence = '';
  lines.forEach((line, index) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? '';
    if (fence === '' && mark !== '') fence = mark;
    else if (fence !== '' && mark.startsWith(fence) && line.trim() === mark) fence = '';

    const title = fence === '' ? headingAt(lines, index) : null;
    if (title !== null) found.push({ title, lines: [] });
    else found[found.length - 1].lines.push(line);
  });
  if (found.length === 1) return null;
  return found.map(({ title, lines: own }) => ({ title: title || 'Beginning', text: own.join('\n').trim() }));
}

/**
 * @param {string[]} lines
 * @param {number} index
 * @returns {string | null} the title when this line is a heading, `# Title` or a line that is underlined
 */
function headingAt(lines, index) {
  const marked = /^ {0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$/.exec(lines[index]);
  if (marked) return plain(marked[1]);
  const above = lines[index - 1] ?? '';
  const underlined = /^(=+|-+)\s*$/.test(lines[index + 1] ?? '') && above.trim() === '' && /^\S/.test(lines[index]);
  return underlined && /\p{L}/u.test(lines[index]) && lines[index + 1].trim().length >= 3 ? plain(lines[index]) : null;
}

/** @param {string} text */
function paragraphs(text) {
  return text.split(/\n\s*\n/).map((one) => one.trim()).filter((one) => one !== '');
}

/**
 * @param {string[]} parts
 * @returns {Section[]}
 */
function groups(parts) {
  /** @type {string[]} */
  const texts = [];
  for (const part of parts) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + part.length + 2 <= GROUP_CHARS) texts[texts.length - 1] = `${last}\n\n${part}`;
    else texts.push(part);
  }
  return texts.map((text) => ({ title: plain(text.split('\n')[0]), text }));
}

/**
 * @param {Section} section
 * @returns {Section[]}
 */
function cut({ title, text }) {
  /** @type {string[]} */
  const pieces = [];
  for (const part of paragraphs(text).flatMap((one) => one.match(new RegExp(`[^]{1,${MAX_CHARS}}`, 'gu')) ?? [])) {
    const last = pieces.at(-1);
    if (last !== undefined && last.length + part.length + 2 <= MAX_CHARS) pieces[pieces.length - 1] = `${last}\n\n${part}`;
    else pieces.push(part);
  }
  return pieces.map((piece, index) => ({ title: index === 0 ? title : `${title} (${index + 1})`, text: piece }));
}

/**
 * A title as one short line without Markdown's marks.
 * @param {string} text
 */
function plain(text) {
  const line = text.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '').replace(/\s+/g, ' ').trim();
  const letters = [...line];
  return letters.length > TITLE_CHARS ? `${letters.slice(0, TITLE_CHARS - 1).join('').trim()}…` : line;
}

module.exports = { splitSections };
