// SPDX-License-Identifier: MIT
'use strict';

/**
 * The static libraries by vcpkg, as scripts/vcpkg/vcpkg.json names them. vcpkg itself is a clone at one tag, which fixes the
 * version of every library; VCPKG_ROOT names another one. Both lie in the cache outside the clone, under a name that depends on
 * all that decides their content.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { target } = require('../../js/addon.js');
const { run } = require('./command');
const { withLock } = require('./lock');
const paths = require('./paths');
const { say, seconds } = require('./say');

const TAG = '2026.04.27';
const REPOSITORY = 'https://github.com/microsoft/vcpkg';

const manifest = path.join(paths.root, 'scripts', 'vcpkg');
const triplets = path.join(manifest, 'triplets');
const windows = process.platform === 'win32';

/** A triplet is named as a folder of prebuilds/ is. */
function triplet() {
  return target();
}

/** @returns {string} where its libraries lie, or will */
function installRoot() {
  const hash = crypto.createHash('sha256').update(process.env.VCPKG_ROOT || TAG);
  for (const file of [path.join(manifest, 'vcpkg.json'), path.join(triplets, `${triplet()}.cmake`)]) hash.update(fs.readFileSync(file));
  return path.join(paths.cache, `vcpkg-${hash.digest('hex').slice(0, 20)}`);
}

function folder() {
  return path.join(installRoot(), triplet());
}

/** @returns {Promise<string>} the program */
async function ensureProgram() {
  const root = process.env.VCPKG_ROOT || path.join(paths.cache, `vcpkg-tool-${TAG}`);
  const program = path.join(root, windows ? 'vcpkg.exe' : 'vcpkg');
  if (fs.existsSync(program)) return program;
  if (!fs.existsSync(path.join(root, 'ports'))) {
    say(`fetching vcpkg ${TAG}`);
    fs.rmSync(root, { recursive: true, force: true });
    const quiet = ['-c', 'advice.detachedHead=false'];
    await run('git', [...quiet, 'clone', '--quiet', '--depth', '1', '--branch', TAG, REPOSITORY, root], { what: 'Fetching vcpkg' });
  }
  const [command, ...first] = windows ? ['cmd.exe', '/d', '/c', '.\\bootstrap-vcpkg.bat'] : ['/bin/sh', 'bootstrap-vcpkg.sh'];
  await run(command, [...first, '-disableMetrics'], { cwd: root, what: 'Preparing vcpkg' });
  return program;
}

/** @returns {Promise<string>} the folder with `include` and `lib` */
async function ensureInstalled() {
  const done = path.join(installRoot(), '.done');
  if (fs.existsSync(done)) return folder();
  fs.mkdirSync(paths.cache, { recursive: true });
  await withLock(`${installRoot()}.lock`, async () => {
    if (fs.existsSync(done)) return; // Whoever held the lock has made it.
    const program = await ensureProgram();
    const since = Date.now();
    say(`compiling the libraries with vcpkg for ${triplet()}`);
    const names = ['--triplet', triplet(), '--host-triplet', triplet()];
    const places = [`--x-manifest-root=${manifest}`, `--x-install-root=${installRoot()}`, `--overlay-triplets=${triplets}`];
    // There are no tools of vcpkg's own for musl: it takes the system's.
    const tools = paths.musl ? { VCPKG_FORCE_SYSTEM_BINARIES: '1' } : {};
    const env = { ...process.env, ...tools, VCPKG_DISABLE_METRICS: '1' };
    await run(program, ['install', ...names, ...places, '--clean-after-build', '--no-print-usage'], { env, what: 'vcpkg install', limit: 200_000 });
    fs.writeFileSync(done, '');
    say(`the static libraries are in ${folder()} (${seconds(since)})`);
  });
  return folder();
}

module.exports = { folder, ensureInstalled, triplet, TAG };
