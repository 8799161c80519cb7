// SPDX-License-Identifier: MIT
'use strict';

/**
 * What a job costs in instructions, counted by callgrind in the engine without JavaScript. docs/performance.md explains it.
 *
 *     npm run instructions                          compares with bench/instructions.json; fails when a kind costs over 5 % more
 *     npm run instructions -- whole                 one kind: whole, burst, stream or crowd
 *     npm run instructions -- --functions[=COUNT]   also the functions that cost most, 60 of them
 *     npm run instructions -- --json                one object instead of text
 *     npm run instructions -- --save                writes bench/instructions.json
 */

const { count } = require('./instructions/count');
const { change, compare, describeLibraries, describeMachine, difference, readBaseline, shown, signed, writeBaseline } = require('./instructions/baseline');
const { functionTable } = require('./instructions/functions');
const { kinds } = require('./instructions/kinds');
const { main } = require('./setup');
const { SetupError } = require('./setup/say');

/** @import { Baseline } from './instructions/baseline.js' */
/** @import { Count } from './instructions/measure.js' */

/** How many functions --functions shows. */
const FUNCTIONS = 60;

/** @param {string[]} args */
function readArguments(args) {
  const names = args.filter((arg) => !arg.startsWith('-'));
  const table = args.find((arg) => /^--functions(=\d+)?$/.test(arg));
  const unknown = args.find((arg) => arg.startsWith('-') && !['--save', '--json', table].includes(arg));
  if (unknown !== undefined) throw new SetupError(`There is no ${unknown}; there are --functions, --json and --save.`);
  const stranger = names.find((name) => !Object.hasOwn(kinds, name));
  if (stranger !== undefined) throw new SetupError(`There is no kind "${stranger}"; there are ${Object.keys(kinds).join(', ')}.`);
  const save = args.includes('--save');
  if (save && names.length > 0) throw new SetupError('--save records all kinds.');
  const functions = table === undefined ? undefined : Number(table.split('=')[1] ?? FUNCTIONS);
  return { names: names.length > 0 ? names : Object.keys(kinds), save, json: args.includes('--json'), functions };
}

/** @param {Record<string, number>} now @param {Record<string, number> | undefined} recorded @param {number} whole */
function printParts(now, recorded, whole) {
  for (const [name, cost] of Object.entries(now)) {
    if (cost < 1) continue;
    const before = recorded?.[name] ?? 0;
    console.log(`    ${name.padEnd(14)} ${shown(cost).padStart(10)} ${((cost / whole) * 100).toFixed(1).padStart(5)} %${before > 0 ? signed(change(cost, before)).padStart(11) : ''}`);
  }
}

/** @param {string} name @param {Count} now @param {Count | undefined} recorded */
function print(name, now, recorded) {
  const about = `${name}, ${kinds[name].about}`;
  console.log(`\n${recorded === undefined ? `${about}: ${shown(now.instructions)} instructions a job` : compare(about, now, recorded).line}`);
  console.log(`  ${now.turns} turns of the loop and ${now.transactions} transactions a job`);
  console.log('  by step:');
  printParts(now.areas, recorded?.areas, now.instructions);
  console.log('  by whose code it is:');
  printParts(now.owners, recorded?.owners, now.instructions);
}

main(async () => {
  const { names, save, json, functions } = readArguments(process.argv.slice(2));
  const measured = await count(names);
  const machine = describeMachine();
  const libraries = describeLibraries(measured[0].versions);
  const baseline = save ? null : readBaseline();
  const differs = baseline === null ? '' : [difference(machine, baseline.machine), difference(libraries, baseline.libraries)].filter(Boolean).join(', ');
  const counts = Object.fromEntries(measured.map(({ name, count }) => [name, count]));
  if (json) {
    const tables = functions === undefined ? {} : { functions: Object.fromEntries(measured.map((one) => [one.name, functionTable(one).slice(0, functions)])) };
    console.log(JSON.stringify({ machine, libraries, kinds: counts, ...tables }, null, 2));
  } else {
    for (const one of measured) {
      print(one.name, one.count, baseline?.kinds[one.name]);
      if (functions === undefined) continue;
      console.log('  by function, instructions a job: self, with all that it calls');
      for (const fn of functionTable(one).slice(0, functions))
        console.log(`    ${shown(fn.self).padStart(10)} ${shown(fn.inclusive).padStart(10)}  ${fn.owner.padEnd(8)} ${fn.name}`);
    }
  }
  const missing = [...new Set(measured.flatMap((one) => one.missing))];
  if (missing.length > 0) process.stderr.write(`Not seen: ${missing.join(', ')}. When they have another name now, scripts/instructions/areas.js needs it.\n`);
  if (baseline === null) {
    writeBaseline({ machine, libraries, kinds: counts });
    process.stderr.write('Recorded in bench/instructions.json.\n');
    return 0;
  }
  if (differs !== '') {
    process.stderr.write(`Not judged, because bench/instructions.json was recorded with something else: ${differs}.\n`);
    return 0;
  }
  const complaints = measured.flatMap(({ name, count }) => compare(kinds[name].about, count, baseline.kinds[name]).complaint ?? []);
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  return complaints.length > 0 ? 1 : 0;
});
