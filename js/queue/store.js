// SPDX-License-Identifier: MIT
'use strict';

const { table } = require('../schema.js');
const { shapeOf } = require('./shape.js');

/** @import { Driver, Row, Statement, Value } from '../driver.js' */

/** States of a job that has not ended, and of those the ones that nobody holds, as the partial indexes list them: SQLite uses an
 *  index only for the list that is its own. */
const UNFINISHED = "('waiting', 'active', 'delayed', 'waiting-children')";
const IDLE = "('waiting', 'delayed', 'waiting-children')";

/**
 * The number of a change: larger than any in the table, and larger than any that was, since it is not below the clock's
 * microseconds. So a number is not given a second time after the row that had it was removed. Its parameter is revisionFloor.
 * It is read inside the transaction that writes it; rows which one statement changes share it.
 */
const REVISION = `(SELECT max(ifnull(max(revision), 0) + 1, ?) FROM ${table} WHERE revision > 0)`;

/** Changes nothing, as a writer. */
const TAKE_LOCK = `DELETE FROM ${table} WHERE 0`;

/** @param {number} now Unix milliseconds @returns {number} */
const revisionFloor = (now) => now * 1000;

/**
 * The app's connection with the statements that have been used on it: prepared when first used, then kept, so that an app which
 * only adds never pays for the rest.
 */
class Store {
  /** @param {Driver} driver */
  constructor(driver) {
    this.driver = driver;
    /** @type {Map<string, Statement>} */
    this.statements = new Map();
    /** What the table's CHECK knows, at this moment. @type {() => import('./shape.js').Shape} */
    this.shape = shapeOf(driver);
  }

  /** @param {string} sql @returns {Statement} */
  prepared(sql) {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.driver.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  /** @param {string} sql @param {readonly Value[]} [params] @returns {number} how many rows it changed */
  run(sql, params) {
    return this.prepared(sql).run(params).changes;
  }

  /** @param {string} sql @param {readonly Value[]} [params] @returns {Row | undefined} */
  get(sql, params) {
    return this.prepared(sql).get(params);
  }

  /** @param {string} sql @param {readonly Value[]} [params] @returns {Row[]} */
  all(sql, params) {
    return this.prepared(sql).all(params);
  }

  /**
   * All of `work` or nothing of it. Inside the app's transaction the write lock is taken first: after a read SQLite would refuse
   * the write at once when another program has committed between the two, where a write alone waits for its turn.
   * @template T
   * @param {() => T} work
   * @returns {T}
   */
  transaction(work) {
    return this.driver.transaction(() => {
      this.run(TAKE_LOCK);
      return work();
    });
  }
}

module.exports = { Store, UNFINISHED, IDLE, REVISION, revisionFloor };
