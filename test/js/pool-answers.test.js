// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { COMBINED, combineStats, combineHealth } = require('../../js/host/answers.js');

describe('the statistics of several workers', () => {
  const stats = (/** @type {Record<string, any>} */ more) => ({ workerId: 'x', uptimeMs: 10, paused: false, draining: false, completed: 1, lanes: [], budgets: [], providers: [], ...more });

  it('are sums of counts; the pool is as old as its oldest, and paused when all are', () => {
    const total = combineStats('app', [stats({ completed: 3, uptimeMs: 50, paused: true }), stats({ completed: 4, failed: 1 })]);
    assert.deepEqual([total.workerId, total.completed, total.failed, total.uptimeMs, total.paused, total.draining], ['app', 7, 1, 50, false, false]);
    assert.equal(combineStats('app', [stats({ paused: true }), stats({ paused: true })]).paused, true);
  });

  it('count a call of a lane once, although each sees those of the others', () => {
    // 2 and 3 calls of our own, and 4 of somebody else.
    const [a, b] = [{ lane: 'l', active: 2, others: 7, state: 'closed' }, { lane: 'l', active: 3, others: 6, state: 'closed' }];
    const { lanes } = combineStats('app', [stats({ lanes: [a] }), stats({ lanes: [b, { lane: 'm', active: 1, others: 0, state: 'closed' }] })]);
    assert.deepEqual(lanes, [{ lane: 'l', active: 5, others: 4, state: 'closed' }, { lane: 'm', active: 1, others: 0, state: 'closed' }]);
  });

  it('tell of the worst that any of them sees', () => {
    const lane = (/** @type {string} */ state, more = {}) => ({ lane: 'l', active: 0, others: 0, state, ...more });
    const total = combineStats('app', [
      stats({ lanes: [lane('half-open')], providers: [{ provider: 'p', status: 'healthy' }], budgets: [{ provider: 'p', tokensToday: 5 }] }),
      stats({ lanes: [lane('open', { until: 9 })], providers: [{ provider: 'p', status: 'unhealthy', code: 'UNREACHABLE' }], budgets: [{ provider: 'p', tokensToday: 7 }] }),
      stats({ lanes: [lane('closed')], providers: [{ provider: 'p', status: 'degraded' }] }),
    ]);
    assert.deepEqual(total.lanes, [lane('open', { until: 9 })]);
    assert.deepEqual(total.providers, [{ provider: 'p', status: 'unhealthy', code: 'UNREACHABLE' }]);
    assert.deepEqual(total.budgets, [{ provider: 'p', tokensToday: 7 }]);
  });
});

describe('the answers of several workers', () => {
  it('make one', () => {
    const both = (/** @type {string} */ channel, /** @type {any[]} */ ...answers) => COMBINED[channel](answers);
    assert.deepEqual(both('worker:drain', { drained: true, interrupted: 1 }, { drained: true, interrupted: 2 }), { drained: true, interrupted: 3 });
    assert.deepEqual(both('worker:release', { released: true, interrupted: 0 }, { released: false, interrupted: 2 }), { released: false, interrupted: 2 });
    assert.deepEqual(both('worker:power', { probing: false }, { probing: true }), { probing: true });
    assert.deepEqual(both('worker:secret', { known: true }, { known: true }), { known: true });
    assert.deepEqual(both('worker:subscribe', { tokens: true, text: '' }, { tokens: true, text: 'so far' }), { tokens: true, text: 'so far' });
    assert.deepEqual(both('worker:subscribe', { tokens: true, text: '' }, { tokens: true, text: '' }), { tokens: true, text: '' });
  });
});

describe('the health of several workers', () => {
  const health = (/** @type {any} */ status, more = {}) => ({ status, metrics: { cpuUsage: 10, memoryUsage: 40, avgResponseTime: 0 }, misses: 0, timestamp: 5, generation: 1, ...more });

  it('is failed when none works, and healthy when all are', () => {
    const status = (/** @type {any[]} */ ...all) => combineHealth(all)?.status;
    assert.deepEqual(
      [status(health('healthy'), health('healthy')), status(health('healthy'), health('failed')), status(health('degraded')), status(health('failed'), health('failed'))],
      ['healthy', 'degraded', 'degraded', 'failed'],
    );
    assert.deepEqual([status(null, null), status(null, health('failed')), status(null, health('healthy'))], [undefined, 'degraded', 'healthy']);
  });

  it('adds up what they use, and takes the mean of what calls took', () => {
    const slow = { metrics: { cpuUsage: 30, memoryUsage: 60, avgResponseTime: 500 }, misses: 2, timestamp: 9 };
    const { metrics, misses, timestamp } = combineHealth([health('healthy'), health('degraded', slow)]) ?? assert.fail();
    assert.deepEqual([metrics, misses, timestamp], [{ cpuUsage: 40, memoryUsage: 100, avgResponseTime: 500 }, 2, 9]);
  });
});
