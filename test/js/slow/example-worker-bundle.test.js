// SPDX-License-Identifier: MIT
'use strict';

/** The worker of an app that is bundled: what vite.worker.config.mts makes is all that a worker needs. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { World } = require('../support/e2e.js');
const { layOut, buildWorker } = require('../support/example.js');

describe("the bundle of the example's worker", () => {
  /** @type {ReturnType<typeof layOut>} */
  let example;
  before(async () => {
    example = layOut();
    await buildWorker(example.app);
  });
  after(() => example.remove());

  const built = () => path.join(example.app, '.vite', 'build');

  it('is one file, and the addon beside it', () => {
    assert.deepEqual(fs.readdirSync(built()).sort(), ['llm_jobs_native.node', 'worker.cjs']);
  });

  it('asks for nothing but what Node itself has', () => {
    const text = fs.readFileSync(path.join(built(), 'worker.cjs'), 'utf8');
    const asked = [...text.matchAll(/\brequire\(["'`]([^"'`]+)["'`]\)/g)].map(([, name]) => name);
    assert.ok(asked.length > 3);
    assert.deepEqual(asked.filter((name) => !name.startsWith('node:')), []);
  });

  it('has nothing of the app in it', () => {
    const text = fs.readFileSync(path.join(built(), 'worker.cjs'), 'utf8');
    for (const word of ['kept_answers', 'drizzle', 'BrowserWindow', 'electron.app']) assert.ok(!text.includes(word), word);
  });

  for (const style of ['minified, as packaged', 'with a space and an umlaut in its path']) {
    it(`runs a job from a folder of its own, ${style}`, async () => {
      const world = new World();
      try {
        const folder = path.join(world.dir, style.startsWith('with') ? 'Schöne App' : 'app');
        fs.cpSync(built(), folder, { recursive: true });
        world.database();
        await world.provider();
        const worker = await world.worker({ entry: path.join(folder, 'worker.cjs') });
        const id = world.createTable().insert();
        worker.notify();
        assert.equal((await world.ended(id)).status, 'completed');
        // The addon that it has loaded is the copy, not the one of this clone.
        assert.ok(fs.readFileSync(`/proc/${worker.pid}/maps`, 'utf8').includes(path.join(folder, 'llm_jobs_native.node')));
      } finally {
        await world.close();
      }
    });
  }

  it('without the addon it says where it looked', async () => {
    const world = new World();
    try {
      const folder = path.join(world.dir, 'app');
      fs.mkdirSync(folder);
      fs.copyFileSync(path.join(built(), 'worker.cjs'), path.join(folder, 'worker.cjs'));
      world.database();
      await assert.rejects(world.worker({ entry: path.join(folder, 'worker.cjs'), providers: {} }), (/** @type {any} */ error) => {
        assert.equal(error.code, 'ADDON_MISSING');
        assert.ok(error.message.includes(path.join(folder, 'llm_jobs_native.node')), error.message);
        return true;
      });
    } finally {
      await world.close();
    }
  });
});
