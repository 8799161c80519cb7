// SPDX-License-Identifier: MIT
'use strict';

/**
 * The four ways in which an app may hold its database, behind one face for tests that must pass with all of them.
 * No test that uses this file may load the addon: two copies of SQLite on one file in one process drop each other's locks.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const BetterSqlite3 = require('better-sqlite3');
const { sql } = require('drizzle-orm');
const { drizzle } = require('drizzle-orm/better-sqlite3');

/**
 * @typedef {object} App
 * @property {any} db what is given to Queue
 * @property {(sql: string) => void} exec
 * @property {(sql: string) => any[]} all
 * @property {<T>(work: () => T) => T} transaction the way of this library
 * @property {() => void} close
 *
 * @typedef {{name: string, open: (file: string, options?: {bigints?: boolean}) => App}} Driver
 */

/** @param {any} client @param {() => any} work */
function byHand(client, work) {
  client.exec('BEGIN');
  try {
    const result = work();
    client.exec('COMMIT');
    return result;
  } catch (error) {
    client.exec('ROLLBACK');
    throw error;
  }
}

/** @param {any} client @param {any} db @param {(work: () => any) => any} transaction @returns {App} */
const app = (client, db, transaction) => ({
  db,
  exec: (text) => void client.exec(text),
  all: (text) => client.prepare(text).all(),
  transaction,
  close: () => client.close(),
});

/** @param {string} file @param {{bigints?: boolean}} [options] */
function openBetter(file, { bigints = false } = {}) {
  const client = new BetterSqlite3(file);
  client.defaultSafeIntegers(bigints);
  return client;
}

/** @param {string} file @param {{bigints?: boolean}} [options] */
function openNode(file, { bigints = false } = {}) {
  return new DatabaseSync(file, { readBigInts: bigints });
}

/** @type {Driver[]} */
const drivers = [
  {
    name: 'better-sqlite3',
    open(file, options) {
      const client = openBetter(file, options);
      return app(client, client, (work) => client.transaction(work)());
    },
  },
  {
    name: 'node:sqlite',
    open(file, options) {
      const client = openNode(file, options);
      return app(client, client, (work) => byHand(client, work));
    },
  },
  {
    name: 'Drizzle over better-sqlite3',
    open(file, options) {
      const client = openBetter(file, options);
      const db = drizzle({ client });
      return app(client, db, (work) => db.transaction(() => work()));
    },
  },
  {
    name: 'Drizzle over node:sqlite',
    open(file, options) {
      const client = openNode(file, options);
      // This version of Drizzle has no driver of its own for node:sqlite; its statements go through the one it has.
      const db = drizzle({ client: /** @type {any} */ (client) });
      return app(client, db, (work) => {
        db.run(sql`BEGIN`);
        try {
          const result = work();
          db.run(sql`COMMIT`);
          return result;
        } catch (error) {
          db.run(sql`ROLLBACK`);
          throw error;
        }
      });
    },
  },
];

/** A directory of its own, whose end belongs into afterEach. */
function temporaryFile() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'));
  return { file: path.join(directory, 'app.db'), remove: () => fs.rmSync(directory, { recursive: true, force: true }) };
}

module.exports = { drivers, temporaryFile };
