// SPDX-License-Identifier: MIT
'use strict';

/**
 * Compiles the engine and the addon for Windows on a machine that is not Windows: with MinGW-w64's gcc, which makes object
 * files, and with clang as Microsoft's compiler would read them, which only looks. Other people's headers are those of the
 * Linux build, and they serve Windows as they are.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { ask } = require('../setup/command');
const { engineSources, find } = require('../gyp');
const paths = require('../setup/paths');

const gcc = 'x86_64-w64-mingw32-gcc';

/** As scripts/gyp/c.gypi has them for Windows. */
const defines = ['WIN32_LEAN_AND_MEAN', '_WIN32_WINNT=0x0A00', 'CURL_STATICLIB', 'NGHTTP2_STATICLIB', 'PCRE2_STATIC', 'CJSON_HIDE_SYMBOLS'].map((name) => `-D${name}`);

/** Those of the Linux build, and what Microsoft's compiler does not take. */
const warnings = '-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Werror'.split(' ');

/** The addon's own. */
const addonDefines = ['NAPI_VERSION=9', 'NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED', 'BUILDING_NODE_EXTENSION'].map((name) => `-D${name}`);

/** Headers of POSIX that MinGW-w64 has and Microsoft has not. */
const foreignHeaders = [
  'dirent.h', 'dlfcn.h', 'getopt.h', 'libgen.h', 'pthread.h', 'semaphore.h', 'strings.h', 'sys/param.h', 'sys/time.h', 'unistd.h',
];

/**
 * @typedef {{file: string, flags: string[]}} Unit
 * @typedef {{file: string, output: string}} Complaint
 */

/** @param {string} libraries folder of the libraries' headers @param {string} scratch takes schema_ddl.h @returns {Unit[]} */
function units(libraries, scratch) {
  const common = ['-std=c11', ...defines, '-Isrc', `-I${scratch}`, '-isystem', path.join(libraries, 'include')];
  const node = ['-isystem', path.join(paths.nodeHeaders(), 'include', 'node')];
  return [
    ...engineSources('win').map((file) => ({ file, flags: common })),
    ...find('native', '.c').map((file) => ({ file, flags: [...common, ...node, ...addonDefines] })),
  ];
}

/** The SQL of the table, as the build makes it. @param {string} scratch */
function makeSchema(scratch) {
  fs.mkdirSync(scratch, { recursive: true });
  if (ask(process.execPath, [path.join(paths.root, 'scripts/embed-schema.js'), path.join(scratch, 'schema_ddl.h')]) === null)
    throw new Error('scripts/embed-schema.js failed');
}

/** The name of a source's object file. @param {string} file */
const objectOf = (file) => `${file.replace(/\.c$/, '').replaceAll('/', '-')}.o`;

/**
 * Runs a compiler on each file, as many at a time as there are cores.
 * @param {Unit[]} work @param {(unit: Unit) => [string, string[]]} command
 * @returns {Promise<Complaint[]>} of the files that it refused
 */
async function each(work, command) {
  const waiting = [...work];
  /** @type {Complaint[]} */
  const refused = [];
  const one = async () => {
    for (let unit = waiting.shift(); unit !== undefined; unit = waiting.shift()) {
      const [program, args] = command(unit);
      const { code, output } = await start(program, args);
      if (code !== 0) refused.push({ file: unit.file, output });
    }
  };
  await Promise.all(Array.from({ length: os.cpus().length }, one));
  return refused.sort((a, b) => (a.file < b.file ? -1 : 1));
}

/** @param {string} program @param {string[]} args @returns {Promise<{code: number | null, output: string}>} */
function start(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: paths.root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

// -Wconversion is about our own code: MinGW-w64's isfinite is a macro that looks at a double also as a float.
const gccWarnings = [...warnings, '-Wno-float-conversion'];

/**
 * Makes an object file of each.
 * @param {Unit[]} work @param {string} folder takes the object files
 */
function compile(work, folder) {
  fs.mkdirSync(folder, { recursive: true });
  return each(work, ({ file, flags }) => [gcc, ['-O2', ...gccWarnings, ...flags, '-c', file, '-o', path.join(folder, objectOf(file))]]);
}

/** Reads each file as MinGW-w64's gcc does, and makes nothing of it: half the time. @param {Unit[]} work */
function readAsGcc(work) {
  return each(work, ({ file, flags }) => [gcc, ['-fsyntax-only', ...gccWarnings, ...flags, file]]);
}

/**
 * Reads each file as Microsoft's compiler does: its types, its macros, none of gcc's. The system's headers are MinGW-w64's, as
 * Microsoft's own are not free; those of POSIX among them are made to fail.
 * @param {Unit[]} work @param {string} folder takes the headers that fail
 */
function readAsMicrosoft(work, folder) {
  for (const name of foreignHeaders) {
    const at = path.join(folder, name);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.writeFileSync(at, `#error "Microsoft's compiler has no ${name}"\n`);
  }
  // Attributes that MinGW-w64 writes where only gcc takes them.
  const prelude = path.join(folder, 'prelude.h');
  const attributes = ['__MINGW_ATTRIB_NORETURN', '__MINGW_ATTRIB_DEPRECATED'];
  fs.writeFileSync(prelude, ['#include <_mingw.h>', ...attributes.flatMap((name) => [`#undef ${name}`, `#define ${name}`]), ''].join('\n'));
  // MinGW-w64's copies of the processor's own functions are written for gcc: their guards say that they have been read.
  const guards = ['X86INTRIN', 'IMMINTRIN', 'MMINTRIN', 'XMMINTRIN', 'EMMINTRIN', 'INTRIN', 'MM_MALLOC'].map((name) => `-D__${name}_H`);
  const target = ['--target=x86_64-pc-windows-msvc', '-fms-compatibility-version=19.40', '-fsyntax-only'];
  const headers = ['-D_SSIZE_T_DEFINED', '-include', prelude, '-I', folder, '-isystem', mingwHeaders()];
  return each(work, ({ file, flags: own }) => ['clang', [...target, ...warnings, ...guards, ...headers, ...own, file]]);
}

/** Where MinGW-w64's headers are. */
function mingwHeaders() {
  const folders = ['/usr/share/mingw-w64/include', '/usr/x86_64-w64-mingw32/sys-root/mingw/include', '/usr/x86_64-w64-mingw32/include'];
  const found = folders.find((folder) => fs.existsSync(path.join(folder, 'windows.h')));
  if (found === undefined) throw new Error(`windows.h is in none of ${folders.join(', ')}`);
  return found;
}

module.exports = { gcc, defines, units, makeSchema, objectOf, each, compile, readAsGcc, readAsMicrosoft };
