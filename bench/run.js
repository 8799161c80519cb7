// SPDX-License-Identifier: MIT
'use strict';

/**
 * Benchmarks of the real worker, and of what one would use instead, against providers on the loopback interface.
 *
 *     npm run bench                        runs all parts but those that take very long
 *     npm run bench -- latency memory      runs some of them
 *     npm run bench -- --list              lists them
 *     npm run bench -- latency --quick     a short run, to see that it works; its figures say little
 *     npm run bench -- memory --json       one JSON object instead of text
 *     npm run bench -- --save FILE         also writes that object to FILE; what FILE has of other parts stays
 *
 * A figure with a budget is marked PASS or FAIL. A missed budget does not make the exit code non-zero, because machines differ
 * and shared ones are noisy; an error does. After an error the other parts still run.
 */

const { parseArgs } = require('node:util');
const { commit, describeMachine, versions } = require('./lib/machine.js');
const { measureAll, save } = require('./lib/measure.js');
const { asJson, print, printHead, printVersions } = require('./lib/report.js');
const { onStage } = require('./lib/stage.js');
const { parts, long } = require('./parts.js');
const { peers } = require('./peers/index.js');

/** @import { Report } from './lib/report.js' */

class UsageError extends Error {}

/** @param {string[]} args */
function readArguments(args) {
  const options = /** @type {const} */ ({ list: { type: 'boolean' }, quick: { type: 'boolean' }, json: { type: 'boolean' }, save: { type: 'string' } });
  let read;
  try {
    read = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${/** @type {Error} */ (error).message}; there are --list, --quick, --json and --save FILE`);
  }
  const { values, positionals } = read;
  const unknown = positionals.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) throw new UsageError(`there is no part "${unknown}"; there are ${Object.keys(parts).join(', ')}`);
  const names = positionals.length > 0 ? positionals : Object.keys(parts).filter((name) => !long.includes(name));
  return { names, list: values.list === true, quick: values.quick === true, json: values.json === true, file: values.save };
}

/** What the worker says of the libraries in it. @returns {Promise<Record<string, string>>} */
function askWorker() {
  return onStage(async (stage) => (await stage.worker({ providers: { local: { kind: 'ollama' } } })).ready?.versions ?? {});
}

function list() {
  console.log('Parts (npm run bench -- NAME… [--quick] [--json] [--save FILE]):');
  for (const [name, load] of Object.entries(parts)) console.log(`  ${name.padEnd(12)} ${load().about}${long.includes(name) ? ' (runs when it is named)' : ''}`);
}

async function main() {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted.list) {
    list();
    return;
  }
  const { names, quick, json, file } = wanted;
  const stacks = Object.fromEntries(Object.entries(peers).map(([name, { about, durability }]) => [name, { about, durability }]));
  /** @type {Report} */
  const report = { machine: describeMachine(), versions: {}, stacks, quick, parts: {} };
  const keep = () => file !== undefined && save(file, report, Object.keys(parts));
  try {
    keep();
  } catch (error) {
    throw new UsageError(`--save: ${/** @type {Error} */ (error).message}`);
  }
  if (!json) printHead(report.machine, commit(), quick);
  await measureAll(Object.fromEntries(names.map((name) => [name, parts[name]])), {
    quick,
    // Progress goes to stderr, so that --json stays one object.
    note: (line) => process.stderr.isTTY && process.stderr.write(`  … ${line}\n`),
    onStart: (name) => (json || names.length > 1) && process.stderr.write(`${name} (${names.indexOf(name) + 1} of ${names.length})\n`),
    onMeasured(name, measured) {
      report.parts[name] = measured;
      if (!json) print(name, measured);
      // After each part, so that nothing that was measured is lost to what comes later.
      keep();
    },
    onFailed(name, error) {
      process.exitCode = 1;
      (report.failed ??= {})[name] = error instanceof Error ? error.message : String(error);
      console.error(`${name} failed:`, error);
    },
  });
  report.versions = versions(await askWorker());
  keep();
  if (json) console.log(asJson(report).trimEnd());
  else printVersions(report.versions);
  if (report.failed !== undefined) console.error(`Failed: ${Object.keys(report.failed).join(', ')}`);
}

main().catch((error) => {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
});
