// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld } = require('../support/e2e.js');

const LIMIT = 60;
const JOBS = 200;

describe(`${JOBS} jobs of three workers at a server that takes ${LIMIT} requests a minute`, function () {
  this.timeout(300000);
  const on = useWorld();

  it('are all answered in the least time, and none is refused', async () => {
    const { world } = on;
    world.database();
    /** @type {number[]} */
    const arrived = [];
    let refused = 0;
    await world.provider({
      tokens: 2,
      script: () => {
        const now = performance.now();
        const within = arrived.filter((at) => at > now - 60000).length;
        if (within >= LIMIT) {
          refused += 1;
          return { status: 429, retryAfter: 60 };
        }
        arrived.push(now);
        return undefined;
      },
    });
    world.createTable();
    for (let i = 0; i < JOBS; i++) world.insert();
    const begun = performance.now();
    const fake = { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl, requestsPerMinute: LIMIT };
    for (let i = 0; i < 3; i++) await world.worker({ workerId: `w${i}`, concurrency: 20, providers: { fake } });
    const left = world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status <> 'completed'");
    await world.until(() => left.get().n === 0, () => `${left.get().n} rows to end`, 280000);
    const took = (performance.now() - begun) / 1000;
    console.log(`      ${took.toFixed(1)} s, ${refused} refused`);
    assert.equal(refused, 0);
    assert.equal(arrived.length, JOBS);
    assert.equal(world.db.prepare('SELECT sum(attempts) AS n FROM llm_jobs').get().n, JOBS);
    assert.ok(took < 180 * 1.05, `${took} s`);
  });
});
