// SPDX-License-Identifier: MIT
'use strict';

/** Whole apps, as they are delivered. */

const assert = require('node:assert/strict');
const path = require('node:path');
const { pack } = require('../support/electron/pack.js');
const { isReal, runApp } = require('../support/electron/run.js');
const { useWorld } = require('../support/e2e.js');
const { isAlive } = require('../support/alive.js');
const { until } = require('../support/until.js');

const works = path.join(__dirname, '..', 'support', 'electron', 'apps', 'works.js');

describe('an app', function () {
  this.timeout(60000);
  const holder = useWorld();
  /** @type {ReturnType<typeof runApp>[]} */
  let apps = [];

  afterEach(() => apps.splice(0).forEach((app) => app.kill()));

  /** @param {string} script @param {object} config */
  function run(script, config) {
    const app = runApp(script, { args: [JSON.stringify(config)] });
    apps.push(app);
    return app;
  }

  it('in its archive loads the addon from beside it, serves its page, and quits', async () => {
    const { world } = holder;
    const { openaiUrl } = await world.provider({ script: () => ({ text: 'Water is hot.' }), tokenMs: 5 });
    const script = await pack(world.dir);
    const standIn = isReal ? undefined : path.join(__dirname, '..', 'support', 'electron', 'renderer.js');
    const app = run(script, { database: world.file, openaiUrl, standIn });
    const { pid, page, error } = await app.hear((one) => one.page || one.error);
    assert.equal(error, undefined);
    assert.deepEqual(page, { text: 'Water is hot.', status: 'completed', result: 'Water is hot.', names: ['add', 'cancel', 'get', 'watch', 'subscribe'] });
    assert.deepEqual(await app.exit, { code: 0, signal: null }, app.output());
    assert.deepEqual(app.said.at(-1), { exit: 0 });
    await until(() => !isAlive(pid));
  });

  it('may run twice on one database: each job runs once, and one instance goes on when the other is killed', async () => {
    const { world } = holder;
    world.database();
    world.createTable();
    const { openaiUrl } = await world.provider({ script: () => ({ text: 'done', tokens: 4, tokenMs: 10 }) });
    const config = (/** @type {string} */ workerId) => ({ database: world.file, workerId, leaseMs: 3000, providers: { fake: { kind: 'openai-compatible', baseUrl: openaiUrl } } });
    const [first, second] = [run(works, config('a')), run(works, config('b'))];
    for (const app of [first, second]) await app.hear((one) => one.worker);
    for (let i = 0; i < 60; i += 1) world.insert({ data: { prompt: `n${i}` } });
    const ended = () => world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed'").get().n;
    await world.until(() => ended() === 60, () => `60 ends; there are ${ended()}`);
    const prompts = await world.prompts();
    assert.deepEqual([prompts.length, new Set(prompts).size], [60, 60]);

    const others = Array.from({ length: 20 }, (_, i) => world.insert({ data: { prompt: `m${i}` } }));
    await world.until(() => others.some((id) => world.row(id).status === 'active'), 'a job to run');
    first.kill();
    await world.until(() => ended() === 80, () => `80 ends; there are ${ended()}`);
    assert.deepEqual(others.map((id) => world.row(id).attempts), others.map(() => 1));
    second.tell('quit');
    assert.deepEqual(await second.exit, { code: 0, signal: null });
  });
});
