// SPDX-License-Identifier: MIT
'use strict';

/** Another program that writes: takes the write lock of a database, says so, and gives it back after some milliseconds. */

const { DatabaseSync } = require('node:sqlite');

const [file, ms] = process.argv.slice(2);
const db = new DatabaseSync(file);
db.exec('BEGIN IMMEDIATE');
process.send?.('held');
setTimeout(() => {
  db.exec('COMMIT');
  db.close();
  process.disconnect?.();
}, Number(ms));
