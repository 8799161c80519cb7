// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const path = require('node:path');

/** @import { Tell } from '../doctor.js' */

/**
 * Types of file systems as Linux numbers them. On these, another machine may open the file, and the shared memory of WAL works
 * within one machine only. FUSE may be a network (sshfs, a cloud drive) or not.
 */
const NETWORK = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
]);
const FUSE = 0x65735546;

const LARGE_WAL_BYTES = 64 * 1024 * 1024;

/**
 * @param {string} file
 * @param {Tell} tell
 * @returns {boolean} whether it makes sense to open it
 */
function examineFile(file, tell) {
  // 1. It is there
  const about = fs.statSync(file, { throwIfNoEntry: false });
  if (about === undefined || !about.isFile()) {
    tell('file', 'problem', `${path.resolve(file)} ${about === undefined ? 'does not exist' : 'is not a file'}`, 'correct the path of the database');
    return false;
  }
  // 2. This user may use it. SQLite writes beside it too.
  if (!may(file, fs.constants.R_OK)) {
    tell('file', 'problem', `${file} cannot be read by this user`, 'run doctor as the user of the app, or correct the permissions');
    return false;
  }
  const folder = path.dirname(path.resolve(file));
  const shut = [file, folder, `${file}-wal`, `${file}-shm`].find((one) => fs.existsSync(one) && !may(one, fs.constants.W_OK));
  if (shut === undefined) tell('file', 'ok', `${path.resolve(file)}, ${about.size} bytes, can be read and written`);
  else tell('file', 'problem', `${shut} cannot be written by this user`, 'run doctor as the user of the app, or correct the permissions');
  // 3. Where it lies
  const drive = process.platform === 'win32' ? shareOf(realFolder(folder)) : driveOf(typeOf(folder));
  if (drive.verdict === 'ok') tell('drive', 'ok', drive.message);
  else tell('drive', drive.verdict, drive.message, 'move the database to a disk of this machine: WAL does not work across machines');
  // 4. Its log
  const wal = fs.statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (wal <= LARGE_WAL_BYTES) tell('wal-size', 'ok', `${wal} bytes wait in the write-ahead log`);
  else tell('wal-size', 'warn', `${wal} bytes wait in the write-ahead log`, 'a reader that never ends its transaction keeps it from being emptied: end it');
  return true;
}

/** @param {string} file @param {number} mode */
function may(file, mode) {
  try {
    fs.accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} folder @returns {number | undefined} */
function typeOf(folder) {
  try {
    return process.platform === 'linux' ? fs.statfsSync(folder).type : undefined;
  } catch {
    return undefined;
  }
}

/** Windows says here what stands behind the letter of a connected drive. @param {string} folder */
function realFolder(folder) {
  try {
    return fs.realpathSync.native(folder);
  } catch {
    return folder;
  }
}

/**
 * @param {string} folder of Windows, with the real name of its drive
 * @returns {{verdict: 'ok' | 'problem', message: string}}
 */
function shareOf(folder) {
  // "\\?\" and "\\.\" begin names that Windows shall not interpret, of which "\\?\UNC\" are shares again.
  const share = /^\\\\(\?\\UNC\\)?([^\\?.][^\\]*)\\/i.exec(folder.replaceAll('/', '\\'));
  if (share !== null) return { verdict: 'problem', message: `the database lies on a network drive (of ${share[2]})` };
  return { verdict: 'ok', message: 'the database lies on a local drive' };
}

/**
 * @param {number | undefined} type
 * @returns {{verdict: 'ok' | 'warn' | 'problem', message: string}}
 */
function driveOf(type) {
  if (type === undefined) return { verdict: 'ok', message: 'whether this is a network drive cannot be told on this system' };
  // Some systems give the number with a sign.
  const name = NETWORK.get(type >>> 0);
  if (name !== undefined) return { verdict: 'problem', message: `the database lies on a network drive (${name})` };
  if (type >>> 0 === FUSE) return { verdict: 'warn', message: 'the database lies on a FUSE drive, which may be a network or cloud drive' };
  return { verdict: 'ok', message: 'the database lies on a local drive' };
}

module.exports = { examineFile, driveOf, shareOf };
