// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld } = require('./support/e2e.js');

describe('several worker processes on one file', function () {
  this.timeout(60000);
  const on = useWorld();

  it('make no more than four calls to an Ollama server at a time, together', async () => {
    const { world } = on;
    world.database();
    const fake = await world.provider({ tokens: 3, firstTokenMs: 20, tokenMs: 5 });
    world.createTable();
    const ids = Array.from({ length: 80 }, () => world.insert({ model: 'local/m' }));
    for (let i = 0; i < 3; i++)
      await world.worker({ workerId: `w${i}`, concurrency: 10, providers: { local: { kind: 'ollama', baseUrl: fake.ollamaUrl } } });
    for (const id of ids) await world.ended(id);
    const { peak, count } = await fake.stats();
    assert.deepEqual([peak, count], [4, 80]);
    assert.equal(world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed' AND attempts = 1").get().n, 80);
  });

  it('leave a provider in peace together while it says 429, and send one call first after that', async () => {
    const { world } = on;
    world.database();
    let refusals = 0;
    const fake = await world.provider({
      tokens: 2,
      script: () => (refusals < 2 ? ((refusals += 1), { status: 429, retryAfter: 2 }) : undefined),
    });
    world.createTable();
    for (let i = 0; i < 3; i++) await world.worker({ workerId: `w${i}`, concurrency: 10 });
    const first = world.insert();
    await world.until(() => world.row(first).error?.code === 'RATE_LIMITED', 'the first refusal');
    const { error } = world.row(first);
    assert.ok(error.retryAt > error.at + 1900, JSON.stringify(error));
    const ids = Array.from({ length: 50 }, () => world.insert());
    for (const id of [first, ...ids]) await world.ended(id);
    // The refusal, one probe that is refused, and one for each job.
    assert.equal(await fake.count(), 53);
    const log = await fake.log();
    assert.ok(log[2].at >= log[1].at + 1900 && log[1].at >= log[0].at + 1900);
    assert.equal(world.db.prepare('SELECT sum(attempts) AS n FROM llm_jobs').get().n, 51);
  });

  it('tell when a provider cannot be reached, and try it at once when they are asked to', async () => {
    const { world } = on;
    world.database();
    const fake = await world.provider({ tokens: 2 });
    await fake.close();
    const worker = await world.worker();
    /** @type {any[]} */
    const lanes = [];
    worker.on('lane', (lane) => lanes.push(lane));
    const id = world.insert();
    await world.until(() => lanes.length > 0, 'an event of the lane');
    assert.deepEqual([lanes[0].lane, lanes[0].state, lanes[0].code], ['fake/m', 'open', 'UNREACHABLE']);
    assert.ok(lanes[0].until > Date.now() - 15000);
    assert.deepEqual(await worker.power('suspend'), { probing: false });
    const told = lanes.length;
    assert.deepEqual(await worker.power('resume'), { probing: true });
    await world.until(() => lanes.length > told, 'the probe');
    await world.until(() => world.row(id).status === 'waiting' && world.row(id).attempts === 0, 'the attempt to be given back');
  });
});
