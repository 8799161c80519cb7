// SPDX-License-Identifier: MIT
'use strict';

/** What is documented of the life of an app, of the stand-in and of Electron. */

const assert = require('node:assert/strict');
const path = require('node:path');
const { isAlive } = require('../support/alive.js');
const { runApp } = require('../support/electron/run.js');
const { until } = require('../support/until.js');

const script = path.join(__dirname, '..', 'support', 'electron', 'apps', 'quits.js');

describe('app', () => {
  /** @type {ReturnType<typeof runApp>} */
  let main;

  afterEach(() => main.kill());

  const start = (/** @type {object} */ how) => (main = runApp(script, { args: [JSON.stringify(how)] }));

  it('is not ready while its script runs, and forks no utility process before it is', async () => {
    start({ by: 'quit' });
    await main.exit;
    assert.deepEqual(main.said.slice(0, 2), ['not ready', 'utilityProcess cannot be created before app is ready.']);
  });

  it('lists its utility processes by their names', async () => {
    start({ by: 'quit' });
    const { metrics } = await main.hear((one) => one.child);
    assert.ok(metrics.some(([type, name]) => type === 'Utility' && name === 'child of the app'), JSON.stringify(metrics));
    assert.ok(metrics.some(([type]) => type === 'Browser'));
  });

  it('quit() raises before-quit, will-quit and quit', async () => {
    start({ by: 'quit' });
    assert.deepEqual(await main.exit, { code: 0, signal: null });
    assert.deepEqual(main.said.slice(3), ['before-quit', 'will-quit', 'quit 0']);
  });

  it('a quit that was prevented goes on when it is asked for again', async () => {
    start({ by: 'quit', prevented: 2 });
    assert.deepEqual(await main.exit, { code: 0, signal: null });
    assert.deepEqual(main.said.slice(3), ['before-quit', 'before-quit', 'before-quit', 'will-quit', 'quit 0']);
  });

  it('exit() raises neither before-quit nor will-quit', async () => {
    start({ by: 'exit' });
    assert.deepEqual(await main.exit, { code: 7, signal: null });
    assert.deepEqual(main.said.slice(3), ['quit 7']);
  });

  it('a signal that asks the program to end is a quit', async function () {
    if (process.platform === 'win32') this.skip();
    start({ by: 'nobody' });
    await main.hear((one) => one.child);
    main.kill('SIGTERM');
    assert.deepEqual(await main.exit, { code: 0, signal: null });
    assert.deepEqual(main.said.slice(3), ['before-quit', 'will-quit', 'quit 0']);
  });

  for (const by of ['quit', 'exit', 'abort']) {
    it(`its utility processes end with it (${by})`, async () => {
      start({ by });
      const { child } = await main.hear((one) => one.child);
      await main.exit;
      await until(() => !isAlive(child));
    });
  }
});
