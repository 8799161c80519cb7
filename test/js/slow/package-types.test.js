// SPDX-License-Identifier: MIT
'use strict';

/**
 * The declarations of the packed package, read by the compiler of an app that has neither Electron, Drizzle nor Vite: as CommonJS
 * and as a module, by the rules of Node and of bundlers, and without skipLibCheck, so that mistakes in the declarations count.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { pack, Machine, root, manifest } = require('../support/package.js');

const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** What an app writes. The last line is an error, so that an import that is silently `any` shows. */
const USE = `
  async function app() {
    const queue = new Queue({} as any);
    const worker = await startWorker({ database: 'app.db', providers: { local: { kind: 'ollama' } } });
    const provider = await startFakeProvider({ script: [{ status: 500 }] });
    const id: string = queue.add('summarise', { prompt: 'Hello' }, { model: 'fast', priority: 5 });
    const job = await queue.waitFor(id);
    const text: string | undefined = job.result?.text;
    const url: string = provider.openaiUrl;
    if (job.error !== null) throw new LlmJobsError('APP', job.error.message);
    await worker.stop();
    return [text, url];
  }
  void app();
  // @ts-expect-error: no such name
  new Queue({} as any).noSuchMethod();
  // @ts-expect-error: a priority is a number
  new Queue({} as any).add('summarise', { prompt: 'Hello' }, { priority: 'high' });
`;
const IMPORT = `import { Queue, startWorker, LlmJobsError } from 'llm-jobs';\nimport { startFakeProvider } from 'llm-jobs/testing';\n`;
const REQUIRE = `import jobs = require('llm-jobs');\nimport testing = require('llm-jobs/testing');\nconst { Queue, startWorker, LlmJobsError } = jobs;\nconst { startFakeProvider } = testing;\n`;

/** @type {[string, string, string, Record<string, string>][]} what, file, source, options */
const CASES = [
  ['CommonJS, by the rules of Node', 'app.cts', IMPORT, { module: 'node16', moduleResolution: 'node16' }],
  ['CommonJS with import = require', 'required.cts', REQUIRE, { module: 'node16', moduleResolution: 'node16' }],
  ['a module, by the rules of Node', 'app.mts', IMPORT, { module: 'node16', moduleResolution: 'node16' }],
  ['a module, by the newest rules of Node', 'next.mts', IMPORT, { module: 'nodenext', moduleResolution: 'nodenext' }],
  ['a module for a bundler', 'app.ts', IMPORT, { module: 'esnext', moduleResolution: 'bundler' }],
];

describe('the declarations of the package', function () {
  this.timeout(120000);
  /** @type {string} */ let folder;
  /** @type {Machine} */ let machine;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-pack-'));
    const { file } = await pack(folder);
    machine = new Machine(process.execPath);
    const { code, stderr } = await machine.type(`npm install --offline --no-audit --no-fund "${file}"`);
    assert.equal(code, 0, stderr);
    // What every app in TypeScript has.
    for (const name of ['@types/node', 'undici-types']) machine.borrow(name);
  });
  after(() => {
    machine?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /**
   * @param {string} file @param {string} source @param {Record<string, string>} options
   * @returns {Promise<string>} what the compiler says
   */
  const compile = (file, source, options) => {
    machine.write(file, source);
    const compilerOptions = { ...options, strict: true, noEmit: true, skipLibCheck: false, target: 'es2023', lib: ['es2023'], types: ['node'] };
    machine.write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }));
    return new Promise((resolve) =>
      execFile(process.execPath, [tsc, '--pretty', 'false', '-p', machine.app], { cwd: machine.app }, (error, stdout) => resolve(stdout)),
    );
  };

  for (const [what, file, head, options] of CASES) {
    it(`serve ${what}`, async () => {
      assert.equal(await compile(file, head + USE, options), '');
    });
  }

  it('are there for every path of the package that is a module of JavaScript', async () => {
    const named = Object.entries(manifest.exports).filter(([name]) => name.endsWith('.json') === false && name !== './worker');
    assert.deepEqual(named.filter(([, entry]) => typeof entry !== 'object' || !('types' in /** @type {object} */ (entry))).map(([name]) => name), []);
    // Those that need nothing else of the app's are read as they are.
    const needing = ['./drizzle'];
    const source = named.map(([name]) => name).filter((name) => !needing.includes(name)).map((name, i) => `import * as m${i} from '${path.posix.join('llm-jobs', name)}';\nexport const n${i}: object = m${i};\n`);
    assert.equal(await compile('all.mts', source.join(''), { module: 'node16', moduleResolution: 'node16' }), '');
  });
});
