// SPDX-License-Identifier: MIT
'use strict';

/**
 * The npm package as somebody gets it: packed by `npm pack`, installed into an empty folder outside the clone, on a machine that
 * has Node, npm and a shell and nothing that could compile.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');

const run = promisify(execFile);
const root = path.join(__dirname, '..', '..', '..');
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));

/** npm's own script: what runs this test may be npm or a shell. */
function npmScript() {
  const given = process.env.npm_execpath;
  if (given?.endsWith('.js')) return given;
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, 'npm');
    if (fs.existsSync(file)) return fs.realpathSync(file);
  }
  throw new Error('npm is not on PATH');
}

/** Without npm's own variables: they would tell an inner npm what was asked of the outer one. */
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|LLM_JOBS_|OPENAI_)/i.test(name)));
}

/**
 * Builds this system's addon and packs the package.
 * @param {string} folder where the tarball goes
 * @returns {Promise<{file: string, size: number, unpackedSize: number, files: {path: string, size: number}[]}>}
 */
async function pack(folder) {
  const options = { cwd: root, env: cleanEnvironment(), maxBuffer: 1 << 24 };
  await run(process.execPath, [npmScript(), 'run', 'prebuild'], options);
  const { stdout } = await run(process.execPath, [npmScript(), 'pack', '--json', '--silent', '--pack-destination', folder], options);
  const [packed] = JSON.parse(stdout);
  return { ...packed, file: path.join(folder, packed.filename) };
}

/** An empty folder of a person who has no compiler, and what that person types. */
class Machine {
  /** @param {string} node the executable */
  constructor(node) {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-machine-'));
    this.app = path.join(this.dir, 'app');
    this.path = path.join(this.dir, 'bin');
    for (const one of [this.app, this.path, path.join(this.dir, 'home')]) fs.mkdirSync(one);
    const npm = npmScript();
    const programs = { node, npm, npx: path.join(path.dirname(npm), 'npx-cli.js'), sh: '/bin/sh' };
    for (const [name, at] of Object.entries(programs)) fs.symlinkSync(at, path.join(this.path, name));
    this.env = { PATH: this.path, HOME: path.join(this.dir, 'home'), npm_config_update_notifier: 'false' };
  }

  /**
   * @param {string} command for the shell
   * @param {Record<string, string>} [env]
   * @returns {Promise<{code: number, stdout: string, stderr: string}>}
   */
  async type(command, env = {}) {
    const options = { cwd: this.app, env: { ...this.env, ...env }, timeout: 60000, maxBuffer: 1 << 24 };
    try {
      return { code: 0, ...(await run('/bin/sh', ['-c', command], options)) };
    } catch (error) {
      const { code, stdout, stderr } = /** @type {any} */ (error);
      return { code: typeof code === 'number' ? code : -1, stdout, stderr };
    }
  }

  /** @param {string} name @param {string} text */
  write(name, text) {
    const file = path.join(this.app, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }

  /** Puts a package of the clone beside the installed ones. @param {string} name @param {(file: string) => boolean} [wanted] */
  borrow(name, wanted = () => true) {
    fs.cpSync(path.join(root, 'node_modules', name), path.join(this.app, 'node_modules', name), { recursive: true, filter: wanted });
  }

  close() {
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

module.exports = { pack, Machine, root, manifest };
