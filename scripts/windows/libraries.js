// SPDX-License-Identifier: MIT
'use strict';

/**
 * The libraries compiled for Windows by MinGW-w64, in the cache beside those of scripts/setup/libraries.js: the same sources, with
 * Schannel, the system's own TLS, in OpenSSL's place. They serve to try the Windows side on a machine that is not Windows. This
 * curl offers no HTTP/2 over TLS: it asks for ALPN only when Microsoft's compiler builds it.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ask, run } = require('../setup/command');
const { withLock } = require('../setup/lock');
const { readManifest, writeManifest } = require('../setup/manifest');
const paths = require('../setup/paths');
const { say, seconds } = require('../setup/say');
const { fetchSources, unpack } = require('../setup/sources');
const { gcc } = require('./compile');

const host = gcc.replace(/-gcc$/, '');

const words = (/** @type {string} */ text) => text.trim().split(/\s+/);

const flags = words('-O2 -g0 -ffunction-sections -fdata-sections -D_WIN32_WINNT=0x0A00');

/** As for Linux (scripts/setup/recipes.js), where Windows has it. */
const curlOptions = [
  ...words(`
    --disable-shared --enable-static --disable-dependency-tracking --enable-http --enable-ipv6 --enable-proxy
    --enable-threaded-resolver --disable-pthreads --with-schannel --without-zlib --enable-http-auth --enable-dateparse
    --enable-verbose --enable-socketpair --enable-headers-api`),
  ...words(`
    ftp file ldap ldaps rtsp dict telnet tftp pop3 imap smb smtp gopher mqtt manual libcurl-option sspi crypto-auth ntlm
    ntlm-wb tls-srp unix-sockets cookies doh mime netrc progress-meter dnsshuffle get-easy-options alt-svc hsts
    websockets ares`).map((name) => `--disable-${name}`),
  ...words('brotli zstd libpsl libgsasl librtmp libssh libssh2 libidn2 ngtcp2 nghttp3 quiche msh3 gssapi').map(
    (name) => `--without-${name}`,
  ),
];

const sqliteFlags = words(`
  THREADSAFE=2 DEFAULT_MEMSTATUS=0 OMIT_LOAD_EXTENSION OMIT_DEPRECATED OMIT_SHARED_CACHE DEFAULT_WAL_SYNCHRONOUS=1
  LIKE_DOESNT_MATCH_BLOBS USE_ALLOCA DQS=0 STRICT_SUBTYPE=1`).map((name) => `-DSQLITE_${name}`);

const pcre2Parts = words(`
  auto_possess chartables chkdint compile config context convert dfa_match error extuni find_bracket jit_compile maketables match
  match_data newline ord2utf pattern_info script_run serialize string_utils study substitute substring tables ucd valid_utf xclass`);

/**
 * Compiles C files side by side and packs them.
 * @param {string} folder @param {string[]} sources @param {string[]} extra flags @param {string} output
 */
async function archive(folder, sources, extra, output) {
  const waiting = [...sources];
  const work = async () => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift())
      await run(gcc, [...flags, ...extra, '-c', source, '-o', `${source}.o`], { cwd: folder, what: `Compiling ${source}` });
  };
  await Promise.all(Array.from({ length: os.cpus().length }, work));
  await run(`${host}-ar`, ['rcsD', output, ...sources.map((source) => `${source}.o`)], { cwd: folder });
}

function copy(/** @type {string} */ from, /** @type {string} */ to) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, to);
}

/** @type {Record<string, (source: string, prefix: string) => Promise<void>>} */
const recipes = {
  async nghttp2(source, prefix) {
    const lib = path.join(source, 'lib');
    const header = path.join(lib, 'includes/nghttp2/nghttp2ver.h');
    const version = /^AC_INIT\(\[nghttp2\], \[([\d.]+)/m.exec(fs.readFileSync(path.join(source, 'configure.ac'), 'utf8'))?.[1] ?? '0.0.0';
    const number = version.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const text = fs.readFileSync(`${header}.in`, 'utf8');
    fs.writeFileSync(
      header,
      text.replace('@PACKAGE_VERSION@', version).replace('@PACKAGE_VERSION_NUM@', `0x${number.toString(16).padStart(6, '0')}`),
    );
    const sources = fs.readdirSync(lib).filter((name) => name.endsWith('.c'));
    const own = words('-Iincludes -DNGHTTP2_STATICLIB -DBUILDING_NGHTTP2 -DHAVE_TIME_H');
    await archive(lib, sources, own, path.join(prefix, 'lib/libnghttp2.a'));
    for (const name of ['nghttp2.h', 'nghttp2ver.h'])
      copy(path.join(lib, 'includes/nghttp2', name), path.join(prefix, 'include/nghttp2', name));
  },

  /** Needs nghttp2 in the prefix already. */
  async curl(source, prefix) {
    const env = {
      ...process.env,
      CFLAGS: flags.join(' '),
      CPPFLAGS: `-I${prefix}/include -DNGHTTP2_STATICLIB`,
      LDFLAGS: `-L${prefix}/lib`,
      PKG_CONFIG: 'false',
    };
    delete env.CC;
    const options = [`--host=${host}`, ...curlOptions, `--with-nghttp2=${prefix}`, `--prefix=${prefix}`];
    await run('./configure', options, { cwd: source, env, what: "curl's configure" });
    await run('make', [`-j${os.cpus().length}`, '-C', 'lib', 'libcurl.la'], { cwd: source, env, what: 'Compiling curl' });
    copy(path.join(source, 'lib/.libs/libcurl.a'), path.join(prefix, 'lib/libcurl.a'));
    const headers = path.join(source, 'include/curl');
    for (const name of fs.readdirSync(headers).filter((file) => file.endsWith('.h')))
      copy(path.join(headers, name), path.join(prefix, 'include/curl', name));
  },

  async cjson(source, prefix) {
    await archive(source, ['cJSON.c'], ['-DCJSON_HIDE_SYMBOLS', '-DENABLE_LOCALES'], path.join(prefix, 'lib/libcjson.a'));
    copy(path.join(source, 'cJSON.h'), path.join(prefix, 'include/cjson/cJSON.h'));
  },

  async pcre2(source, prefix) {
    const folder = path.join(source, 'src');
    for (const name of ['config.h', 'pcre2.h']) copy(path.join(folder, `${name}.generic`), path.join(folder, name));
    copy(path.join(folder, 'pcre2_chartables.c.dist'), path.join(folder, 'pcre2_chartables.c'));
    const sources = pcre2Parts.map((name) => `pcre2_${name}.c`).filter((name) => fs.existsSync(path.join(folder, name)));
    const own = words('-I. -DHAVE_CONFIG_H -DPCRE2_CODE_UNIT_WIDTH=8 -DPCRE2_STATIC -DSUPPORT_PCRE2_8 -DSUPPORT_UNICODE');
    await archive(folder, sources, own, path.join(prefix, 'lib/libpcre2-8.a'));
    copy(path.join(folder, 'pcre2.h'), path.join(prefix, 'include/pcre2.h'));
  },

  async cmocka(source, prefix) {
    const own = words('-I../include -D_GNU_SOURCE -DHAVE_INTTYPES_H -DHAVE_SIGNAL_H -DHAVE_STRINGS_H -DHAVE_SNPRINTF -DHAVE_VSNPRINTF');
    own.push('-DHAVE_STRUCT_TIMESPEC', '-DHAVE_GCC_THREAD_LOCAL_STORAGE', '-D__USE_MINGW_ANSI_STDIO=1');
    await archive(path.join(source, 'src'), ['cmocka.c'], own, path.join(prefix, 'lib/libcmocka.a'));
    copy(path.join(source, 'include/cmocka.h'), path.join(prefix, 'include/cmocka.h'));
  },

  async sqlite(source, prefix) {
    await archive(source, ['sqlite3.c'], sqliteFlags, path.join(prefix, 'lib/libsqlite3.a'));
    copy(path.join(source, 'sqlite3.h'), path.join(prefix, 'include/sqlite3.h'));
  },
};

/** @returns {{folder: string, pins: import('../setup/sources').Pin[]}} */
function wanted() {
  const files = ['../deps.lock.json', 'sources.json', 'libraries.js', '../setup/sources.js'].map((name) => path.join(__dirname, name));
  const hash = crypto.createHash('sha256').update(ask(gcc, ['--version']) ?? 'none');
  for (const file of [...files, path.join(paths.sqlite, 'sqlite3.c')]) hash.update(fs.readFileSync(file));
  const pins = files.slice(0, 2).flatMap((file) => JSON.parse(fs.readFileSync(file, 'utf8')).sources);
  return { folder: path.join(paths.cache, hash.digest('hex').slice(0, 20)), pins };
}

async function build(/** @type {ReturnType<typeof wanted>} */ { folder, pins }) {
  const since = Date.now();
  fs.mkdirSync(paths.cache, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(paths.cache, 'tmp-'));
  const clean = () => fs.rmSync(scratch, { recursive: true, force: true });
  process.once('exit', clean);
  try {
    const prefix = path.join(scratch, 'prefix');
    fs.mkdirSync(path.join(prefix, 'lib'), { recursive: true });
    const sqlite = path.join(scratch, 'sqlite');
    for (const name of ['sqlite3.c', 'sqlite3.h']) copy(path.join(paths.sqlite, name), path.join(sqlite, name));
    const fetched = await fetchSources(pins, scratch);
    say('compiling the libraries for Windows');
    const others = (async () => {
      for (const source of fetched) {
        const at = path.join(scratch, source.name);
        await unpack(source, at);
        await recipes[source.name](at, prefix);
      }
    })();
    const [first, second] = await Promise.allSettled([recipes.sqlite(sqlite, prefix), others]);
    if (second.status === 'rejected') throw second.reason;
    if (first.status === 'rejected') throw first.reason;
    writeManifest(prefix, { system: 'windows', sources: fetched.map(({ name, version }) => ({ name, version })) });
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(prefix, folder);
    say(`the libraries for Windows are in ${folder} (${seconds(since)})`);
  } finally {
    process.removeListener('exit', clean);
    clean();
  }
}

/** Makes sure that the libraries are there and whole. @returns {Promise<string>} their folder */
async function ensureWindowsLibraries() {
  const entry = wanted();
  const whole = () => {
    const state = readManifest(entry.folder);
    return state !== null && 'manifest' in state;
  };
  if (!whole())
    await withLock(`${entry.folder}.lock`, async () => {
      if (!whole()) await build(entry);
    });
  fs.utimesSync(entry.folder, new Date(), new Date());
  return entry.folder;
}

module.exports = { ensureWindowsLibraries };
