// SPDX-License-Identifier: MIT
'use strict';

/**
 * One builder at a time: two `npm test` in one clone, or two clones that fill the same cache entry, wait for each other.
 * A lock is a directory (making one is atomic everywhere) that holds the owner's process id, so that a lock whose owner
 * was killed is recognised and taken over.
 */

const fs = require('node:fs');
const path = require('node:path');
const { say } = require('./say');

/** @param {string} lock @returns {number | null} the living owner, or null */
function owner(lock) {
  try {
    const pid = Number(fs.readFileSync(path.join(lock, 'pid'), 'utf8'));
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    return code === 'EPERM' ? 0 : null;
  }
}

/** The owner writes its id just after it made the directory: a lock without one is young, or was left behind. */
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
  for (let told = false; ; ) {
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
  fs.writeFileSync(path.join(lock, 'pid'), String(process.pid));
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
