// SPDX-License-Identifier: MIT
'use strict';

/**
 * Builds the targets of binding.gyp with node-gyp, against the headers inside the npm package `node`.
 *
 * make decides what is compiled anew; the stamps here only spare starting it. Configuring again is needed when a file came
 * or went, or when the build description or the libraries changed.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { find } = require('../gyp');
const { run, compiler, noise } = require('./command');
const paths = require('./paths');
const { say, seconds, SetupError } = require('./say');
const { testTargets, preloadTargets, writeTestTargets } = require('./test-targets');

const release = path.join(paths.build, 'Release');
const windows = process.platform === 'win32';

/** @type {Record<string, string>} what to call the parts; a test program or a benchmark goes by its name */
const called = { addon: 'the addon', host: 'the engine as a shared library', tests: 'the C tests', preload: 'what tests put before the C library' };

/** @param {string} part @returns {{targets: string[], outputs: string[]}} */
function targetsOf(part) {
  const addon = { targets: ['llm_jobs_native'], outputs: ['llm_jobs_native.node'] };
  const host = { targets: ['llmjobs_host_so'], outputs: ['libllmjobs.so'] };
  if (part === 'addon') return addon;
  if (part === 'host') return host;
  if (part === 'preload') return { targets: preloadTargets(), outputs: preloadTargets().map((name) => `lib${name}.so`) };
  const names = part === 'tests' ? testTargets() : [part];
  return { targets: names, outputs: names };
}

/** The files whose content decides what is built. */
function inputs() {
  return [
    'binding.gyp',
    'js/schema.js',
  'js/schema.json',
    'scripts/embed-schema.js',
    'scripts/gyp.js',
    ...find('scripts/gyp', ''),
    ...find('src', ''),
    ...find('native', ''),
    ...find('test/c', ''),
    ...find('bench/c', ''),
  ];
}

function hashOf(/** @type {string[]} */ parts) {
  return crypto.createHash('sha256').update(parts.join('\0')).digest('hex');
}

/** Something that changes when the list of files, the description of the build or the tools change. */
function configureKey(/** @type {string} */ libraries) {
  const described = inputs().filter((name) => name === 'binding.gyp' || name.startsWith('scripts/'));
  const texts = described.map((name) => fs.readFileSync(path.join(paths.root, name), 'utf8'));
  const tools = [
    compiler(),
    libraries,
    paths.root,
    paths.nodeHeaders() ?? 'headers of node-gyp',
    fs.readFileSync(path.join(paths.modules, 'node-gyp', 'package.json'), 'utf8'),
  ];
  return hashOf([...inputs(), ...texts, ...tools]);
}

function buildKey(/** @type {string} */ configured) {
  return hashOf([configured, ...inputs().map((name) => fs.readFileSync(path.join(paths.root, name), 'utf8'))]);
}

function readStamp(/** @type {string} */ name) {
  try {
    return fs.readFileSync(path.join(paths.build, name), 'utf8');
  } catch {
    return '';
  }
}

/** node-gyp on our Node, with nothing of npm's own settings that would point it at other headers. */
async function nodeGyp(/** @type {string[]} */ args, /** @type {string} */ what) {
  const env = { ...process.env };
  if (!windows) env.LINK ||= compiler();
  for (const name of Object.keys(env))
    if (/^npm_(package_)?config_(nodedir|node_gyp|target|disturl)$|^path$/i.test(name)) delete env[name];
  // binding.gyp starts "node": any version will do, but there must be one.
  env.PATH = `${path.dirname(paths.node)}${path.delimiter}${process.env.PATH ?? ''}`;
  try {
    const output = await run(paths.node, [paths.nodeGyp, ...args], { cwd: paths.root, env, what, limit: 200_000 });
    const rest = output.replace(noise, '');
    if (/\bwarning:/.test(rest)) process.stderr.write(rest);
  } catch (error) {
    throw new SetupError(/** @type {Error} */ (error).message.replace(noise, ''));
  }
}

/**
 * @param {string} libraries folder of the static libraries
 * @param {string[]} parts 'addon', 'host', 'preload', 'tests', or the name of one test program or benchmark
 */
async function ensureBuilt(libraries, parts) {
  const configured = configureKey(libraries);
  const built = buildKey(configured);
  const missing = parts.filter((part) => {
    const { outputs } = targetsOf(part);
    return readStamp(`.built-${part}`) !== built || outputs.some((name) => !fs.existsSync(path.join(release, name)));
  });
  if (missing.length === 0) return;
  const since = Date.now();
  const description = path.join(paths.build, windows ? 'binding.sln' : 'Makefile');
  const described = readStamp('.configured') === configured && fs.existsSync(description);
  if (!described) {
    writeTestTargets();
    const headers = paths.nodeHeaders();
    const where = headers === null ? [] : [`--nodedir=${headers}`];
    await nodeGyp(['configure', ...where, '--', `-I${path.join(paths.build, 'tests.gypi')}`], 'Describing the build');
    fs.writeFileSync(path.join(paths.build, '.configured'), configured);
  }
  const targets = missing.flatMap((part) => targetsOf(part).targets);
  if (targets.length > 0) {
    say(`compiling ${missing.map((part) => called[part] ?? part).join(', ')}`);
    const named = windows ? [`/t:${targets.join(';')}`] : targets;
    await nodeGyp(['build', '--jobs', String(os.cpus().length), ...named], 'The build');
  }
  for (const part of missing) fs.writeFileSync(path.join(paths.build, `.built-${part}`), built);
  say(`compiled (${seconds(since)})`);
}

module.exports = { ensureBuilt, inputs, hashOf, release };
