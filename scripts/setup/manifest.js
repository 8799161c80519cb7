// SPDX-License-Identifier: MIT
'use strict';

/**
 * The list of what a cache entry must hold. It is checked at every use: size and time first, which costs nothing, and the
 * checksum of each file whose size or time is not what it was.
 */

const fs = require('node:fs');
const path = require('node:path');
const { sha256 } = require('./sources');

const NAME = 'manifest.json';

/** @returns {string[]} all files below a folder, relative to it */
function filesOf(/** @type {string} */ folder) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== NAME)
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? /** @type {any} */ (entry).path, entry.name)))
    .sort();
}

/** @param {string} folder @param {object} about what the entry was made of */
function writeManifest(folder, about) {
  const files = Object.fromEntries(
    filesOf(folder).map((name) => {
      const { size, mtimeMs } = fs.statSync(path.join(folder, name));
      return [name, { size, mtimeMs, sha256: sha256(path.join(folder, name)) }];
    }),
  );
  fs.writeFileSync(path.join(folder, NAME), JSON.stringify({ ...about, files }, null, 1) + '\n');
}

/**
 * @param {string} folder
 * @returns {{manifest: any} | {damage: string} | null} null: there is no such entry
 */
function readManifest(folder) {
  if (!fs.existsSync(folder)) return null;
  let manifest;
  try {
    manifest = JSON.parse(fs.readFileSync(path.join(folder, NAME), 'utf8'));
    if (typeof manifest.files !== 'object') return { damage: `${NAME} lists no files` };
  } catch {
    return { damage: `${NAME} cannot be read` };
  }
  for (const [name, expected] of Object.entries(manifest.files)) {
    const at = path.join(folder, name);
    const stat = fs.statSync(at, { throwIfNoEntry: false });
    if (stat === undefined) return { damage: `${name} is missing` };
    if (stat.size === expected.size && stat.mtimeMs === expected.mtimeMs) continue;
    if (stat.size !== expected.size || sha256(at) !== expected.sha256)
      return { damage: `${name} is not the file that was built` };
  }
  return { manifest };
}

module.exports = { writeManifest, readManifest };
