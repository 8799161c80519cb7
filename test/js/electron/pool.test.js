// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { runApp } = require('../support/electron/run.js');
const { useWorld } = require('../support/e2e.js');
const { isAlive } = require('../support/alive.js');
const { until } = require('../support/until.js');

describe('an app with a pool of workers', function () {
  this.timeout(60000);
  const script = path.join(__dirname, '..', 'support', 'electron', 'apps', 'works.js');
  const holder = useWorld();
  /** @type {ReturnType<typeof runApp>} */
  let main;

  afterEach(() => main.kill());

  /** Starts three workers, each with two jobs that stream. @returns {Promise<number[]>} their processes */
  async function start(options = {}) {
    const { world } = holder;
    world.database();
    world.createTable();
    await world.provider({ tokens: 2000, tokenMs: 20 });
    const providers = { fake: { kind: 'openai-compatible', baseUrl: world.fake.openaiUrl } };
    main = runApp(script, { args: [JSON.stringify({ database: world.file, concurrency: 2, workers: { min: 3, max: 3 }, providers, ...options })] });
    await main.hear((one) => one.worker);
    for (let i = 0; i < 6; i += 1) world.insert();
    const owners = () => world.db.prepare("SELECT DISTINCT lease_owner AS owner FROM llm_jobs WHERE status = 'active'").all();
    await world.until(() => owners().length === 3 && jobs()[0].n === 6, () => `three workers: ${JSON.stringify(jobs())} ${main.output()}`);
    return owners().map((/** @type {any} */ { owner }) => Number(owner.split(':').at(-2)));
  }

  const jobs = () => holder.world.db.prepare('SELECT status, count(*) AS n, max(attempts) AS attempts, max(stalls) AS stalls FROM llm_jobs GROUP BY 1').all();

  it('quits when all of them have ended, and gives every attempt back', async () => {
    const pids = await start({ electron: { quitDeadlineMs: 300 } });
    assert.equal(new Set(pids).size, 3);
    main.tell('quit');
    assert.deepEqual(await main.exit, { code: 0, signal: null }, main.output());
    assert.deepEqual(main.said.slice(1), ['before-quit', { exit: 0 }, { exit: 0 }, { exit: 0 }, 'before-quit', 'will-quit']);
    await until(() => !pids.some(isAlive));
    assert.deepEqual(jobs(), [{ status: 'waiting', n: 6, attempts: 0, stalls: 0 }]);
  });

  it('that is killed leaves none of them behind', async () => {
    const pids = await start();
    main.tell('kill');
    assert.deepEqual(await main.exit, { code: null, signal: 'SIGKILL' });
    await until(() => !pids.some(isAlive));
    assert.equal(holder.world.db.pragma('integrity_check', { simple: true }), 'ok');
  });

  it('tells all of them of sleep', async () => {
    await start({ electron: { quitDeadlineMs: 300 } });
    main.tell('resume');
    assert.deepEqual((await main.hear((one) => one.heard)).heard, ['suspend', 'resume']);
    main.tell('quit');
    assert.deepEqual(await main.exit, { code: 0, signal: null });
  });
});
