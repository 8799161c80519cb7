// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { loadAddon, candidates } = require('../../js/addon.js');

const target = `${process.platform}-${process.arch}`;

describe('the loader of the addon', () => {
  /** @type {string} */ let root;
  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'))));
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  it('looks for a prebuilt addon, then a build, then beside itself', () => {
    assert.deepEqual(candidates({}, path.join(root, 'js')), [
      path.join(root, 'prebuilds', target, 'llm_jobs_native.node'),
      path.join(root, 'build', 'Release', 'llm_jobs_native.node'),
      path.join(root, 'js', 'llm_jobs_native.node'),
    ]);
  });

  it('looks outside the archive of an Electron app', () => {
    const files = candidates({}, path.join('/apps', 'My app.asar', 'app.asar', 'node_modules', 'llm-jobs', 'js'));
    for (const file of files) assert.ok(file.startsWith(path.join('/apps', 'My app.asar', 'app.asar.unpacked', 'node_modules', 'llm-jobs')), file);
    const packed = path.join('/apps', 'app.asar.unpacked', 'llm-jobs', 'js');
    assert.ok(candidates({}, packed).every((file) => file.startsWith(path.join('/apps', 'app.asar.unpacked', 'llm-jobs'))));
  });

  it('tries nothing but LLM_JOBS_ADDON when that is set', () => {
    assert.deepEqual(candidates({ LLM_JOBS_ADDON: 'x.node' }, root), [path.resolve('x.node')]);
    const addon = loadAddon({ env: { LLM_JOBS_ADDON: path.join(__dirname, 'support', 'fake-addon.js') } });
    assert.equal(typeof addon.start, 'function');
  });

  it('says where it looked when there is none', () => {
    assert.throws(
      () => loadAddon({ env: {}, directory: path.join(root, 'js') }),
      (/** @type {any} */ error) => {
        assert.equal(error.code, 'ADDON_MISSING');
        for (const file of candidates({}, path.join(root, 'js'))) assert.ok(error.message.includes(file), error.message);
        assert.match(error.message, /npm run build/);
        return true;
      }
    );
    assert.throws(() => loadAddon({ env: { LLM_JOBS_ADDON: path.join(root, 'x.node') } }), { code: 'ADDON_MISSING', message: /unset LLM_JOBS_ADDON/ });
  });

  it('says why one cannot be loaded', () => {
    const file = path.join(root, 'broken.node');
    fs.writeFileSync(file, 'not a library');
    assert.throws(() => loadAddon({ env: { LLM_JOBS_ADDON: file } }), { code: 'ADDON_MISSING', message: new RegExp(`broken\\.node could not be loaded on ${target}: `) });
  });

  it('refuses what is no addon of ours', () => {
    const file = path.join(root, 'other.js');
    fs.writeFileSync(file, 'module.exports = { start() {} };');
    assert.throws(() => loadAddon({ env: { LLM_JOBS_ADDON: file } }), { code: 'ADDON_MISSING', message: /has no function send/ });
  });
});
