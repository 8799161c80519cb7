// SPDX-License-Identifier: MIT
'use strict';

/** Whether the prebuilt addons are what a package may carry. */

const fs = require('node:fs');
const path = require('node:path');
const { FILE, TARGETS } = require('../../js/addon.js');
const paths = require('../setup/paths');
const { SetupError } = require('../setup/say');
const { readBinary, compareVersions } = require('./binary');

/** Debian 12, Ubuntu 22.04, RHEL 9 and everything younger. */
const OLDEST_GLIBC = '2.34';

const prebuilds = path.join(paths.root, 'prebuilds');

/** @returns {string} of package.json */
function packageVersion() {
  return JSON.parse(fs.readFileSync(path.join(paths.root, 'package.json'), 'utf8')).version;
}

/**
 * Throws when a file is not the addon that its folder promises.
 * @param {string} file @param {string} target @param {string} version
 */
function checkFile(file, target, version) {
  const found = readBinary(file);
  const name = path.relative(paths.root, file);
  if (found.target !== target) throw new SetupError(`${name} is built for ${found.target ?? 'no system that llm-jobs knows'}.`);
  if (found.version !== version)
    throw new SetupError(`${name} is of version ${found.version ?? 'unknown'}, package.json of ${version}: run "npm run prebuild" again.`);
  if (found.glibc !== null && compareVersions(found.glibc, OLDEST_GLIBC) > 0)
    throw new SetupError(
      `${name} asks for glibc ${found.glibc}, and shall run with ${OLDEST_GLIBC}: build it on an older system (Debian 12).`,
    );
}

/**
 * Looks at every addon below a folder. Whatever else lies there is a mistake too: the package would carry it.
 * @param {string[]} wanted targets that must be there
 * @param {string} [folder]
 * @returns {{target: string, file: string, bytes: number}[]}
 */
function checkPrebuilds(wanted, folder = prebuilds) {
  const there = fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
  const strange = there.find((name) => !TARGETS.includes(name));
  if (strange !== undefined) throw new SetupError(`${path.join(folder, strange)} is no folder of a prebuilt addon. There are: ${TARGETS.join(', ')}.`);
  const missing = wanted.filter((name) => !there.includes(name));
  if (missing.length > 0)
    throw new SetupError(`No prebuilt addon for ${missing.join(', ')}: "npm run prebuild" on such a system makes it; the release workflow makes all.`);
  return there.map((target) => {
    const files = fs.readdirSync(path.join(folder, target));
    if (files.length !== 1 || files[0] !== FILE) throw new SetupError(`${path.join(folder, target)} must hold ${FILE} and nothing else, has: ${files.join(', ')}.`);
    const file = path.join(folder, target, FILE);
    checkFile(file, target, packageVersion());
    return { target, file, bytes: fs.statSync(file).size };
  });
}

module.exports = { checkPrebuilds, checkFile, packageVersion, prebuilds, OLDEST_GLIBC };
