// SPDX-License-Identifier: MIT
'use strict';

/**
 * Makes everything that the other commands need: system packages, npm packages, static libraries, the addon. Each step
 * looks first and does only what is missing, so a second run takes a moment. Needs Node and npm, and no npm package.
 *
 *     node scripts/setup.js [--tests]
 */

const path = require('node:path');
const { say, hasSpoken, SetupError, seconds } = require('./setup/say');

/** "20.19.1" as [20, 19, 1] */
function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) throw new SetupError(`Node ${process.versions.node} is too old: llm-jobs needs Node 20 or newer.`);
}

/**
 * @param {{tests?: boolean, fuzzing?: boolean, comparing?: boolean, counting?: boolean, parts?: string[]}} [wanted] `tests`, `fuzzing`, `comparing`, `counting`: also what only these need; `parts`: what to compile, see
 *   setup/addon.js (none: [])
 * @returns {Promise<{libraries: string}>}
 */
async function setup({ tests = false, fuzzing = false, comparing = false, counting = false, parts = ['addon'] } = {}) {
  const since = Date.now();
  checkNode();
  const { withLock } = require('./setup/lock');
  const paths = require('./setup/paths');
  const libraries = await withLock(path.join(paths.root, 'build', '.setup-lock'), async () => {
    await require('./setup/system').ensureSystem({ tests, fuzzing, comparing, counting });
    await require('./setup/npm').ensurePackages();
    if (comparing) await require('./setup/npm').ensurePeers();
    const folder = await require('./setup/origin').ensureLibraries();
    if (parts.length > 0) await require('./setup/addon').ensureBuilt(folder, parts);
    return folder;
  });
  if (hasSpoken()) say(`done (${seconds(since)})`);
  return { libraries };
}

/** Runs a command's main function; what the person can mend is said without a stack. */
function main(/** @type {() => Promise<number | void>} */ work) {
  // Temporary folders and locks are removed by handlers of "exit", which a signal alone would not reach.
  for (const [signal, code] of /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]))
    process.once(signal, () => process.exit(code));
  work().then(
    (code) => (process.exitCode = code ?? 0),
    (error) => {
      process.stderr.write(error instanceof SetupError ? `[setup] ${error.message}\n` : `${error.stack}\n`);
      process.exit(1);
    },
  );
}

module.exports = { setup, main };

if (require.main === module) {
  const tests = process.argv.includes('--tests');
  main(async () => {
    await setup({ tests, parts: tests ? ['addon', 'host', 'tests'] : ['addon'] });
    if (!hasSpoken()) say('everything is up to date');
  });
}
