// SPDX-License-Identifier: MIT
'use strict';

/**
 * The example app as an app developer has it: its own folder, packages in node_modules, this package among them. It is built by what
 * Forge runs when it packages: the program with which its Vite plugin builds one target, once for each target of forge.config.cts.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile, execFileSync } = require('node:child_process');
const { promisify } = require('node:util');

const root = path.join(__dirname, '..', '..', '..');
const modules = path.join(root, 'node_modules');
const builder = path.join(modules, '@electron-forge', 'plugin-vite', 'dist', 'subprocess-worker.js');
const run = promisify(execFile);

/** What the example's package.json asks for, as far as building it needs it. */
const PACKAGES = ['@types', '@electron-forge', '@electron', 'drizzle-orm', 'electron', 'typescript', 'undici-types', 'uplot', 'vite'];

/** @type {any} */
const forgeConfig = require(path.join(root, 'forge.config.cts'));
const vitePlugin = forgeConfig.plugins.find((/** @type {any} */ one) => one.name === '@electron-forge/plugin-vite').config;

/**
 * @param {string} [tarball] the packed package, installed instead of a link to this clone
 * @returns {{dir: string, app: string, remove: () => void}} `app` is the example's own folder
 */
function layOut(tarball) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-example-'));
  const app = path.join(dir, 'examples', 'electron-app');
  const own = ['node_modules', '.vite', 'out'].map((name) => path.join(root, 'examples', 'electron-app', name));
  fs.cpSync(path.join(root, 'examples', 'electron-app'), app, { recursive: true, filter: (file) => !own.includes(file) });
  for (const name of ['forge.config.cts', 'vite.worker.config.mts']) fs.copyFileSync(path.join(root, name), path.join(dir, name));
  fs.mkdirSync(path.join(dir, 'node_modules'));
  const installed = path.join(dir, 'node_modules', 'llm-jobs');
  if (tarball === undefined) fs.symlinkSync(root, installed, 'dir');
  else {
    fs.mkdirSync(installed);
    execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  }
  for (const name of PACKAGES) {
    const target = path.join(modules, name);
    if (fs.existsSync(target)) fs.symlinkSync(target, path.join(dir, 'node_modules', name), 'dir');
  }
  return { dir, app, remove: () => fs.rmSync(dir, { recursive: true, force: true }) };
}

/**
 * @param {string} app
 * @param {'build' | 'renderer'} kind
 * @param {number} index of the target in forge.config.cts
 */
async function build(app, kind, index) {
  const env = {
    ...process.env,
    FORGE_VITE_PROJECT_DIR: app,
    FORGE_VITE_KIND: kind,
    FORGE_VITE_INDEX: String(index),
    // The worker's configuration is named by its place beside forge.config.cts, which is laid out too.
    FORGE_VITE_CONFIG: JSON.stringify(vitePlugin).replaceAll(JSON.stringify(root).slice(1, -1), JSON.stringify(path.dirname(path.dirname(app))).slice(1, -1)),
  };
  await run(process.execPath, [builder], { cwd: app, env, timeout: 60000 });
}

/** @param {string} app */
async function buildWorker(app) {
  const index = vitePlugin.build.findIndex((/** @type {any} */ one) => one.entry === 'src/worker/main.ts');
  await build(app, 'build', index);
}

/** @param {string} app */
async function buildRenderer(app) {
  await build(app, 'renderer', 0);
}

/** Everything that a packaged app consists of. @param {string} app */
async function buildAll(app) {
  for (const index of vitePlugin.build.keys()) await build(app, 'build', index);
  for (const index of vitePlugin.renderer.keys()) await build(app, 'renderer', index);
}

module.exports = { root, forgeConfig, vitePlugin, layOut, buildWorker, buildRenderer, buildAll };
