// SPDX-License-Identifier: MIT
'use strict';

/**
 * `utilityProcess`, over a forked Node process that child.js makes look like a utility process. What is documented and easily
 * got wrong is as it is there: no fork before the app is ready; a `pid` only between 'spawn' and the end of 'exit'; messages
 * wait for the start and are lost after the end; `env: {}` hands over everything; a missing entry is an exit with code 1;
 * `kill()` gives no choice of signal and makes the exit code 0; output that nobody has read at 'exit' is lost.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { EventEmitter } = require('node:events');
const { PassThrough } = require('node:stream');
const { fork } = require('node:child_process');
const { PortRelay, takePorts } = require('./ports.js');

/** How long a process may take to end after `kill()`. */
const GRACE_MS = 2000;

class UtilityProcess extends EventEmitter {
  /** @type {number | undefined} */
  pid = undefined;
  /** @type {PassThrough | null} */
  stdout = null;
  /** @type {PassThrough | null} */
  stderr = null;
  #killed = false;
  #gone = false;
  #child;
  #relay;

  /**
   * @param {import('./app.js').App} app
   * @param {string} entry
   * @param {string[]} args
   * @param {Electron.ForkOptions} options
   */
  constructor(app, entry, args, { env, execArgv, cwd, serviceName = 'Node Utility Process', stdio }) {
    super();
    this.serviceName = serviceName;
    const [, out, err] = stdioOf(stdio);
    if (out === 'pipe') this.stdout = new PassThrough();
    if (err === 'pipe') this.stderr = new PassThrough();
    const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'electron-stand-in-'));
    this.#child = fork(path.join(__dirname, 'child.js'), [entry, reports, ...args], {
      env: env === undefined || Object.keys(env).length === 0 ? process.env : env,
      execArgv: execArgv ?? [],
      cwd,
      stdio: ['ignore', out, err, 'ipc'],
      serialization: 'advanced',
    });
    this.#relay = new PortRelay('main', (message) => this.#send(message));
    app.children.add(this);
    if (this.stdout) this.#child.stdout?.pipe(this.stdout);
    if (this.stderr) this.#child.stderr?.pipe(this.stderr);
    this.#child.on('spawn', () => {
      this.pid = this.#child.pid;
      this.emit('spawn');
    });
    this.#child.on('message', (/** @type {any} */ message) => {
      if (message.port !== undefined) this.#relay.onMessage(message);
      else this.emit('message', message.data);
    });
    this.#child.on('error', () => {});
    // 'close' and not 'exit': messages that the process had sent come before its end.
    this.#child.on('close', (code, signal) => this.#onEnd(app, reports, code, signal));
  }

  /**
   * @param {unknown} message
   * @param {import('./ports.js').MessagePortMain[]} [transfer]
   */
  postMessage(message, transfer = []) {
    const data = structuredClone(message);
    if (this.#gone) return;
    const ports = takePorts(transfer).map((port) => this.#relay.carry(port));
    this.#send({ data, ports });
  }

  /** @returns {boolean} */
  kill() {
    if (this.#gone) return false;
    this.#killed = true;
    setTimeout(() => this.#gone || this.#child.kill('SIGKILL'), GRACE_MS).unref();
    return this.#child.kill('SIGTERM');
  }

  /** @param {any} message */
  #send(message) {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /**
   * @param {import('./app.js').App} app
   * @param {string} reports
   * @param {number | null} code
   * @param {NodeJS.Signals | null} signal
   */
  #onEnd(app, reports, code, signal) {
    const fatal = readReport(reports);
    fs.rmSync(reports, { recursive: true, force: true });
    this.#gone = true;
    this.#relay.close();
    app.children.delete(this);
    const number = signal === null ? (code ?? 1) : os.constants.signals[signal];
    const exitCode = this.#killed && (number === 15 || number === 9) ? 0 : number;
    if (fatal !== null) this.emit('error', 'FatalError', fatal.location, fatal.text);
    if (number !== 0 && !this.#killed) {
      app.emit('child-process-gone', {}, { type: 'Utility', reason: reasonOf(fatal, signal), exitCode, serviceName: 'node.mojom.NodeService', name: this.serviceName });
    }
    this.emit('exit', exitCode);
    this.pid = undefined;
    for (const stream of [this.stdout, this.stderr]) stream?.removeAllListeners();
    this.stdout = this.stderr = null;
  }
}

/**
 * @param {{location: string} | null} fatal
 * @param {NodeJS.Signals | null} signal
 */
function reasonOf(fatal, signal) {
  if (fatal !== null) return /out of memory/i.test(fatal.location) ? 'oom' : 'crashed';
  if (signal === null) return 'abnormal-exit';
  return signal === 'SIGKILL' || signal === 'SIGTERM' ? 'killed' : 'crashed';
}

/**
 * What V8 reported before it gave up.
 * @param {string} dir
 * @returns {{location: string, text: string} | null}
 */
function readReport(dir) {
  const [name] = fs.readdirSync(dir);
  if (name === undefined) return null;
  const text = fs.readFileSync(path.join(dir, name), 'utf8');
  try {
    return { location: String(JSON.parse(text).header.event), text };
  } catch {
    return { location: 'unknown', text };
  }
}

/**
 * @param {Electron.ForkOptions['stdio']} stdio
 * @returns {('pipe' | 'ignore' | 'inherit')[]}
 */
function stdioOf(stdio = 'inherit') {
  const list = typeof stdio === 'string' ? ['ignore', stdio, stdio] : stdio;
  if (list.length < 3) throw new Error('configuration missing for stdin, stdout or stderr.');
  if (list[0] !== 'ignore') throw new Error('stdin value other than ignore is not supported.');
  const bad = list.slice(1, 3).some((one) => !['pipe', 'ignore', 'inherit'].includes(one));
  if (bad) throw new Error('stdio must be of the following values: inherit, pipe, ignore');
  return /** @type {('pipe' | 'ignore' | 'inherit')[]} */ (list);
}

/** @param {import('./app.js').App} app */
function makeUtilityProcess(app) {
  return {
    /**
     * @param {string} entry
     * @param {string[] | Electron.ForkOptions} [args]
     * @param {Electron.ForkOptions} [options]
     */
    fork(entry, args = [], options = {}) {
      if (!entry) throw new Error('Missing UtilityProcess entry script.');
      const [list, rest] = Array.isArray(args) ? [args, options] : [[], args];
      const { execArgv, serviceName, cwd, env } = rest;
      if (execArgv !== undefined && !Array.isArray(execArgv)) throw new Error('execArgv must be an array of strings.');
      if (serviceName !== undefined && typeof serviceName !== 'string') throw new Error('serviceName must be a string.');
      if (cwd !== undefined && typeof cwd !== 'string') throw new Error('cwd path must be a string.');
      if (Object.values(env ?? {}).some((value) => typeof value !== 'string')) throw new TypeError('Invalid value for env');
      stdioOf(rest.stdio);
      if (!app.isReady()) throw new Error('utilityProcess cannot be created before app is ready.');
      return new UtilityProcess(app, entry, list, rest);
    },
  };
}

module.exports = { makeUtilityProcess };
