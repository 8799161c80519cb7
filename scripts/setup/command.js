// SPDX-License-Identifier: MIT
'use strict';

/** Starting other programs: quietly, with what they printed shown only when they fail. */

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { SetupError } = require('./say');

/** How much of a failed program's output is shown by default, in characters. */
const TAIL = 6000;

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, what?: string, limit?: number}} [options]
 *   `what` names the program in an error; `limit`: how much of its output is shown then
 * @returns {Promise<string>} what it printed
 */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => reject(new SetupError(`Cannot start ${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      const output = Buffer.concat(chunks).toString('utf8');
      if (code === 0) return resolve(output);
      const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`;
      const limit = options.limit ?? TAIL;
      const tail = output.length > limit ? '…' + output.slice(-limit) : output;
      reject(new SetupError(`${options.what ?? [command, ...args].join(' ')} ${how}\n${tail}`));
    });
  });
}

/**
 * What a short program prints, or null when it is missing or fails.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to ours
 * @returns {string | null}
 */
function ask(command, args, env = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ...env } });
  return result.status === 0 ? result.stdout.trim() : null;
}

/**
 * Where a program is on PATH, or null. Found without starting anything.
 * @param {string} name
 * @returns {string | null}
 */
function which(name) {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  for (const directory of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(directory, file);
    try {
      fs.accessSync(candidate, fs.constants.X_OK);
      if (fs.statSync(candidate).isFile()) return candidate;
    } catch {
      // Not in this directory.
    }
  }
  return null;
}

/** The C compiler: what CC says, else the system's. */
function compiler() {
  return process.env.CC || 'cc';
}

/** Where a library's headers may be. */
const headerFolders = ['/usr/include', '/usr/local/include', '/opt/homebrew/include'];

/** What make prints for each file; of no use to somebody who reads about an error. */
const noise =
  /^( {2}(CC|AR|COPY|TOUCH|ACTION|SOLINK|SOLINK_MODULE|LINK|STAMP)\(?.*|make: (Entering|Leaving) directory.*|gyp (info|verb).*| {2}ACTION .*|rm -f .*|ar crs .*)\n/gm;

module.exports = { run, ask, which, compiler, headerFolders, noise };
