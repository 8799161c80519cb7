// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const { LlmJobsError } = require('./error.js');

/**
 * The native engine as JavaScript sees it.
 *
 * @typedef {unknown} Handle
 *
 * @typedef {object} Addon
 * @property {(config: string, onEvents: () => void, messages?: string) => Handle} start throws an Error with `code`; `messages`: the text of
 *   a JSON array, read before the engine looks for its first job
 * @property {(handle: Handle, message: string) => void} send throws an Error with `code`
 * @property {(handle: Handle) => void} notify
 * @property {(handle: Handle) => string | null} take the waiting events as the text of a JSON array
 * @property {(handle: Handle) => void} stop blocks for some milliseconds, until the engine's thread has ended
 * @property {() => string} versions JSON
 */

const FILE = 'llm_jobs_native.node';
const FUNCTIONS = ['start', 'send', 'notify', 'take', 'stop', 'versions'];

/** What prebuilt addons are made for. */
const TARGETS = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64',
  'linux-arm64-musl',
  'linux-x64',
  'linux-x64-musl',
  'win32-arm64',
  'win32-x64',
];

/** @returns {string} the machine that this process runs on, as a folder of prebuilds/ is named */
function target() {
  const name = `${process.platform}-${process.arch}`;
  return process.platform === 'linux' && isMusl() ? `${name}-musl` : name;
}

/**
 * Whether this process runs on musl. A system may have both C libraries, so what counts is which loader is mapped into this
 * process: 0.15 ms, and searched as bytes. Node's own report says it too, but takes 2 ms and 1 MB for good.
 * @param {string} [file] given by tests only
 * @returns {boolean}
 */
function isMusl(file = '/proc/self/maps') {
  try {
    const maps = fs.readFileSync(file);
    if (maps.includes('/ld-musl-')) return true;
    if (maps.includes('/ld-linux') || maps.includes('/libc.so.6')) return false;
  } catch {
    // No /proc here.
  }
  const report = /** @type {{header: {glibcVersionRuntime?: string}}} */ (process.report.getReport());
  return report.header.glibcVersionRuntime === undefined;
}

/**
 * Where the addon may lie, the first match wins. LLM_JOBS_ADDON is meant for tests and unusual packaging, so when it is set
 * nothing else is tried.
 * @param {Record<string, string | undefined>} env
 * @param {string} directory of this file
 * @returns {string[]}
 */
function candidates(env, directory) {
  if (env.LLM_JOBS_ADDON) return [path.resolve(env.LLM_JOBS_ADDON)];
  const root = path.dirname(directory);
  return [
    // Only a clone has one, and there it is the younger of the two.
    path.join(root, 'build', 'Release', FILE),
    path.join(root, 'prebuilds', target(), FILE),
    // Beside the worker when an app bundles it.
    path.join(directory, FILE),
  ].map(unpacked);
}

/**
 * A library cannot be loaded from inside Electron's archive; what the packager leaves outside lies in a directory of its own.
 * Without a regular expression: the first one that a process runs costs 2.5 MB of the worker's memory.
 * @param {string} file
 * @returns {string}
 */
function unpacked(file) {
  return file
    .split(path.sep)
    .map((part) => (part === 'app.asar' ? 'app.asar.unpacked' : part))
    .join(path.sep);
}

/**
 * @param {string[]} files that are not there
 * @param {Record<string, string | undefined>} env
 * @param {string} directory
 */
function missing(files, env, directory) {
  const place = unpacked(path.join(path.dirname(directory), 'prebuilds'));
  const there = TARGETS.filter((one) => fs.existsSync(path.join(place, one, FILE)));
  let remedy = 'reinstall llm-jobs (it carries prebuilt addons), or run "npm run build" in a clone; in a packaged Electron app keep "**/{.**,**}/**/*.node" unpacked';
  if (env.LLM_JOBS_ADDON) remedy = 'correct or unset LLM_JOBS_ADDON';
  else if (there.length > 0) remedy = `${place} has one for ${there.join(', ')} only: install llm-jobs on the system that it shall run on`;
  return `the native addon was not found for ${target()}; looked for ${files.join(', ')}: ${remedy}`;
}

/**
 * @param {{env?: Record<string, string | undefined>, directory?: string}} [places] given by tests only
 * @returns {Addon}
 */
function loadAddon({ env = process.env, directory = __dirname } = {}) {
  const files = candidates(env, directory);
  const file = files.find((one) => fs.existsSync(one));
  if (file === undefined) throw new LlmJobsError('ADDON_MISSING', missing(files, env, directory));
  let addon;
  try {
    // Not the plain `require`, which bundlers would try to resolve.
    addon = createRequire(__filename)(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new LlmJobsError('ADDON_MISSING', `the native addon ${file} could not be loaded on ${target()}: ${reason}`);
  }
  const lacking = FUNCTIONS.find((name) => typeof addon[name] !== 'function');
  if (lacking !== undefined) {
    throw new LlmJobsError('ADDON_MISSING', `${file} is not the addon of this version of llm-jobs: it has no function ${lacking}`);
  }
  return addon;
}

module.exports = { loadAddon, candidates, target, isMusl, FILE, TARGETS };
