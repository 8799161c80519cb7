// SPDX-License-Identifier: MIT
'use strict';

const { startFakeProvider } = require('llm-jobs/testing');

const MIN_WORDS = 18;
const MAX_WORDS = 45;

/**
 * A model that is none: it speaks the API and streams, but its "summary" is the beginning of the section.
 * @param {number} tokenMs pause between two words
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
async function startFakeModel(tokenMs) {
  const provider = await startFakeProvider({
    firstTokenMs: tokenMs * 6,
    tokenMs,
    script: ({ body }) => ({ text: beginningOf(textOf(body)) }),
  });
  return { url: provider.openaiUrl, close: provider.close };
}

/** @param {any} body of the request: what follows the first line of the last message is the section */
function textOf(body) {
  const content = body?.messages?.at?.(-1)?.content;
  return typeof content === 'string' ? content.slice(content.indexOf('\n') + 1) : '';
}

/**
 * The first sentences of a text, without code, tables and marks.
 * @param {string} text
 * @returns {string}
 */
function beginningOf(text) {
  const prose = text
    .replace(/^ {0,3}(`{3,}|~{3,})[^]*?(?:\n {0,3}\1.*$|$(?![^]))/gm, '\n')
    .replace(/<!--[^]*?-->/g, '')
    .replace(/^\s*\|.*$/gm, '')
    .replace(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '');
  /** @type {string[]} */
  const words = [];
  for (const sentence of prose.split(/\n\s*\n|\n\s*(?=[-*+>] |\d+\. )/).flatMap(sentencesOf)) {
    if (words.length >= MIN_WORDS) break;
    words.push(...sentence.split(' '));
  }
  if (words.length === 0) return 'The section holds no sentences, only code or tables.';
  return words.length > MAX_WORDS ? `${words.slice(0, MAX_WORDS).join(' ')} …` : words.join(' ').replace(/;$/, '.');
}

/** @param {string} block a paragraph or an entry of a list */
function sentencesOf(block) {
  const line = block.replace(/^\s*(?:[-*+>]|\d+\.)\s+/, '').replace(/\s+/g, ' ').trim();
  if (line === '') return [];
  return (/[.!?:;…。！？]$/.test(line) ? line : `${line};`).split(/(?<=[.!?])\s+/);
}

/**
 * How many words the fake model will say about these texts, to choose its pace.
 * @param {string[]} texts
 */
function countWords(texts) {
  return texts.reduce((sum, text) => sum + beginningOf(text).split(' ').length, 0);
}

module.exports = { startFakeModel, beginningOf, countWords };
