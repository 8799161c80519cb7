// SPDX-License-Identifier: MIT
'use strict';

const { parseArgs } = require('node:util');

const HELP = `Summarises a text file section by section, one job of the queue for each section.

  npm run demo                     this project's README
  npm run demo -- FILE             another text file
  npm run demo -- --resume [FILE]  goes on where a run on the same text was stopped

Options
  --resume          keep what an earlier run on this text has done; without it, a run starts afresh
  --database FILE   the SQLite file; default: one for each text, in llm-jobs-demo in the folder for temporary files
  --concurrency N   sections that are summarised at a time, 1 to 100; default 3
  --fake            use the fake model even if there is a real one
  --slow MS         pause between two tokens of the fake model; default: so that a run takes some seconds on a terminal
  --help            this text

The model: OPENAI_API_KEY or OPENAI_BASE_URL (and OPENAI_MODEL), else an Ollama at 127.0.0.1:11434, else a llama-server at
127.0.0.1:8080, else a fake one. Ctrl-C stops; --resume goes on.`;

/** What the person typed cannot be done; the exit code is 2. */
class UsageError extends Error {}

/**
 * @typedef {object} Arguments
 * @property {string | null} file null: this project's README
 * @property {string | null} database null: the usual place
 * @property {boolean} resume
 * @property {number} concurrency
 * @property {boolean} fake
 * @property {number | null} slow milliseconds
 * @property {boolean} help
 */

/**
 * @param {string[]} argv
 * @returns {Arguments}
 */
function readArguments(argv) {
  const { values, positionals } = parse(argv);
  if (positionals.length > 1) throw new UsageError(`one file at a time, not ${positionals.length}: ${positionals.join(', ')}`);
  return {
    file: positionals[0] ?? null,
    database: values.database ?? null,
    resume: values.resume === true,
    concurrency: whole(values.concurrency, '--concurrency', 1, 100) ?? 3,
    fake: values.fake === true,
    slow: whole(values.slow, '--slow', 0, 60000),
    help: values.help === true,
  };
}

/** @param {string[]} argv */
function parse(argv) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        resume: { type: 'boolean' },
        database: { type: 'string' },
        concurrency: { type: 'string' },
        fake: { type: 'boolean' },
        slow: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Its first sentence names the option; the rest is about escaping.
    const [reason] = /** @type {Error} */ (error).message.split('. ');
    throw new UsageError(`${reason.replace(/\.$/, '')}; --help lists the options`);
  }
}

/**
 * @param {string | undefined} text
 * @param {string} name
 * @param {number} min
 * @param {number} max
 * @returns {number | null}
 */
function whole(text, name, min, max) {
  if (text === undefined) return null;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
}

module.exports = { readArguments, UsageError, HELP };
