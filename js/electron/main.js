// SPDX-License-Identifier: MIT
'use strict';

/**
 * What a worker is given by the Electron app around it, with nothing for the app to do: a quit waits for it, and it hears of the
 * machine's sleep.
 */

const { LlmJobsError, describe } = require('../error.js');
const { checkFields, checkNumber } = require('../host/settings.js');
const { stopBeforeQuit } = require('./quit.js');
const { forwardPower } = require('./power.js');

/** @import { Stoppable } from './quit.js' */
/** @import { Powered } from './power.js' */

/**
 * @typedef {object} ElectronSettings
 * @property {boolean} quit whether a quit of the app waits until the worker has stopped
 * @property {boolean} power whether the worker hears of sleep
 * @property {number} quitDeadlineMs how long running calls may take while the app quits
 */

/** @type {ElectronSettings} */
const DEFAULTS = { quit: true, power: true, quitDeadlineMs: 4000 };

/** Whether this is the main process of an Electron app. */
function inElectronMain() {
  return process.versions.electron !== undefined && process.type === 'browser';
}

/**
 * @param {any} given the option `electron` of startWorker
 * @returns {ElectronSettings}
 */
function electronSettings(given) {
  const settings = checkFields('electron', given, DEFAULTS);
  for (const name of /** @type {const} */ (['quit', 'power'])) {
    if (typeof settings[name] !== 'boolean') {
      throw new LlmJobsError('BAD_CONFIG', `electron.${name} must be true or false; got ${describe(settings[name])}`);
    }
  }
  checkNumber('electron.quitDeadlineMs', settings.quitDeadlineMs, 0);
  return settings;
}

/**
 * @param {Stoppable & Powered} worker
 * @param {ElectronSettings} settings
 * @returns {() => void} lets go of the app, once the worker has stopped
 */
function connectElectron(worker, { quit, power, quitDeadlineMs }) {
  if (!inElectronMain()) return () => {};
  const electron = /** @type {any} */ (require('electron'));
  /** @type {(() => void)[]} */
  const ends = [];
  if (quit) ends.push(stopBeforeQuit(electron, worker, quitDeadlineMs));
  if (power) ends.push(forwardPower(electron.powerMonitor, worker));
  return () => ends.forEach((end) => end());
}

module.exports = { inElectronMain, electronSettings, connectElectron };
