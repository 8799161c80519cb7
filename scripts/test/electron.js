// SPDX-License-Identifier: MIT
'use strict';

/** Where the tests of test/js run in the main process of an Electron, and what that needs. */

const fs = require('node:fs');
const path = require('node:path');
const { SetupError } = require('../setup/say');
const paths = require('../setup/paths');
const { mochaFiles } = require('./mocha');

/** @import { MochaHost } from './mocha' */

/** What concerns the queue, the worker and the app around them; the rest is about builds, pages and command lines. */
const CONCERNED = /^test\/js\/(electron\/|host|pool|port|provider-|queue-|security-policy|supervisor-|watch|worker-)/;

/**
 * A file that starts `process.execPath` means a Node by it; in Electron that would be another app.
 * @returns {string[]}
 */
function electronFiles() {
  const startsNode = (/** @type {string} */ file) => fs.readFileSync(path.join(paths.root, file), 'utf8').includes('process.execPath');
  return mochaFiles({ slow: false }).filter((file) => CONCERNED.test(file) && !startsNode(file));
}

/** @param {NodeJS.ProcessEnv} env @returns {string | null} the program, when it is installed: asking the package for it would download it */
function electronProgram(env) {
  if (env.ELECTRON_PATH) return fs.existsSync(env.ELECTRON_PATH) ? env.ELECTRON_PATH : null;
  const folder = path.join(paths.modules, 'electron');
  try {
    const name = fs.readFileSync(path.join(folder, 'path.txt'), 'utf8').trim();
    const program = path.join(env.ELECTRON_OVERRIDE_DIST_PATH ?? path.join(folder, 'dist'), name);
    return fs.existsSync(program) ? program : null;
  } catch {
    return null;
  }
}

/** @param {NodeJS.ProcessEnv} env @returns {string | null} */
function xvfbRun({ PATH = '' }) {
  return PATH.split(path.delimiter).map((folder) => path.join(folder, 'xvfb-run')).find((file) => fs.existsSync(file)) ?? null;
}

/**
 * @param {{env?: NodeJS.ProcessEnv, platform?: NodeJS.Platform}} [system]
 * @returns {MochaHost} throws a SetupError that says what is missing, all of it
 */
function electronHost({ env = process.env, platform = process.platform } = {}) {
  const missing = [];
  const program = electronProgram(env);
  if (program === null) {
    missing.push(
      env.ELECTRON_PATH
        ? `ELECTRON_PATH names ${env.ELECTRON_PATH}, and there is no such file.`
        : "Electron's binary is not installed: run \"npx install-electron\", or set ELECTRON_PATH to the program.",
    );
  }
  const hasDisplay = platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
  const xvfb = hasDisplay ? null : xvfbRun(env);
  if (!hasDisplay && xvfb === null) {
    missing.push('There is no display and no xvfb-run to make one: install the package xvfb (apt-get install xvfb), or set DISPLAY.');
  }
  const mocha = path.join(paths.modules, 'electron-mocha', 'lib', 'main.js');
  if (!fs.existsSync(mocha)) missing.push('electron-mocha is not installed: run "npm ci".');
  if (program === null || missing.length > 0) throw new SetupError(`The tests cannot run in Electron.\n${missing.map((one) => `  - ${one}`).join('\n')}`);
  const [command, ...before] = xvfb === null ? [program] : [xvfb, '-a', program];
  // Chromium's sandbox needs rights that containers do not have; no page of anybody else is shown here.
  return { command, args: [...before, mocha], env: { ELECTRON_DISABLE_SANDBOX: '1' }, name: 'Electron' };
}

/** @returns {MochaHost} the main process of the stand-in, which shows that these files can run in one */
function standInHost() {
  const register = path.join(paths.root, 'test', 'js', 'support', 'electron', 'register.js');
  return { command: paths.node, args: ['-r', register, path.join(paths.modules, 'mocha', 'bin', 'mocha.js'), '--exit'], name: "Electron's stand-in" };
}

module.exports = { electronFiles, electronHost, standInHost };
