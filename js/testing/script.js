// SPDX-License-Identifier: MIT
'use strict';

const { checkReply, checkScript } = require('./options.js');
const { LlmJobsError } = require('../error.js');

/** @import { Reply, Script, ScriptFunction } from './options.js' */
/** @import { Recorded } from './log.js' */

/** Says how each chat request is answered. */
class ScriptRunner {
  /** @param {Script | undefined} script */
  constructor(script) {
    /** @type {Reply[]} those that are still to be given */
    this.list = [];
    /** @type {ScriptFunction | null} */
    this.function = null;
    this.set(script);
  }

  /** @param {Script | undefined} script undefined: the usual answers */
  set(script) {
    checkScript(script);
    this.list = Array.isArray(script) ? [...script] : [];
    this.function = typeof script === 'string' ? load(script) : typeof script === 'function' ? script : null;
  }

  /**
   * @param {Recorded} request
   * @returns {Promise<Reply>}
   */
  async next(request) {
    const reply = this.list.shift();
    if (reply !== undefined) return reply;
    if (this.function === null) return {};
    try {
      const result = await this.function(request);
      return result === undefined || result === null ? {} : checkReply(result);
    } catch (error) {
      // A mistake in the test, which the test finds in the log and the job in its error.
      request.scriptError = error instanceof Error ? error.message : String(error);
      return { status: 500, error: { message: `The script of the fake provider failed: ${request.scriptError}` } };
    }
  }
}

/**
 * @param {string} file
 * @returns {ScriptFunction}
 */
function load(file) {
  let script;
  try {
    script = require(require('node:path').resolve(file));
  } catch (error) {
    throw new LlmJobsError('BAD_CONFIG', `the script ${file} could not be loaded: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
  }
  if (typeof script !== 'function') throw new LlmJobsError('BAD_CONFIG', `the script ${file} must export a function (request) => reply`);
  return script;
}

module.exports = { ScriptRunner };
