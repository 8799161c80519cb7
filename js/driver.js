// SPDX-License-Identifier: MIT
'use strict';

/**
 * One small interface over the app's own connection. `Queue` knows nothing but this; which library stands behind is found by
 * looking at the object, never by loading a library, so that this package depends on none.
 *
 * Parameters are arrays, bound by position. Integers come back as numbers whatever the app chose for itself.
 *
 * @typedef {null | number | string} Value
 * @typedef {Record<string, any>} Row
 *
 * @typedef {object} Statement
 * @property {(params?: readonly Value[]) => {changes: number, lastInsertRowid: number}} run
 * @property {(params?: readonly Value[]) => Row | undefined} get
 * @property {(params?: readonly Value[]) => Row[]} all
 *
 * @typedef {object} Connection what each library's adapter provides
 * @property {(sql: string) => void} exec
 * @property {(sql: string) => Statement} prepare
 * @property {() => boolean} inTransaction
 * @property {(error: any) => boolean} isBusy
 *
 * @typedef {object} Driver
 * @property {(sql: string) => void} exec
 * @property {(sql: string) => Statement} prepare
 * @property {boolean} inTransaction whether the app has a transaction open on this connection
 * @property {<T>(work: () => T) => T} transaction all of `work` or nothing of it: in a transaction of its own, or as a part of the
 *   app's when one is open
 */

const { LlmJobsError, describe } = require('./error.js');
const betterSqlite3 = require('./driver/better-sqlite3.js');
const nodeSqlite = require('./driver/node-sqlite.js');
const { whenFree } = require('./driver/busy.js');

/**
 * @param {unknown} db a connection of better-sqlite3 or node:sqlite, or a Drizzle instance over one of them
 * @returns {Driver}
 */
function openDriver(db) {
  const connection = connect(db);
  const transaction = /** @template T @param {() => T} work @returns {T} */ (work) => {
    if (connection.inTransaction()) return inSavepoint(connection, work);
    whenFree(connection, () => connection.exec('BEGIN IMMEDIATE'));
    return finish(connection, work, 'COMMIT', 'ROLLBACK');
  };
  return {
    exec: (sql) => connection.exec(sql),
    prepare(sql) {
      const statement = connection.prepare(sql);
      // A single statement is a transaction of its own, so it can be repeated as a whole when another process is in the way.
      return {
        run: (params) => whenFree(connection, () => statement.run(params)),
        get: (params) => whenFree(connection, () => statement.get(params)),
        all: (params) => whenFree(connection, () => statement.all(params)),
      };
    },
    get inTransaction() {
      return connection.inTransaction();
    },
    transaction,
  };
}

/**
 * @param {unknown} db
 * @returns {Connection}
 */
function connect(db) {
  // 1. Something that can be asked at all
  if (db === null || typeof db !== 'object') {
    throw refuse(`got ${describe(db)}`);
  }
  // 2. A Drizzle instance stands for the connection under it
  const drizzle = /** @type {{$client?: unknown}} */ (db).$client;
  const client = /** @type {any} */ (drizzle !== null && typeof drizzle === 'object' ? drizzle : db);
  const where = client === db ? '' : ' under the Drizzle instance';
  // 3. The two libraries, told apart by what only they have
  if (betterSqlite3.recognises(client)) return betterSqlite3.connect(client);
  if (nodeSqlite.recognises(client)) return nodeSqlite.connect(client);
  // 4. The likely mistakes, each with its own remedy
  if (typeof client.rollback === 'function' && client.session !== undefined) {
    throw refuse('got a Drizzle transaction: pass the Drizzle instance; what is added inside the transaction joins it');
  }
  if (typeof client.parallelize === 'function' || typeof client.executeMultiple === 'function' || typeof client.then === 'function') {
    throw refuse(`the driver${where} is asynchronous, so a job could not be added in the app's own transaction`);
  }
  if (nodeSqlite.tooOld(client)) {
    throw refuse('this version of node:sqlite cannot tell whether a transaction is open: use Node ≥ 22.16, or better-sqlite3');
  }
  throw refuse(`the object${where} is none of these`);
}

/** @param {string} why */
function refuse(why) {
  return new LlmJobsError(
    'BAD_CONFIG',
    `Queue needs an open connection of better-sqlite3 or node:sqlite (DatabaseSync), or a Drizzle instance over one; ${why}`
  );
}

/**
 * Inside the app's transaction a failure undoes our part only; whether the rest stays is the app's decision.
 * @template T
 * @param {Connection} connection
 * @param {() => T} work
 * @returns {T}
 */
function inSavepoint(connection, work) {
  connection.exec('SAVEPOINT llm_jobs_part');
  return finish(connection, work, 'RELEASE llm_jobs_part', 'ROLLBACK TO llm_jobs_part; RELEASE llm_jobs_part');
}

/**
 * @template T
 * @param {Connection} connection
 * @param {() => T} work
 * @param {string} commit
 * @param {string} undo
 * @returns {T}
 */
function finish(connection, work, commit, undo) {
  try {
    const result = work();
    connection.exec(commit);
    return result;
  } catch (error) {
    // Some errors (a full disk, for one) have already rolled everything back; then there is nothing left to undo.
    if (connection.inTransaction()) connection.exec(undo);
    throw error;
  }
}

module.exports = { openDriver };
