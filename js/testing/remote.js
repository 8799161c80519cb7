// SPDX-License-Identifier: MIT
'use strict';

const path = require('node:path');
const { fork } = require('node:child_process');
const { LlmJobsError } = require('../error.js');

/** @import { FakeOptions, Script } from './options.js' */
/** @import { Recorded, FakeStats } from './log.js' */

/** The same server in a process of its own, seen from here. */
class RemoteServer {
  /** @param {FakeOptions} options */
  constructor(options) {
    const { process: _, tls, ...rest } = options;
    this.options = { ...rest, ...(tls && { tls: { key: String(tls.key), cert: String(tls.cert) } }) };
    forbidFunction(options.script);
    this.child = fork(path.join(__dirname, 'serve.js'), [], { execArgv: [] });
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: unknown) => void}>} */
    this.waiting = new Map();
    this.lastId = 0;
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.on('message', (/** @type {any} */ { id, value, error }) => {
      const one = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) one?.reject(new LlmJobsError(error.code, error.message));
      else one?.resolve(value);
    });
    this.child.on('error', (error) => this.fail(error.message));
    this.child.once('exit', (code, signal) => this.fail(`it ended with ${signal ?? `code ${code}`}`));
  }

  /** @param {string} reason */
  fail(reason) {
    for (const { reject } of this.waiting.values()) {
      reject(new LlmJobsError('WORKER_CRASHED', `the process of the fake provider is gone: ${reason}`));
    }
    this.waiting.clear();
  }

  /**
   * @param {string} command
   * @param {unknown} [value]
   * @returns {Promise<any>}
   */
  ask(command, value) {
    return new Promise((resolve, reject) => {
      const id = ++this.lastId;
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, command, value }, (error) => error && this.fail(error.message));
    });
  }

  /** @returns {Promise<number>} */
  listen() {
    return this.ask('start', this.options);
  }

  async close() {
    if (this.child.connected) this.child.disconnect();
    await this.ended;
  }
}

/** @param {Script | undefined} script */
function forbidFunction(script) {
  if (typeof script !== 'function') return;
  throw new LlmJobsError(
    'BAD_CONFIG',
    'a function cannot be handed to the fake provider in its own process; give an array of replies or the path of a module that exports the function'
  );
}

module.exports = { RemoteServer, forbidFunction };
