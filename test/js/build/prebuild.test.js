// SPDX-License-Identifier: MIT
'use strict';

/** The addon that the package carries, and what keeps a wrong one out of it. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { target, FILE, TARGETS } = require('../../../js/addon.js');
const { readBinary, compareVersions } = require('../../../scripts/prebuild/binary');
const { checkPrebuilds, packageVersion, OLDEST_GLIBC } = require('../../../scripts/prebuild/check');

const root = path.join(__dirname, '..', '..', '..');
const addon = path.join(root, 'build', 'Release', FILE);

/** @param {string} command @param {string[]} args */
const ask = (command, args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });

/** The beginning of a program of another system, and the text that every addon holds. @param {string} name @param {string} [version] */
function program(name, version = packageVersion()) {
  const [platform, arch, libc] = name.split('-');
  const bytes = Buffer.alloc(512);
  if (platform === 'linux') {
    bytes.writeUInt32BE(0x7f454c46, 0);
    bytes.writeUInt16LE(arch === 'x64' ? 0x3e : 0xb7, 18);
    bytes.write(libc === 'musl' ? '\0libc.musl-x86_64.so.1\0' : '\0libc.so.6\0GLIBC_2.28\0GLIBC_2.4\0', 64, 'latin1');
  } else if (platform === 'darwin') {
    bytes.writeUInt32LE(0xfeedfacf, 0);
    bytes.writeUInt32LE(arch === 'x64' ? 0x01000007 : 0x0100000c, 4);
  } else {
    bytes.write('MZ', 0, 'latin1');
    bytes.writeUInt32LE(0x80, 0x3c);
    bytes.write('PE\0\0', 0x80, 'latin1');
    bytes.writeUInt16LE(arch === 'x64' ? 0x8664 : 0xaa64, 0x84);
  }
  bytes.write(`{"version":"${version}","curl":"8.0.0"`, 256, 'latin1');
  return bytes;
}

describe('a prebuilt addon', () => {
  /** @type {string} */ let folder;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-prebuilds-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** @param {string} name @param {Buffer} bytes */
  const put = (name, bytes) => {
    fs.mkdirSync(path.join(folder, name), { recursive: true });
    fs.writeFileSync(path.join(folder, name, FILE), bytes);
  };

  describe('of this system', function () {
    before(function () {
      if (process.platform !== 'linux') this.skip();
    });

    it('is recognised by its bytes', () => {
      const found = readBinary(addon);
      assert.equal(found.target, target());
      assert.equal(found.version, packageVersion());
    });

    it(`asks for glibc ${OLDEST_GLIBC} at most, as objdump sees it too`, function () {
      if (target().endsWith('-musl')) return this.skip();
      const versions = [...ask('objdump', ['-T', addon]).matchAll(/\bGLIBC_(\d[\d.]*)/g)].map((match) => match[1]);
      const highest = versions.sort(compareVersions).at(-1) ?? '';
      assert.ok(highest !== '');
      assert.equal(readBinary(addon).glibc, highest);
      const here = /** @type {any} */ (process.report.getReport()).header.glibcVersionRuntime;
      // A younger system links its younger functions: packages are made on Debian 12.
      if (compareVersions(highest, OLDEST_GLIBC) > 0 && compareVersions(here, '2.36') > 0) return this.skip();
      assert.ok(compareVersions(highest, OLDEST_GLIBC) <= 0, `needs glibc ${highest}`);
    });

    it('is stripped: it holds no symbols for debuggers', () => {
      assert.doesNotMatch(ask('readelf', ['-SW', addon]), /\.(symtab|debug_\w+)\b/);
    });
  });

  it('is recognised by its bytes, for every system', () => {
    for (const name of TARGETS) put(name, program(name));
    assert.deepEqual(checkPrebuilds([...TARGETS], folder).map((one) => one.target), [...TARGETS].sort());
  });

  it('may not lie in the folder of another system', () => {
    put('darwin-arm64', program('darwin-x64'));
    assert.throws(() => checkPrebuilds([], folder), /darwin-arm64.*is built for darwin-x64/);
    put('darwin-arm64', Buffer.from('#!/bin/sh\n'));
    assert.throws(() => checkPrebuilds([], folder), /is built for no system that llm-jobs knows/);
  });

  it('may not be of another version', () => {
    put('win32-x64', program('win32-x64', '9.9.9'));
    assert.throws(() => checkPrebuilds([], folder), /win32-x64.* is of version 9\.9\.9, package\.json of \d/);
  });

  it('may not ask for a younger glibc', () => {
    const bytes = program('linux-x64');
    bytes.write('\0GLIBC_2.38\0', 128, 'latin1');
    put('linux-x64', bytes);
    assert.throws(() => checkPrebuilds([], folder), /asks for glibc 2\.38, and shall run with 2\.34/);
  });

  it('may not be missing, have company, or be of no system', () => {
    assert.throws(() => checkPrebuilds(['linux-x64', 'win32-x64'], folder), /No prebuilt addon for linux-x64, win32-x64/);
    put('linux-x64', program('linux-x64'));
    assert.throws(() => checkPrebuilds(['linux-x64', 'win32-x64'], folder), /No prebuilt addon for win32-x64:/);
    fs.writeFileSync(path.join(folder, 'linux-x64', 'notes.txt'), '');
    assert.throws(() => checkPrebuilds(['linux-x64'], folder), /nothing else, has: .*notes\.txt/);
    fs.rmSync(path.join(folder, 'linux-x64', 'notes.txt'));
    fs.mkdirSync(path.join(folder, 'linux-riscv64'));
    assert.throws(() => checkPrebuilds(['linux-x64'], folder), /linux-riscv64 is no folder of a prebuilt addon/);
  });

  it('is not made when npm runs "prebuild" only because somebody types "npm run build"', function () {
    if (process.platform === 'win32') return this.skip();
    // What npm's own process is called tells the two apart; a shell stands between npm and the script.
    const hook = path.join(root, 'scripts', 'prebuild', 'hook.js');
    const script = `process.stdout.write(String(require(${JSON.stringify(hook)}).isHookOfBuild()))`;
    const npm = path.join(folder, 'npm.js');
    fs.writeFileSync(
      npm,
      `process.title = process.argv.slice(2).join(' ');
       const { spawnSync } = require('node:child_process');
       spawnSync('/bin/sh', ['-c', '"$NODE" -e "$SCRIPT"; exit'], { stdio: 'inherit', env: { ...process.env, NODE: process.execPath } });`,
    );
    const say = (/** @type {string} */ title, /** @type {string} */ event) =>
      execFileSync(process.execPath, [npm, ...title.split(' ')], { encoding: 'utf8', env: { ...process.env, SCRIPT: script, npm_lifecycle_event: event } });
    assert.equal(say('npm run build', 'prebuild'), 'true');
    assert.equal(say('npm run-script build', 'prebuild'), 'true');
    assert.equal(say('npm run prebuild', 'prebuild'), 'false');
    assert.equal(say('npm run build', 'build'), 'false');
  });
});
