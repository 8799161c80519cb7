// SPDX-License-Identifier: MIT
'use strict';

/** `npm run test:electron` says what it needs and does not have. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { electronFiles, electronHost } = require('../../scripts/test/electron.js');

const root = path.join(__dirname, '..', '..');

describe('npm run test:electron', () => {
  const here = { ELECTRON_PATH: __filename, PATH: '' };

  it('ends with what is missing and no success, before anything is compiled', () => {
    const env = { ...process.env, ELECTRON_PATH: path.join(root, 'no', 'electron') };
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'scripts', 'test-electron.js')], { env, encoding: 'utf8', timeout: 20000 });
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /The tests cannot run in Electron\.\n {2}- ELECTRON_PATH names .*electron, and there is no such file\./);
  });

  it('names all that is missing at once, each with its remedy', () => {
    const message = (/** @type {object} */ system) => {
      try {
        electronHost(/** @type {any} */ (system));
      } catch (error) {
        return /** @type {Error} */ (error).message;
      }
      return 'nothing';
    };
    const nowhere = message({ env: { ELECTRON_PATH: '/nowhere', PATH: '' }, platform: 'linux' });
    assert.match(nowhere, /ELECTRON_PATH names \/nowhere/);
    assert.match(nowhere, /xvfb-run.*install the package xvfb/);
    assert.match(message({ env: here, platform: 'linux' }), /^The tests cannot run in Electron\.\n {2}- There is no display[^\n]*$/);
    assert.match(message({ env: { ELECTRON_OVERRIDE_DIST_PATH: '/nowhere', PATH: '' }, platform: 'darwin' }), /run "npx install-electron"/);
    assert.equal(message({ env: here, platform: 'darwin' }), 'nothing');
    assert.equal(message({ env: { ...here, DISPLAY: ':0' }, platform: 'linux' }), 'nothing');
  });

  it('makes a display where there is none', function () {
    if (process.platform === 'win32') this.skip();
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-xvfb-'));
    try {
      const program = path.join(dir, 'xvfb-run');
      fs.writeFileSync(program, '');
      const { command, args } = electronHost({ env: { ...here, PATH: `/nowhere:${dir}` }, platform: 'linux' });
      assert.deepEqual([command, args.slice(0, 2), path.basename(String(args.at(-1)))], [program, ['-a', __filename], 'main.js']);
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  });

  it('runs the tests of the queue, the worker and the app, and none of builds and pages', () => {
    const files = electronFiles();
    for (const name of ['queue-add', 'worker-runs', 'host', 'electron/utility-process', 'electron/quit', 'provider-openai']) {
      assert.ok(files.includes(`test/js/${name}.test.js`), name);
    }
    assert.deepEqual(files.filter((file) => /\/(build|slow|docs|cli|addon)/.test(file)), []);
  });
});
