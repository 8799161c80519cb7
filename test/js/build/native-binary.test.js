// SPDX-License-Identifier: MIT
'use strict';

/**
 * What the addon shows to its host and takes from it. The host has TLS, HTTP/2 and (in tests) SQLite code of its own under
 * the same names; docs/architecture.md says what happened when the two met.
 */

const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const path = require('node:path');

const addon = path.resolve(__dirname, '../../../build/Release/llm_jobs_native.node');

/** The names of the libraries inside. */
const foreign = new RegExp(
  '^_?(SSL|TLS|DTLS|CRYPTO|OPENSSL|OSSL|EVP|X509|PEM|BIO|ASN1|ERR|RAND|BN|EC|RSA|ENGINE|nghttp2|curl|sqlite3|cJSON|pcre2|' +
    'inflate|deflate|zlib|Brotli|ZSTD|uv)_',
  'i',
);

/** The C library and the loader. */
const libc = /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|librt\.so\.1|ld-linux.*\.so\.\d)$/;

/** Debian 12 and everything younger, and the other distributions of its time. */
const OLDEST_GLIBC = '2.34';

const compare = (/** @type {string} */ a, /** @type {string} */ b) => {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  return x[0] - y[0] || (x[1] ?? 0) - (y[1] ?? 0);
};

const run = (/** @type {string} */ command, /** @type {string[]} */ args) =>
  execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });

describe('the addon as a binary', function () {
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('shows two functions and nothing else', () => {
    const names = run('nm', ['-D', '--defined-only', addon])
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1));
    assert.deepStrictEqual(names.sort(), ['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });

  it('needs the C library and nothing else', () => {
    const needed = [...run('readelf', ['-dW', addon]).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]);
    assert.ok(needed.includes('libc.so.6'));
    assert.deepStrictEqual(
      needed.filter((name) => !libc.test(name)),
      [],
    );
  });

  it('takes Node-API and the C library from its host and nothing else', () => {
    const names = run('nm', ['-D', '--undefined-only', addon])
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).at(-1) ?? '');
    // The weak names are the compiler's own; no library offers them.
    const compilers = ['_ITM_deregisterTMCloneTable', '_ITM_registerTMCloneTable', '__gmon_start__'];
    const others = names.filter(
      (name) => !/@GLIBC_/.test(name) && !/^(napi|node_api)_/.test(name) && !compilers.includes(name),
    );
    assert.deepStrictEqual(others, []);
  });

  it('binds no name of TLS, HTTP or SQLite to its host', () => {
    const { stderr, status } = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', addon], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { ...process.env, LD_DEBUG: 'bindings' },
    });
    assert.strictEqual(status, 0);
    const ours = [...stderr.matchAll(/binding file (\S+) \[\d+\] to (\S+) \[\d+\]: normal symbol `([^']+)'/g)].filter(
      ([, from, to]) => (from === addon) !== (to === addon),
    );
    assert.ok(
      ours.some(([, , , name]) => name.startsWith('napi_')),
      'the loader told of the addon',
    );
    assert.deepStrictEqual(
      ours.filter(([, , , name]) => foreign.test(name)).map(([line]) => line),
      [],
    );
  });

  it('is hardened', () => {
    const dynamic = run('readelf', ['-dW', addon]);
    const segments = run('readelf', ['-lW', addon]);
    assert.match(dynamic, /BIND_NOW|\bNOW\b/);
    assert.match(segments, /GNU_RELRO/);
    assert.doesNotMatch(segments, /GNU_STACK.*RWE/);
    const names = run('nm', ['-D', '--undefined-only', addon]);
    assert.match(names, /__stack_chk_fail/);
    assert.match(names, /__(memcpy|snprintf|vsnprintf)_chk/);
  });

  it(`runs with glibc ${OLDEST_GLIBC}`, function () {
    const versions = [...run('nm', ['-D', '--undefined-only', addon]).matchAll(/@GLIBC_([\d.]+)/g)].map(
      (match) => match[1],
    );
    const highest = versions.sort(compare).at(-1) ?? '';
    const here = /** @type {any} */ (process.report.getReport()).header.glibcVersionRuntime;
    // A younger system links its younger functions: packages are built on the oldest one.
    if (compare(highest, OLDEST_GLIBC) > 0 && compare(here, '2.36') > 0) {
      console.log(`        built on glibc ${here}: needs ${highest}`);
      return this.skip();
    }
    assert.ok(compare(highest, OLDEST_GLIBC) <= 0, `needs glibc ${highest}`);
  });

  it('holds a SQLite that does not corrupt WAL databases, and HTTP/2', () => {
    const versions = JSON.parse(require(addon).versions());
    const [major, minor, patch] = versions.sqlite.split('.').map(Number);
    assert.ok(major * 1_000_000 + minor * 1000 + patch >= 3_051_003, `SQLite ${versions.sqlite}`);
    assert.match(versions.tls, /^OpenSSL\/3/);
    assert.ok(versions.http2);
  });
});
