// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { scaleSettings, decide, Load, BUSY_BEATS } = require('../../js/host/scale.js');

const BUSY = { active: 5, backlog: true, cpuUsage: 75, throttledByCpu: false };
const WAITING = { active: 5, backlog: true, cpuUsage: 5, throttledByCpu: false };
const WORKING = { active: 1, backlog: false, cpuUsage: 75, throttledByCpu: false };
const IDLE = { active: 0, backlog: false, cpuUsage: 0, throttledByCpu: false };

/** A pool under a clock of its own: every beat takes a second, and what is decided is done at once. */
class Simulation {
  constructor({ min = 1, max = 4, idleTimeoutMs = 30000 } = {}) {
    this.settings = { min, max, idleTimeoutMs };
    this.now = 0;
    /** @type {any[]} */
    this.members = [];
    for (let n = 0; n < min; n++) this.add();
  }

  add() {
    let slot = 1;
    while (this.members.some((one) => one.slot === slot)) slot += 1;
    this.members.push({ slot, state: 'ready', misses: 0, covered: false, load: new Load(80) });
  }

  /** @param {any[]} beats of the members, by their order; null: no answer @returns {import('../../js/host/scale.js').Decision} */
  second(...beats) {
    this.now += 1000;
    this.members.forEach((member, n) => {
      if (beats[n] === null) member.misses += 1;
      else if (member.state === 'ready') {
        member.misses = 0;
        member.load.beat(beats[n] ?? IDLE, this.now);
      }
    });
    const decision = decide(this.members, this.settings, this.now);
    if (decision.start) {
      if (decision.start.beside !== undefined) this.members.find((one) => one.slot === decision.start?.beside).covered = true;
      this.members.forEach(({ load }) => load.reset());
      this.add();
    }
    if (decision.end !== undefined) this.members = this.members.filter((one) => one.slot !== decision.end);
    return decision;
  }

  slots() {
    return this.members.map(({ slot }) => slot);
  }
}

describe('how many processes a pool has', () => {
  it('one more when the backlog is bound by the processor, after some beats in a row', () => {
    const pool = new Simulation();
    for (let n = 1; n < BUSY_BEATS; n++) assert.deepEqual(pool.second(BUSY), {});
    assert.deepEqual(pool.second(BUSY), { start: { reason: 'backlog' } });
  });

  it('none for a burst', () => {
    const pool = new Simulation();
    for (let n = 0; n < 100; n++) assert.deepEqual(pool.second(n % BUSY_BEATS === 0 ? WORKING : BUSY), {});
  });

  it('none for jobs that wait for the network, however many', () => {
    const pool = new Simulation();
    for (let n = 0; n < 100; n++) assert.deepEqual(pool.second(WAITING), {});
  });

  it('one more for a member that is throttled because of the processor', () => {
    const pool = new Simulation();
    for (let n = 1; n < BUSY_BEATS; n++) pool.second({ ...WAITING, throttledByCpu: true });
    assert.deepEqual(pool.second({ ...WAITING, throttledByCpu: true }), { start: { reason: 'backlog' } });
  });

  it('one after another up to the maximum, and only while all of them are busy', () => {
    const pool = new Simulation({ max: 3 });
    for (let n = 0; n < 50; n++) pool.second(BUSY, WORKING, WORKING);
    assert.deepEqual(pool.slots(), [1, 2]);
    for (let n = 0; n < 50; n++) pool.second(BUSY, BUSY, BUSY);
    assert.deepEqual(pool.slots(), [1, 2, 3]);
  });

  it('none while another one is about to begin', () => {
    for (const state of ['starting', 'restarting']) {
      const pool = new Simulation({ min: 2 });
      pool.members[1].state = state;
      for (let n = 0; n < 10; n++) assert.deepEqual(pool.second(BUSY), {});
    }
  });

  it('the youngest idle one ends, never below the minimum', () => {
    const pool = new Simulation({ min: 2, max: 5 });
    for (let n = 0; n < 30; n++) pool.second(BUSY, BUSY, BUSY, BUSY, BUSY);
    assert.deepEqual(pool.slots(), [1, 2, 3, 4, 5]);
    const ended = [];
    for (let n = 0; n < 120; n++) ended.push(pool.second().end);
    assert.deepEqual(ended.filter(Boolean), [5, 4, 3]);
    assert.deepEqual(pool.slots(), [1, 2]);
  });

  it('not before its time, which begins anew with every job', () => {
    const pool = new Simulation({ min: 1, max: 2, idleTimeoutMs: 10000 });
    pool.add();
    for (let n = 0; n < 10; n++) assert.deepEqual(pool.second(WORKING, IDLE), {});
    // A job between two beats is seen by no beat.
    pool.members[1].load.touch(pool.now);
    for (let n = 0; n < 9; n++) assert.deepEqual(pool.second(WORKING, IDLE), {});
    assert.deepEqual(pool.second(WORKING, IDLE), { end: 2 });
  });

  it('the first one stays, however idle, because it has the id whose jobs come back at once', () => {
    const pool = new Simulation({ min: 1, max: 2, idleTimeoutMs: 5000 });
    pool.add();
    for (let n = 0; n < 100; n++) pool.second(IDLE, WORKING);
    assert.deepEqual(pool.slots(), [1, 2]);
  });

  it('one more beside one that does not answer, once, if the maximum allows it', () => {
    const pool = new Simulation({ min: 1, max: 2 });
    assert.deepEqual(pool.second(null), {});
    assert.deepEqual(pool.second(null), { start: { reason: 'unresponsive', beside: 1 } });
    for (let n = 0; n < 50; n++) assert.deepEqual(pool.second(null, IDLE), {}, 'the other one is needed, idle or not');
    const full = new Simulation({ min: 1, max: 1 });
    for (let n = 0; n < 50; n++) assert.deepEqual(full.second(null), {});
  });

  it('one that ends counts as a process until it has ended', () => {
    const pool = new Simulation({ min: 1, max: 2 });
    pool.add();
    pool.members[1].state = 'ending';
    for (let n = 0; n < 10; n++) assert.deepEqual(pool.second(BUSY), {});
  });

  it('one that has failed for good is no process, and its place stays empty', () => {
    const pool = new Simulation({ min: 2, max: 2, idleTimeoutMs: 5000 });
    pool.members[1].state = 'failed';
    for (let n = 0; n < 20; n++) assert.deepEqual(pool.second(IDLE), {});
    for (let n = 1; n < BUSY_BEATS; n++) assert.deepEqual(pool.second(BUSY), {});
    assert.deepEqual(pool.second(BUSY), { start: { reason: 'backlog' } });
  });

  it('is the same for the same story: nothing is decided twice at one time', () => {
    const pool = new Simulation({ min: 2, max: 3, idleTimeoutMs: 0 });
    pool.members.forEach(({ load }) => load.beat(IDLE, 0));
    assert.deepEqual(decide(pool.members, pool.settings, 0), {});
    pool.add();
    pool.members[2].load.beat(IDLE, 0);
    assert.deepEqual([decide(pool.members, pool.settings, 0), decide(pool.members, pool.settings, 0)], [{ end: 3 }, { end: 3 }]);
  });
});

describe('the option workers', () => {
  it('is one process unless the app says otherwise', () => {
    assert.deepEqual(scaleSettings(undefined, 16), { min: 1, max: 1, idleTimeoutMs: 30000 });
  });

  it('leaves a core to the app, and stops at eight', () => {
    const most = [1, 2, 4, 5, 9, 16, 128].map((cores) => scaleSettings({}, cores).max);
    assert.deepEqual(most, [1, 1, 3, 4, 8, 8, 8]);
    assert.deepEqual(scaleSettings({ min: 3 }, 2), { min: 3, max: 3, idleTimeoutMs: 30000 });
    assert.deepEqual(scaleSettings({ min: 2, max: 20, idleTimeoutMs: 0 }, 2), { min: 2, max: 20, idleTimeoutMs: 0 });
  });

  it('refuses everything else with the path of the culprit', () => {
    for (const [given, message] of /** @type {[any, RegExp][]} */ ([
      [3, /^workers must be an object \{min, max, idleTimeoutMs\}; got 3/],
      [[], /^workers must be an object/],
      [{ count: 2 }, /^workers\.count: unknown key/],
      [{ min: 0 }, /^workers\.min must be a whole number from 1 to 64; got 0/],
      [{ max: 1.5 }, /^workers\.max must be a whole number/],
      [{ max: 65 }, /^workers\.max must be a whole number/],
      [{ min: 3, max: 2 }, /^workers\.max must be at least workers\.min, which is 3; got 2/],
      [{ idleTimeoutMs: -1 }, /^workers\.idleTimeoutMs must be a number of milliseconds .* got -1/],
    ])) {
      assert.throws(() => scaleSettings(given, 4), { name: 'LlmJobsError', code: 'BAD_CONFIG', message });
    }
  });
});
