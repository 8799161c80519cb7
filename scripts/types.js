// SPDX-License-Identifier: MIT
'use strict';

/**
 * Writes the declarations (.d.ts) of js/ into build/types, made from its JSDoc comments.
 *
 *     node scripts/types.js
 */

const fs = require('node:fs');
const path = require('node:path');
const { setup, main } = require('./setup');
const { run } = require('./setup/command');
const paths = require('./setup/paths');

const out = path.join(paths.build, 'types');

/** Needs the npm packages. What an older version has written goes away first. */
async function writeTypes() {
  fs.rmSync(out, { recursive: true, force: true });
  const tsc = path.join(paths.modules, 'typescript', 'bin', 'tsc');
  const emit = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', paths.root, '--outDir', out];
  await run(paths.node, [tsc, '-p', paths.root, ...emit], { cwd: paths.root, what: 'Writing the declarations' });
}

module.exports = { writeTypes };

if (require.main === module) {
  main(async () => {
    await setup({ parts: [] });
    await writeTypes();
    process.stdout.write(`The declarations are in ${path.relative(process.cwd(), out) || out}.\n`);
  });
}
