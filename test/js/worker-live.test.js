// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { fork } = require('node:child_process');
const { useWorld, pause } = require('./support/e2e.js');

/** The messages are looked at as they come: a promise's continuation would run after those that came together with its answer. */
describe('worker: live text of one job', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    on.world.createTable();
    await on.world.provider();
  });

  it('text of the answer and the events behind it are the result, for who comes early, late, or when it is over', async () => {
    const { world } = on;
    await world.fake.script([{ tokens: 60, tokenMs: 5 }]);
    const config = { database: world.file, providers: { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl } } };
    const child = fork(path.resolve(__dirname, '../../js/worker.js'), [], { env: { LLM_JOBS_CONFIG: JSON.stringify(config) }, execArgv: [] });
    world.ends.push(() => child.kill('SIGKILL'));
    /** @type {Map<string, string>} what each subscriber has */
    const heard = new Map();
    const told = new Set();
    const answers = new Set();
    child.on('message', (/** @type {any} */ { id: of, channel, payload }) => {
      if (of !== undefined) answers.add(of);
      if (channel === 'worker:subscribe') heard.set(of, payload.text);
      if (channel !== 'worker:token') return;
      for (const token of payload.tokens) {
        told.add(token.id);
        if (token.id === id) heard.forEach((before, at) => heard.set(at, before + token.text));
      }
    });

    const id = world.insert();
    for (let at = 0; at < 10; at++) {
      child.send({ id: `early-${at}`, channel: 'worker:subscribe', payload: { jobId: id, tokens: true } });
      await pause(20);
    }
    const other = world.insert();
    const { result } = await world.ended(id);
    await world.ended(other);
    child.send({ id: 'all is told', channel: 'worker:heartbeat' });
    await world.until(() => answers.has('all is told'), 'the answer');
    assert.ok(result.text.length > 100);
    assert.equal(heard.size, 10);
    heard.forEach((text, at) => assert.equal(text, result.text, at));
    assert.deepEqual([...told], [id]);
    child.send({ id: 'late', channel: 'worker:subscribe', payload: { jobId: id, tokens: true } });
    await world.until(() => answers.has('late'), 'the answer');
    assert.equal(heard.get('late'), '');
  });
});
