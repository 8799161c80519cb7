// SPDX-License-Identifier: MIT
'use strict';

/**
 * Writes docs/table.md from src/queue/schema.json.
 *
 *     node scripts/docs-table.js           writes it
 *     node scripts/docs-table.js --check   says whether it is up to date; exit code 1 when it is not
 */

const fs = require('node:fs');
const path = require('node:path');
const schema = require('../src/queue/schema.json');

const target = path.join(__dirname, '..', 'docs', 'table.md');

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|');
const code = (/** @type {string} */ text) => `\`${cell(text)}\``;

const columns = schema.columns.map(({ name, declare, means }) => `| ${code(name)} | ${code(declare)} | ${cell(means)} |`);
const indexes = schema.indexes.map(
  ({ name, unique, on, where, serves }) => `| ${code(name)}${unique ? ' (unique)' : ''} | ${code(on)} | ${code(where)} | ${cell(serves)} |`
);

const page = `<!-- Made by scripts/docs-table.js from src/queue/schema.json; change that file, then run the script. -->

# Table ${schema.table}

One row is one job. \`Queue\` and the worker create the table when it is missing, and add the columns and indexes that an older one
lacks. They never rename or drop anything, and never touch another table or \`PRAGMA user_version\`. Any program may insert rows; only
\`name\` and \`data\` have no default. Times are Unix milliseconds, UTC.

## Columns

| column | declared as | meaning |
|---|---|---|
${columns.join('\n')}

## Indexes

All of them are partial, so that ended jobs cost the queue nothing.

| index | on | where | serves |
|---|---|---|---|
${indexes.join('\n')}

## States

| status | meaning | leaves it |
|---|---|---|
| \`waiting\` | may be started | when a worker claims it; when somebody cancels it |
| \`delayed\` | starts no sooner than \`run_at\`: added so, or waiting for its next try | when \`run_at\` has come; when somebody cancels it |
| \`waiting-children\` | starts when its children have ended | when the last of them has ended, or one has failed; when somebody cancels it |
| \`active\` | a worker holds it until \`lease_until\` | when its try ends, or its worker dies |
| \`completed\` | the answer is in \`result\` | never |
| \`failed\` | the reason is in \`error\` | never |
| \`cancelled\` | ended by somebody's wish, by \`expires_at\`, or by a newer job of its \`supersede_key\` | never |

\`progress\` and \`partial\` of running jobs are written at most four times a second; \`progress\` follows the tokens against
\`maxTokens\` and stays 0 without one; a text of more than 256 KiB is in \`result\` only. \`dependency_count\` is what is known of
unfinished children; the children themselves decide.
`;

if (process.argv.includes('--check')) {
  const same = fs.existsSync(target) && fs.readFileSync(target, 'utf8') === page;
  if (!same) process.stderr.write('docs/table.md is not what scripts/docs-table.js makes of src/queue/schema.json: run it without --check\n');
  process.exitCode = same ? 0 : 1;
} else {
  fs.writeFileSync(target, page);
}
