// SPDX-License-Identifier: MIT
'use strict';

/**
 * Writes docs/table.md from js/schema.json.
 *
 *     node scripts/docs-table.js           writes it
 *     node scripts/docs-table.js --check   says whether it is up to date; exit code 1 when it is not
 */

const fs = require('node:fs');
const path = require('node:path');
const schema = require('../js/schema.json');
const { createTable, ms } = require('../js/schema.js');

const target = path.join(__dirname, '..', 'docs', 'table.md');

/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|');
const code = (/** @type {string} */ text) => `\`${cell(text)}\``;

const columns = schema.columns.map(({ name, declare, means }) => `| ${code(name)} | ${code(declare)} | ${cell(means)} |`);
const indexes = schema.indexes.map(
  ({ name, unique, on, where, serves }) => `| ${code(name)}${unique ? ' (unique)' : ''} | ${code(on)} | ${code(where)} | ${cell(serves)} |`
);

/** What a row of any older table becomes in the table as it is now. */
const TIMES = ['run_at', 'expires_at', 'created_at', 'processed_on', 'finished_on'];
/** @param {{name: string, declare: string}} column */
const copied = ({ name, declare }) => {
  if (name === 'id') return 'ifnull(id, lower(hex(randomblob(16))))';
  if (name === 'created_at') return `ifnull(${ms(name)}, 0)`;
  if (TIMES.includes(name)) return ms(name);
  const otherwise = / NOT NULL DEFAULT (\S+)/.exec(declare);
  return otherwise && name !== 'status' ? `ifnull(${name}, ${otherwise[1]})` : name;
};
/**
 * A text that the schema no longer has stops the script: the page would show a rebuild that fails on older rows.
 *
 * @param {string} text
 * @param {string} from
 * @param {string} to
 */
const replaced = (text, from, to) => {
  if (!text.includes(from)) throw new Error(`js/schema.json has no ${from} any more; mend the rebuild in ${path.basename(__filename)}`);
  return text.replace(from, to);
};
const kept = schema.columns.filter((column) => column.name !== 'seq');
const rebuild = `PRAGMA foreign_keys = OFF;
BEGIN IMMEDIATE;
${replaced(replaced(createTable, `IF NOT EXISTS ${schema.table}`, `${schema.table}_new`), "status = 'cancelled')", "status = 'cancelled' OR status = 'paused')")};
INSERT INTO ${schema.table}_new (${kept.map(({ name }) => name).join(', ')})
SELECT ${kept.map(copied).join(',\n  ')}
FROM ${schema.table} ORDER BY rowid;
DROP TABLE ${schema.table};
ALTER TABLE ${schema.table}_new RENAME TO ${schema.table};
COMMIT;`;

const page = `<!-- Made by scripts/docs-table.js from js/schema.json; change that file, then run the script. -->

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

## Older tables

A table of the original schema (\`id TEXT PRIMARY KEY\`, no \`seq\`) gets the columns and indexes that it lacks, and works. No value that
the app wrote is rewritten, and the app's old code may go on inserting rows. What is different in such a table:

- **Order of arrival** is the rowid. VACUUM may renumber the rows, in the same order; a running job finds its row again, and so does
  \`watch\`. A cursor of \`list\` is good until then. A table WITHOUT ROWID is DB_SCHEMA.
- **Times** before 100000000000 are seconds, whole or with a fraction; later ones are milliseconds. \`Queue\` gives milliseconds in
  any case, and retention, \`prune\`, \`run_at\` and \`expires_at\` take both.
- **Delayed rows** without \`run_at\` get it from \`processed_on\`, or from \`created_at\` and \`delay\`: at the upgrade, and when a worker
  looks for jobs that are due.
- **Jobs in state \`active\`** that nobody leased go back to \`waiting\`. Rows in state \`paused\` are left alone. A row with a NULL \`id\` gets one
  before it runs.
- **A CHECK on \`status\` without \`cancelled\`**: what would be cancelled is \`failed\`, with the code CANCELLED, EXPIRED or SUPERSEDED;
  \`retention.failed\` and \`prune({status: 'failed'})\` are for it too.
- **A CHECK on \`status\` without \`waiting-children\`**: \`addFlow\` with children and \`add\` with \`parentId\` throw DB_SCHEMA. A parent that plain
  SQL added stays \`waiting\` until its children have ended, then runs.

To be rid of the differences, rebuild the table once: open it with \`Queue\` first, so that it has all columns, then run this, then
open it again, which makes the indexes. Add the app's own columns to both lists, and make its own indexes and triggers again.
For a table WITHOUT ROWID leave out the opening before, the columns that it lacks, and ORDER BY. Milliseconds come out of seconds, and the state \`paused\` stays allowed.

\`\`\`sql
${rebuild}
\`\`\`

A migration of Drizzle does the same, from the app's own definition to [\`llmJobs\`](drizzle.md). Then turn \`foreign_keys\` on again, if
the app has it on.
`;

if (process.argv.includes('--check')) {
  const same = fs.existsSync(target) && fs.readFileSync(target, 'utf8') === page;
  if (!same) process.stderr.write('docs/table.md is not what scripts/docs-table.js makes of js/schema.json: run it without --check\n');
  process.exitCode = same ? 0 : 1;
} else {
  fs.writeFileSync(target, page);
}
