// SPDX-License-Identifier: MIT
'use strict';

/**
 * What the engine says of configurations, asked in a process of its own: the addon checks a configuration before anything else,
 * and the database that these name does not exist, so that nothing is opened.
 */

const { fork } = require('node:child_process');

/**
 * @param {unknown[]} configs
 * @returns {Promise<(string | null)[]>} for each, why it is refused
 */
function engineVerdicts(configs) {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' });
    child.once('message', (/** @type {any} */ verdicts) => {
      resolve(verdicts);
      child.kill();
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the process that asks the engine ended with ${code ?? signal}`)));
    child.send(configs.map((config) => JSON.stringify(config)));
  });
}

if (require.main === module) {
  const { loadAddon } = require('../../../../js/addon.js');
  const addon = loadAddon();
  process.once('message', (/** @type {string[]} */ texts) => {
    const verdicts = texts.map((text) => {
      try {
        addon.stop(addon.start(text, () => {}));
        return null;
      } catch (error) {
        const { code, message } = /** @type {any} */ (error);
        return code === 'BAD_CONFIG' ? message : `${code}: ${message} (not a verdict)`;
      }
    });
    process.send?.(verdicts);
  });
}

module.exports = { engineVerdicts };
