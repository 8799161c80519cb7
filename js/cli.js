#!/usr/bin/env node
// SPDX-License-Identifier: MIT
'use strict';

/** `npx llm-jobs`: docs/cli.md. What a command prints is decided in js/cli/. */

const { readArguments, UsageError, HELP } = require('./cli/usage.js');
const { run } = require('./cli/commands.js');

const SQLITE_NOTADB = 26;

/**
 * A file that is no database is told as the worker tells it, whichever library has found it.
 * @param {Error & {code?: unknown, errcode?: unknown}} error
 * @returns {{message: string, code?: unknown}}
 */
function told(error) {
  if (error.errcode !== SQLITE_NOTADB && error.code !== 'SQLITE_NOTADB') return error;
  return { code: 'DB_ENCRYPTED', message: 'the file is encrypted or not an SQLite database: correct --db, or give the jobs a file of their own' };
}

/** @param {string[]} args @returns {Promise<number>} the exit code */
async function main(args) {
  let request;
  try {
    request = readArguments(args);
    if (request === null) {
      process.stdout.write(HELP);
      return 0;
    }
    return await run(request);
  } catch (error) {
    const { message, code } = told(/** @type {Error & {code?: unknown, errcode?: unknown}} */ (error));
    if (error instanceof UsageError) {
      process.stderr.write(`llm-jobs: ${message}\nnpx llm-jobs --help lists the commands.\n`);
      return 2;
    }
    process.stderr.write(`llm-jobs: ${typeof code === 'string' ? `${code}: ` : ''}${message}\n`);
    // What `Queue` refuses because of how it was asked is wrong usage too; of a retry it refuses what another job stands against.
    return code === 'BAD_CONFIG' || (code === 'BAD_JOB' && request?.command !== 'retry') ? 2 : 1;
  }
}

// A reader such as `head` that closes the pipe early is no trouble.
process.stdout.on('error', (error) => process.exit(/** @type {any} */ (error).code === 'EPIPE' ? 0 : 1));

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
