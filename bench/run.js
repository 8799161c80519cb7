// SPDX-License-Identifier: MIT
'use strict';

/**
 * Benchmarks of the real worker against a provider on the loopback interface.
 *
 *     npm run bench                        lists the parts
 *     npm run bench -- wakeup memory       runs some of them
 *     npm run bench -- wakeup --quick      a short run, to see that it works; its figures say little
 *     npm run bench -- memory --json       one JSON object instead of text
 *
 * A figure with a budget is marked PASS or FAIL. A missed budget does not make the exit code non-zero, because machines differ
 * and shared ones are noisy; an error does.
 */

const { describeMachine } = require('./lib/machine.js');
const { print, printHead } = require('./lib/report.js');

/** @type {Record<string, () => import('./lib/report.js').Part>} loaded when it is run, so that one part's needs are not all's */
const parts = {
  wakeup: () => require('./wakeup.js'),
  memory: () => require('./memory.js'),
  rows: () => require('./rows.js'),
  queue: () => require('./queue.js'),
  'head-of-line': () => require('./head-of-line.js'),
  'app-writes': () => require('./app-writes.js'),
  streams: () => require('./streams.js'),
  'end-to-end': () => require('./end-to-end.js'),
  limits: () => require('./limits.js'),
  start: () => require('./start.js'),
  'loop-delay': () => require('./loop-delay.js'),
};

/** @param {string[]} args */
function readArguments(args) {
  const flags = args.filter((arg) => arg.startsWith('--'));
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknownFlag = flags.find((flag) => !['--quick', '--json'].includes(flag));
  if (unknownFlag !== undefined) throw new Error(`there is no ${unknownFlag}; there are --quick and --json`);
  const unknown = names.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}"; there are ${Object.keys(parts).join(', ')}`);
  return { names, quick: flags.includes('--quick'), json: flags.includes('--json') };
}

async function main() {
  const { names, quick, json } = readArguments(process.argv.slice(2));
  if (names.length === 0) {
    console.log('Parts (npm run bench -- NAME… [--quick] [--json]):');
    for (const [name, load] of Object.entries(parts)) console.log(`  ${name.padEnd(12)} ${load().about}`);
    return;
  }
  const machine = describeMachine();
  const report = { machine, date: new Date().toISOString(), quick, parts: /** @type {Record<string, object>} */ ({}) };
  if (!json) printHead(report);
  for (const name of names) {
    // Progress goes to stderr, so that --json stays one object.
    const note = (/** @type {string} */ line) => process.stderr.isTTY && process.stderr.write(`  … ${line}\n`);
    const result = await parts[name]().run({ quick, note });
    report.parts[name] = result;
    if (!json) print(name, result);
  }
  if (json) console.log(JSON.stringify(report, null, 2));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
