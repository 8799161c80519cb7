// SPDX-License-Identifier: MIT

/** What `require('electron')` gives in the main process, and the app's window. */

import type { CrossProcessExports as Electron } from 'electron';

declare global {
  const app: typeof Electron.app;
  const ipcMain: typeof Electron.ipcMain;
  const powerMonitor: typeof Electron.powerMonitor;
  const safeStorage: typeof Electron.safeStorage;
  const session: typeof Electron.session;
  const BrowserWindow: typeof Electron.BrowserWindow;
  const window: InstanceType<typeof Electron.BrowserWindow>;
}
