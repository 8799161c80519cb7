// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { LlmJobsError, describe } = require('../error.js');
const { electronSettings } = require('../electron/main.js');
const { secretsOf, workerEnvironment } = require('./environment.js');
const { heartbeatSettings } = require('./heartbeat.js');
const { restartSettings } = require('./restart.js');
const { securityPolicy } = require('./policy.js');
const { scaleSettings } = require('./scale.js');
const { checkPlain } = require('./plain.js');

/** @import { Configuration } from './configuration.js' */
/** @import { HeartbeatSettings } from './heartbeat.js' */
/** @import { RestartSettings } from './restart.js' */
/** @import { ElectronSettings } from '../electron/main.js' */
/** @import { SupervisorOptions } from './supervisor.js' */
/** @import { ScaleSettings } from './scale.js' */
/** @import { SecurityPolicy, SecurityPolicyOptions } from './policy.js' */

/**
 * @typedef {object} HostOptions what belongs to the process; every other key is the engine's configuration
 * @property {string[]} [execArgv] flags for the worker's own Node, none by default
 * @property {Record<string, string | undefined>} [env] variables for the worker beside those that it gets anyway
 * @property {string} [entry] the file that is forked, when the app bundles its own
 * @property {Secrets} [secrets] gives the keys that the configuration names with `apiKey: {secret}`; they go over the port only
 * @property {(level: string, line: string) => void} [onLog] hears the log from the first line on, before the event 'log' can
 * @property {Partial<HeartbeatSettings> | false} [heartbeat] how often the worker is asked whether it lives
 * @property {Partial<RestartSettings> | false} [restart] how often a worker that has died is started again
 * @property {'highLoad'} [preset] other defaults: rarer heartbeats, higher limits
 * @property {Partial<ScaleSettings>} [workers] more than one process on the database
 * @property {SecurityPolicyOptions} [securityPolicy] docs/security.md tells what its parts do
 * @property {Partial<ElectronSettings>} [electron] what the worker does with the events of the Electron app around it
 *
 * @typedef {(name: string, about: {refused: boolean}) => string | null | undefined | Promise<string | null | undefined>} Secrets called
 *   when a job first needs the key, and once more, with `refused`, when the provider has refused it; null: there is none
 */

/**
 * Takes apart what startWorker was given: what belongs to the process, and the engine's configuration, which the engine checks.
 * @param {Configuration & HostOptions} options
 * @returns {{supervisor: SupervisorOptions, scale: ScaleSettings, policy: SecurityPolicy, electron: ElectronSettings, secrets?: Secrets, onLog?: HostOptions['onLog']}}
 */
function readOptions(options) {
  // 1. What belongs to the process
  if (options === null || typeof options !== 'object') {
    throw new LlmJobsError('BAD_CONFIG', `startWorker takes the configuration as an object, {database, providers}; got ${describe(options)}`);
  }
  const { execArgv = [], env = {}, entry = path.join(__dirname, '..', 'worker.js'), secrets, onLog, ...others } = options;
  const { heartbeat, restart, preset, workers, securityPolicy: policyOptions, electron, ...config } = others;
  if (typeof config.database !== 'string' || config.database === '') {
    throw new LlmJobsError('BAD_CONFIG', `database must be the path of the app's SQLite file; got ${describe(config.database)}`);
  }
  check(Array.isArray(execArgv), 'execArgv', 'an array of strings', execArgv);
  check(env !== null && typeof env === 'object', 'env', 'an object of strings', env);
  check(typeof entry === 'string', 'entry', 'the path of a file', entry);
  check(fs.existsSync(entry), 'entry', 'the path of a file that exists', entry);
  check(secrets === undefined || typeof secrets === 'function', 'secrets', 'a function (name)', secrets);
  const [secret] = secretsOf(config);
  if (secret !== undefined && secrets === undefined) {
    throw new LlmJobsError('BAD_CONFIG', `an apiKey is {secret: "${secret}"}, but there is no option secrets, the function that gives it`);
  }
  check(onLog === undefined || typeof onLog === 'function', 'onLog', 'a function (level, line)', onLog);
  check(preset === undefined || preset === 'highLoad', 'preset', '"highLoad"', preset);
  const highLoad = preset === 'highLoad';
  const policy = securityPolicy(policyOptions, { highLoad, allowedAPIs: options.allowedAPIs ?? undefined });
  const scale = scaleSettings(workers);
  check(heartbeat !== false || scale.max === scale.min, 'heartbeat', 'on for workers that come and go (or workers.min and workers.max the same)', heartbeat);

  // 2. A relative path means the same in both processes
  /** @type {Configuration} */
  const settings = { ...config, database: path.resolve(config.database) };
  if (policyOptions?.allowedAPIs) settings.allowedAPIs = policy.allowedAPIs;
  checkPlain(settings);
  return {
    secrets,
    onLog,
    policy,
    electron: electronSettings(electron),
    scale,
    supervisor: {
      config: settings,
      entry,
      execArgv,
      env: workerEnvironment(settings, process.env, env),
      heartbeat: heartbeatSettings(heartbeat, { highLoad }),
      restart: restartSettings(restart),
      limits: policy.resourceLimits,
    },
  };
}

/**
 * @param {boolean} good
 * @param {string} name
 * @param {string} expected
 * @param {unknown} value
 */
function check(good, name, expected, value) {
  if (!good) throw new LlmJobsError('BAD_CONFIG', `${name} must be ${expected}; got ${describe(value)}`);
}

module.exports = { readOptions };
