// SPDX-License-Identifier: MIT
'use strict';

const { table } = require('../schema.js');
const { UNFINISHED, REVISION, revisionFloor } = require('./store.js');

/** @import { Store } from './store.js' */

/**
 * What a change of one row means for its parent and its children. The truth is the rows: a parent may run when it has no
 * unfinished child. `dependency_count` is what is known of them, and 0 in a row that waits for its children asks the engine to
 * examine it. Everything here runs inside the transaction of the change.
 */

const SQL = {
  cancelChildren:
    `UPDATE ${table} SET cancel_requested = 1, revision = ${REVISION} WHERE parent_job_id IN (SELECT value FROM json_each(?)) ` +
    `AND status IN ${UNFINISHED} AND cancel_requested = 0`,
  examine:
    `UPDATE ${table} SET dependency_count = 0 WHERE id IN (SELECT value FROM json_each(?)) AND status = 'waiting-children'`,
  park:
    `UPDATE ${table} SET status = 'waiting-children', dependency_count = 0, revision = ${REVISION} ` +
    "WHERE id IN (SELECT value FROM json_each(?)) AND status IN ('waiting', 'delayed')",
};

/**
 * Rows have ended without having run: their children existed only for them, and their parents need not wait for them.
 * @param {Store} store
 * @param {{id: string, parent_job_id: string | null}[]} rows
 * @param {number} now
 */
function afterEnd(store, rows, now) {
  if (rows.length === 0) return;
  cancelChildren(store, rows.map((row) => row.id), now);
  examine(store, rows.map((row) => row.parent_job_id));
}

/**
 * Asks for the end of all unfinished children; theirs the engine finds as it honours that.
 * @param {Store} store
 * @param {string[]} parents
 * @param {number} now
 */
function cancelChildren(store, parents, now) {
  store.run(SQL.cancelChildren, [revisionFloor(now), JSON.stringify(parents)]);
}

/**
 * @param {Store} store
 * @param {(string | null)[]} parents
 */
function examine(store, parents) {
  const ids = present(parents);
  if (ids.length > 0) store.run(SQL.examine, [JSON.stringify(ids)]);
}

/**
 * Children of these parents are unfinished again: a parent that has not started waits for them.
 * @param {Store} store
 * @param {(string | null)[]} parents
 * @param {number} now
 */
function parkAgain(store, parents, now) {
  const ids = present(parents);
  // Where the table has no status for it, a waiting parent waits for its children as it is.
  if (ids.length === 0 || !store.shape().waitsForChildren) return;
  store.run(SQL.park, [revisionFloor(now), JSON.stringify(ids)]);
  examine(store, ids);
}

/** @param {(string | null)[]} parents @returns {string[]} */
function present(parents) {
  return [...new Set(parents.filter((id) => id !== null))];
}

module.exports = { afterEnd, cancelChildren, examine, parkAgain };
