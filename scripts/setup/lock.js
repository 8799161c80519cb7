// SPDX-License-Identifier: MIT
'use strict';

/**
 * One builder at a time: two `npm test` in one clone, or two clones that fill the same cache entry, wait for each other.
 * A lock is a directory (making one is atomic everywhere) that names its owner, so that a lock whose owner was killed is
 * recognised and taken over.
 */

const fs = require('node:fs');
const path = require('node:path');
const { say } = require('./say');

/**
 * A process id and, where the system tells, when the process started: ids are used again, above all in containers, where a
 * lock that was left behind would otherwise wait for a stranger.
 * @param {number} pid
 */
function identity(pid) {
  try {
    // The name in parentheses may hold spaces; the start is the 20th field behind it.
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return String(pid);
  }
}

function isAlive(/** @type {number} */ pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** @param {string} lock @returns {number | null} the living owner's process id, or null */
function owner(lock) {
  try {
    const written = fs.readFileSync(path.join(lock, 'owner'), 'utf8');
    const pid = parseInt(written, 10);
    return isAlive(pid) && identity(pid) === written ? pid : null;
  } catch {
    return null;
  }
}

/** The owner signs just after it made the directory: a lock without a name is young, or was left behind. */
function isYoung(/** @type {string} */ lock) {
  try {
    return Date.now() - fs.statSync(lock).mtimeMs < 2000;
  } catch {
    return true; // Gone meanwhile: try again at once.
  }
}

/**
 * Runs `work` while this process holds the lock.
 * @template T
 * @param {string} lock path of the directory to make
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withLock(lock, work) {
  fs.mkdirSync(path.dirname(lock), { recursive: true });
  for (let told = false; ;) {
    try {
      fs.mkdirSync(lock);
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const pid = owner(lock);
    if (pid === null && !isYoung(lock)) {
      fs.rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (!told && pid !== null) {
      say(`another set-up is at work (process ${pid}); waiting for it`);
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  fs.writeFileSync(path.join(lock, 'owner'), identity(process.pid));
  const release = () => fs.rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

module.exports = { withLock };
