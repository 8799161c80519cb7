// SPDX-License-Identifier: MIT
'use strict';

/**
 * Sets up, then runs a script of this project on its own Node, as if it had been started directly: arguments, input,
 * output, signals and the exit code pass through.
 *
 *     node scripts/run.js SCRIPT [ARGUMENT…]
 */

const { spawn } = require('node:child_process');
const os = require('node:os');
const path = require('node:path');
const tty = require('node:tty');
const { setup, main } = require('./setup');
const paths = require('./setup/paths');

/** @returns {Promise<number>} the exit code, as a shell gives it */
function runScript(/** @type {string[]} */ args) {
  return new Promise((resolve, reject) => {
    const child = spawn(paths.node, args, { stdio: 'inherit' });
    // A terminal sends Ctrl-C to both processes: this one waits for what the child makes of it. Everything else was sent to
    // this process alone and is handed on.
    const terminal = [0, 1, 2].some((descriptor) => tty.isatty(descriptor));
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    for (const signal of signals) {
      process.removeAllListeners(signal);
      process.on(signal, () => {
        if (signal !== 'SIGINT' || !terminal) child.kill(signal);
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : os.constants.signals[signal])));
  });
}

main(async () => {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) throw new Error('Usage: node scripts/run.js SCRIPT [ARGUMENT…]');
  await setup();
  return runScript([path.resolve(paths.root, script), ...args]);
});
