// SPDX-License-Identifier: MIT
'use strict';

/** @import { Connection, Value } from '../driver.js' */

/**
 * better-sqlite3 and what keeps its shape (better-sqlite3-multiple-ciphers): a boolean `inTransaction` and a `pragma` method.
 * @param {any} client
 * @returns {boolean}
 */
function recognises(client) {
  return typeof client.inTransaction === 'boolean' && typeof client.pragma === 'function' && typeof client.prepare === 'function';
}

/**
 * @param {any} client
 * @returns {Connection}
 */
function connect(client) {
  return {
    exec: (sql) => void client.exec(sql),
    prepare(sql) {
      const statement = client.prepare(sql);
      // The app may have chosen BigInt for its own statements (defaultSafeIntegers); ours hold nothing above 2^53.
      statement.safeIntegers(false);
      return {
        run(params = []) {
          const { changes, lastInsertRowid } = statement.run(...params);
          return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
        },
        get: (params = []) => statement.get(...params),
        all: (params = []) => statement.all(...params),
      };
    },
    inTransaction: () => client.inTransaction,
    isBusy: (error) => typeof error?.code === 'string' && /^SQLITE_BUSY(_RECOVERY|_TIMEOUT)?$/.test(error.code),
  };
}

module.exports = { recognises, connect };
