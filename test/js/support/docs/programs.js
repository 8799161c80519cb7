// SPDX-License-Identifier: MIT
'use strict';

/** Runs blocks of the pages as their readers would, in an empty folder from which `llm-jobs` is found. */

const fs = require('node:fs');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { root } = require('./blocks.js');

const folder = path.join(root, 'build', 'docs-blocks');

/** What a program may load and still run here. */
const RUNS_WITH = /^(llm-jobs(\/testing|\/drizzle|\/vite)?|node:.*|better-sqlite3|drizzle-orm\/.*)$/;

/** A folder of its own for one block; inside the clone, so that its modules are found. */
class Folder {
  /** @param {string} name */
  constructor(name) {
    this.path = path.join(folder, name);
    fs.rmSync(this.path, { recursive: true, force: true });
    fs.mkdirSync(this.path, { recursive: true });
  }

  /**
   * @param {string} program
   * @param {string[]} args
   * @param {{env?: Record<string, string>, input?: string}} [options]
   * @returns {Promise<{code: unknown, output: string}>}
   */
  run(program, args, { env = {}, input = '' } = {}) {
    return new Promise((resolve) => {
      const child = execFile(program, args, { cwd: this.path, env: { ...process.env, ...env }, timeout: 20000 }, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal) : 0, output: `${stdout}${stderr}` }),
      );
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
    });
  }

  remove() {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}

/**
 * A program as it stands in the page, but for the address of its providers.
 * @param {string} source
 * @param {import('../../../../js/testing.js').FakeProvider} provider
 * @returns {string}
 */
function withProvider(source, provider) {
  const addresses = { openai: provider.openaiUrl, deepseek: provider.openaiUrl, anthropic: provider.anthropicUrl, gemini: provider.geminiUrl, ollama: provider.ollamaUrl };
  return source.replace(/kind: (['"])(\w+)\1(?!, baseUrl)/g, (text, quote, kind) => {
    const address = /** @type {Record<string, string>} */ (addresses)[kind];
    return address === undefined ? text : `${text}, baseUrl: '${address}'`;
  });
}

/** @param {string[]} modules */
const canRun = (modules) => modules.every((name) => RUNS_WITH.test(name));

module.exports = { Folder, withProvider, canRun };
