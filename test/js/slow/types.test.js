// SPDX-License-Identifier: MIT
'use strict';

/**
 * The declarations that are made from the JSDoc comments, as apps in TypeScript see them: through the package's exports, in each of
 * the module systems, with `strict` and without `skipLibCheck`, so that mistakes in the declarations themselves count as well. The
 * apps are in test/js/types/; they are compiled and never run.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');

const root = path.join(__dirname, '..', '..', '..');
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const sources = path.join(__dirname, '..', 'types');
const { exports: entries } = require('../../../package.json');

/** @param {string[]} args @returns {Promise<string>} what tsc says */
const compile = (args) =>
  new Promise((resolve) => execFile(process.execPath, [tsc, '--pretty', 'false', ...args], { cwd: root }, (error, stdout) => resolve(error && stdout === '' ? String(error) : stdout)));

describe('types', function () {
  this.timeout(120000);
  /** An app that has nothing but this package and the types of Node. */
  let plain = '';
  /** An app that has all packages of this repository beside it: electron, vite, drizzle-orm. */
  let full = '';

  before(async () => {
    plain = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-types-'));
    // Neither lies in this repository, where `llm-jobs` would be the repository itself.
    full = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-types-'));
    const installed = path.join(plain, 'node_modules', 'llm-jobs');
    fs.mkdirSync(path.join(installed, 'js'), { recursive: true });
    for (const file of ['package.json', 'js/config.schema.json']) fs.copyFileSync(path.join(root, file), path.join(installed, file));
    const emit = ['-p', root, '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', root, '--outDir', path.join(installed, 'build', 'types')];
    assert.equal(await compile(emit), '');
    fs.cpSync(installed, path.join(full, 'node_modules', 'llm-jobs'), { recursive: true });
    const modules = path.join(root, 'node_modules');
    for (const name of fs.readdirSync(modules)) fs.symlinkSync(path.join(modules, name), path.join(full, 'node_modules', name));
    fs.mkdirSync(path.join(plain, 'node_modules', '@types'));
    fs.symlinkSync(path.join(root, 'node_modules', '@types', 'node'), path.join(plain, 'node_modules', '@types', 'node'));
  });
  after(() => {
    fs.rmSync(plain, { recursive: true, force: true });
    fs.rmSync(full, { recursive: true, force: true });
  });

  /**
   * @param {string} folder of the app
   * @param {Record<string, string>} files
   * @param {Record<string, any>} options of the compiler
   * @returns {Promise<string[]>} the mistakes, but for those inside packages of others
   */
  const check = async (folder, files, options) => {
    for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), text);
    const all = { strict: true, noEmit: true, target: 'es2023', lib: ['es2023'], types: ['node'], skipLibCheck: false, ...options };
    fs.writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: all, files: Object.keys(files) }));
    const said = (await compile(['-p', folder])).split('\n').filter((line) => /error TS/.test(line));
    return said.filter((line) => !/node_modules\/(?!llm-jobs\/)/.test(line.split('(')[0]));
  };
  const source = (/** @type {string} */ name) => fs.readFileSync(path.join(sources, name), 'utf8');
  const NODE16 = { module: 'node16', moduleResolution: 'node16' };
  const BUNDLER = { module: 'esnext', moduleResolution: 'bundler', resolveJsonModule: true };
  const apps = (/** @type {string} */ extension) => ({ [`jobs.${extension}`]: source('jobs.ts'), [`worker.${extension}`]: source('worker.ts') });

  it('serve a CommonJS module of Node', async () => {
    const required = `import llmJobs = require('llm-jobs');\nnew llmJobs.Queue({}).counts();\n`;
    assert.deepEqual(await check(plain, { ...apps('cts'), 'required.cts': required }, NODE16), []);
  });

  it('serve an ES module of Node', async () => {
    assert.deepEqual(await check(plain, apps('mts'), NODE16), []);
  });

  it('serve what a bundler reads, and name the keys of the configuration as the schema does', async () => {
    assert.deepEqual(await check(plain, { ...apps('ts'), 'schema.ts': source('schema.ts') }, BUNDLER), []);
  });

  it('are there for each entry of the package that has some, beside Electron, Vite and Drizzle', async () => {
    const names = Object.keys(entries).filter((name) => entries[name].types !== undefined);
    const imports = names.map((name, index) => `import * as m${index} from 'llm-jobs${name.slice(1)}';\nvoid m${index};\n`);
    assert.ok(names.length >= 3);
    assert.deepEqual(await check(full, { 'all.ts': imports.join('') }, { ...BUNDLER, lib: ['es2023', 'dom', 'dom.iterable'] }), []);
  });

  it('are really looked at: without the marks every wrong line is an error', async () => {
    for (const name of ['jobs.ts', 'worker.ts']) {
      const text = source(name);
      const marks = text.match(/@ts-expect-error/g)?.length ?? 0;
      assert.ok(marks > 10, name);
      const errors = await check(plain, { 'wrong.ts': text.replaceAll('@ts-expect-error', 'wrong') }, BUNDLER);
      assert.ok(errors.length >= marks, errors.join('\n'));
    }
  });
});
