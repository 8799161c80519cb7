// SPDX-License-Identifier: MIT
'use strict';

const { LlmJobsError } = require('../error.js');
const { table } = require('../schema.js');

/** @import { Driver } from '../driver.js' */

/**
 * What the table's CHECK on `status` knows. A table of the original schema may know neither 'cancelled' nor 'waiting-children': then
 * what would be cancelled is failed, with the error that a cancelled job has, and there are no flows.
 *
 * @typedef {object} Shape
 * @property {'cancelled' | 'failed'} cancelled the status of a job that was cancelled
 * @property {boolean} waitsForChildren whether there is a status for a job that waits for its children
 */

/** Comments, texts, quoted names, words, and what is left. */
const TOKENS = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|\w+|[^\s\w]/g;

/**
 * @param {string} sql the table's CREATE TABLE
 * @returns {Shape}
 */
function readChecks(sql) {
  /** @type {Shape} */
  const shape = { cancelled: 'cancelled', waitsForChildren: true };
  const tokens = (sql.match(TOKENS) ?? []).filter((token) => !token.startsWith('--') && !token.startsWith('/*'));
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at].toLowerCase() !== 'check' || tokens[at + 1] !== '(') continue;
    const inside = new Set();
    let depth = 0;
    do {
      at++;
      if (tokens[at] === '(') depth++;
      else if (tokens[at] === ')') depth--;
      else inside.add(tokens[at].startsWith("'") ? tokens[at] : tokens[at].replace(/^["`[]|["`\]]$/g, '').toLowerCase());
    } while (depth > 0 && at + 1 < tokens.length);
    // A check that lists the states; any other has nothing to do with them.
    if (!inside.has('status') || !inside.has("'completed'")) continue;
    if (!inside.has("'cancelled'")) shape.cancelled = 'failed';
    if (!inside.has("'waiting-children'")) shape.waitsForChildren = false;
  }
  return shape;
}

/**
 * Gives the shape of the table as it is now: the text is read again only when the schema has changed.
 * @param {Driver} driver
 * @returns {() => Shape}
 */
function shapeOf(driver) {
  const version = driver.prepare('PRAGMA schema_version');
  const text = driver.prepare(`SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '${table}'`);
  /** @type {number | undefined} */
  let seen;
  let shape = readChecks('');
  return () => {
    const now = version.get()?.schema_version;
    if (now !== seen) shape = readChecks(text.get()?.sql ?? '');
    seen = now;
    return shape;
  };
}

/** @returns {LlmJobsError} */
function noFlows() {
  return new LlmJobsError(
    'DB_SCHEMA',
    `The CHECK on ${table}.status does not know 'waiting-children', so no job can wait for others: rebuild the table as docs/table.md tells`
  );
}

module.exports = { shapeOf, readChecks, noFlows };
