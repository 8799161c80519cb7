// SPDX-License-Identifier: MIT
'use strict';

/** What `llm-jobs/vite` takes and what its plugin does; test/js/slow/example-worker-bundle.test.js builds with it. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { workerConfig, copyAddon } = require('../../js/vite.js');

describe('llm-jobs/vite', () => {
  it('makes one CommonJS file of a fixed name, beside what is there, and leaves Electron and Node out of it', () => {
    const { build, plugins } = workerConfig({ entry: 'src/jobs.ts', name: 'jobs' });
    assert.equal(build.lib.entry, 'src/jobs.ts');
    assert.deepEqual(build.lib.formats, ['cjs']);
    assert.equal(build.lib.fileName(), 'jobs.cjs');
    assert.equal(build.emptyOutDir, false);
    assert.equal('outDir' in build, false);
    assert.equal(workerConfig({ outDir: 'dist/worker' }).build.outDir, 'dist/worker');
    for (const name of ['electron', 'fs', 'node:fs', 'node:sqlite']) assert.ok(build.rollupOptions.external.includes(name), name);
    assert.deepEqual(plugins.map(({ name }) => name), ['llm-jobs:addon']);
  });

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
