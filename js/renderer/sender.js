// SPDX-License-Identifier: MIT
'use strict';

/**
 * Who is it that asks? Any page of any window reaches `ipcMain`, frames of foreign sites among them.
 *
 * @typedef {object} Frame what is used of Electron's WebFrameMain
 * @property {string} url
 * @property {Frame | null} parent
 *
 * @typedef {{senderFrame: any, sender: any}} SenderEvent what is used of an event of ipcMain; its frame is null when it has gone
 */

const path = require('node:path');
const { fileURLToPath } = require('node:url');

/**
 * The default: pages of the app's own files, in a window's own frame. Pages that come from a server or by a protocol of the app's
 * own are for the app's `checkSender` to know.
 * @param {SenderEvent} event
 * @param {string} appPath the app's folder or archive
 * @returns {boolean}
 */
function isOwnFile({ senderFrame }, appPath) {
  const frame = /** @type {Frame} */ (senderFrame);
  if (frame.parent !== null || !frame.url.startsWith('file:')) return false;
  const inside = path.relative(appPath, fileURLToPath(frame.url));
  return inside !== '' && !inside.startsWith('..') && !path.isAbsolute(inside);
}

/**
 * @param {SenderEvent} event
 * @param {(event: any) => boolean} check
 * @returns {boolean} false also when the check itself goes wrong, and for a frame that is gone, of which nobody can say what it was
 */
function mayAsk(event, check) {
  try {
    return event.senderFrame !== null && event.senderFrame !== undefined && check(event) === true;
  } catch {
    return false;
  }
}

module.exports = { isOwnFile, mayAsk };
