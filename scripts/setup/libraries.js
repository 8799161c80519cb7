// SPDX-License-Identifier: MIT
'use strict';

/**
 * The static libraries, in a cache outside the clone. An entry's name is the hash of everything that decides its content:
 * source versions and checksums, flags, compiler, OpenSSL, PCRE2, and the text of these scripts. Entries are made in a temporary
 * folder and renamed into place, so a half-made one is never seen.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { ask, compiler } = require('./command');
const { withLock } = require('./lock');
const { readManifest, writeManifest } = require('./manifest');
const paths = require('./paths');
const recipes = require('./recipes');
const { say, seconds, SetupError } = require('./say');
const { fetchSources, unpack, unpinnedNote, sha256 } = require('./sources');

const lockFile = path.join(paths.root, 'scripts', 'deps.lock.json');

/** Entries that nobody used for so long are removed when a new one is made. */
const KEEP_DAYS = 60;

/** The version in sqlite3.h, checked against what scripts/deps.lock.json asks for. */
function sqliteVersion(/** @type {string} */ atLeast) {
  const text = fs.readFileSync(path.join(paths.sqlite, 'sqlite3.h'), 'utf8');
  const version = /#define SQLITE_VERSION\s+"([\d.]+)"/.exec(text)?.[1] ?? '0';
  const rank = (/** @type {string} */ v) => v.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0);
  if (rank(version) < rank(atLeast)) {
    throw new SetupError(
      `better-sqlite3 carries SQLite ${version}; at least ${atLeast} is needed (older ones can corrupt a WAL database).`,
    );
  }
  return version;
}

/** What identifies a static library of the system that will be linked in. @param {string} name @param {string} origin */
function systemLibrary(name, origin) {
  const file = ask(compiler(), [`-print-file-name=${name}`]);
  const stat = file === null ? undefined : fs.statSync(file, { throwIfNoEntry: false });
  return stat === undefined
    ? 'none'
    : `${ask('dpkg-query', ['-W', '-f=${Version}', origin]) ?? ''} ${file} ${stat.size}`;
}

/**
 * Where the libraries of this clone's scripts belong, on this machine. Fast: called at every start and by binding.gyp.
 * @returns {{folder: string, key: string, pins: import('./sources').Pin[], sqlite: string}}
 */
function libraries() {
  const lock = JSON.parse(fs.readFileSync(lockFile, 'utf8'));
  const sqlite = sqliteVersion(lock.sqliteAtLeast);
  const hash = crypto.createHash('sha256');
  for (const name of ['recipes.js', 'sources.js', 'libraries.js'])
    hash.update(fs.readFileSync(path.join(__dirname, name)));
  hash.update(fs.readFileSync(lockFile));
  hash.update(
    [
      sqlite,
      sha256(path.join(paths.sqlite, 'sqlite3.c')),
      ask(compiler(), ['-v', '--version']) ?? 'no compiler',
      process.arch,
      systemLibrary('libcrypto.a', 'libssl-dev'),
      systemLibrary('libpcre2-8.a', 'libpcre2-dev'),
    ].join('\n'),
  );
  const key = hash.digest('hex').slice(0, 20);
  return { folder: path.join(paths.cache, key), key, pins: lock.sources, sqlite };
}

async function build(/** @type {ReturnType<typeof libraries>} */ wanted) {
  const since = Date.now();
  fs.mkdirSync(paths.cache, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(paths.cache, 'tmp-'));
  // Interrupted by Ctrl-C, the folder must not stay behind.
  const clean = () => fs.rmSync(scratch, { recursive: true, force: true });
  process.once('exit', clean);
  try {
    const prefix = path.join(scratch, 'prefix');
    fs.mkdirSync(path.join(prefix, 'lib'), { recursive: true });
    recipes.openssl(prefix);
    recipes.pcre2(prefix);
    // SQLite is one file and takes longest: it compiles on one core while everything else uses the other.
    say(`compiling SQLite ${wanted.sqlite}`);
    const sqlite = recipes.sqlite(paths.sqlite, prefix, path.join(scratch, 'sqlite'));
    const others = (async () => {
      const fetched = await fetchSources(wanted.pins, scratch);
      for (const source of fetched) {
        const folder = path.join(scratch, source.name);
        await unpack(source, folder);
        say(`compiling ${source.name} ${source.version}`);
        await recipes[/** @type {'nghttp2' | 'curl' | 'cjson'} */ (source.name)](folder, prefix);
      }
      return fetched.map(({ name, version, pinned }) => ({ name, version, pinned }));
    })();
    // Both must have ended before the folder goes away, also when one of them failed.
    const [first, second] = await Promise.allSettled([sqlite, others]);
    if (second.status === 'rejected') throw second.reason;
    if (first.status === 'rejected') throw first.reason;
    writeManifest(prefix, { key: wanted.key, sqlite: wanted.sqlite, sources: second.value });
    fs.rmSync(wanted.folder, { recursive: true, force: true });
    fs.renameSync(prefix, wanted.folder);
    say(`the static libraries are in ${wanted.folder} (${seconds(since)})`);
  } finally {
    process.removeListener('exit', clean);
    clean();
  }
}

/** Removes entries that no clone has used for a long time. Their folder's time is the time of the last use. */
function prune(/** @type {string} */ keep) {
  for (const name of fs.readdirSync(paths.cache)) {
    const at = path.join(paths.cache, name);
    if (at === keep || !/^([0-9a-f]{20}|tmp-.*)$/.test(name)) continue;
    const days = (Date.now() - (fs.statSync(at, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())) / 86_400_000;
    if (days > (name.startsWith('tmp-') ? 1 : KEEP_DAYS)) fs.rmSync(at, { recursive: true, force: true });
  }
}

/**
 * Makes sure that the libraries are there and whole.
 * @returns {Promise<string>} the folder
 */
async function ensureLibraries() {
  const wanted = libraries();
  let state = readManifest(wanted.folder);
  if (state === null || 'damage' in state) {
    await withLock(`${wanted.folder}.lock`, async () => {
      state = readManifest(wanted.folder); // Whoever held the lock may have made it.
      if (state !== null && 'manifest' in state) return;
      if (state !== null) say(`the cache is damaged (${state.damage}): building ${wanted.folder} again`);
      await build(wanted);
      prune(wanted.folder);
      state = readManifest(wanted.folder);
    });
  }
  if (state === null || !('manifest' in state))
    throw new SetupError(`The static libraries in ${wanted.folder} could not be read back.`);
  for (const { name, version } of state.manifest.sources) {
    const pin = wanted.pins.find((one) => one.name === name);
    const note = pin === undefined ? null : unpinnedNote(pin, version);
    if (note !== null) say(note);
  }
  fs.utimesSync(wanted.folder, new Date(), new Date());
  return wanted.folder;
}

module.exports = { libraries, ensureLibraries };
