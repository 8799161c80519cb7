// SPDX-License-Identifier: MIT
/// <reference types="electron" />
'use strict';

const { fork } = require('node:child_process');
const { splitLines } = require('./lines.js');

/**
 * The worker's process, the same for Electron and for Node.
 *
 * @typedef {object} ChildOptions
 * @property {string} entry
 * @property {string[]} execArgv
 * @property {Record<string, string>} env
 * @property {(message: any) => void} onMessage
 * @property {(exit: Exit) => void} onExit exactly once, also when the process could not be started
 * @property {(stream: 'stdout' | 'stderr', line: string) => void} onLine
 *
 * @typedef {{code: number | null, signal: string | null, reason?: string}} Exit
 *
 * @typedef {object} Child
 * @property {() => number | undefined} pid undefined before the start and after the end
 * @property {(message: unknown) => void} post what a process that is gone cannot hear is lost
 * @property {() => void} end asks the process to end by itself
 * @property {() => void} kill ends it now, whatever state it is in
 */

/**
 * @param {ChildOptions} options
 * @returns {Child}
 */
function startChild(options) {
  const inElectron = process.versions.electron !== undefined && process.type === 'browser';
  return inElectron ? startUtilityProcess(options) : startNodeProcess(options);
}

/**
 * @param {ChildOptions} options
 * @returns {Child}
 */
function startNodeProcess({ entry, execArgv, env, onMessage, onExit, onLine }) {
  // `windowsHide`: an app without a console would get a window for ours.
  const child = fork(entry, [], { execArgv, env, windowsHide: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let over = false;
  const finish = (/** @type {Exit} */ exit) => {
    if (over) return;
    over = true;
    onExit(exit);
  };
  child.on('message', onMessage);
  child.on('exit', (code, signal) => finish({ code, signal }));
  child.on('error', (error) => {
    // Also raised when a message could not be sent; only a process that never was has no other end.
    if (child.pid === undefined) finish({ code: null, signal: null, reason: error.message });
  });
  splitLines(child.stdout, (line) => onLine('stdout', line));
  splitLines(child.stderr, (line) => onLine('stderr', line));
  return {
    pid: () => (over ? undefined : child.pid),
    post: (message) => void (child.connected && child.send(/** @type {any} */ (message), () => {})),
    end: () => {
      if (!child.connected) return;
      child.send({ channel: 'worker:exit' }, () => {});
      child.disconnect();
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/**
 * @param {ChildOptions} options
 * @returns {Child}
 */
function startUtilityProcess({ entry, execArgv, env, onMessage, onExit, onLine }) {
  const { utilityProcess } = require('electron');
  const child = utilityProcess.fork(entry, [], { execArgv, env, serviceName: 'llm-jobs', stdio: ['ignore', 'pipe', 'pipe'] });
  let fatal = /** @type {string | undefined} */ (undefined);
  child.on('message', onMessage);
  child.on('error', (type, location) => (fatal = `${type} at ${location}`));
  child.on('exit', (code) => onExit(fatal === undefined ? { code, signal: null } : { code, signal: null, reason: fatal }));
  splitLines(child.stdout, (line) => onLine('stdout', line));
  splitLines(child.stderr, (line) => onLine('stderr', line));
  return {
    pid: () => child.pid,
    post: (message) => child.postMessage(message),
    // A utility process has no channel to close, and `kill` would be abrupt.
    end: () => child.postMessage({ channel: 'worker:exit' }),
    kill: () => killUtilityProcess(child),
  };
}

/**
 * Electron's `kill` is a SIGTERM that a stopped process does not see and a hung one does not answer; Electron sends the other
 * signal seconds later. On Windows it ends any process.
 * @param {Electron.UtilityProcess} child
 */
function killUtilityProcess(child) {
  const { pid } = child;
  if (process.platform === 'win32' || pid === undefined) return void child.kill();
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    child.kill();
  }
}

module.exports = { startChild };
