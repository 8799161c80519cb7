// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld } = require('./support/e2e.js');

describe('worker: models loaded ahead', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    on.world.createTable();
    await on.world.provider();
  });

  it('Ollama loads, keeps and unloads a model; one that it does not have is MODEL_NOT_FOUND', async () => {
    const { world } = on;
    const worker = await world.worker({ providers: { local: { kind: 'ollama', baseUrl: world.fake.ollamaUrl, health: { intervalMs: 0 } } } });
    const load = (/** @type {object} */ payload) => worker.request('worker:loadModel', payload);
    const { ms, ...loaded } = await load({ model: 'local/fake-model', keepAliveMs: 60000 });
    assert.deepEqual(loaded, { model: 'local/fake-model', loaded: true });
    assert.ok(ms >= 0);
    assert.equal((await load({ model: 'local/fake-model', keepAliveMs: 0 })).loaded, false);
    await assert.rejects(load({ model: 'local/nobody' }), { code: 'MODEL_NOT_FOUND' });
    await assert.rejects(load({ modelPath: '/models/x.gguf' }), { code: 'MODEL_ENGINE_MISSING' });
    const bodies = (await world.fake.log()).filter((one) => one.path === '/api/generate').map((one) => one.body);
    assert.deepEqual(bodies[0], { model: 'fake-model', stream: false, keep_alive: '60000ms' });
  });

  it('another server on this machine is asked until it lists the model', async () => {
    const { world } = on;
    const worker = await world.worker();
    assert.equal((await worker.request('worker:loadModel', { model: 'fake/fake-model' })).loaded, true);
    await assert.rejects(worker.request('worker:loadModel', { model: 'fake/nobody' }), { code: 'MODEL_NOT_FOUND' });
  });
});
