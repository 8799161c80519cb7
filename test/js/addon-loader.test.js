// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { loadAddon, candidates, target, isMusl, FILE, TARGETS } = require('../../js/addon.js');

describe('the loader of the addon', () => {
  /** @type {string} */ let root;
  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'))));
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  it('looks for a build, which only a clone has, then for a prebuilt addon, then beside itself', () => {
    assert.deepEqual(candidates({}, path.join(root, 'js')), [
      path.join(root, 'build', 'Release', 'llm_jobs_native.node'),
      path.join(root, 'prebuilds', target(), 'llm_jobs_native.node'),
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

  it('says which systems it has an addon for when this one is not among them', () => {
    const other = TARGETS.find((one) => one !== target()) ?? '';
    fs.mkdirSync(path.join(root, 'prebuilds', other), { recursive: true });
    fs.writeFileSync(path.join(root, 'prebuilds', other, FILE), '');
    const message = new RegExp(`was not found for ${target()}; .*prebuilds has one for ${other} only: install llm-jobs on the system`);
    assert.throws(() => loadAddon({ env: {}, directory: path.join(root, 'js') }), { code: 'ADDON_MISSING', message });
  });

  it('tells musl from glibc by what this process runs on', function () {
    if (process.platform !== 'linux') return this.skip();
    const { glibcVersionRuntime } = /** @type {any} */ (process.report.getReport()).header;
    assert.equal(isMusl(), glibcVersionRuntime === undefined);
    assert.equal(target(), `linux-${process.arch}${isMusl() ? '-musl' : ''}`);
    assert.ok(TARGETS.includes(target()));
    const maps = path.join(root, 'maps');
    const line = (/** @type {string} */ file) => `7f0000000000-7f0000001000 r-xp 00000000 08:01 42                         ${file}\n`;
    fs.writeFileSync(maps, line('/usr/local/bin/node') + line('/lib/ld-musl-x86_64.so.1'));
    assert.equal(isMusl(maps), true);
    // A system with glibc may have musl as well: it is not mapped.
    fs.writeFileSync(maps, line('/usr/bin/node') + line('/usr/lib/x86_64-linux-gnu/libc.so.6') + line('/usr/lib64/ld-linux-x86-64.so.2'));
    assert.equal(isMusl(maps), false);
    // Where nothing can be read, Node's report answers.
    assert.equal(isMusl(path.join(root, 'none')), glibcVersionRuntime === undefined);
  });

  it('costs the worker no regular expression and no report of Node', () => {
    // Both would stay in its memory: 2.5 MB and 1 MB.
    const script = `
      const calls = [];
      process.report.getReport = () => (calls.push('report'), { header: {} });
      RegExp.prototype.exec = () => calls.push('exec');
      for (const name of ['match', 'matchAll', 'replace', 'replaceAll', 'search', 'split']) {
        const original = String.prototype[name];
        String.prototype[name] = function (what, ...rest) {
          if (what instanceof RegExp) calls.push(name);
          return original.call(this, what, ...rest);
        };
      }
      const { loadAddon } = require(${JSON.stringify(path.join(__dirname, '..', '..', 'js', 'addon.js'))});
      try { loadAddon({ env: {}, directory: ${JSON.stringify(path.join(root, 'js'))} }); } catch {}
      loadAddon();
      console.log(JSON.stringify(calls));`;
    assert.equal(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim(), '[]');
  });

  it('says why one cannot be loaded', () => {
    const file = path.join(root, 'broken.node');
    fs.writeFileSync(file, 'not a library');
    assert.throws(() => loadAddon({ env: { LLM_JOBS_ADDON: file } }), { code: 'ADDON_MISSING', message: new RegExp(`broken\\.node could not be loaded on ${target()}: `) });
  });

  it('refuses what is no addon of ours', () => {
    const file = path.join(root, 'other.js');
    fs.writeFileSync(file, 'module.exports = { start() {} };');
    assert.throws(() => loadAddon({ env: { LLM_JOBS_ADDON: file } }), { code: 'ADDON_MISSING', message: /has no function send/ });
  });
});
