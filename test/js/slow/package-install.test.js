// SPDX-License-Identifier: MIT
'use strict';

/** The packed package, installed and used where there is no compiler, no header and no clone, on Node 24 and on Node 22. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { createRequire } = require('node:module');
const { spawnSync } = require('node:child_process');
const { target, FILE, TARGETS } = require('../../../js/addon.js');
const { pack, Machine, root, manifest } = require('../support/package.js');

/** With the addon of one system, in bytes. What this release needs: 3.3 MB packed, 7.6 MB unpacked. */
const LIMITS = { packed: 4_000_000, unpacked: 9_000_000, addon: 8_000_000 };

/** What the README shows, with the address of another provider. @param {string} baseUrl */
function readme(baseUrl) {
  const [, code] = /```js\n([^]*?)```/.exec(fs.readFileSync(path.join(root, 'README.md'), 'utf8')) ?? [];
  const changed = code.replace("{ kind: 'openai', ", `{ kind: 'openai', baseUrl: '${baseUrl}', `);
  assert.notEqual(changed, code);
  return changed;
}

const MODULE = `
  import { DatabaseSync } from 'node:sqlite';
  import { Queue, startWorker } from 'llm-jobs';
  import { startFakeProvider } from 'llm-jobs/testing';

  const provider = await startFakeProvider({ script: () => ({ text: 'From a module.' }) });
  const db = new DatabaseSync('module.db');
  db.exec('PRAGMA journal_mode = WAL');
  const queue = new Queue(db);
  const worker = await startWorker({
    database: 'module.db',
    providers: { fake: { kind: 'openai-compatible', baseUrl: provider.openaiUrl } },
  });
  const job = await queue.waitFor(queue.add('say', { prompt: 'Say something.' }, { model: 'fake/small' }));
  console.log(process.version, job.status, job.result.text);
  await worker.stop();
  await provider.close();
`;

describe('the package', function () {
  this.timeout(120000);
  /** @type {string} */ let folder;
  /** @type {Awaited<ReturnType<typeof pack>>} */ let packed;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-pack-'));
    packed = await pack(folder);
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('holds what runs, its types, its pages and its licences, and nothing that makes others compile', () => {
    const names = packed.files.map((file) => file.path);
    for (const name of ['js/index.js', 'js/worker.js', 'js/cli.js', 'build/types/js/index.d.ts', `prebuilds/${target()}/${FILE}`, 'docs/queue.md', 'README.md', 'CHANGELOG.md', 'LICENSE', 'THIRD-PARTY-LICENSES.txt'])
      assert.ok(names.includes(name), `${name} is missing`);
    // A binding.gyp would make npm and @electron/rebuild compile, whatever package.json says.
    const folders = new Set(names.map((name) => name.split('/')[0]));
    assert.deepEqual([...folders].sort(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'THIRD-PARTY-LICENSES.txt', 'build', 'docs', 'js', 'package.json', 'prebuilds']);
    assert.deepEqual(names.filter((name) => /\.(gyp|gypi|c|h|test\.js|map|png)$/.test(name)), []);
    const scripts = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
    assert.deepEqual(scripts.filter((name) => name in manifest.scripts), []);
    assert.deepEqual(manifest.dependencies ?? {}, {});
  });

  it('has every file that its manifest names', () => {
    const names = new Set(packed.files.map((file) => file.path));
    const targets = (/** @type {any} */ entry) => (typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(targets));
    const wanted = [manifest.main, manifest.types, ...Object.values(manifest.bin), ...targets(manifest.exports)].map((name) => path.posix.normalize(name));
    assert.ok(wanted.length > 8);
    assert.deepEqual(wanted.filter((name) => !names.has(name)), []);
  });

  it('is small', () => {
    const addon = packed.files.find((file) => file.path.endsWith('.node'));
    assert.ok(packed.size <= LIMITS.packed, `packed: ${packed.size} bytes`);
    assert.ok(packed.unpackedSize <= LIMITS.unpacked, `unpacked: ${packed.unpackedSize} bytes`);
    assert.ok(addon !== undefined && addon.size <= LIMITS.addon, `the addon: ${addon?.size} bytes`);
  });

  it('is not published with the addon of one system only', () => {
    const prepack = path.join(root, 'scripts', 'prepack.js');
    const { status, stderr } = spawnSync(process.execPath, [prepack], { encoding: 'utf8', env: { ...process.env, npm_command: 'publish' } });
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`No prebuilt addon for ${TARGETS.filter((one) => one !== target()).join(', ')}:`));
  });

  for (const [name, major] of [['node', 24], ['node22', 22]]) {
    describe(`on Node ${major}, where nothing can be compiled`, () => {
      /** @type {Machine} */ let machine;
      before(() => (machine = new Machine(path.join(root, 'node_modules', String(name), 'bin', 'node'))));
      after(() => machine.close());

      it('is installed from the tarball alone', async () => {
        for (const tool of ['cc', 'gcc', 'make', 'python3', 'ld']) assert.notEqual((await machine.type(`command -v ${tool}`)).code, 0, tool);
        assert.match((await machine.type('node --version')).stdout, new RegExp(`^v${major}\\.`));
        const { code, stderr } = await machine.type(`npm install --offline --no-audit --no-fund "${packed.file}"`);
        assert.equal(code, 0, stderr);
        const lock = JSON.parse(fs.readFileSync(path.join(machine.app, 'package-lock.json'), 'utf8'));
        assert.deepEqual(Object.keys(lock.packages), ['', 'node_modules/llm-jobs']);
        assert.equal(lock.packages['node_modules/llm-jobs'].hasInstallScript, undefined);
      });

      it('is nothing that @electron/rebuild would compile', async () => {
        const { rebuild } = await import('@electron/rebuild');
        /** @param {string} folder @returns {Promise<string[]>} */
        const found = async (folder) => {
          /** @type {string[]} */
          const names = [];
          const rebuilding = rebuild({ buildPath: folder, electronVersion: '45.4.1', forceABI: 150, ignoreModules: ['llm-jobs'] });
          rebuilding.lifecycle.on('modules-found', (/** @type {string[]} */ list) => names.push(...list));
          await rebuilding;
          return names;
        };
        assert.deepEqual(await found(machine.app), []);
        // It looked: a binding.gyp in the package would be seen.
        const gyp = path.join(machine.app, 'node_modules', 'llm-jobs', 'binding.gyp');
        fs.writeFileSync(gyp, '{}');
        assert.deepEqual(await found(machine.app), ['llm-jobs']);
        fs.rmSync(gyp);
      });

      it("runs the README's program", async () => {
        // The app's own driver; its sources and the addons of other systems are of no use here.
        machine.borrow('better-sqlite3', (file) => !/better-sqlite3\/(deps|src)$/.test(file));
        const { startFakeProvider } = createRequire(path.join(machine.app, 'index.js'))('llm-jobs/testing');
        const provider = await startFakeProvider({ script: () => ({ text: 'It is hot.' }) });
        try {
          machine.write('usage.js', readme(provider.openaiUrl));
          const { code, stdout, stderr } = await machine.type('node usage.js', { OPENAI_API_KEY: 'sk-test' });
          assert.equal(code, 0, stderr);
          assert.match(stdout, /^completed It is hot\. \{ inputTokens: \d+, outputTokens: \d+ \} null\n$/);
        } finally {
          await provider.close();
        }
      });

      it('is imported by a module, with node:sqlite and nothing else', async () => {
        machine.write('app.mjs', MODULE);
        const { code, stdout, stderr } = await machine.type('node app.mjs');
        assert.equal(code, 0, stderr);
        assert.match(stdout, new RegExp(`^v${major}\\.\\S+ completed From a module\\.\\n$`));
      });

      it('gives a module every name that it gives to require', async () => {
        const check = `
          import * as imported from 'llm-jobs';
          import { createRequire } from 'node:module';
          const required = createRequire(import.meta.url)('llm-jobs');
          console.log(JSON.stringify(Object.keys(required).filter((name) => imported[name] !== required[name])));
          console.log(Object.keys(required).length > 2);`;
        machine.write('names.mjs', check);
        assert.equal((await machine.type('node names.mjs')).stdout, '[]\ntrue\n');
      });

      it('has a doctor that finds nothing wrong', async () => {
        const { code, stdout, stderr } = await machine.type('npx --no llm-jobs doctor --db module.db');
        assert.equal(code, 0, stdout + stderr);
        assert.match(stdout, /the worker has SQLite 3\.\d+/);
      });
    });
  }
});
