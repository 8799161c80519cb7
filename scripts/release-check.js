// SPDX-License-Identifier: MIT
'use strict';

/**
 * Whether what is here may be published under the tag that is being built: the versions agree, the changelog knows the release,
 * and package.json names the repository, which the provenance is compared with.
 *
 *     GITHUB_REF_NAME=v1.2.3 GITHUB_REPOSITORY=owner/name node scripts/release-check.js
 */

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('./setup/paths');

/**
 * @typedef {object} Release
 * @property {string} tag
 * @property {string} repository owner/name
 * @property {{version: string, repository?: string | {url?: string}, private?: boolean}} manifest package.json
 * @property {string} engine src/engine/engine.c
 * @property {string} changelog
 */

/** @param {Release} release @returns {string[]} what stands in the way, a sentence each */
function obstacles({ tag, repository, manifest, engine, changelog }) {
  const { version } = manifest;
  const inside = /#define LJ_VERSION "([^"]+)"/.exec(engine)?.[1];
  const url = typeof manifest.repository === 'string' ? manifest.repository : (manifest.repository?.url ?? '');
  /** @type {[boolean, string][]} */
  const rules = [
    [tag === `v${version}`, `The tag is ${tag || 'missing'}, package.json says ${version}: the tag must be v${version}.`],
    [inside === version, `src/engine/engine.c says ${inside}, package.json says ${version}.`],
    [new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\]`, 'm').test(changelog), `CHANGELOG.md has no heading "## [${version}]".`],
    [
      repository !== '' && new RegExp(`(^|[/:])${repository}(\\.git)?$`, 'i').test(url),
      `"repository" of package.json (${url || 'missing'}) is not ${repository || 'known here'}: npm refuses a provenance that does not match.`,
    ],
    [manifest.private !== true, 'package.json is private.'],
  ];
  return rules.filter(([kept]) => !kept).map(([, sentence]) => sentence);
}

function read(/** @type {string} */ name) {
  return fs.readFileSync(path.join(root, name), 'utf8');
}

module.exports = { obstacles };

if (require.main === module) {
  const manifest = JSON.parse(read('package.json'));
  const { GITHUB_REF_NAME: tag = '', GITHUB_REPOSITORY: repository = '' } = process.env;
  const found = obstacles({ tag, repository, manifest, engine: read('src/engine/engine.c'), changelog: read('CHANGELOG.md') });
  process.stdout.write(found.length === 0 ? `llm-jobs ${manifest.version} may be published.\n` : `${found.join('\n')}\n`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
