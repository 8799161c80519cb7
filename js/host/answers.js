// SPDX-License-Identifier: MIT
'use strict';

/**
 * One answer of a pool, made of the answers of its members. Channels that are not here are asked of one member only.
 * @type {Record<string, (answers: any[]) => any>}
 */
const COMBINED = {
  'worker:pause': first,
  'worker:resume': first,
  'worker:hold': first,
  'worker:throttle': first,
  'worker:drain': (answers) => ({ drained: answers.every((one) => one.drained), interrupted: sum(answers, 'interrupted') }),
  'worker:release': (answers) => ({ released: answers.every((one) => one.released), interrupted: sum(answers, 'interrupted') }),
  'worker:power': (answers) => ({ probing: answers.some((one) => one.probing) }),
  'worker:secret': (answers) => ({ known: answers.some((one) => one.known) }),
  // A job runs in one of them at most.
  'worker:subscribe': (answers) => answers.find((one) => one.text) ?? first(answers),
};

/** @param {any[]} answers */
function first(answers) {
  return answers[0];
}

/**
 * @param {any[]} answers
 * @param {string} key
 * @returns {number}
 */
function sum(answers, key) {
  return answers.reduce((total, one) => total + (one[key] ?? 0), 0);
}

/** From the best to the worst. */
const LANE_STATES = ['closed', 'half-open', 'open'];
const PROVIDER_STATES = ['healthy', 'degraded', 'unhealthy'];

/**
 * The statistics of all members: counts are sums, lanes and providers are as the worst of them sees them.
 * @param {string} workerId of the pool
 * @param {Record<string, any>[]} all what each member answered, in the order of the members
 * @returns {Record<string, any>}
 */
function combineStats(workerId, all) {
  /** @type {Record<string, any>} */
  const total = { workerId };
  for (const stats of all) {
    for (const [key, value] of Object.entries(stats)) if (typeof value === 'number') total[key] = (total[key] ?? 0) + value;
  }
  total.uptimeMs = Math.max(0, ...all.map((one) => one.uptimeMs ?? 0));
  total.paused = all.length > 0 && all.every((one) => one.paused);
  total.draining = all.length > 0 && all.every((one) => one.draining);
  total.lanes = combineLanes(all.map((one) => one.lanes ?? []));
  // The rows of the database say what a budget has cost: the latest to look has seen the most.
  total.budgets = worst(all.flatMap((one) => one.budgets ?? []), 'provider', (one) => one.tokensToday ?? 0);
  total.providers = worst(all.flatMap((one) => one.providers ?? []), 'provider', (one) => PROVIDER_STATES.indexOf(one.status));
  return total;
}

/**
 * @param {Record<string, any>[][]} members the lanes of each
 * @returns {Record<string, any>[]}
 */
function combineLanes(members) {
  const lanes = members.flat();
  return worst(lanes, 'lane', (one) => LANE_STATES.indexOf(one.state)).map((lane) => {
    const same = lanes.filter((one) => one.lane === lane.lane);
    const active = sum(same, 'active');
    // What one member calls others' are the calls of the other members too.
    const others = Math.max(0, Math.min(...same.map((one) => (one.others ?? 0) + (one.active ?? 0))) - active);
    return { ...lane, active, others };
  });
}

/**
 * @param {Record<string, any>[]} items of several members
 * @param {string} key what tells that two are about the same
 * @param {(item: Record<string, any>) => number} rank the greater the worse
 * @returns {Record<string, any>[]}
 */
function worst(items, key, rank) {
  /** @type {Map<unknown, Record<string, any>>} */
  const found = new Map();
  for (const item of items) {
    const other = found.get(item[key]);
    if (other === undefined || rank(item) > rank(other)) found.set(item[key], item);
  }
  return [...found.values()];
}

/** @import { HealthStatus } from './supervisor.js' */

/**
 * @param {(HealthStatus | null)[]} members null: it has told nothing yet
 * @returns {HealthStatus | null} the health of the pool, which is failed when no member works; null as long as none has told
 */
function combineHealth(members) {
  const all = members.filter((one) => one !== null);
  if (all.length === 0) return null;
  const states = members.map((one) => one?.status ?? 'healthy');
  const answered = all.map(({ metrics }) => metrics.avgResponseTime).filter((ms) => ms > 0);
  const total = (/** @type {'cpuUsage' | 'memoryUsage'} */ key) => all.reduce((so, { metrics }) => so + metrics[key], 0);
  return {
    status: states.every((one) => one === 'failed') ? 'failed' : states.every((one) => one === 'healthy') ? 'healthy' : 'degraded',
    metrics: {
      cpuUsage: total('cpuUsage'),
      memoryUsage: total('memoryUsage'),
      avgResponseTime: answered.length === 0 ? 0 : answered.reduce((so, ms) => so + ms, 0) / answered.length,
    },
    misses: Math.max(...all.map(({ misses }) => misses)),
    timestamp: Math.max(...all.map(({ timestamp }) => timestamp)),
    generation: all[0].generation,
  };
}

module.exports = { COMBINED, combineStats, combineHealth };
