// SPDX-License-Identifier: MIT
'use strict';

/**
 * Links what scripts/windows/compile.js has compiled: the addon as a DLL that the program loading it serves with Node-API, and
 * the C tests as programs.
 */

const fs = require('node:fs');
const path = require('node:path');
const { ask, run } = require('../setup/command');
const { find } = require('../gyp');
const paths = require('../setup/paths');
const { testTargets } = require('../setup/test-targets');
const { compile, defines, each, gcc, makeSchema, objectOf, units } = require('./compile');
const { ensureWindowsLibraries } = require('./libraries');

const tool = (/** @type {string} */ name) => gcc.replace(/gcc$/, name);

/** Libraries of Windows itself. binding.gyp has the same list for Microsoft's linker. */
const system = ['ws2_32', 'crypt32', 'bcrypt', 'advapi32'].map((name) => `-l${name}`);

const ours = ['curl', 'nghttp2', 'sqlite3', 'cjson', 'pcre2-8'].map((name) => `-l${name}`);

/**
 * Tests that need what only POSIX has, and those that need a quick machine.
 * @type {Record<string, string>}
 */
const elsewhere = {
  test_base: 'looks at a zombie',
  test_child: 'starts a shell',
  test_engine_disk_faults: 'takes minutes',
  test_engine_failures: 'gives answers 100 ms, which Wine may take for itself',
  test_engine_leases: 'forks',
  test_engine_limits: 'takes minutes',
  test_engine_memory_failures: 'takes minutes',
  test_recovery: 'forks',
  test_timezone: 'writes files of the time zone database',
  test_unusable: "changes files' permissions",
  test_volume: 'makes a pipe in a folder',
};

/** Tests that are for Windows alone: their folder is not looked into by the other builds. */
const own = find('test/c/windows', '.c')
  .map((file) => path.basename(file, '.c'))
  .filter((name) => name.startsWith('test_'));

/** @returns {string[]} names of the C tests that run on Windows */
const runnable = () => [...own, ...testTargets().filter((name) => elsewhere[name] === undefined)];

const sourceOf = (/** @type {string} */ name) => `test/c/${own.includes(name) ? 'windows/' : ''}${name}.c`;

/**
 * Compiles the engine and the addon.
 * @param {string} folder where everything goes
 * @returns {Promise<{folder: string, libraries: string, engine: string}>} `engine`: the engine's archive
 */
async function buildEngine(folder) {
  const libraries = await ensureWindowsLibraries();
  makeSchema(folder);
  const objects = path.join(folder, 'objects');
  fs.rmSync(objects, { recursive: true, force: true });
  const work = units(libraries, folder);
  const refused = await compile(work, objects);
  if (refused.length > 0) throw new Error(refused.map(({ output }) => output).join('\n'));
  const engine = path.join(folder, 'libllmjobs.a');
  fs.rmSync(engine, { force: true });
  const members = work.filter(({ file }) => file.startsWith('src/')).map(({ file }) => path.join(objects, objectOf(file)));
  await run(tool('ar'), ['rcsD', engine, ...members]);
  return { folder, libraries, engine };
}

/** The functions of Node-API that an object file wants. @param {string[]} objects */
function nodeFunctions(objects) {
  const undefinedNames = ask(tool('nm'), ['-u', ...objects]) ?? '';
  const names = [...undefinedNames.matchAll(/\s(?:__imp_)?((?:napi|node_api)_\w+)/g)].map(([, name]) => name);
  return [...new Set(names)].sort();
}

/**
 * @param {Awaited<ReturnType<typeof buildEngine>>} built
 * @returns {Promise<string>} the addon
 */
async function linkAddon({ folder, libraries, engine }) {
  const objects = find('native', '.c').map((file) => path.join(folder, 'objects', objectOf(file)));
  const definition = path.join(folder, 'node.def');
  const node = path.join(folder, 'libnode.a');
  const hook = path.join(folder, 'delay_hook.o');
  const output = path.join(folder, 'llm_jobs_native.node');
  fs.writeFileSync(definition, ['LIBRARY node.exe', 'EXPORTS', ...nodeFunctions(objects), ''].join('\n'));
  await run(tool('dlltool'), ['-d', definition, '--output-delaylib', node]);
  await run(gcc, ['-O2', '-Wall', '-Werror', '-c', path.join(__dirname, 'delay_hook.c'), '-o', hook]);
  // Only the two entry points leave the DLL: they say so themselves.
  const linking = ['-shared', '-static', '-s', '-Wl,--gc-sections', '-Wl,--exclude-all-symbols', '-Wl,--dynamicbase,--nxcompat,--high-entropy-va'];
  await run(gcc, [...linking, '-o', output, ...objects, hook, engine, `-L${path.join(libraries, 'lib')}`, ...ours, node, ...system]);
  return output;
}

/**
 * Links the C tests that can run on Windows.
 * @param {Awaited<ReturnType<typeof buildEngine>>} built
 * @param {string[]} [names] of the programs
 * @returns {Promise<{name: string, file: string}[]>}
 */
async function linkTests({ folder, libraries, engine }, names = runnable()) {
  const out = path.join(folder, 'tests');
  fs.mkdirSync(out, { recursive: true });
  // gnu11: in C11 proper, MinGW-w64 hides the functions that it has of POSIX.
  const flags = ['-std=gnu11', '-O1', '-w', '-D__USE_MINGW_ANSI_STDIO=1', ...defines, '-include', 'test/c/windows/posix.h'];
  flags.push('-Itest/c/windows', '-Isrc', '-Itest/c', `-I${folder}`, '-isystem', path.join(libraries, 'include'));
  const support = find('test/c/support', '.c').map((file) => ({ file, flags }));
  const archive = path.join(out, 'libsupport.a');
  await must(each(support, ({ file }) => [gcc, [...flags, '-c', file, '-o', path.join(out, objectOf(file))]]));
  await run(tool('ar'), ['rcsD', archive, ...support.map(({ file }) => path.join(out, objectOf(file)))]);
  const linking = [archive, engine, `-L${path.join(libraries, 'lib')}`, '-lcmocka', ...ours, ...system, '-lpthread'];
  const tests = names.map((name) => ({ name, file: path.join(out, `${name}.exe`) }));
  const work = names.map((name) => ({ file: sourceOf(name), flags }));
  await must(each(work, ({ file }) => [gcc, ['-static', ...flags, '-o', path.join(out, `${path.basename(file, '.c')}.exe`), file, ...linking]]));
  return tests;
}

/**
 * @param {Awaited<ReturnType<typeof buildEngine>>} built
 * @returns {Promise<string>} a program that writes to a database, see test/c/windows/writer.c
 */
async function linkWriter({ folder, libraries }) {
  const output = path.join(folder, 'writer.exe');
  const flags = ['-static', '-O1', '-isystem', path.join(libraries, 'include'), '-o', output];
  await run(gcc, [...flags, path.join(paths.root, 'test/c/windows/writer.c'), `-L${path.join(libraries, 'lib')}`, '-lsqlite3']);
  return output;
}

async function must(/** @type {ReturnType<typeof each>} */ work) {
  const refused = await work;
  if (refused.length > 0) throw new Error(refused.map(({ output }) => output).join('\n'));
}

module.exports = { buildEngine, linkAddon, linkTests, linkWriter, runnable, tool };

if (require.main === module) {
  require('../setup').main(async () => {
    console.log(await linkAddon(await buildEngine(path.join(paths.build, 'windows'))));
  });
}
