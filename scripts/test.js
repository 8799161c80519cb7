// SPDX-License-Identifier: MIT
'use strict';

/**
 * Sets up and runs the tests. The last line is "N passed, N failed, N skipped"; the exit code is 0 when none failed.
 *
 *     node scripts/test.js                       everything
 *     node scripts/test.js --fast                what takes about a minute: no sanitizers, no exhaustive C test, nothing under
 *                                                test/js/slow, test/js/build and test/js/electron, no file that takes long
 *     node scripts/test.js --sanitize            the C tests with sanitizers
 *     node scripts/test.js --types               tsc
 *     node scripts/test.js --fuzz [NAME…] [--seconds=N]
 *                                                libFuzzer on what reads a provider's bytes, each for 60 seconds
 *     node scripts/test.js FILE…                 these files: test/c/test_NAME.c, test/js/NAME.test.js
 *     node scripts/test.js --sanitize FILE…      these C tests with sanitizers
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setup, main } = require('./setup');
const paths = require('./setup/paths');
const { SetupError } = require('./setup/say');
const { testTargets } = require('./setup/test-targets');
const { runC } = require('./test/cmocka');
const { runFuzz } = require('./test/fuzz');
const { mochaFiles, runMocha } = require('./test/mocha');
const { runSanitized, threaded } = require('./test/sanitized');
const { Tally } = require('./test/tally');
const { runTypes } = require('./test/types');

const release = path.join(paths.build, 'Release');

/** Programs that run an engine once for each allocation or disk operation that can fail, or through hours of limits. */
const exhaustive = /_engine_(memory_failures|disk_faults|limits|batch)$/;

/** How long each fuzz target runs when nobody says how long. */
const FUZZ_SECONDS = 60;

/** Files named on the command line, as paths from the clone. */
function namedFiles(/** @type {string[]} */ names) {
  const files = names.map((name) => path.relative(paths.root, path.resolve(name)).split(path.sep).join('/'));
  for (const file of files) {
    if (!fs.existsSync(path.join(paths.root, file))) throw new SetupError(`There is no file ${file}.`);
    if (!/^test\/c\/test_[^/]*\.c$/.test(file) && !/^test\/js\/.*\.test\.js$/.test(file)) {
      throw new SetupError(`${file} is not a test: tests are test/c/test_NAME.c and test/js/**/NAME.test.js.`);
    }
  }
  return {
    programs: files.filter((file) => file.endsWith('.c')).map((file) => path.basename(file, '.c')),
    scripts: files.filter((file) => file.endsWith('.js')),
  };
}

async function runNamed(/** @type {Tally} */ tally, /** @type {string[]} */ names, /** @type {boolean} */ sanitize) {
  const { programs, scripts } = namedFiles(names);
  if (sanitize && scripts.length > 0) throw new SetupError('Sanitizers are for the C tests: name files of test/c.');
  const needed = sanitize
    ? []
    : [
        ...programs,
        ...(scripts.length > 0 ? ['addon', 'preload'] : []),
        ...(scripts.some((file) => file.includes('/build/')) ? ['host'] : []),
      ];
  const { libraries } = await setup({ tests: true, parts: needed });
  if (!sanitize) {
    await runC(tally, programs, { folder: release });
    return runMocha(tally, scripts);
  }
  await runSanitized(tally, libraries, { kind: 'address', names: programs });
  await runSanitized(tally, libraries, { kind: 'thread', names: programs.filter(threaded) });
}

async function runAll(/** @type {Tally} */ tally, /** @type {{fast: boolean}} */ { fast }) {
  const { libraries } = await setup({ tests: true, fuzzing: !fast, parts: ['addon', 'host', 'preload', 'tests'] });
  if (!fast) await runTypes(tally);
  await runC(tally, testTargets().filter((name) => !fast || !exhaustive.test(name)), { folder: release });
  if (!fast) {
    await runSanitized(tally, libraries, { kind: 'address' });
    await runSanitized(tally, libraries, { kind: 'thread' });
  }
  // Side by side only where somebody waits for it: in the whole run, files that load every core would disturb others.
  await runMocha(tally, mochaFiles({ slow: !fast, long: !fast }), { together: fast ? os.cpus().length : 1 });
  if (!fast) await runFuzz(tally, libraries, { secondsEach: FUZZ_SECONDS });
}

async function runFuzzing(/** @type {Tally} */ tally, /** @type {string[]} */ names, /** @type {number} */ secondsEach) {
  if (!(secondsEach >= 1)) throw new SetupError('--seconds wants a number of at least 1.');
  const { libraries } = await setup({ fuzzing: true, parts: [] });
  await runFuzz(tally, libraries, { names, secondsEach });
}

async function runSanitizers(/** @type {Tally} */ tally) {
  const { libraries } = await setup({ tests: true, parts: [] });
  await runSanitized(tally, libraries, { kind: 'address' });
  await runSanitized(tally, libraries, { kind: 'thread' });
}

main(async () => {
  const args = process.argv.slice(2);
  const time = args.find((arg) => arg.startsWith('--seconds='));
  const known = ['--fast', '--sanitize', '--types', '--fuzz', time];
  const unknown = args.find((arg) => arg.startsWith('-') && !known.includes(arg));
  if (unknown !== undefined)
    throw new SetupError(`${unknown} is not known. There are --fast, --sanitize, --types, --fuzz and names of test files.`);
  const names = args.filter((arg) => !arg.startsWith('-'));
  const tally = new Tally();
  try {
    if (args.includes('--fuzz')) await runFuzzing(tally, names, time === undefined ? FUZZ_SECONDS : Number(time.slice(10)));
    else if (names.length > 0) await runNamed(tally, names, args.includes('--sanitize'));
    else if (args.includes('--sanitize')) await runSanitizers(tally);
    else if (args.includes('--types')) {
      await setup({ parts: [] });
      await runTypes(tally);
    } else await runAll(tally, { fast: args.includes('--fast') });
  } catch (error) {
    // A build that breaks is a failure like any other: the closing line says so.
    process.stderr.write(
      error instanceof SetupError ? `${error.message}\n` : `${/** @type {Error} */ (error).stack}\n`,
    );
    tally.add('setting up', { passed: 0, failed: 1, skipped: 0 }, 0);
  }
  return tally.close();
});
