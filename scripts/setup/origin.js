// SPDX-License-Identifier: MIT
'use strict';

/**
 * Where the static libraries come from.
 *
 * - LLM_JOBS_LIBRARIES names a folder with `include` and `lib`: they are taken from there, whoever has made them. `vcpkg` instead
 *   of a folder means the last case, wherever this runs.
 * - Linux with glibc: made from Debian's source packages (libraries.js), and Debian's own static OpenSSL and PCRE2.
 * - Everywhere else: made by vcpkg (vcpkg.js), which knows how to compile them there.
 */

const fs = require('node:fs');
const path = require('node:path');
const paths = require('./paths');
const { SetupError } = require('./say');

/** @typedef {'given' | 'sources' | 'vcpkg'} Origin */

/** What is linked, in the order that a linker which reads once needs. What else lies there comes last: zlib, which vcpkg's curl uses. */
const NAMES = ['curl', 'nghttp2', 'ssl', 'crypto', 'sqlite3', 'cjson', 'pcre2-8'];

const HEADERS = ['curl/curl.h', 'nghttp2/nghttp2.h', 'sqlite3.h', 'cjson/cJSON.h', 'pcre2.h'];

/** @returns {Origin} */
function origin() {
  const wanted = process.env.LLM_JOBS_LIBRARIES;
  if (wanted) return wanted === 'vcpkg' ? 'vcpkg' : 'given';
  return process.platform === 'linux' && !paths.musl ? 'sources' : 'vcpkg';
}

/** @returns {string} the folder, which may not be there yet. Fast: binding.gyp asks for it */
function librariesFolder() {
  const from = origin();
  if (from === 'given') return path.resolve(/** @type {string} */ (process.env.LLM_JOBS_LIBRARIES));
  return from === 'vcpkg' ? require('./vcpkg').folder() : require('./libraries').libraries().folder;
}

/** @param {string} name of a file in `lib` @returns {number} its place in NAMES; after them when it is none of them */
function rank(name) {
  const bare = name.replace(/^lib/, '').replace(/\.(a|lib)$/, '');
  // Ports differ in what they append: pcre2-8-static, nghttp2_static.
  const at = NAMES.findIndex((one) => bare === one || bare.startsWith(`${one}-`) || bare.startsWith(`${one}_`));
  return at === -1 ? NAMES.length : at;
}

/**
 * @param {string} folder of static libraries
 * @returns {string[]} paths of the archives, in the order in which they are linked
 */
function archives(folder) {
  const lib = path.join(folder, 'lib');
  const names = fs.existsSync(lib) ? fs.readdirSync(lib).filter((name) => /\.(a|lib)$/.test(name)) : [];
  // The other widths of PCRE2 and its POSIX face are not used.
  const wanted = names.filter((name) => !/pcre2-(16|32|posix)/.test(name)).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return wanted.map((name) => path.join(lib, name).split(path.sep).join('/'));
}

/**
 * Whether a folder has all that is linked. libraries.js checks its own by their checksums.
 * @param {string} folder
 * @param {string} who is to blame
 */
function checkFolder(folder, who) {
  const header = HEADERS.find((name) => !fs.existsSync(path.join(folder, 'include', name)));
  if (header !== undefined) throw new SetupError(`${who}: ${path.join(folder, 'include', header)} is missing.`);
  const there = new Set(archives(folder).map((file) => rank(path.basename(file))));
  const tls = ['ssl', 'crypto'];
  const library = NAMES.find((name, i) => !there.has(i) && !(process.platform === 'win32' && tls.includes(name)));
  if (library !== undefined) throw new SetupError(`${who}: ${path.join(folder, 'lib')} has no static library of ${library}.`);
  const { sqliteAtLeast } = JSON.parse(fs.readFileSync(path.join(paths.root, 'scripts', 'deps.lock.json'), 'utf8'));
  const text = fs.readFileSync(path.join(folder, 'include', 'sqlite3.h'), 'utf8');
  const version = /#define SQLITE_VERSION\s+"([\d.]+)"/.exec(text)?.[1] ?? '0';
  if (require('../prebuild/binary').compareVersions(version, sqliteAtLeast) < 0)
    throw new SetupError(`${who}: SQLite ${version} is too old. At least ${sqliteAtLeast} is needed (older ones can corrupt a WAL database).`);
}

/** @returns {Promise<string>} the folder */
async function ensureLibraries() {
  const from = origin();
  if (from === 'sources') return require('./libraries').ensureLibraries();
  const folder = from === 'vcpkg' ? await require('./vcpkg').ensureInstalled() : librariesFolder();
  checkFolder(folder, from === 'vcpkg' ? 'vcpkg' : 'LLM_JOBS_LIBRARIES');
  return folder;
}

module.exports = { origin, librariesFolder, ensureLibraries, archives, checkFolder };
