// SPDX-License-Identifier: MIT
'use strict';

/**
 * How each static library is compiled. Everything is position-independent (it ends in a shared object), hidden (nothing of
 * it may meet the host's own TLS or HTTP/2 code, docs/architecture.md says why) and hardened like our own code.
 *
 * This file is part of the cache key: a change here builds anew.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run, ask, compiler, headerFolders } = require('./command');
const { SetupError } = require('./say');

/** A list that is easier to read as text. */
const words = (/** @type {string} */ text) => text.trim().split(/\s+/);

const flags = words(`
  -O2 -g0 -fPIC -fvisibility=hidden -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
  -ffunction-sections -fdata-sections`);

/** What the system headers offer to nghttp2; its own configure script is not part of the source package. */
const nghttp2Flags = words(`
  -DNGHTTP2_STATICLIB -DBUILDING_NGHTTP2 -D_GNU_SOURCE
  -DHAVE_ARPA_INET_H -DHAVE_NETINET_IN_H -DHAVE_CLOCK_GETTIME -DHAVE_TIME_H`);

/**
 * HTTP and HTTPS, HTTP/1.1 and HTTP/2, IPv4 and IPv6, proxies; nothing else.
 * Kept on purpose: `dateparse` reads the date form of Retry-After, `http-auth` is for proxies that want a password,
 * `verbose` holds the texts of curl_easy_strerror, `socketpair` is how curl_multi_wakeup works.
 */
const curlOptions = [
  ...words(`
    --disable-shared --enable-static --with-pic --enable-symbol-hiding --disable-dependency-tracking
    --enable-http --enable-ipv6 --enable-proxy --enable-threaded-resolver --enable-pthreads --with-openssl --without-zlib
    --enable-http-auth --enable-dateparse --enable-verbose --enable-socketpair --enable-headers-api
    --disable-openssl-auto-load-config --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path`),
  ...words(`
    ftp file ldap ldaps rtsp dict telnet tftp pop3 imap smb smtp gopher mqtt manual libcurl-option sspi crypto-auth ntlm
    ntlm-wb tls-srp unix-sockets cookies doh mime netrc progress-meter dnsshuffle get-easy-options alt-svc hsts
    websockets ares`).map((name) => `--disable-${name}`),
  ...words(`
    brotli zstd libpsl libgsasl librtmp libssh libssh2 libidn2 ngtcp2 nghttp3 quiche msh3
    gssapi`).map((name) => `--without-${name}`),
];

/**
 * One thread uses a connection at a time, so SQLite needs no lock around each connection (THREADSAFE=2). Everything that
 * could open another file or run foreign code is left out. The authorizer, JSON and RETURNING stay.
 */
const sqliteFlags = words(`
  THREADSAFE=2 DEFAULT_MEMSTATUS=0 OMIT_LOAD_EXTENSION OMIT_DEPRECATED OMIT_SHARED_CACHE DEFAULT_WAL_SYNCHRONOUS=1
  LIKE_DOESNT_MATCH_BLOBS USE_ALLOCA DQS=0 STRICT_SUBTYPE=1`)
  .map((name) => `-DSQLITE_${name}`)
  // What the system offers and SQLite does not look for: without these it seeks before each read, and fsync stands in for
  // fdatasync, which costs a second disk write per commit.
  .concat('-DUSE_PREAD=1', '-DHAVE_FDATASYNC=1', '-DHAVE_USLEEP=1');

/**
 * Compiles C files side by side and packs them.
 * @param {string} directory
 * @param {string[]} sources
 * @param {string[]} extra flags
 * @param {string} output
 */
async function archive(directory, sources, extra, output) {
  const waiting = [...sources];
  /** @type {string[]} */
  const objects = [];
  const work = async () => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
      const object = source.replace(/\.c$/, '.o');
      objects.push(object);
      await run(compiler(), [...flags, ...extra, '-c', source, '-o', object], {
        cwd: directory,
        what: `Compiling ${source}`,
      });
    }
  };
  await Promise.all(Array.from({ length: os.cpus().length }, work));
  await run('ar', ['rcsD', output, ...objects.sort()], { cwd: directory });
}

function copy(/** @type {string} */ from, /** @type {string} */ to) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, to);
}

async function nghttp2(/** @type {string} */ source, /** @type {string} */ prefix) {
  const lib = path.join(source, 'lib');
  const template = fs.readFileSync(path.join(lib, 'includes/nghttp2/nghttp2ver.h.in'), 'utf8');
  const version = /^AC_INIT\(\[nghttp2\], \[([\d.]+)/m.exec(
    fs.readFileSync(path.join(source, 'configure.ac'), 'utf8'),
  )?.[1];
  if (version === undefined) throw new SetupError('The version of nghttp2 cannot be read from its configure.ac.');
  const number = version.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  fs.writeFileSync(
    path.join(lib, 'includes/nghttp2/nghttp2ver.h'),
    template
      .replace('@PACKAGE_VERSION@', version)
      .replace('@PACKAGE_VERSION_NUM@', `0x${number.toString(16).padStart(6, '0')}`),
  );
  const sources = fs.readdirSync(lib).filter((name) => name.endsWith('.c'));
  await archive(lib, sources, ['-Iincludes', ...nghttp2Flags], path.join(prefix, 'lib/libnghttp2.a'));
  for (const name of ['nghttp2.h', 'nghttp2ver.h'])
    copy(path.join(lib, 'includes/nghttp2', name), path.join(prefix, 'include/nghttp2', name));
}

/**
 * curl 7.88 ends every stream of HTTP/2 with RST_STREAM, also after an answer that came whole: the mark that the stream has closed
 * is taken away when the close is handled, before it is asked for. Servers that guard against clients which open and reset streams
 * (nghttp2 since 1.57: 1,000 at once, then 33 a second) close the connection then, with all calls that still run on it, and those
 * would be paid twice. A curl without that line is left as it is.
 *
 * @param {string} source
 */
function mendCurl(source) {
  const file = path.join(source, 'lib/http2.c');
  const text = fs.readFileSync(file, 'utf8');
  const line = 'if(premature || (!stream->closed && stream->stream_id)) {';
  fs.writeFileSync(file, text.replace(line, 'if(premature || (!stream->closed && !stream->close_handled && stream->stream_id)) {'));
}

/** Needs nghttp2 in the prefix already. */
async function curl(/** @type {string} */ source, /** @type {string} */ prefix) {
  const env = {
    ...process.env,
    CC: compiler(),
    CFLAGS: flags.join(' '),
    CPPFLAGS: `-I${prefix}/include -DNGHTTP2_STATICLIB`,
    LDFLAGS: `-L${prefix}/lib`,
    // The static OpenSSL and our nghttp2 are found through these alone; nothing else of the system may slip in.
    LIBS: '-lpthread -ldl',
    PKG_CONFIG: 'false',
  };
  mendCurl(source);
  await run('./configure', [...curlOptions, `--with-nghttp2=${prefix}`, `--prefix=${prefix}`], {
    cwd: source,
    env,
    what: "curl's configure",
  });
  await run('make', [`-j${os.cpus().length}`, '-C', 'lib', 'libcurl.la'], { cwd: source, env, what: 'Compiling curl' });
  copy(path.join(source, 'lib/.libs/libcurl.a'), path.join(prefix, 'lib/libcurl.a'));
  const headers = path.join(source, 'include/curl');
  for (const name of fs.readdirSync(headers).filter((file) => file.endsWith('.h')))
    copy(path.join(headers, name), path.join(prefix, 'include/curl', name));
}

async function cjson(/** @type {string} */ source, /** @type {string} */ prefix) {
  // CJSON_HIDE_SYMBOLS keeps the library's own "default" visibility attributes from undoing -fvisibility=hidden.
  // ENABLE_LOCALES reads and writes numbers with a point also in a host that has called setlocale.
  await archive(source, ['cJSON.c'], ['-DCJSON_HIDE_SYMBOLS', '-DENABLE_LOCALES'], path.join(prefix, 'lib/libcjson.a'));
  copy(path.join(source, 'cJSON.h'), path.join(prefix, 'include/cjson/cJSON.h'));
}

/**
 * @param {string} source the folder of the amalgamation, left as it is
 * @param {string} prefix
 * @param {string} scratch takes the object
 */
async function sqlite(source, prefix, scratch) {
  fs.mkdirSync(scratch, { recursive: true });
  for (const name of ['sqlite3.c', 'sqlite3.h']) copy(path.join(source, name), path.join(scratch, name));
  await archive(scratch, ['sqlite3.c'], sqliteFlags, path.join(prefix, 'lib/libsqlite3.a'));
  copy(path.join(source, 'sqlite3.h'), path.join(prefix, 'include/sqlite3.h'));
}

/** The distribution's own static OpenSSL is position-independent; a copy makes the prefix complete. */
function openssl(/** @type {string} */ prefix) {
  for (const name of ['libssl.a', 'libcrypto.a']) {
    const file = ask(compiler(), [`-print-file-name=${name}`]);
    if (file === null || !path.isAbsolute(file))
      throw new SetupError(`${name} is not installed: it comes with libssl-dev on Debian and Ubuntu.`);
    copy(file, path.join(prefix, 'lib', name));
  }
}

/** As OpenSSL: the distribution's own static library is position-independent and has its security patches. */
function pcre2(/** @type {string} */ prefix) {
  const file = ask(compiler(), ['-print-file-name=libpcre2-8.a']);
  const header = headerFolders.map((folder) => path.join(folder, 'pcre2.h')).find((name) => fs.existsSync(name));
  if (file === null || !path.isAbsolute(file) || header === undefined)
    throw new SetupError('libpcre2-8.a or pcre2.h is not installed: they come with libpcre2-dev on Debian and Ubuntu.');
  copy(file, path.join(prefix, 'lib/libpcre2-8.a'));
  copy(header, path.join(prefix, 'include/pcre2.h'));
}

module.exports = { nghttp2, curl, cjson, sqlite, openssl, pcre2 };
