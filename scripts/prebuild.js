// SPDX-License-Identifier: MIT
'use strict';

/**
 * Makes the addon that the npm package carries for this system, and proves that it works.
 *
 *     node scripts/prebuild.js                    builds it into prebuilds/, then as --check
 *     node scripts/prebuild.js --check            looks at every addon in prebuilds/, and runs a job with this system's one
 *     node scripts/prebuild.js --check --all      the same, and all systems must be there
 */

const fs = require('node:fs');
const path = require('node:path');
const { FILE, TARGETS, target } = require('../js/addon.js');
const { setup, main } = require('./setup');
const { run } = require('./setup/command');
const { ensurePackages } = require('./setup/npm');
const paths = require('./setup/paths');
const { say, SetupError } = require('./setup/say');
const { checkPrebuilds, prebuilds } = require('./prebuild/check');
const { isHookOfBuild } = require('./prebuild/hook');

/** The linker leaves no symbols on Linux and Windows. On a Mac they go here, and what has changed must be signed again. */
async function strip(/** @type {string} */ file) {
  if (process.platform !== 'darwin') return;
  await run('strip', ['-x', file]);
  await run('codesign', ['--force', '--sign', '-', file]);
}

async function build() {
  await setup();
  const folder = path.join(prebuilds, target());
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, FILE);
  fs.rmSync(file, { force: true });
  fs.copyFileSync(path.join(paths.build, 'Release', FILE), file);
  await strip(file);
}

/** The Nodes that the addon must run on. Where there is only the one that runs this, the workflow comes twice. */
function nodes() {
  return paths.ownNode ? [paths.node, paths.nodeOf('node22')] : [process.execPath];
}

async function check(/** @type {{all: boolean}} */ { all }) {
  await ensurePackages();
  const here = target();
  for (const { target: name, bytes } of checkPrebuilds(all ? TARGETS : [here])) say(`prebuilds/${name}: ${(bytes / 1e6).toFixed(1)} MB`);
  for (const node of nodes()) {
    const smoke = path.join(__dirname, 'prebuild', 'smoke.js');
    say((await run(node, [smoke, path.join(prebuilds, here, FILE)], { what: `A job with prebuilds/${here}` })).trim());
  }
}

main(async () => {
  if (isHookOfBuild()) return;
  const args = process.argv.slice(2);
  const unknown = args.find((arg) => !['--check', '--all'].includes(arg));
  if (unknown !== undefined) throw new SetupError(`${unknown} is not known. There are --check and --all.`);
  if (!args.includes('--check')) await build();
  await check({ all: args.includes('--all') });
});
