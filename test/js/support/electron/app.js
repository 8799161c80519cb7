// SPDX-License-Identifier: MIT
'use strict';

/**
 * The life of an app. `quit()` raises 'before-quit', closes the windows, then raises 'will-quit' and 'quit'; each of the first two
 * can be prevented, and a prevented quit may be asked for again. `exit()` raises 'quit' only. Signals that ask a program to end
 * quit it.
 */

const fs = require('node:fs');
const path = require('node:path');
const { EventEmitter } = require('node:events');

class App extends EventEmitter {
  #ready = false;
  #quitting = false;
  #down = false;
  /** @type {Set<{pid: number | undefined, serviceName: string}>} the utility processes */
  children = new Set();
  /** @type {BaseWindow[]} open windows; one that refuses to close ends a quit */
  windows = [];
  isPackaged = false;
  name = 'stand-in';

  /** @param {(code: number) => void} end ends the process */
  constructor(end) {
    super();
    this.end = end;
  }

  /** Called once by whoever plays Chromium. */
  becomeReady() {
    this.#ready = true;
    this.emit('ready', {}, {});
  }

  isReady() {
    return this.#ready;
  }

  /** @returns {Promise<void>} */
  whenReady() {
    return this.#ready ? Promise.resolve() : new Promise((resolve) => void this.once('ready', () => resolve()));
  }

  getName() {
    return this.name;
  }

  getAppPath() {
    return path.dirname(process.argv[1] ?? process.cwd());
  }

  /** @param {string} name */
  getPath(name) {
    if (name !== 'userData' && name !== 'temp') throw new Error(`Failed to get '${name}' path`);
    return process.env.ELECTRON_STAND_IN_DATA ?? require('node:os').tmpdir();
  }

  requestSingleInstanceLock() {
    return true;
  }

  quit() {
    if (this.#quitting || this.#down) return;
    this.#quitting = true;
    if (this.#prevented('before-quit') || [...this.windows].some((window) => !window.close()) || this.#prevented('will-quit')) {
      this.#quitting = false;
      return;
    }
    this.exit(0);
  }

  /** @param {number} [code] */
  exit(code = 0) {
    if (this.#down) return;
    this.#down = true;
    this.emit('quit', {}, code);
    this.end(code);
  }

  /**
   * @param {string} name
   * @returns {boolean}
   */
  #prevented(name) {
    const event = { defaultPrevented: false, preventDefault: () => void (event.defaultPrevented = true) };
    this.emit(name, event);
    return event.defaultPrevented;
  }

  /** @returns {Partial<Electron.ProcessMetric>[]} of Linux; elsewhere without memory */
  getAppMetrics() {
    const metric = (/** @type {number} */ pid, /** @type {any} */ rest) => ({
      pid,
      cpu: { percentCPUUsage: 0, idleWakeupsPerSecond: 0 },
      memory: { workingSetSize: residentKiB(pid), peakWorkingSetSize: residentKiB(pid) },
      ...rest,
    });
    const children = [...this.children].flatMap(({ pid, serviceName }) =>
      pid === undefined ? [] : [metric(pid, { type: 'Utility', serviceName: 'node.mojom.NodeService', name: serviceName })],
    );
    return [metric(process.pid, { type: 'Browser' }), ...children];
  }
}

/** A window without a page. */
class BaseWindow extends EventEmitter {
  /** @param {App} app */
  constructor(app) {
    super();
    this.app = app;
    app.windows.push(this);
  }

  /** @returns {boolean} for the stand-in only: whether it is closed */
  close() {
    const event = { defaultPrevented: false, preventDefault: () => void (event.defaultPrevented = true) };
    this.emit('close', event);
    if (event.defaultPrevented) return false;
    this.app.windows.splice(this.app.windows.indexOf(this), 1);
    this.emit('closed');
    return true;
  }
}

/** @param {number} pid */
function residentKiB(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

module.exports = { App, BaseWindow };
