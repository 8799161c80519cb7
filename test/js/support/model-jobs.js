// SPDX-License-Identifier: MIT
'use strict';

/** Random jobs: how they are added, and what the model then knows of them. */

/** @import { Model } from './model.js' */
/** @import { Planned } from './model-ends.js' */

const LANES = 4;

/** Jobs that come again, each under a key of its own. */
const REPEATS = [{ everyMs: 1000 }, { everyMs: 1500 }, { cron: '* * * * *' }, { cron: '*/5 2-5 * * *', tz: 'Europe/Berlin' }];

/**
 * @param {Model} model
 * @returns {string[]} how the provider answers the first calls, see model-provider.js
 */
function makePlan(model) {
  if (model.chance(0.8)) return [];
  const kinds = ['500', '500', '500', '400', 'cut', 'cut', 'cut', model.chance(0.2) ? '429:1' : '429:0'];
  return Array.from({ length: 1 + model.below(3) }, () => model.one(kinds));
}

/**
 * @param {Model} model
 * @param {{status?: string, dependencies?: number, dedup?: string | null, parent?: string, children?: string[]}} [given]
 */
function makeJob(model, given = {}) {
  const order = model.ids.length;
  const id = `m${order}`;
  const now = model.now();
  const runAt = given.status === undefined && model.chance(0.2) ? now + model.below(300) : null;
  const expiresAt = model.chance(0.1) ? (runAt ?? now) + 1 + model.below(400) : null;
  /** @type {Planned} */
  const planned = {
    order,
    plan: makePlan(model),
    max: 1 + model.below(3),
    expires: expiresAt !== null,
    cancel: false,
    supersede: null,
    parent: given.parent ?? null,
    ignore: given.parent !== undefined && model.chance(0.5),
    cancelSiblings: given.children !== undefined && model.chance(0.3),
    children: given.children ?? [],
  };
  const opts = {
    backoff: { type: 'fixed', delayMs: 1 + model.below(30) },
    ...(planned.ignore ? { onFailure: 'ignore' } : {}),
    ...(planned.cancelSiblings ? { cancelSiblings: true } : {}),
  };
  const data = { prompt: `${id} ${JSON.stringify({ delayMs: model.below(12), plan: planned.plan })}` };
  const target = `fake/m${model.below(LANES)}`;
  const priority = model.below(5) - 2;
  model.ids.push(id);
  return {
    id,
    planned,
    data,
    /** for `Queue` */
    options: { id, model: target, priority, maxAttempts: planned.max, runAt, expiresAt, ...opts },
    /** for plain SQL */
    row: {
      id,
      model: target,
      data: JSON.stringify(data),
      opts: JSON.stringify(opts),
      priority,
      status: given.status ?? (runAt !== null && model.chance(0.5) ? 'delayed' : 'waiting'),
      max: planned.max,
      runAt,
      expiresAt,
      parent: planned.parent,
      dependencies: given.dependencies ?? 0,
      dedup: given.dedup ?? null,
    },
  };
}

module.exports = { REPEATS, makePlan, makeJob };
