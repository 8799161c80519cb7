// SPDX-License-Identifier: MIT
'use strict';

/** Runs one test program: with a time limit, and so that nothing it started outlives it. */

const { spawn } = require('node:child_process');

/**
 * @typedef {object} Ended
 * @property {string} output what it printed, both streams in order of arrival; empty with `show`
 * @property {string | null} trouble how it ended, when not with 0: "ended with 1", "was ended by SIGSEGV", "took more than 60 s"
 * @property {number} ms
 */

/** Process groups of programs that run now: ended with this process. */
const running = new Set();

process.on('exit', () => {
  for (const pid of running) killGroup(pid);
});

function killGroup(/** @type {number} */ pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

/**
 * @param {string} command @param {string[]} args
 * @param {{seconds: number, env?: NodeJS.ProcessEnv, cwd?: string, show?: boolean}} options
 * @returns {Promise<Ended>}
 */
function runProgram(command, args, { seconds, env, cwd, show = false }) {
  return new Promise((resolve) => {
    const since = Date.now();
    // A group of its own, so that children of a killed program are killed too.
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    const pid = child.pid;
    if (pid !== undefined) running.add(pid);
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      if (pid !== undefined) killGroup(pid);
    }, seconds * 1000);
    const end = (/** @type {string | null} */ trouble) => {
      clearTimeout(timer);
      if (pid !== undefined) {
        killGroup(pid);
        running.delete(pid);
      }
      resolve({
        output: Buffer.concat(chunks).toString('utf8'),
        trouble: late ? `took more than ${seconds} s` : trouble,
        ms: Date.now() - since,
      });
    };
    child.on('error', (error) => end(`could not be started: ${error.message}`));
    // "exit" rather than "close": a forgotten grandchild that holds the pipe must not hold up the run. What was printed
    // before is given a moment to arrive.
    child.on('exit', (code, signal) => {
      const trouble = code === 0 ? null : signal === null ? `ended with ${code}` : `was ended by ${signal}`;
      if (show) return end(trouble);
      const patience = setTimeout(() => end(trouble), 1000);
      child.on('close', () => {
        clearTimeout(patience);
        end(trouble);
      });
    });
  });
}

module.exports = { runProgram };
