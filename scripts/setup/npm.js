// SPDX-License-Identifier: MIT
'use strict';

/** The npm packages: installed when node_modules is not what package-lock.json says. */

const fs = require('node:fs');
const path = require('node:path');
const { run, ask } = require('./command');
const paths = require('./paths');
const { say, seconds, SetupError } = require('./say');

/** @param {string} file @returns {Record<string, any>} the packages of a lock file; empty when it cannot be read */
function packagesOf(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/** npm writes what it installed into a lock file of its own, in node_modules. */
function isInstalled(/** @type {string} */ folder) {
  const wanted = packagesOf(path.join(folder, 'package-lock.json'));
  const present = packagesOf(path.join(folder, 'node_modules', '.package-lock.json'));
  return Object.entries(wanted).every(([name, entry]) => {
    if (name === '') return true;
    const found = present[name];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** npm is asked through Node itself where npm said how (inside "npm run"), else by its name. */
async function npm(/** @type {string} */ folder, /** @type {string[]} */ args) {
  const script = process.env.npm_execpath;
  const [command, first] =
    script && script.endsWith('.js')
      ? [process.execPath, [script]]
      : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []];
  await run(command, [...first, ...args], { cwd: folder, what: `npm ${args.join(' ')}` });
}

/** @param {string} executable */
function versionOf(executable) {
  return fs.existsSync(executable) ? ask(executable, ['-p', 'process.version']) : null;
}

/**
 * The packages `node` and `node22` get their executables from an install script; this runs that script and no other. (npm would
 * also want to compile better-sqlite3, which brings what it needs, with headers that it would have to download.)
 * @param {string} name
 */
async function ensureNode(name) {
  const folder = path.join(paths.modules, name);
  const executable = paths.nodeOf(name);
  const wanted = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
  const record = path.join(paths.modules, `.llm-jobs-${name}`);
  // Starting a Node takes longer than all other checks together, so its answer is written down.
  const stat = fs.statSync(executable, { throwIfNoEntry: false });
  const identity = stat === undefined ? '' : `${wanted} ${stat.size} ${stat.mtimeMs}`;
  // "npm install" of another package takes the headers away, which npm does not know, and leaves the executable.
  const whole = name !== 'node' || hasHeaders();
  if (whole && stat !== undefined && fs.existsSync(record) && fs.readFileSync(record, 'utf8') === identity) return;
  if (!whole || versionOf(executable) !== `v${wanted}`) {
    say(`installing Node ${wanted} for this project`);
    await run(process.execPath, ['installArchSpecificPackage.js'], { cwd: folder, what: `Installing Node ${wanted}` });
  }
  const actual = versionOf(executable);
  if (actual !== `v${wanted}`) {
    const found = actual ?? 'missing';
    throw new SetupError(`node_modules/${name} should be Node ${wanted} but is ${found}. Remove node_modules and try again.`);
  }
  const now = fs.statSync(executable);
  fs.writeFileSync(record, `${wanted} ${now.size} ${now.mtimeMs}`);
}

function hasHeaders() {
  return fs.existsSync(path.join(paths.nodeHeaders() ?? '', 'include', 'node', 'node_api.h'));
}

/** npm links a package's programs as it unpacks it, and skips these: they were not there yet. Both call themselves `node`. */
function linkNode() {
  const link = path.join(paths.modules, '.bin', 'node');
  const target = path.join('..', 'node', 'bin', 'node');
  if (fs.existsSync(link) && fs.readlinkSync(link) === target) return;
  fs.rmSync(link, { force: true }); // A link to nothing counts as absent above.
  fs.symlinkSync(target, link);
}

/** @param {string} folder of a package.json and its lock */
async function ensureModules(folder) {
  if (isInstalled(folder)) return;
  const since = Date.now();
  say('installing npm packages');
  await npm(folder, ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  say(`npm packages installed (${seconds(since)})`);
}

async function ensurePackages() {
  await ensureModules(paths.root);
  if (!paths.ownNode) return;
  for (const name of ['node', 'node22']) await ensureNode(name);
  linkNode();
}

/** The stacks that the benchmarks compare with. They are apart, so that nobody else has to install them. */
async function ensurePeers() {
  await ensureModules(path.join(paths.root, 'bench'));
}

module.exports = { ensurePackages, ensurePeers };
