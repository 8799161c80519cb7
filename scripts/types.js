// SPDX-License-Identifier: MIT
'use strict';

/**
 * Writes the declarations (.d.ts) of js/ into build/types, made from its JSDoc comments.
 *
 *     node scripts/types.js
 */

const path = require('node:path');
const { setup, main } = require('./setup');
const { run } = require('./setup/command');
const paths = require('./setup/paths');

main(async () => {
  await setup({ parts: [] });
  const tsc = path.join(paths.modules, 'typescript', 'bin', 'tsc');
  const out = path.join(paths.build, 'types');
  const options = [
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--rootDir',
    paths.root,
    '--outDir',
    out,
  ];
  await run(paths.node, [tsc, '-p', paths.root, ...options], { cwd: paths.root, what: 'Writing the declarations' });
  process.stdout.write(`The declarations are in ${path.relative(process.cwd(), out) || out}.\n`);
});
