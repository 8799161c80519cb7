// SPDX-License-Identifier: MIT
'use strict';

/**
 * The engine and the C tests compiled with sanitizers, each kind in a build folder of its own. gyp is called without
 * node-gyp here: these programs have nothing to do with Node. The libraries from the cache are linked as they are.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { inputs, hashOf } = require('../setup/addon');
const { run, ask, compiler, noise } = require('../setup/command');
const paths = require('../setup/paths');
const { say, seconds, SetupError } = require('../setup/say');
const { testTargets, writeTestTargets } = require('../setup/test-targets');
const { runC } = require('./cmocka');

/** The tests in which more than one thread works on the same data: they start one, or an engine, which is one. */
function threaded(/** @type {string} */ name) {
  const text = fs.readFileSync(path.join(paths.root, 'test', 'c', `${name}.c`), 'utf8');
  return /\b(lj_thread_start|pthread_create|lj_engine_start)\(/.test(text);
}

const kinds = {
  address: {
    flags: 'address,undefined',
    wants: (/** @type {string} */ _name) => true,
    env: {
      ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    },
  },
  thread: {
    flags: 'thread',
    wants: threaded,
    env: { TSAN_OPTIONS: 'halt_on_error=0:second_deadlock_stack=1' },
  },
};

/** @typedef {keyof typeof kinds} Kind */

/** @returns {Promise<string>} the folder of the programs */
async function build(/** @type {Kind} */ kind, /** @type {string} */ libraries, /** @type {string[]} */ names) {
  const since = Date.now();
  const folder = path.join(paths.build, `sanitize-${kind}`);
  const out = path.join(folder, 'Default');
  const stamp = path.join(folder, '.built');
  const files = inputs();
  const key = hashOf([
    libraries,
    compiler(),
    fs.readFileSync(__filename, 'utf8'),
    ...names,
    ...files,
    ...files.map((name) => fs.readFileSync(path.join(paths.root, name), 'utf8')),
  ]);
  if (
    fs.existsSync(stamp) &&
    fs.readFileSync(stamp, 'utf8') === key &&
    names.every((name) => fs.existsSync(path.join(out, name)))
  )
    return out;
  say(`compiling the C tests with -fsanitize=${kinds[kind].flags}`);
  fs.mkdirSync(folder, { recursive: true });
  const tests = path.join(paths.build, 'tests.gypi');
  writeTestTargets(tests);
  const env = {
    ...process.env,
    PATH: `${path.dirname(paths.node)}${path.delimiter}${process.env.PATH ?? ''}`,
    LINK: compiler(),
    CC: compiler(),
  };
  const definitions = { llm_jobs_sanitize: kinds[kind].flags, llm_jobs_libraries: libraries };
  const args = [
    'binding.gyp',
    '-f',
    'make',
    '--depth=.',
    '--no-parallel',
    `--generator-output=build/sanitize-${kind}`,
    '-Goutput_dir=.',
    `-I${tests}`,
  ];
  for (const [name, value] of Object.entries(definitions)) args.push(`-D${name}=${value}`);
  await run('python3', [paths.gyp, ...args], { cwd: paths.root, env, what: 'Describing the build' });
  const make = ['-C', folder, 'BUILDTYPE=Default', `-j${os.cpus().length}`, ...names];
  await run('make', make, { cwd: paths.root, env, what: 'The build', limit: 200_000 }).catch((error) => {
    throw new SetupError(error.message.replace(noise, ''));
  });
  fs.writeFileSync(stamp, key);
  say(`compiled (${seconds(since)})`);
  return out;
}

/** ThreadSanitizer cannot work with the wide address randomisation of newer kernels; without any it works everywhere. */
function fixedAddresses() {
  return process.platform === 'linux' && ask('setarch', ['-R', 'true']) !== null ? ['setarch', '-R'] : [];
}

/**
 * @param {import('./tally').Tally} tally @param {string} libraries
 * @param {{kind: Kind, names?: string[]}} wanted all programs that concern this kind, or these
 */
async function runSanitized(tally, libraries, { kind, names = testTargets().filter(kinds[kind].wants) }) {
  if (names.length === 0) return;
  const folder = await build(kind, libraries, names);
  await runC(tally, names, {
    folder,
    label: ` with -fsanitize=${kinds[kind].flags}`,
    env: kinds[kind].env,
    before: kind === 'thread' ? fixedAddresses() : [],
    seconds: 600,
  });
}

module.exports = { runSanitized, threaded };
