// SPDX-License-Identifier: MIT
'use strict';

/**
 * How an app that is bundled with Vite, by electron-forge's plugin or without it, carries the worker.
 *
 * The worker is a build of its own. As a second entry of the main process's build it would share chunks with it, and a chunk that
 * runs the app's start would then run in the worker too. The addon cannot be bundled: the plugin puts it beside the bundle, where
 * js/addon.js looks for it.
 *
 * This file loads nothing of Vite, so that it serves every version from 5 on.
 */

const fs = require('node:fs');
const path = require('node:path');
const { builtinModules } = require('node:module');
const { FILE, candidates } = require('./addon.js');
const { LlmJobsError, describe } = require('./error.js');

/**
 * @typedef {object} AddonOptions
 * @property {string} [target] `platform-arch` of the app that is built, such as `darwin-arm64`; this machine's unless given
 * @property {string} [addon] the path of the addon itself, where it comes from elsewhere
 *
 * @typedef {object} WorkerOptions
 * @property {string} [entry] of the worker, from Vite's root; `src/worker/main.ts` unless given
 * @property {string} [name] of the bundle without `.cjs`; `worker` unless given
 * @property {string} [outDir] where a build that is not Forge's writes it; Forge decides it itself
 *
 * @typedef {object} AddonPlugin a plugin for Vite 5 and later, described by what this one has
 * @property {string} name
 * @property {(this: {emitFile: (file: {type: 'asset', fileName: string, source: Uint8Array}) => string}, output: {dir?: string}) =>
 *   void} generateBundle
 *
 * @typedef {object} WorkerConfig
 * @property {{outDir?: string, emptyOutDir: false, copyPublicDir: false, target: string, lib: {entry: string, formats: ['cjs'],
 *   fileName: () => string}, rollupOptions: {external: string[]}}} build
 * @property {{conditions: string[], mainFields: string[]}} resolve
 * @property {AddonPlugin[]} plugins
 */

/** What is there at run time: Electron's modules and Node's, by both of their names. */
const external = ['electron', 'electron/common', 'electron/main', ...builtinModules.flatMap((name) => [name, `node:${name}`])];

/**
 * The configuration of the worker's build: `export default workerConfig()` in vite.worker.config.mts. One file comes out, beside it
 * the addon, and both only need each other.
 * @param {WorkerOptions & AddonOptions} [options]
 * @returns {WorkerConfig}
 */
function workerConfig({ entry = 'src/worker/main.ts', name = 'worker', outDir, ...addon } = {}) {
  checkText(entry, 'entry', 'the path of the worker\'s source');
  checkText(name, 'name', 'the name of the bundle');
  return {
    build: {
      ...(outDir === undefined ? {} : { outDir }),
      // The main process's bundle lies in the same folder.
      emptyOutDir: false,
      copyPublicDir: false,
      target: 'node20',
      // The name does not depend on the version of Forge: 7 would call it .js, 8 .cjs.
      lib: { entry, formats: ['cjs'], fileName: () => `${name}.cjs` },
      rollupOptions: { external },
    },
    resolve: { conditions: ['node'], mainFields: ['module', 'main'] },
    plugins: [copyAddon(addon)],
  };
}

/**
 * The plugin alone, for a configuration of one's own: it puts the addon into the folder of the build.
 * @param {AddonOptions} [options]
 * @returns {AddonPlugin}
 */
function copyAddon(options = {}) {
  return {
    name: 'llm-jobs:addon',
    generateBundle({ dir }) {
      // Looked for as late as this, so that a configuration can be read where the addon is not built.
      const source = fs.readFileSync(addonFile(options));
      // While the app runs in development its worker has the file open, which Windows lets nobody write then.
      if (dir === undefined || !isThere(path.join(dir, FILE), source)) this.emitFile({ type: 'asset', fileName: FILE, source });
    },
  };
}

/**
 * @param {string} file
 * @param {Buffer} content
 */
function isThere(file, content) {
  try {
    return fs.readFileSync(file).equals(content);
  } catch {
    return false;
  }
}

/**
 * @param {AddonOptions} options
 * @returns {string}
 */
function addonFile({ target, addon }) {
  if (addon !== undefined) checkText(addon, 'addon', 'the path of the addon');
  if (target !== undefined) checkText(target, 'target', 'platform-arch, such as "darwin-arm64"');
  const prebuilt = (/** @type {string} */ one) => path.join(path.dirname(__dirname), 'prebuilds', one, FILE);
  const files = addon !== undefined ? [path.resolve(addon)] : target !== undefined ? [prebuilt(target)] : candidates(process.env, __dirname);
  const found = files.find((file) => fs.existsSync(file));
  if (found !== undefined) return found;
  throw new LlmJobsError('ADDON_MISSING', `the native addon to be packed was not found; looked for ${files.join(', ')}: reinstall llm-jobs, or name a target that it has`);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {string} expected
 */
function checkText(value, name, expected) {
  if (typeof value !== 'string' || value === '') throw new LlmJobsError('BAD_CONFIG', `${name} must be ${expected}; got ${describe(value)}`);
}

module.exports = { workerConfig, copyAddon };
