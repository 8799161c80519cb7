// SPDX-License-Identifier: MIT
'use strict';

/** Where the static libraries come from: made here, given, or made by vcpkg, as they are on Windows, macOS and musl. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const { target, TARGETS } = require('../../../js/addon.js');
const { archives, checkFolder, librariesFolder } = require('../../../scripts/setup/origin');

const root = path.join(__dirname, '..', '..', '..');
const triplets = path.join(root, 'scripts', 'vcpkg', 'triplets');
const gyp = path.join(root, 'scripts', 'gyp.js');

describe('the static libraries', () => {
  /** @type {string} */ let folder;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-libraries-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** @param {string} at @param {string[]} names */
  const make = (at, names, { sqlite = '3.53.0' } = {}) => {
    const headers = ['curl/curl.h', 'nghttp2/nghttp2.h', 'sqlite3.h', 'cjson/cJSON.h', 'pcre2.h'];
    for (const name of [...headers.map((one) => `include/${one}`), ...names.map((one) => `lib/${one}`)]) {
      fs.mkdirSync(path.dirname(path.join(at, name)), { recursive: true });
      fs.writeFileSync(path.join(at, name), name.endsWith('sqlite3.h') ? `#define SQLITE_VERSION        "${sqlite}"\n` : '');
    }
  };
  const named = (/** @type {string} */ at) => archives(at).map((file) => path.basename(file));

  const unix = ['libz.a', 'libcrypto.a', 'libcurl.a', 'libpcre2-8.a', 'libpcre2-16.a', 'libpcre2-posix.a', 'libssl.a', 'libnghttp2.a', 'libcjson.a', 'libsqlite3.a'];

  it('are linked in the order that a linker which reads once needs, whatever else lies there', () => {
    make(folder, unix);
    assert.deepEqual(named(folder), ['libcurl.a', 'libnghttp2.a', 'libssl.a', 'libcrypto.a', 'libsqlite3.a', 'libcjson.a', 'libpcre2-8.a', 'libz.a']);
    const answer = execFileSync(process.execPath, [gyp, 'archives', folder], { encoding: 'utf8' }).trim().split('\n');
    assert.deepEqual(answer, archives(folder));
  });

  it('may be called as on Windows', () => {
    make(folder, ['zs.lib', 'libcurl.lib', 'nghttp2.lib', 'sqlite3.lib', 'cjson.lib', 'pcre2-8-static.lib', 'pcre2-posix-static.lib']);
    assert.deepEqual(named(folder), ['libcurl.lib', 'nghttp2.lib', 'sqlite3.lib', 'cjson.lib', 'pcre2-8-static.lib', 'zs.lib']);
  });

  it('must be complete, and SQLite must be sound', () => {
    make(folder, unix);
    checkFolder(folder, 'the test');
    fs.rmSync(path.join(folder, 'lib', 'libcjson.a'));
    assert.throws(() => checkFolder(folder, 'the test'), /the test: .*lib has no static library of cjson/);
    make(folder, unix, { sqlite: '3.51.2' });
    assert.throws(() => checkFolder(folder, 'the test'), /SQLite 3\.51\.2 is too old\. At least 3\.51\.3/);
    fs.rmSync(path.join(folder, 'include', 'pcre2.h'));
    assert.throws(() => checkFolder(folder, 'the test'), /pcre2\.h is missing/);
  });

  it('of this clone are complete', () => {
    checkFolder(librariesFolder(), 'this clone');
  });

  it('are taken from the folder that LLM_JOBS_LIBRARIES names', () => {
    make(folder, unix);
    const env = { ...process.env, LLM_JOBS_LIBRARIES: folder };
    assert.equal(execFileSync(process.execPath, [gyp, 'libraries'], { encoding: 'utf8', env }).trim(), folder);
    const ensure = `require(${JSON.stringify(path.join(root, 'scripts', 'setup', 'origin'))}).ensureLibraries().then(console.log)`;
    assert.equal(execFileSync(process.execPath, ['-e', ensure], { encoding: 'utf8', env }).trim(), folder);
    const nowhere = spawnSync(process.execPath, ['-e', ensure], { encoding: 'utf8', env: { ...env, LLM_JOBS_LIBRARIES: path.join(folder, 'none') } });
    assert.match(nowhere.stderr, /LLM_JOBS_LIBRARIES: .*curl\.h is missing/);
  });

  describe('by vcpkg', () => {
    it('have a description of every system that is built with it, static and without debugging', () => {
      const names = fs.readdirSync(triplets).map((name) => path.basename(name, '.cmake'));
      assert.deepEqual(names.sort(), [...TARGETS].sort());
      for (const name of names) {
        const text = fs.readFileSync(path.join(triplets, `${name}.cmake`), 'utf8');
        assert.match(text, new RegExp(`VCPKG_TARGET_ARCHITECTURE ${name.split('-')[1]}\\)`), name);
        assert.match(text, /VCPKG_LIBRARY_LINKAGE static\)/, name);
        assert.match(text, /VCPKG_BUILD_TYPE release\)/, name);
        // Node's own headers ask for the static runtime on Windows, and names of libraries stay inside elsewhere.
        if (name.startsWith('win32')) assert.match(text, /VCPKG_CRT_LINKAGE static\)/, name);
        else assert.match(text, /VCPKG_C_FLAGS "[^"]*-fvisibility=hidden/, name);
      }
    });

    it('are those that the engine includes, with Schannel on Windows and OpenSSL elsewhere', () => {
      const { dependencies } = JSON.parse(fs.readFileSync(path.join(root, 'scripts', 'vcpkg', 'vcpkg.json'), 'utf8'));
      const names = dependencies.map((/** @type {any} */ one) => one.name ?? one);
      assert.deepEqual(names.sort(), ['cjson', 'curl', 'nghttp2', 'openssl', 'pcre2', 'sqlite3']);
      const curl = dependencies.find((/** @type {any} */ one) => one.name === 'curl');
      assert.equal(curl['default-features'], false);
      assert.deepEqual(curl.features, ['http2', { name: 'schannel', platform: 'windows' }, { name: 'openssl', platform: '!windows' }]);
    });

    it('are compiled once, by the vcpkg that is fetched or named', function () {
      if (process.platform === 'win32') return this.skip();
      // A vcpkg that writes down how it was called and puts libraries where it was told to.
      const vcpkg = path.join(folder, 'vcpkg');
      const calls = path.join(folder, 'calls');
      make(path.join(folder, 'made'), unix);
      fs.mkdirSync(path.join(vcpkg, 'ports'), { recursive: true });
      fs.writeFileSync(
        path.join(vcpkg, 'vcpkg'),
        `#!/bin/sh
         echo "$@" >> "${calls}"
         for one in "$@"; do case "$one" in --x-install-root=*) to="\${one#--x-install-root=}";; esac; done
         mkdir -p "$to" && cp -r "${folder}/made" "$to/${target()}"`,
        { mode: 0o755 },
      );
      const env = { ...process.env, LLM_JOBS_LIBRARIES: 'vcpkg', VCPKG_ROOT: vcpkg, LLM_JOBS_CACHE: path.join(folder, 'cache') };
      const ensure = `require(${JSON.stringify(path.join(root, 'scripts', 'setup', 'origin'))}).ensureLibraries().then(console.log)`;
      const at = execFileSync(process.execPath, ['-e', ensure], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
      assert.ok(at.startsWith(path.join(folder, 'cache', 'vcpkg-')), at);
      assert.equal(path.basename(at), target());
      checkFolder(at, 'the test');
      assert.equal(execFileSync(process.execPath, ['-e', ensure], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'ignore'] }).trim(), at);
      assert.equal(execFileSync(process.execPath, [gyp, 'libraries'], { encoding: 'utf8', env }).trim(), at);
      const lines = fs.readFileSync(calls, 'utf8').trim().split('\n');
      assert.equal(lines.length, 1);
      assert.match(lines[0], new RegExp(`^install --triplet ${target()} --host-triplet ${target()} --x-manifest-root=\\S+/scripts/vcpkg --x-install-root=\\S+ --overlay-triplets=\\S+/triplets `));
    });
  });
});
