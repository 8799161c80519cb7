// SPDX-License-Identifier: MIT
'use strict';

/** Which ends a job of the model may come to. */

const assert = require('node:assert/strict');

/**
 * @typedef {object} Planned what the model knows of one job
 * @property {number} order of arrival
 * @property {string[]} plan answers of the first calls, see model-provider.js
 * @property {number} max tries
 * @property {boolean} expires
 * @property {boolean} cancel somebody asked for it since its last retry
 * @property {string | null} supersede its supersede_key
 * @property {string | null} parent
 * @property {boolean} ignore the parent lives on when this one fails
 * @property {boolean} cancelSiblings of a parent
 * @property {string[]} children
 *
 * @typedef {{planned: Planned, row: any, tally: any, calls: number}} Known
 */

/**
 * @param {string} id
 * @param {(id: string) => Known} find
 * @param {(key: string) => number} lastOfKey order of the newest job with this supersede_key
 */
function checkEnd(id, find, lastOfKey) {
  const { planned, row, tally, calls } = find(id);
  const about = `${id}: ${JSON.stringify({ ...planned, tally, calls, ...row })}`;
  const children = planned.children.map(find);
  const broken = children.filter((child) => child.row.status !== 'completed' && !child.planned.ignore);
  const error = row.error === null ? null : JSON.parse(row.error);

  assert.ok(calls <= tally.runs, `${about}: a run makes one call at most`);
  switch (row.status === 'completed' ? row.status : error.code) {
    case 'completed':
      assert.equal(JSON.parse(row.result).text, `${id} ends`, about);
      assert.ok(calls > planned.plan.length, `${about}: the last call is the first that can succeed`);
      assert.deepEqual(broken, [], `${about}: a child of it has failed`);
      break;
    case 'EXPIRED':
      assert.ok(row.status === 'cancelled' && planned.expires, about);
      break;
    case 'SUPERSEDED':
      assert.ok(row.status === 'cancelled' && planned.supersede !== null && lastOfKey(planned.supersede) > planned.order, about);
      break;
    case 'CANCELLED':
      assert.ok(row.status === 'cancelled' && (planned.cancel || sweptAway(planned, find)), about);
      break;
    case 'CHILD_FAILED':
      assert.equal(row.status, 'failed', about);
      assert.ok(broken.length > 0 || children.some((child) => child.tally.retries > 0), about);
      break;
    case 'BAD_REQUEST':
      assert.ok(row.status === 'failed' && planned.plan.includes('400'), about);
      break;
    default:
      assert.ok(row.status === 'failed' && ['SERVER_ERROR', 'PROTOCOL'].includes(error.code), about);
      assert.equal(row.attempts, planned.max, about);
  }
  const limited = planned.plan.slice(0, calls).filter((step) => step.startsWith('429')).length;
  const undisturbed = tally.lost + tally.aborted + tally.retries === 0 && tally.given_back === limited;
  if (row.status === 'failed' && error.code !== 'CHILD_FAILED' && undisturbed) {
    const codes = { 400: 'BAD_REQUEST', 500: 'SERVER_ERROR', cut: 'PROTOCOL' };
    assert.equal(error.code, codes[planned.plan[calls - 1]], `${about}: the last answer decides`);
  }
}

/**
 * A parent that ends early takes its children with it; retried, it may end in another way than the one that did so.
 * @param {Planned} planned
 * @param {(id: string) => Known} find
 */
function sweptAway({ parent }, find) {
  if (parent === null) return false;
  const { planned, row, tally } = find(parent);
  return row.status === 'cancelled' || (planned.cancelSiblings && row.status === 'failed') || tally.retries > 0;
}

module.exports = { checkEnd };
