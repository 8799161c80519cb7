// SPDX-License-Identifier: MIT
'use strict';

const { parseArgs } = require('node:util');

/** A mistake on the command line: exit code 2, and the way to the help. */
class UsageError extends Error {}

const HELP = `llm-jobs: look at a queue of LLM jobs, and act on it

  npx llm-jobs doctor FILE                          what is wrong with the database, the table or the jobs
  npx llm-jobs list --db FILE [--status S] [--queue Q] [--limit N]
  npx llm-jobs show ID --db FILE                    everything about one job
  npx llm-jobs add NAME --data JSON --db FILE [--model M] [--priority N] [--queue Q]
  npx llm-jobs cancel ID --db FILE
  npx llm-jobs retry ID --db FILE                   run a failed or cancelled job again
  npx llm-jobs retry --code CODE --db FILE          … all that ended with this error code
  npx llm-jobs counts --db FILE [--watch]           how many jobs are in which state

  --json   print JSON     --help   print this

Exit code: 0 all is well, 1 a problem was found, 2 wrong usage.
`;

/** @type {Record<string, {operands: [number, number], options: string[]}>} */
const COMMANDS = {
  doctor: { operands: [0, 1], options: [] },
  list: { operands: [0, 0], options: ['status', 'queue', 'limit'] },
  show: { operands: [1, 1], options: [] },
  add: { operands: [1, 1], options: ['data', 'model', 'priority', 'queue'] },
  cancel: { operands: [1, 1], options: [] },
  retry: { operands: [0, 1], options: ['code'] },
  counts: { operands: [0, 0], options: ['watch'] },
};

const text = /** @type {const} */ ({ type: 'string' });
const flag = /** @type {const} */ ({ type: 'boolean' });
const OPTIONS = { db: text, json: flag, help: flag, status: text, queue: text, limit: text, data: text, model: text, priority: text, code: text, watch: flag };

/**
 * @typedef {object} Request
 * @property {string} command
 * @property {string[]} operands
 * @property {string} file
 * @property {{json?: boolean, status?: string, queue?: string, limit?: string, data?: string, model?: string, priority?: string, code?: string, watch?: boolean}} options
 */

/**
 * @param {string[]} args
 * @returns {Request | null} null: the help is asked for
 */
function readArguments(args) {
  // 1. What was written
  let parsed;
  try {
    parsed = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return null;

  // 2. Whether the command knows it
  const [command, ...operands] = positionals;
  if (command === undefined) throw new UsageError('a command is missing');
  const known = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (known === undefined) throw new UsageError(`there is no command ${command}; there are ${Object.keys(COMMANDS).join(', ')}`);
  const strange = Object.keys(values).find((name) => !['db', 'json', 'help', ...known.options].includes(name));
  if (strange !== undefined) throw new UsageError(`${command} has no option --${strange}`);
  const [least, most] = known.operands;
  if (operands.length < least) throw new UsageError(`${command} needs ${command === 'add' ? 'the NAME' : 'the ID'} of a job`);
  if (operands.length > most) throw new UsageError(`${command} does not know what to do with ${operands[most]}`);

  // 3. The database: doctor may be given it as its operand
  const file = values.db ?? (command === 'doctor' ? operands[0] : undefined);
  if (!file) throw new UsageError(`the database is missing: ${command === 'doctor' ? 'doctor FILE' : 'add --db FILE'}`);
  return { command, operands, file, options: values };
}

/**
 * @param {string | undefined} given
 * @param {string} name
 * @returns {number | undefined}
 */
function whole(given, name) {
  if (given === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(given)) throw new UsageError(`--${name} must be a whole number; got ${given}`);
  return Number(given);
}

module.exports = { readArguments, whole, UsageError, HELP, COMMANDS };
