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
 * @property {(config: string, onEvents: () => void) => Handle} start throws an Error with `code`
 * @property {(handle: Handle, message: string) => void} send throws an Error with `code`
 * @property {(handle: Handle) => void} notify
 * @property {(handle: Handle) => string | null} take the waiting events as the text of a JSON array
 * @property {(handle: Handle) => void} stop blocks for some milliseconds, until the engine's thread has ended
 * @property {() => string} versions JSON
 */

const FILE = 'llm_jobs_native.node';
const FUNCTIONS = ['start', 'send', 'notify', 'take', 'stop', 'versions'];

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
    path.join(root, 'prebuilds', `${process.platform}-${process.arch}`, FILE),
    path.join(root, 'build', 'Release', FILE),
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
 * @param {{env?: Record<string, string | undefined>, directory?: string}} [places] given by tests only
 * @returns {Addon}
 */
function loadAddon({ env = process.env, directory = __dirname } = {}) {
  const files = candidates(env, directory);
  const file = files.find((one) => fs.existsSync(one));
  if (file === undefined) {
    const remedy = env.LLM_JOBS_ADDON
      ? 'correct or unset LLM_JOBS_ADDON'
      : `reinstall llm-jobs (it carries prebuilt addons), or run "npm run build" in a clone; in a packaged Electron app keep "**/*.node" unpacked`;
    throw new LlmJobsError('ADDON_MISSING', `the native addon was not found; looked for ${files.join(', ')}: ${remedy}`);
  }
  let addon;
  try {
    // Not the plain `require`, which bundlers would try to resolve.
    addon = createRequire(__filename)(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new LlmJobsError('ADDON_MISSING', `the native addon ${file} could not be loaded on ${process.platform}-${process.arch}: ${reason}`);
  }
  const lacking = FUNCTIONS.find((name) => typeof addon[name] !== 'function');
  if (lacking !== undefined) {
    throw new LlmJobsError('ADDON_MISSING', `${file} is not the addon of this version of llm-jobs: it has no function ${lacking}`);
  }
  return addon;
}

module.exports = { loadAddon, candidates, FILE };
