// SPDX-License-Identifier: MIT
'use strict';

/**
 * A stand-in for the module `electron` of a main process, for machines on which Electron is not installed. It behaves as Electron's
 * documentation, types and sources say; electron/*.test.js states that, and says the same of a real Electron where there is one.
 */

const { App, BaseWindow } = require('./app.js');
const { IpcMain } = require('./ipc.js');
const { MessageChannelMain } = require('./ports.js');
const { PowerMonitor, SafeStorage, Session } = require('./services.js');
const { makeUtilityProcess } = require('./utility-process.js');

/**
 * @param {(code: number) => void} end called where Electron would end the process
 */
function makeElectron(end) {
  const app = new App(end);
  const defaultSession = new Session();
  return {
    app,
    BaseWindow: class extends BaseWindow {
      constructor() {
        super(app);
      }

      static getAllWindows() {
        return [...app.windows];
      }
    },
    utilityProcess: makeUtilityProcess(app),
    MessageChannelMain,
    ipcMain: new IpcMain(),
    powerMonitor: new PowerMonitor(),
    safeStorage: new SafeStorage(app),
    session: { defaultSession, fromPartition: () => new Session() },
  };
}

module.exports = { makeElectron };
