// SPDX-License-Identifier: MIT
'use strict';

/** How the host tells of a worker process that a signal has ended: Electron knows no signals, only the code that it makes of them. */

const os = require('node:os');

const inElectron = process.versions.electron !== undefined;

/** @param {NodeJS.Signals} signal @returns {{code: number | null, signal: string | null}} */
function exitBy(signal) {
  return inElectron ? { code: os.constants.signals[signal], signal: null } : { code: null, signal };
}

/** @param {NodeJS.Signals} signal */
function endedBy(signal) {
  return inElectron ? `with code ${os.constants.signals[signal]}` : `by signal ${signal}`;
}

module.exports = { inElectron, exitBy, endedBy };
