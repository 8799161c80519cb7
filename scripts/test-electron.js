// SPDX-License-Identifier: MIT
'use strict';

/**
 * Runs the tests of the queue, the worker and the app around them in the main process of an Electron, each file in one of its own.
 *
 *     node scripts/test-electron.js                 those that make sense there
 *     node scripts/test-electron.js FILE…           these
 *     node scripts/test-electron.js --stand-in      in the stand-in's main process, where there is no Electron
 */

const fs = require('node:fs');
const path = require('node:path');
const { setup, main } = require('./setup');
const paths = require('./setup/paths');
const { SetupError } = require('./setup/say');
const { electronFiles, electronHost, standInHost } = require('./test/electron');
const { runMocha } = require('./test/mocha');
const { Tally } = require('./test/tally');

main(async () => {
  const args = process.argv.slice(2);
  const unknown = args.find((arg) => arg.startsWith('-') && arg !== '--stand-in');
  if (unknown !== undefined) throw new SetupError(`${unknown} is not known. There are --stand-in and names of test files.`);
  const names = args.filter((arg) => !arg.startsWith('-')).map((name) => path.relative(paths.root, path.resolve(name)).split(path.sep).join('/'));
  const missing = names.find((name) => !fs.existsSync(path.join(paths.root, name)));
  if (missing !== undefined) throw new SetupError(`There is no file ${missing}.`);

  // What is missing is said before anything is compiled.
  const host = args.includes('--stand-in') ? standInHost() : electronHost();
  await setup({ tests: true, parts: ['addon', 'preload'] });
  const tally = new Tally();
  await runMocha(tally, names.length > 0 ? names : electronFiles(), { host });
  return tally.close();
});
