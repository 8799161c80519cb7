// SPDX-License-Identifier: MIT
'use strict';

/** @import { Connection } from '../driver.js' */

/** Primary and extended result codes after which the same statement may succeed a moment later: not SQLITE_BUSY_SNAPSHOT (517). */
const BUSY = 5;
const BUSY_RECOVERY = 261;
const BUSY_TIMEOUT = 773;

/**
 * DatabaseSync of node:sqlite, by the boolean `isTransaction` that only it has.
 * @param {any} client
 * @returns {boolean}
 */
function recognises(client) {
  return typeof client.prepare === 'function' && typeof client.exec === 'function' && typeof isTransaction(client) === 'boolean';
}

/**
 * A DatabaseSync from before `isTransaction` existed.
 * @param {any} client
 * @returns {boolean}
 */
function tooOld(client) {
  return client.constructor?.name === 'DatabaseSync' && !recognises(client);
}

/**
 * The getter throws when the connection is closed; a closed connection is recognised all the same, so that the error which the
 * app sees is the library's own "database is not open".
 * @param {any} client
 * @returns {unknown}
 */
function isTransaction(client) {
  try {
    return client.isTransaction;
  } catch {
    return false;
  }
}

/**
 * @param {any} client
 * @returns {Connection}
 */
function connect(client) {
  return {
    exec: (sql) => client.exec(sql),
    prepare(sql) {
      const statement = client.prepare(sql);
      // The app may have chosen other shapes for its own statements when it opened the database.
      statement.setReadBigInts(false);
      if (typeof statement.setReturnArrays === 'function') statement.setReturnArrays(false);
      return {
        run(params = []) {
          const { changes, lastInsertRowid } = statement.run(...params);
          return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
        },
        get: (params = []) => statement.get(...params),
        all: (params = []) => statement.all(...params),
      };
    },
    inTransaction: () => client.isTransaction,
    isBusy: (error) => error?.errcode === BUSY || error?.errcode === BUSY_RECOVERY || error?.errcode === BUSY_TIMEOUT,
  };
}

module.exports = { recognises, tooOld, connect };
