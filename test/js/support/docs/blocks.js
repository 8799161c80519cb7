// SPDX-License-Identifier: MIT
'use strict';

/**
 * The fenced blocks of the documents. An HTML comment before a block, which no reader sees, says how it is to be treated where
 * the rule of its language is not enough:
 *
 *     <!-- test: prelude=electron names=kept,show run=no -->
 *
 * `prelude` names files of preludes/ whose names the block may use (`common` always); `names` are names of the reader's own, of any
 * type; `run=no` only checks a program's types; `json=other` says that an object is no configuration.
 */

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..', '..', '..');

/**
 * @typedef {object} Block
 * @property {string} page
 * @property {number} line of its first line of text, from 1
 * @property {string} language '' where the fence names none
 * @property {string} text
 * @property {Record<string, string>} how what the comment before it says
 */

const KEYS = { prelude: /^[a-z,]+$/, names: /^[\w$,]+$/, run: /^no$/, json: /^other$/ };

/** @returns {string[]} the pages whose blocks are looked at */
function pages() {
  const files = ['README.md', 'CONTRIBUTING.md'];
  for (const name of fs.readdirSync(path.join(root, 'docs')).sort()) if (name.endsWith('.md')) files.push(`docs/${name}`);
  for (const name of fs.readdirSync(path.join(root, 'examples')).sort()) files.push(`examples/${name}/README.md`);
  return files.filter((file) => fs.existsSync(path.join(root, file)));
}

/**
 * @param {string} comment what stands behind `test:`
 * @param {string} where
 * @returns {Record<string, string>}
 */
function readComment(comment, where) {
  /** @type {Record<string, string>} */
  const how = {};
  for (const word of comment.trim().split(/\s+/)) {
    const [key, value = ''] = word.split('=');
    const pattern = /** @type {Record<string, RegExp>} */ (KEYS)[key];
    if (!pattern?.test(value)) throw new Error(`${where}: "${word}" is not known in a comment <!-- test: … -->`);
    how[key] = value;
  }
  return how;
}

/**
 * @param {string} page
 * @param {string} text of the page
 * @returns {Block[]}
 */
function blocksOf(page, text) {
  const lines = text.split('\n');
  /** @type {Block[]} */
  const blocks = [];
  /** @type {Record<string, string> | null} */
  let how = null;
  for (let at = 0; at < lines.length; at++) {
    const comment = /^\s*<!-- test: (.*?)-->\s*$/.exec(lines[at]);
    const fence = /^( *)(`{3,}|~{3,})\s*(\S*)/.exec(lines[at]);
    if (comment) {
      how = readComment(comment[1], `${page}:${at + 1}`);
    } else if (fence) {
      const [, indent, mark, language] = fence;
      const first = at + 1;
      while (++at < lines.length && lines[at].trim() !== mark);
      if (at === lines.length) throw new Error(`${page}:${first}: the block never ends`);
      const inner = lines.slice(first, at).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
      blocks.push({ page, line: first + 1, language: language.toLowerCase(), text: `${inner.join('\n')}\n`, how: how ?? {} });
      how = null;
    } else if (how !== null && lines[at].trim() !== '') {
      throw new Error(`${page}:${at + 1}: a comment <!-- test: … --> stands right before a block`);
    }
  }
  return blocks;
}

/** @returns {Block[]} of all pages */
function allBlocks() {
  return pages().flatMap((page) => blocksOf(page, fs.readFileSync(path.join(root, page), 'utf8')));
}

module.exports = { allBlocks, blocksOf, root };
