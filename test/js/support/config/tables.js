// SPDX-License-Identifier: MIT
'use strict';

/** The engine's lists of configuration keys, read from its sources: names, kinds, ranges, defaults. */

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..', '..', '..');

/**
 * @typedef {{name: string, kind: string, required: boolean, min: number, max: number, otherwise?: number | boolean}} Field
 *   `otherwise`: the default, where it is a constant
 */

/** @param {string} file */
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');

/** @param {string} text @returns {Record<string, number>} the constants of its enums and #defines */
function constantsOf(text) {
  /** @type {Record<string, number>} */
  const found = {};
  for (const [, name, value] of text.matchAll(/\b([A-Z][A-Z0-9_]+) = (\d+)\b/g)) found[name] = Number(value);
  for (const [, name, value] of text.matchAll(/#define ([A-Z][A-Z0-9_]+) (\d+)\b/g)) found[name] = Number(value);
  return found;
}

/** @returns {Map<string, Field[]>} by file and name of the table, as in `config.c root_fields` */
function fieldTables() {
  const files = fs.readdirSync(path.join(root, 'src', 'engine')).filter((name) => /^(config\w*|keys)\.c$/.test(name)).map((name) => `src/engine/${name}`);
  files.push('src/policy/content.c');
  const shared = { ...constantsOf(read('src/base/limits.h')), ...constantsOf(read('src/engine/config.h')), ...constantsOf(read('src/policy/health.h')) };
  const tables = new Map();
  for (const file of files) {
    const text = read(file);
    const constants = { ...shared, ...constantsOf(text) };
    const valueOf = (/** @type {string} */ word) => constants[word] ?? Number(word);
    /** @type {Record<string, number | boolean>} */
    const defaults = {};
    for (const [, type, name, word] of text.matchAll(/lj_json_(int|bool|number)\(\w+, "(\w+)", (\w+)\)/g)) {
      const value = type === 'bool' ? (word === 'true' ? true : word === 'false' ? false : NaN) : valueOf(word);
      if (!Number.isNaN(value)) defaults[name] = value;
    }
    for (const [, table, body] of text.matchAll(/static const lj_field (\w+)\[\] = \{(.*?)\};/gs)) {
      const fields = [...body.matchAll(/\{"([^"]+)", LJ_FIELD_(\w+), (true|false), ([\w.-]+), ([\w.-]+)\}/g)].map(([, name, kind, required, min, max]) => ({
        name,
        kind,
        required: required === 'true',
        min: valueOf(min),
        max: valueOf(max),
        ...(defaults[name] === undefined ? {} : { otherwise: defaults[name] }),
      }));
      tables.set(`${path.basename(file)} ${table}`, fields);
    }
  }
  return tables;
}

/** @returns {string[]} the names that a job type may have beside `model` and `prompt` */
function requestFields() {
  const [, list] = /lj_request_fields\[\] = \{(.*?)\};/s.exec(read('src/provider/request_check.c')) ?? [];
  return [...(list ?? '').matchAll(/\{"(\w+)"/g)].map(([, name]) => name);
}

module.exports = { fieldTables, requestFields };
