// SPDX-License-Identifier: MIT
'use strict';

/**
 * One test program per file test/c/test_*.c and one benchmark per file bench/c/bench_*.c, as gyp targets beside those of
 * binding.gyp. gyp cannot make up targets from a list of files, so the description is written here, into the build folder, and
 * included with -I. Everything in test/c/support is linked into each test program. Each file of test/c/preload becomes a shared
 * library for LD_PRELOAD, on Linux.
 */

const fs = require('node:fs');
const path = require('node:path');
const { find } = require('../gyp');
const paths = require('./paths');

/** @returns {string[]} names of the test programs */
function testTargets() {
  return programs('test/c', 'test_');
}

/** @returns {string[]} names of the shared libraries, without "lib" and ending */
function preloadTargets() {
  return process.platform === 'linux' ? find('test/c/preload', '.c').map((name) => `preload_${path.basename(name, '.c')}`) : [];
}

/** @returns {string[]} names of the files without their ending */
function programs(/** @type {string} */ folder, /** @type {string} */ prefix) {
  return find(folder, '.c')
    .filter((name) => path.posix.dirname(name) === folder && path.posix.basename(name).startsWith(prefix))
    .map((name) => path.basename(name, '.c'));
}

/** @param {string} [file] where to write it; its own folder must be one below the clone, as build/ is */
function writeTestTargets(file = path.join(paths.build, 'tests.gypi')) {
  const support = find('test/c/support', '.c').map((name) => `../${name}`);
  const common = {
    includes: ['../scripts/gyp/c.gypi'],
    include_dirs: ['../test/c'],
    dependencies: ['llmjobs'],
  };
  const targets = [];
  if (support.length > 0)
    targets.push({
      ...common,
      target_name: 'test_support',
      type: 'static_library',
      standalone_static_library: 1,
      sources: support,
    });
  for (const name of testTargets()) {
    targets.push({
      ...common,
      target_name: name,
      type: 'executable',
      sources: [`../test/c/${name}.c`],
      dependencies: [...(support.length > 0 ? ['test_support'] : []), ...common.dependencies],
      libraries: ['-lcmocka'],
    });
  }
  for (const name of preloadTargets()) {
    targets.push({
      includes: common.includes,
      target_name: name,
      type: 'shared_library',
      product_name: name,
      product_prefix: 'lib',
      product_extension: 'so',
      sources: [`../test/c/preload/${name.slice('preload_'.length)}.c`],
    });
  }
  for (const name of programs('bench/c', 'bench_')) {
    targets.push({
      includes: common.includes,
      target_name: name,
      type: 'executable',
      sources: [`../bench/c/${name}.c`],
      dependencies: common.dependencies,
    });
  }
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify({ targets }, null, 1) + '\n');
}

module.exports = { testTargets, preloadTargets, writeTestTargets };
