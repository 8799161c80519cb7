// SPDX-License-Identifier: MIT
'use strict';

/**
 * The system's part: a compiler, OpenSSL's static library and, for the tests, a few programs. Each need is looked for by
 * what it provides, so it does not matter how it was installed.
 */

const fs = require('node:fs');
const path = require('node:path');
const { run, ask, which, compiler, headerFolders } = require('./command');
const { findBrowser, isDebian } = require('./browser');
const { origin } = require('./origin');
const paths = require('./paths');
const { say, seconds, SetupError } = require('./say');

/**
 * @typedef {'apt' | 'dnf' | 'pacman' | 'brew' | 'apk'} Manager
 * @typedef {object} Need
 * @property {string} what
 * @property {() => boolean} met
 * @property {Partial<Record<Manager, string>>} from the package, by package manager; a manager that is not there has none
 */

const program = (/** @type {string} */ name) => () => which(name) !== null;

/** True when the compiler finds the file in its search path for libraries. */
const library = (/** @type {string} */ name) => () =>
  path.isAbsolute(ask(compiler(), [`-print-file-name=${name}`]) ?? '');

const header = (/** @type {string} */ name) => () =>
  headerFolders.some((folder) => fs.existsSync(path.join(folder, name)));

/** Debian's package of BoringSSL keeps its libraries apart, under the machine's name. */
const boringssl = () => {
  const base = '/usr/lib';
  return (
    fs.existsSync(base) &&
    fs
      .readdirSync(base)
      .some(
        (name) => fs.existsSync(path.join(base, name, 'android', 'libssl.so')) && fs.existsSync('/usr/include/android'),
      )
  );
};

/** @type {Need[]} */
const forBuilding = [
  {
    what: 'a C compiler',
    met: program(compiler()),
    from: { apk: 'build-base', apt: 'build-essential', dnf: 'gcc gcc-c++', pacman: 'base-devel', brew: 'gcc' },
  },
  {
    what: 'make',
    met: program('make'),
    from: { apk: 'build-base', apt: 'build-essential', dnf: 'make', pacman: 'base-devel', brew: 'make' },
  },
  {
    what: 'the C library headers',
    met: () => process.platform === 'darwin' || header('stdio.h')(), // Xcode keeps them in its own place.
    from: { apk: 'build-base linux-headers', apt: 'build-essential', dnf: 'glibc-devel', pacman: 'base-devel' },
  },
  {
    what: 'Python 3',
    met: program('python3'),
    from: { apk: 'python3', apt: 'python3', dnf: 'python3', pacman: 'python', brew: 'python3' },
  },
  {
    what: 'CA certificates',
    met: () =>
      process.platform !== 'linux' ||
      fs.existsSync('/etc/ssl/certs/ca-certificates.crt') ||
      fs.existsSync('/etc/pki/tls/certs'),
    from: { apt: 'ca-certificates', dnf: 'ca-certificates', pacman: 'ca-certificates' },
  },
];

/** @type {Need[]} what the static libraries are made of where they are made from source packages */
const forLibraries = [
  {
    what: 'a source package unpacker',
    met: program('dpkg-source'),
    from: { apt: 'dpkg-dev', dnf: 'dpkg-dev', pacman: 'dpkg', brew: 'dpkg' },
  },
  {
    what: 'the static OpenSSL library',
    met: library('libcrypto.a'),
    from: { apt: 'libssl-dev', dnf: 'openssl-devel openssl-static', pacman: 'openssl', brew: 'openssl@3' },
  },
  {
    what: 'the static library of PCRE2',
    met: () => library('libpcre2-8.a')() && header('pcre2.h')(),
    from: { apt: 'libpcre2-dev', dnf: 'pcre2-devel pcre2-static', pacman: 'pcre2', brew: 'pcre2' },
  },
];

/** vcpkg brings its tools, but where the C library is musl it takes the system's: programs, and the packages that they come with. */
const toolsOnMusl = { bash: 'bash', cmake: 'cmake', ninja: 'samurai', curl: 'curl', zip: 'zip', unzip: 'unzip', perl: 'perl', 'pkg-config': 'pkgconf' };

/** @type {Need[]} */
const forVcpkg = [
  { what: 'git', met: program('git'), from: { apt: 'git', dnf: 'git', pacman: 'git', brew: 'git', apk: 'git' } },
  ...(paths.musl ? Object.entries(toolsOnMusl) : []).map(([name, apk]) => ({ what: name, met: program(name), from: { apk } })),
];

/** @type {Need[]} */
const forTesting = [
  {
    what: 'cmocka, the C test library',
    met: header('cmocka.h'),
    from: { apt: 'libcmocka-dev', dnf: 'libcmocka-devel', pacman: 'cmocka', brew: 'cmocka' },
  },
  {
    what: "SQLite's command-line tool",
    met: program('sqlite3'),
    from: { apt: 'sqlite3', dnf: 'sqlite', pacman: 'sqlite', brew: 'sqlite' },
  },
  {
    what: "OpenSSL's command-line tool",
    met: program('openssl'),
    from: { apt: 'openssl', dnf: 'openssl', pacman: 'openssl', brew: 'openssl@3' },
  },
  {
    what: 'BoringSSL, for the test of a host like Electron',
    met: boringssl,
    from: { apt: 'android-libboringssl-dev' },
  },
  {
    what: 'musl and its compiler, for the test that compiles the engine for Alpine',
    met: program('musl-gcc'),
    from: { apt: 'musl-tools', dnf: 'musl-gcc', pacman: 'musl' },
  },
  {
    what: 'a C compiler for Windows',
    met: program('x86_64-w64-mingw32-gcc'),
    from: { apt: 'gcc-mingw-w64-x86-64' },
  },
  {
    what: "Chromium, for the tests of the example app's page",
    met: () => findBrowser() !== null,
    from: { ...(isDebian() ? { apt: 'chromium fonts-liberation' } : {}), dnf: 'chromium', pacman: 'chromium', brew: 'chromium' },
  },
];

/** clang with libFuzzer, which is a package of its own. */
const fuzzer = () => {
  const folder = path.join(ask('clang', ['-print-resource-dir']) ?? '/nowhere', 'lib', 'linux');
  return fs.existsSync(folder) && fs.readdirSync(folder).some((name) => /^libclang_rt\.fuzzer(-[\w]+)?\.a$/.test(name));
};

/** @type {Need[]} */
const forFuzzing = [
  {
    what: 'clang with libFuzzer',
    met: fuzzer,
    from: { apt: 'clang libclang-rt-14-dev', dnf: 'clang compiler-rt', pacman: 'clang compiler-rt', brew: 'llvm' },
  },
];

/** What counts instructions. The C library's debug symbols name its functions in what it prints. @type {Need[]} */
const forCounting = [
  { what: 'valgrind', met: program('valgrind'), from: { apt: 'valgrind libc6-dbg', dnf: 'valgrind', pacman: 'valgrind', apk: 'valgrind' } },
];

/** The servers of the stacks that the benchmarks compare with, and the programs that measure from outside. @type {Need[]} */
const forComparing = [
  { what: 'nginx', met: program('nginx'), from: { apt: 'nginx-light', dnf: 'nginx', pacman: 'nginx', brew: 'nginx' } },
  { what: 'Redis', met: program('redis-server'), from: { apt: 'redis-server', dnf: 'redis', pacman: 'redis', brew: 'redis' } },
  { what: 'wrk', met: program('wrk'), from: { apt: 'wrk', pacman: 'wrk', brew: 'wrk' } },
  { what: 'h2load', met: program('h2load'), from: { apt: 'nghttp2-client', dnf: 'nghttp2', pacman: 'nghttp2', brew: 'nghttp2' } },
];

/** Which package manager this system has. */
function manager() {
  /** @type {[Manager, string][]} */
  const known = [
    ['apt', 'apt-get'],
    ['dnf', 'dnf'],
    ['pacman', 'pacman'],
    ['brew', 'brew'],
    ['apk', 'apk'],
  ];
  return known.find(([, name]) => which(name) !== null)?.[0] ?? null;
}

const commands = {
  apt: 'sudo apt-get update && sudo apt-get install -y --no-install-recommends',
  dnf: 'sudo dnf install -y',
  pacman: 'sudo pacman -S --needed --noconfirm',
  brew: 'brew install',
  apk: 'apk add',
};

/** What to say where set-up may not install anything itself. */
function instructions(/** @type {Need[]} */ missing, /** @type {Manager | null} */ found) {
  const list = missing.map((need) => `  - ${need.what}`).join('\n');
  const packages = (/** @type {Manager} */ name) =>
    [...new Set(missing.flatMap((need) => (need.from[name] ?? '').split(' ')).filter(Boolean))].join(' ');
  const all = found === null ? /** @type {Manager[]} */ (Object.keys(commands)) : [found];
  const lines = all.map((name) => `  ${commands[name]} ${packages(name)}`).join('\n');
  return [
    'These are missing, and set-up cannot install them itself (it is not root, or this is not Debian or Ubuntu):',
    list,
    'Install them and run the same command again:',
    lines,
  ].join('\n');
}

/** How to become root without a question, or null. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return which('sudo') !== null && ask('sudo', ['-n', 'true']) !== null ? ['sudo', '-n'] : null;
}

/** @param {{tests?: boolean, fuzzing?: boolean, comparing?: boolean, counting?: boolean}} wanted */
async function ensureSystem({ tests = false, fuzzing = false, comparing = false, counting = false }) {
  // On Windows node-gyp looks for Visual Studio and Python itself, and says what is missing.
  const building = process.platform === 'win32' ? [] : forBuilding;
  const libraries = { given: [], sources: forLibraries, vcpkg: forVcpkg }[origin()];
  const needs = [
    ...building,
    ...libraries,
    ...(tests ? forTesting : []),
    ...(fuzzing ? forFuzzing : []),
    ...(comparing ? forComparing : []),
    ...(counting || tests ? forCounting : []),
  ];
  const unmet = () => needs.filter((need) => !need.met());
  let missing = unmet();
  if (missing.length === 0) return;
  const found = manager();
  // What the system's package manager does not have at all, like BoringSSL elsewhere, is left to the test that wants it.
  if (found !== null) missing = missing.filter((need) => need.from[found] !== undefined);
  if (missing.length === 0) return;
  const root = asRoot();
  if (found !== 'apt' || root === null) throw new SetupError(instructions(missing, found));
  const since = Date.now();
  const packages = [...new Set(missing.flatMap((need) => /** @type {string} */ (need.from.apt).split(' ')))];
  say(`installing system packages: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (/** @type {string[]} */ args) => {
    const [command, ...rest] = [...root, 'apt-get', '-q', ...args];
    return run(command, rest, { env, what: `apt-get ${args[0]}` });
  };
  // An archive that does not answer need not be the one that is needed: installing shows it.
  let trouble = '';
  await apt(['update']).catch((error) => (trouble = `${error.message}\n`));
  try {
    await apt(['install', '-y', '--no-install-recommends', ...packages]);
  } catch (error) {
    throw new SetupError(`${trouble}${/** @type {Error} */ (error).message}\n${instructions(missing, found)}`);
  }
  const still = unmet().filter((need) => need.from.apt !== undefined);
  if (still.length > 0)
    throw new SetupError(
      `Installed ${packages.join(' ')}, but still missing: ${still.map((need) => need.what).join(', ')}.`,
    );
  say(`system packages installed (${seconds(since)})`);
}

module.exports = { ensureSystem };
