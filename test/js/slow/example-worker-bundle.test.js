// SPDX-License-Identifier: MIT
'use strict';

/** The worker of an app that is bundled: what vite.worker.config.mts makes is all that a worker needs. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { World } = require('../support/e2e.js');
const { layOut, buildWorker } = require('../support/example.js');
const { workerConfig, copyAddon } = require('../../../js/vite.js');

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

describe('llm-jobs/vite', () => {
  it('names what is wrong with an option', () => {
    assert.throws(() => workerConfig({ entry: '' }), { code: 'BAD_CONFIG', message: /^entry must be/ });
    assert.throws(() => workerConfig({ name: /** @type {any} */ (7) }), { code: 'BAD_CONFIG', message: /^name must be/ });
  });

  it('refuses to pack for a machine that this package has no addon for, when it builds', () => {
    const plugin = copyAddon({ target: 'plan9-mips' });
    assert.throws(() => plugin.generateBundle.call({ emitFile: () => '' }, {}), { code: 'ADDON_MISSING', message: /plan9-mips/ });
  });

  it('packs the addon that it is given', () => {
    const emitted = /** @type {any[]} */ ([]);
    const plugin = copyAddon({ addon: __filename });
    plugin.generateBundle.call({ emitFile: (file) => (emitted.push(file), '') }, {});
    assert.deepEqual(emitted, [{ type: 'asset', fileName: 'llm_jobs_native.node', source: fs.readFileSync(__filename) }]);
  });

  it('leaves an addon alone that is there already: a running worker may have it open', () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-vite-'));
    try {
      const file = path.join(dir, 'llm_jobs_native.node');
      const plugin = copyAddon({ addon: __filename });
      const emits = () => {
        let count = 0;
        plugin.generateBundle.call({ emitFile: () => ((count += 1), '') }, { dir });
        return count;
      };
      fs.writeFileSync(file, 'an older one');
      assert.equal(emits(), 1);
      fs.copyFileSync(__filename, file);
      assert.equal(emits(), 0);
    } finally {
      fs.rmSync(dir, { recursive: true });
    }
  });
});
