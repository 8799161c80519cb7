// SPDX-License-Identifier: MIT
'use strict';

/**
 * The example app with the package as npm gives it: its types, and what is packaged. The archive has everything that the app needs, and
 * the addon lies outside it.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { isBuiltin } = require('node:module');
const { startFakeProvider } = require('../../../js/testing.js');
const { startApp } = require('../support/example-app.js');
const { layOut, buildAll, forgeConfig, root } = require('../support/example.js');
const { packageApp, unpackApp, files } = require('../support/example-package.js');
const { pack } = require('../support/package.js');
const { until } = require('../support/until.js');

describe("the example app, packaged by Forge's settings", function () {
  /** @type {string} */
  let place;
  /** @type {string} */
  let resources;

  /** What the compiler says of the example. */
  let said = '';

  before(async () => {
    place = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-packaged-'));
    const { file } = await pack(place);
    const example = layOut(file);
    try {
      said = await compile(example.app);
      await buildAll(example.app);
      await packageApp(example.app, path.join(place, 'packaged'));
      resources = path.join(place, 'Reading Desk', 'resources');
      await unpackApp(path.join(place, 'packaged'), resources);
    } finally {
      // From here on nothing of it is in reach.
      example.remove();
    }
  });
  after(() => fs.rmSync(place, { recursive: true, force: true }));

  const bundle = (/** @type {string} */ name) => fs.readFileSync(path.join(resources, 'app.asar', '.vite', 'build', name), 'utf8');

  it('passes the strict compiler, which reads the declarations of packages too', () => {
    // Of the declarations of packages, ours are looked at. Drizzle's name drivers that the app does not have, Forge's a newer Node.
    const others = /^\S*node_modules\/(?!llm-jobs\/)|^ /;
    assert.deepEqual(said.split('\n').filter((line) => line !== '' && !others.test(line)), []);
  });

  it('keeps the addon, and nothing else, beside the archive', () => {
    assert.deepEqual(files(path.join(place, 'packaged', 'app.asar.unpacked')), ['.vite/build/llm_jobs_native.node']);
  });

  it('the pages of the documentation name the same pattern', () => {
    const { unpack } = forgeConfig.packagerConfig.asar;
    const docs = path.join(root, 'docs');
    const named = fs.readdirSync(docs).flatMap((name) =>
      name.endsWith('.md') ? [...fs.readFileSync(path.join(docs, name), 'utf8').matchAll(/unpack: '([^']+)'/g)].map(([, pattern]) => `${name}: ${pattern}`) : [],
    );
    assert.ok(named.length > 1);
    assert.deepEqual(named.filter((one) => !one.endsWith(`: ${unpack}`)), []);
  });

  it('has the bundles, the page and package.json in the archive, and no source and no node_modules', () => {
    const inside = files(path.join(resources, 'app.asar'));
    const known = ['.vite/build/main.cjs', '.vite/build/preload.cjs', '.vite/build/worker.cjs', '.vite/renderer/main_window/index.html', 'package.json'];
    assert.deepEqual(inside.filter((file) => !file.startsWith('.vite/renderer/main_window/assets/')), known);
  });

  it('asks for no package: each bundle requires Electron and modules of Node only', () => {
    for (const name of ['main.cjs', 'preload.cjs', 'worker.cjs']) {
      const asked = [...bundle(name).matchAll(/\brequire\(["'`]([^"'`]+)["'`]\)/g)].map(([, one]) => one);
      assert.deepEqual(asked.filter((one) => !isBuiltin(one) && one !== 'electron'), [], name);
    }
  });

  it('gives a sandboxed preload nothing that it cannot have', () => {
    const asked = [...bundle('preload.cjs').matchAll(/\brequire\(["'`]([^"'`]+)["'`]\)/g)].map(([, one]) => one);
    assert.deepEqual(asked.filter((one) => !['electron', 'events', 'timers', 'url'].includes(one.replace(/^node:/, ''))), []);
  });

  it('names the fuses that a worker in a utility process allows', () => {
    const { config } = forgeConfig.plugins.find((/** @type {any} */ one) => one.name === '@electron-forge/plugin-fuses');
    // By the numbers of @electron/fuses: RunAsNode, NODE_OPTIONS, --inspect; archive integrity, only the archive.
    assert.deepEqual([0, 2, 3, 4, 5].map((fuse) => config[fuse]), [false, false, false, true, true]);
  });

  it('runs a job where neither this clone nor its packages are in reach, and ends when its user quits', async () => {
    const data = path.join(place, 'data');
    fs.mkdirSync(data);
    const fake = await startFakeProvider({ tokens: 30, tokenMs: 5 });
    fs.writeFileSync(
      path.join(data, 'settings.json'),
      JSON.stringify({ provider: { kind: 'openai-compatible', baseUrl: fake.openaiUrl }, model: 'test-model' }),
    );
    try {
      const { main } = JSON.parse(fs.readFileSync(path.join(resources, 'app.asar', 'package.json'), 'utf8'));
      const app = await startApp(path.join(resources, 'app.asar', main), data);
      try {
        const { preload, ...rest } = app.page.webPreferences;
        assert.deepEqual(rest, { sandbox: true, nodeIntegration: false, contextIsolation: true });
        assert.equal(preload, path.join(resources, 'app.asar', '.vite', 'build', 'preload.cjs'));

        const id = await app.call('llmJobs', 'add', 'summarise', { text: 'The sea is salt.' });
        await until(async () => (await app.call('desk', 'overview')).history.length === 1, 'the job to end');
        const overview = await app.call('desk', 'overview');
        assert.equal(overview.worker, 'ready');
        const [ended] = overview.history;
        assert.equal(ended.id, id);
        assert.equal(ended.status, 'completed');
        assert.ok(ended.text.includes('sea'), ended.text);
        assert.equal(overview.usage.at(-1).answers + overview.usage.at(-2).answers, 1);
        const [request] = await fake.log();
        assert.ok(request.body.messages.at(-1).content.includes('The sea is salt.'));
        // What it has loaded is the copy beside the archive.
        const maps = children(Number(app.child.pid)).map((pid) => fs.readFileSync(`/proc/${pid}/maps`, 'utf8'));
        assert.ok(maps.some((text) => text.includes(path.join(resources, 'app.asar.unpacked', '.vite', 'build', 'llm_jobs_native.node'))));

        await assert.rejects(app.call('llmJobs', 'add', 'delete_everything', { text: 'x' }), /POLICY_DENIED|BAD_JOB/);
        // A page of somebody else, and a file that is not the app's, though it looks like it.
        for (const url of ['https://example.com/index.html', 'file:///tmp/index.html']) {
          await assert.rejects(app.callFrom(url, 'llmJobs', 'add', 'summarise', { text: 'x' }), /POLICY_DENIED/);
          await assert.rejects(app.callFrom(url, 'desk', 'overview'), /this page may not ask/);
        }
        assert.equal((await app.call('desk', 'overview')).history.length, 1);
      } finally {
        const ended = await app.quit();
        assert.deepEqual(ended, { code: 0, signal: null }, app.output());
      }
    } finally {
      await fake.close();
    }
  });

  it('goes on with what it read when it was killed', async () => {
    const data = path.join(place, 'killed');
    fs.mkdirSync(data);
    const fake = await startFakeProvider({ script: [{ hangAfterTokens: 3 }] });
    const provider = { kind: 'openai-compatible', baseUrl: fake.openaiUrl };
    fs.writeFileSync(path.join(data, 'settings.json'), JSON.stringify({ provider, model: 'test-model' }));
    const main = path.join(resources, 'app.asar', '.vite', 'build', 'main.cjs');
    try {
      const first = await startApp(main, data);
      const id = await first.call('llmJobs', 'add', 'explain', { text: 'Glass is not a liquid.' });
      await until(async () => (await first.call('llmJobs', 'get', id)).status === 'active' && (await fake.count()) === 1, 'the job to run');
      first.child.kill('SIGKILL');
      assert.deepEqual(await first.exit, { code: null, signal: 'SIGKILL' });

      const second = await startApp(main, data);
      try {
        await until(async () => (await second.call('llmJobs', 'get', id)).status === 'completed', 'the job to end');
        assert.equal(await fake.count(), 2);
      } finally {
        await second.quit();
      }
    } finally {
      await fake.close();
    }
  });

  it('says what is wrong with its settings, and ends', async () => {
    const data = path.join(place, 'wrong');
    fs.mkdirSync(data);
    fs.writeFileSync(path.join(data, 'settings.json'), JSON.stringify({ provider: { kind: 'ollama', baseUrl: 'ftp://here' }, model: 'm' }));
    const main = path.join(resources, 'app.asar', '.vite', 'build', 'main.cjs');
    await assert.rejects(startApp(main, data), /the app ended with 1[^]*BAD_CONFIG[^]*baseUrl|the app ended with 1[^]*baseUrl[^]*BAD_CONFIG/);
  });
});

/** @param {string} app the example's folder @returns {Promise<string>} what the compiler says */
function compile(app) {
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [tsc, '-p', app, '--skipLibCheck', 'false', '--pretty', 'false'];
  return new Promise((resolve) => execFile(process.execPath, args, (error, stdout) => resolve(stdout === '' && error ? String(error) : stdout)));
}

/** @param {number} pid @returns {number[]} */
function children(pid) {
  return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}
