// SPDX-License-Identifier: MIT
'use strict';

/**
 * npm runs a script called `prebuild` before each `npm run build` as well, with the same arguments and variables. Nobody means
 * that here. What tells the two apart is how npm calls its own process, which stands above ours.
 */

const fs = require('node:fs');
const { ask } = require('../setup/command');

/** npm, its shell, and this process: nobody of interest stands higher. */
const GENERATIONS = 3;

/** @param {number} pid @returns {{parent: number, title: string} | null} */
function about(pid) {
  if (process.platform === 'darwin') {
    const [, parent, title] = /^\s*(\d+)\s+(.*)$/s.exec(ask('ps', ['-o', 'ppid=,args=', '-p', String(pid)]) ?? '') ?? [];
    return title === undefined ? null : { parent: Number(parent), title };
  }
  try {
    const title = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return { parent: Number(/^PPid:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]), title };
  } catch {
    return null; // Windows, or gone.
  }
}

/** @param {string} title of npm's process */
const runsBuild = (title) => /\brun(-script)? build(\s|$)/.test(title);

/** @returns {boolean} */
function isHookOfBuild() {
  if (process.env.npm_lifecycle_event !== 'prebuild') return false;
  let pid = process.ppid;
  for (let i = 0; i < GENERATIONS; i++) {
    const found = about(pid);
    if (found === null) return false;
    if (runsBuild(found.title)) return true;
    pid = found.parent;
  }
  return false;
}

module.exports = { isHookOfBuild };
