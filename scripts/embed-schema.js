// SPDX-License-Identifier: MIT
'use strict';

/**
 * Writes the SQL of table llm_jobs as a C header, so that the engine and `Queue` make the same table.
 *
 *     node scripts/embed-schema.js OUTPUT
 */

const fs = require('node:fs');
const path = require('node:path');
const { table, columns, createTable, indexes, fill } = require('../js/schema');

/** @param {string | null} text @returns {string} a C string literal, or NULL */
function literal(text) {
  if (text === null) return 'NULL';
  const bytes = Buffer.from(text, 'utf8');
  let out = '"';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === '\\') out += '\\' + character;
    else if (character === '\n') out += '\\n';
    // Octal always has three digits here, so the character behind it cannot become part of it.
    else if (byte < 0x20 || byte > 0x7e) out += '\\' + byte.toString(8).padStart(3, '0');
    // "??=" and its kin would be trigraphs under -std=c11.
    else if (character === '?') out += '\\?';
    else out += character;
  }
  return out + '"';
}

/** One literal a line: C11 promises no more than 4,095 characters in one literal, but most compilers join them anyway. */
function longLiteral(/** @type {string} */ text) {
  return text
    .split(/(?<=\n)/)
    .map((line) => '  ' + literal(line))
    .join('\n');
}

function header() {
  const column = columns.map(
    ({ name, declare, add, optional }) => `  { ${literal(name)}, ${literal(declare)}, ${literal(add)}, ${optional ? 1 : 0} },`,
  );
  const index = indexes.map(({ name, sql }) => `  { ${literal(name)}, ${literal(sql)} },`);
  return `/* Made from js/schema.json by scripts/embed-schema.js. Do not edit. */
#ifndef LJ_SCHEMA_DDL_H
#define LJ_SCHEMA_DDL_H

#include <stddef.h>

#define LJ_SCHEMA_TABLE ${literal(table)}
#define LJ_SCHEMA_FILL ${literal(fill)}
#define LJ_SCHEMA_COLUMN_COUNT ${columns.length}
#define LJ_SCHEMA_INDEX_COUNT ${indexes.length}

static const struct {
  const char *name;
  const char *declare;
  const char *add; /* NULL: can't be added later */
  int optional;    /* a table without it is complete */
} lj_schema_columns[LJ_SCHEMA_COLUMN_COUNT] = {
${column.join('\n')}
};

static const struct {
  const char *name;
  const char *sql;
} lj_schema_indexes[LJ_SCHEMA_INDEX_COUNT] = {
${index.join('\n')}
};

static const char lj_schema_create[] =
${longLiteral(createTable)};

#endif
`;
}

function main() {
  const output = process.argv[2];
  if (output === undefined) throw new Error('Usage: node scripts/embed-schema.js OUTPUT');
  const text = header();
  // An unchanged header keeps its time, so that nothing that includes it is compiled again.
  if (fs.existsSync(output) && fs.readFileSync(output, 'utf8') === text) return;
  fs.mkdirSync(path.dirname(output), { recursive: true });
  fs.writeFileSync(output, text);
}

main();
