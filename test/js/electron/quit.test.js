// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { connectElectron, electronSettings } = require('../../../js/electron/main.js');
const { stopBeforeQuit } = require('../../../js/electron/quit.js');
const { makeElectron } = require('../support/electron/index.js');
const { runApp } = require('../support/electron/run.js');
const { useWorld } = require('../support/e2e.js');
const { isAlive } = require('../support/alive.js');
const { until } = require('../support/until.js');

describe('a quit of the app', () => {
  /** @type {any} */
  let electron;
  /** @type {string[]} */
  let events;

  beforeEach(() => {
    events = [];
    electron = makeElectron((code) => events.push(`ended ${code}`));
    electron.app.becomeReady();
    for (const name of ['before-quit', 'will-quit']) electron.app.on(name, () => events.push(name));
  });

  /** A worker that stops when it is told to, or never. */
  function makeWorker({ name = 'worker', stops = true } = {}) {
    /** @type {() => void} */
    let finish = () => {};
    let disconnect = () => {};
    const worker = {
      finish: () => finish(),
      /** @param {{deadlineMs: number}} options */
      stop({ deadlineMs }) {
        events.push(`stop ${name} ${deadlineMs}`);
        return /** @type {Promise<void>} */ (new Promise((resolve) => (finish = resolve))).then(() => disconnect());
      },
    };
    disconnect = stopBeforeQuit(electron, worker, 40);
    if (stops) return worker;
    return { ...worker, finish: () => {} };
  }

  it('waits until the worker has stopped, then quits', async () => {
    const worker = makeWorker();
    electron.app.quit();
    assert.deepEqual(events, ['before-quit', 'stop worker 40']);
    worker.finish();
    await until(() => events.length === 5);
    assert.deepEqual(events.slice(2), ['before-quit', 'will-quit', 'ended 0']);
  });

  it('that is asked for again meanwhile waits too, and stops nothing twice', async () => {
    const worker = makeWorker();
    for (let i = 0; i < 3; i += 1) electron.app.quit();
    assert.deepEqual(events, ['before-quit', 'stop worker 40', 'before-quit', 'before-quit']);
    worker.finish();
    await until(() => events.at(-1) === 'ended 0');
    assert.equal(events.filter((one) => one.startsWith('stop')).length, 1);
  });

  it('goes on without a worker that does not stop', async () => {
    makeWorker({ stops: false });
    electron.app.quit();
    await until(() => events.at(-1) === 'ended 0');
  });

  it('stops all workers of the app at the same time', async () => {
    const workers = [makeWorker({ name: 'a' }), makeWorker({ name: 'b' })];
    electron.app.quit();
    assert.deepEqual(events, ['before-quit', 'stop a 40', 'stop b 40']);
    workers[0].finish();
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(events.length, 3);
    workers[1].finish();
    await until(() => events.at(-1) === 'ended 0');
  });

  it('that a listener of the app has prevented stops nothing', () => {
    electron.app.prependOnceListener('before-quit', (/** @type {any} */ event) => event.preventDefault());
    makeWorker();
    electron.app.quit();
    assert.deepEqual(events, ['before-quit']);
  });

  it('that a window refuses stops nothing; the worker stops when every window has closed', async () => {
    const window = new electron.BaseWindow();
    window.once('close', (/** @type {any} */ event) => event.preventDefault());
    const worker = makeWorker();
    electron.app.quit();
    assert.deepEqual(events, ['before-quit']);
    electron.app.quit();
    assert.deepEqual(events, ['before-quit', 'before-quit', 'will-quit', 'stop worker 40']);
    worker.finish();
    await until(() => events.at(-1) === 'ended 0');
  });

  it('is not held up when the worker has stopped before', async () => {
    const worker = makeWorker();
    const stopped = worker.stop({ deadlineMs: 0 });
    worker.finish();
    await stopped;
    electron.app.quit();
    assert.deepEqual(events, ['stop worker 0', 'before-quit', 'will-quit', 'ended 0']);
    assert.equal(electron.app.listenerCount('before-quit'), 1);
  });

  it('that came to nothing leaves the next worker as safe as the first', async () => {
    const first = makeWorker({ name: 'first' });
    electron.app.once('will-quit', (/** @type {any} */ event) => event.preventDefault());
    electron.app.quit();
    first.finish();
    await until(() => events.at(-1) === 'will-quit');
    const second = makeWorker({ name: 'second' });
    electron.app.quit();
    assert.equal(events.at(-1), 'stop second 40');
    second.finish();
    await until(() => events.at(-1) === 'ended 0');
    assert.equal(events.filter((one) => one === 'stop second 40').length, 1);
  });

  it('is of no concern outside Electron', () => {
    connectElectron(/** @type {any} */ ({}), electronSettings(undefined))();
  });

  for (const [given, message] of /** @type {[any, RegExp][]} */ ([
    [{ quit: 'yes' }, /electron\.quit must be true or false/],
    [{ quitDeadlineMs: -1 }, /electron\.quitDeadlineMs must be a number from 0/],
    [{ deadlineMs: 1 }, /electron\.deadlineMs: unknown key/],
    [false, /electron must be an object/],
  ])) {
    it(`refuses electron: ${JSON.stringify(given)}`, () => assert.throws(() => electronSettings(given), { code: 'BAD_CONFIG', message }));
  }
});

describe('an app with a real worker', function () {
  this.timeout(60000);
  const script = path.join(__dirname, '..', 'support', 'electron', 'apps', 'works.js');
  const holder = useWorld();
  /** @type {ReturnType<typeof runApp>} */
  let main;

  afterEach(() => main.kill());

  /** @param {object} [options] of startWorker */
  async function start(options = {}) {
    const { world } = holder;
    world.database();
    world.createTable();
    const { openaiUrl } = world.fake ?? (await world.provider({ tokens: 2000, tokenMs: 20 }));
    const config = { database: world.file, concurrency: 20, providers: { fake: { kind: 'openai-compatible', baseUrl: openaiUrl } }, ...options };
    main = runApp(script, { args: [JSON.stringify(config)] });
    return (await main.hear((one) => one.worker)).worker;
  }

  const states = () => holder.world.db.prepare('SELECT status, count(*) AS n, max(attempts) AS attempts, max(stalls) AS stalls FROM llm_jobs GROUP BY 1').all();
  const active = (/** @type {number} */ n) => () => states().some((/** @type {any} */ row) => row.status === 'active' && row.n === n);

  it('quits during 20 streams within the deadline, gives the attempts back and leaves the file whole', async () => {
    const pid = await start({ electron: { quitDeadlineMs: 300 } });
    for (let i = 0; i < 20; i += 1) holder.world.insert();
    await holder.world.until(active(20), 'all jobs to run');
    main.tell('quit');
    assert.deepEqual(await main.exit, { code: 0, signal: null }, main.output());
    assert.deepEqual(main.said.slice(1), ['before-quit', { exit: 0 }, 'before-quit', 'will-quit']);
    await until(() => !isAlive(pid));
    assert.deepEqual(states(), [{ status: 'waiting', n: 20, attempts: 0, stalls: 0 }]);
    assert.equal(holder.world.db.pragma('integrity_check', { simple: true }), 'ok');
  });

  for (const [how, config] of /** @type {[string, object][]} */ ([['exit', {}], ['kill', {}], ['quit', { electron: { quit: false, power: false } }]])) {
    it(`that ends by ${how}${how === 'quit' ? ', switched off,' : ''} loses nothing: the next one takes the jobs up`, async () => {
      const pid = await start(config);
      for (let i = 0; i < 3; i += 1) holder.world.insert();
      await holder.world.until(active(3), 'all jobs to run');
      main.tell(how);
      const { code, signal } = await main.exit;
      assert.deepEqual([code, signal], how === 'kill' ? [null, 'SIGKILL'] : [0, null]);
      await until(() => !isAlive(pid));
      assert.deepEqual(main.said.filter((one) => one.exit !== undefined), []);

      holder.world.fake.script(() => ({ text: 'done' }));
      await start();
      await holder.world.until(() => states()[0].n === 3 && states()[0].status === 'completed', () => JSON.stringify(states()));
      main.tell('quit');
      assert.deepEqual(await main.exit, { code: 0, signal: null });
    });
  }

  it('tells the worker of sleep', async () => {
    await start();
    main.tell('resume');
    const { heard } = await main.hear((one) => one.heard);
    assert.deepEqual(heard, ['suspend', 'resume']);
    main.tell('quit');
    await main.exit;
    assert.deepEqual(main.said.at(-1), 'will-quit');
  });
});
