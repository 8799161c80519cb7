// SPDX-License-Identifier: MIT
'use strict';

/** The process that writes rows for lib/delays.js: an app that knows nothing of this library but the table. */

const BetterSqlite3 = require('better-sqlite3');

const { file, synchronous, inserts, gapMs } = JSON.parse(process.argv[2]);
const db = new BetterSqlite3(file, { timeout: 10000 });
db.pragma(`synchronous = ${synchronous}`);
const level = db.pragma('synchronous', { simple: true });
if (level !== (synchronous === 'FULL' ? 2 : 1)) throw new Error(`synchronous is ${level}, not ${synchronous}`);

const insert = db.prepare("INSERT INTO llm_jobs (name, model, data) VALUES ('bench', 'fake/m', ?)");
/** @type {{prompt: string, at: number}[]} */
const commits = [];

function next() {
  if (commits.length === inserts) {
    db.close();
    process.send?.(commits, () => process.disconnect());
    return;
  }
  const prompt = `${synchronous}-${commits.length}`;
  const data = JSON.stringify({ prompt });
  insert.run(data);
  commits.push({ prompt, at: Number(process.hrtime.bigint()) / 1e6 });
  setTimeout(next, gapMs[0] + Math.random() * (gapMs[1] - gapMs[0]));
}

// The parent may want to end before everything is written.
process.on('disconnect', () => process.exit(0));
next();
