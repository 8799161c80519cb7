// SPDX-License-Identifier: MIT
'use strict';

/** The declarations that are made from the JSDoc comments, used by an app in TypeScript: test/js/types/. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFile } = require('node:child_process');

const root = path.join(__dirname, '..', '..', '..');
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const dir = path.join(root, 'build', 'types-test');

/** @param {string[]} args @returns {Promise<string>} what tsc says */
const compile = (args) => new Promise((resolve) => execFile(process.execPath, [tsc, '--pretty', 'false', ...args], { cwd: root }, (error, stdout) => resolve(stdout)));

describe('types', function () {
  this.timeout(60000);

  before(async () => {
    fs.rmSync(dir, { recursive: true, force: true });
    const emit = ['-p', root, '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', root, '--outDir', path.join(dir, 'out')];
    assert.equal(await compile(emit), '');
  });
  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  /** @param {string} source */
  const check = (source) => {
    fs.writeFileSync(path.join(dir, 'app.ts'), source);
    const options = {
      strict: true,
      noEmit: true,
      module: 'node16',
      moduleResolution: 'node16',
      target: 'es2023',
      lib: ['es2023'],
      types: ['node'],
      typeRoots: [path.join(root, 'node_modules', '@types')],
      // Mistakes in the declarations themselves count as well.
      skipLibCheck: false,
      paths: { 'llm-jobs': ['./out/js/index.d.ts'] },
    };
    fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['app.ts'] }));
    return compile(['-p', dir]);
  };
  const source = fs.readFileSync(path.join(__dirname, '..', 'types', 'jobs.ts'), 'utf8');

  it('let an app use everything, and refuse each wrong line', async () => {
    assert.equal(await check(source), '');
  });

  it('are really looked at: without the marks every wrong line is an error', async () => {
    const marks = source.match(/@ts-expect-error/g)?.length ?? 0;
    assert.ok(marks > 10);
    const errors = (await check(source.replaceAll('@ts-expect-error', 'wrong'))).split('\n').filter((line) => /^\S.*error TS/.test(line));
    assert.ok(errors.length >= marks, errors.join('\n'));
  });
});
