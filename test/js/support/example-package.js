// SPDX-License-Identifier: MIT
'use strict';

/**
 * Packs the built example as `electron-forge package` does, but for Electron itself: its Vite plugin says what of the app's folder is
 * copied and completes the copy, and packagerConfig.asar of forge.config.cts is what @electron/asar gets.
 */

const fs = require('node:fs');
const path = require('node:path');
const { forgeConfig, vitePlugin } = require('./example.js');

/**
 * @param {string} app the example's folder, built
 * @param {string} resources the folder of a packaged app that gets app.asar and app.asar.unpacked
 */
async function packageApp(app, resources) {
  const { VitePlugin } = await import('@electron-forge/plugin-vite').then((/** @type {any} */ module) => ({ VitePlugin: module.VitePlugin ?? module.default }));
  const { createPackageWithOptions } = await import('@electron/asar');
  const plugin = new VitePlugin(vitePlugin);
  plugin.setDirectories(app);
  const { packagerConfig } = await plugin.resolveForgeConfig({ packagerConfig: { ...forgeConfig.packagerConfig } });

  const copy = path.join(resources, 'copy');
  const copied = (/** @type {string} */ file) => !packagerConfig.ignore(file.slice(app.length).split(path.sep).join('/'));
  fs.cpSync(app, copy, { recursive: true, filter: copied });
  await plugin.packageAfterCopy(forgeConfig, copy);
  await createPackageWithOptions(copy, path.join(resources, 'app.asar'), packagerConfig.asar);
  fs.rmSync(copy, { recursive: true });
}

/**
 * Lays the archive out so that a Node, which cannot read archives, finds in it what Electron finds: `app.asar` becomes a folder, and
 * what is unpacked is not in it.
 * @param {string} resources of the packaged app
 * @param {string} target the resources folder of the copy
 */
async function unpackApp(resources, target) {
  const asar = await import('@electron/asar');
  const archive = path.join(resources, 'app.asar');
  const folder = path.join(target, 'app.asar');
  fs.mkdirSync(target, { recursive: true });
  asar.extractAll(archive, folder);
  for (const file of files(path.join(resources, 'app.asar.unpacked'))) fs.rmSync(path.join(folder, file));
  fs.cpSync(path.join(resources, 'app.asar.unpacked'), path.join(target, 'app.asar.unpacked'), { recursive: true });
}

/** @param {string} folder @returns {string[]} the files in it, from it */
function files(folder) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

module.exports = { packageApp, unpackApp, files };
