// SPDX-License-Identifier: MIT
'use strict';

/**
 * Fetches the source packages that scripts/deps.lock.json names.
 *
 * They come through APT, from the archive that the system already uses, with a private source list and private state: the
 * system's configuration is only read. APT checks the archive's signature; this file checks each file's SHA-256 on top.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { run, which } = require('./command');
const { say, SetupError } = require('./say');

/**
 * @typedef {{name: string, version: string, files: Record<string, string>}} Pin
 * @typedef {{name: string, version: string, pinned: boolean, dsc: string}} Fetched
 */

function sha256(/** @type {string} */ file) {
  return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

/** One "deb" line or stanza becomes "deb-src"; third-party archives are left out, as they hold none of these packages. */
function sourceLists(/** @type {string} */ apt) {
  const official = /(^|\s)(main|universe)(\s|$)/;
  const lines = [];
  const stanzas = [];
  const files = [path.join(apt, 'sources.list')];
  const parts = path.join(apt, 'sources.list.d');
  if (fs.existsSync(parts))
    files.push(
      ...fs
        .readdirSync(parts)
        .sort()
        .map((name) => path.join(parts, name)),
    );
  for (const file of files) {
    if (!fs.existsSync(file)) continue;
    const text = fs.readFileSync(file, 'utf8');
    if (file.endsWith('.list')) {
      for (const line of text.split('\n')) {
        if (/^\s*deb\s/.test(line) && official.test(line)) lines.push(line.replace(/^\s*deb\s/, 'deb-src '));
      }
    } else if (file.endsWith('.sources')) {
      // Comment lines may stand inside a stanza; only empty lines part stanzas.
      const plain = text
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .join('\n');
      for (const stanza of plain.split(/\n\s*\n/)) {
        const components = /^Components:(.*(\n[ \t].*)*)/im.exec(stanza)?.[1] ?? '';
        if (
          !/^Types:.*\bdeb\b/im.test(stanza) ||
          /^Enabled:\s*(no|false|0)/im.test(stanza) ||
          !official.test(components)
        )
          continue;
        stanzas.push(stanza.trim().replace(/^Types:.*$/im, 'Types: deb-src'));
      }
    }
  }
  return { list: lines.join('\n') + '\n', sources: stanzas.join('\n\n') + '\n' };
}

/** @param {string} scratch @returns {string[]} options that point APT at private lists */
function privateApt(/** @type {string} */ scratch) {
  const { list, sources } = sourceLists('/etc/apt');
  const parts = path.join(scratch, 'parts');
  for (const folder of [parts, path.join(scratch, 'lists/partial'), path.join(scratch, 'cache/archives/partial')])
    fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(parts, 'all.list'), list);
  fs.writeFileSync(path.join(parts, 'all.sources'), sources);
  const options = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': parts,
    'Dir::State::lists': path.join(scratch, 'lists'),
    'Dir::Cache': path.join(scratch, 'cache'),
    // Translations and the like are of no use here. Root's private folders are closed to APT's download user.
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root',
  };
  return Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

/** The description file of a package among the downloaded ones. */
function findDsc(/** @type {string} */ folder, /** @type {string} */ name) {
  const found = fs.readdirSync(folder).filter((file) => file.startsWith(`${name}_`) && file.endsWith('.dsc'));
  if (found.length !== 1) throw new SetupError(`Expected one source package of ${name}, found ${found.length}.`);
  return found[0];
}

/** "7.88.1" of "7.88.1-10+deb12u15" */
const upstream = (/** @type {string} */ version) => version.replace(/^\d+:/, '').replace(/-[^-]*$/, '');

/**
 * Compares what was downloaded with the pins. A pinned file must be the very same; another revision is accepted when APT
 * vouched for it, but said.
 * @param {string} folder @param {Pin} pin @param {boolean} vouched @returns {Fetched}
 */
function check(folder, pin, vouched) {
  const dsc = findDsc(folder, pin.name);
  const version = /^Version: (.*)$/m.exec(fs.readFileSync(path.join(folder, dsc), 'utf8'))?.[1] ?? '';
  const pinned = version === pin.version;
  for (const [file, expected] of Object.entries(pin.files)) {
    const at = path.join(folder, file);
    if (!fs.existsSync(at)) {
      if (pinned) throw new SetupError(`${file} of ${pin.name} ${version} is missing.`);
      continue; // Another revision has other files; a file with a pinned name must still be the pinned one.
    }
    const actual = sha256(at);
    if (actual !== expected)
      throw new SetupError(
        `${file} is not the file that scripts/deps.lock.json pins: SHA-256 ${actual} instead of ${expected}.`,
      );
  }
  if (!pinned && !vouched)
    throw new SetupError(
      `${pin.name} ${version} is not the version that scripts/deps.lock.json pins (${pin.version}).`,
    );
  return { name: pin.name, version, pinned, dsc: path.join(folder, dsc) };
}

/** What to say about a library that is not the pinned one, or null. */
function unpinnedNote(/** @type {Pin} */ pin, /** @type {string} */ version) {
  const what = `${pin.name} ${version}`;
  if (version === pin.version) return null;
  if (upstream(version) === upstream(pin.version)) {
    return `${what} replaces ${pin.version} in the archive (verified by APT). scripts/deps.lock.json should be updated.`;
  }
  return `${what} is this system's; APT verified it, but scripts/deps.lock.json pins another one (${pin.version}).`;
}

/**
 * @param {Pin[]} pins @param {string} scratch an empty folder
 * @returns {Promise<Fetched[]>}
 */
async function fetchSources(pins, scratch) {
  const given = process.env.LLM_JOBS_SOURCES;
  if (given) {
    say(`taking the source packages from ${given}`);
    return pins.map((pin) => check(given, pin, false));
  }
  if (which('apt-get') === null) {
    throw new SetupError(
      'The C libraries are built from Debian source packages, and this system has no apt-get. Put these files into a folder,\n' +
        'name the folder in LLM_JOBS_SOURCES and try again (their checksums are in scripts/deps.lock.json):\n' +
        pins
          .flatMap((pin) => Object.keys(pin.files))
          .map((file) => `  ${file}`)
          .join('\n'),
    );
  }
  say('fetching the source packages of ' + pins.map((pin) => `${pin.name} ${pin.version}`).join(', '));
  const folder = path.join(scratch, 'packages');
  fs.mkdirSync(folder, { recursive: true });
  const apt = privateApt(scratch);
  // One unreachable archive among several need not matter: whether the packages came is what counts.
  let trouble = '';
  await run('apt-get', [...apt, '-q', 'update'], { what: 'Reading the list of source packages' }).catch(
    (error) => (trouble = `${error.message}\n`),
  );
  const download = (/** @type {string} */ what) =>
    run('apt-get', [...apt, '-q', 'source', '--download-only', what], { cwd: folder, what: `Fetching ${what}` });
  for (const pin of pins) {
    try {
      await download(`${pin.name}=${pin.version}`).catch(() => download(pin.name));
    } catch (error) {
      throw new SetupError(trouble + /** @type {Error} */ (error).message);
    }
  }
  return pins.map((pin) => check(folder, pin, true));
}

/** Unpacks with the distribution's patches. APT or our checksums have vouched for the files: no keyring is needed. */
async function unpack(/** @type {Fetched} */ source, /** @type {string} */ folder) {
  await run('dpkg-source', ['--no-check', '-x', source.dsc, folder], { what: `Unpacking ${source.name}` });
}

module.exports = { fetchSources, unpack, unpinnedNote, sourceLists, sha256 };
