// SPDX-License-Identifier: MIT
'use strict';

/**
 * The environment of the worker: what an operating system needs to run a process, where certificates and the time zone are, and
 * the variables that the configuration names as keys. Everything else of the app's environment stays with the app: its other
 * secrets, proxies, NODE_OPTIONS.
 */
const BASICS = [
  'PATH',
  'HOME',
  'TZ',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'LLM_JOBS_ADDON',
  // An Electron binary that runs as Node starts a window instead without it.
  'ELECTRON_RUN_AS_NODE',
  // Windows
  'SystemRoot',
  'SystemDrive',
  'windir',
  'ComSpec',
  'PATHEXT',
  'TEMP',
  'TMP',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
];

/**
 * @param {any} config the engine's configuration, not yet checked by anybody
 * @param {Record<string, string | undefined>} from the app's environment
 * @param {Record<string, unknown>} extra what the app adds
 * @returns {Record<string, string>} never empty: an empty one would make Electron hand over everything
 */
function workerEnvironment(config, from, extra) {
  /** @type {Record<string, string>} */
  const env = { LLM_JOBS_WORKER: '1', LLM_JOBS_PARENT: String(process.pid) };
  for (const name of [...BASICS, ...variablesOf(config)]) {
    const value = from[name];
    if (value !== undefined) env[name] = value;
  }
  // Electron starts no process when a value is not a string.
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined || value === null) delete env[name];
    else env[name] = String(value);
  }
  return env;
}

/**
 * Every `providers.<name>.apiKey`, of which a provider may have several.
 * @param {any} config
 * @returns {any[]}
 */
function keysOf(config) {
  const providers = config?.providers;
  if (providers === null || typeof providers !== 'object') return [];
  return Object.values(providers).flatMap((provider) => provider?.apiKey ?? []);
}

/** @param {any} config @returns {string[]} the names of variables that hold keys */
function variablesOf(config) {
  return keysOf(config).flatMap((key) => (typeof key?.env === 'string' ? [key.env] : []));
}

/** @param {any} config @returns {string[]} the names of keys that the app gives */
function secretsOf(config) {
  return keysOf(config).flatMap((key) => (typeof key?.secret === 'string' ? [key.secret] : []));
}

module.exports = { workerEnvironment, secretsOf };
