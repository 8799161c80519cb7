// SPDX-License-Identifier: MIT
'use strict';

/**
 * What is documented of `utilityProcess`. These tests run against the stand-in, and against Electron where there is one, so that
 * the stand-in cannot promise what Electron does not keep.
 */

const assert = require('node:assert/strict');
const path = require('node:path');
const { once } = require('node:events');
const { isReal, loadElectron } = require('../support/electron/run.js');
const { until } = require('../support/until.js');

const children = path.join(__dirname, '..', 'support', 'electron', 'children');
const { app, utilityProcess, MessageChannelMain } = loadElectron();

describe('utilityProcess', () => {
  /** @type {any[]} */
  let running = [];

  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.pid === undefined) continue;
      child.kill();
      await once(child, 'exit');
    }
  });

  /**
   * @param {string} [name]
   * @param {string[]} [args]
   * @param {any} [options]
   */
  function fork(name = 'echo.js', args = [], options = { stdio: 'ignore' }) {
    const child = utilityProcess.fork(path.join(children, name), args, options);
    const heard = /** @type {any[]} */ ([]);
    const ends = /** @type {number[]} */ ([]);
    child.on('message', (/** @type {any} */ message) => heard.push(message));
    child.on('exit', (/** @type {number} */ code) => ends.push(code));
    running.push(child);
    return { child, heard, ends };
  }

  it('has a pid from spawn to the end of exit', async () => {
    const { child } = fork();
    assert.equal(child.pid, undefined);
    await once(child, 'spawn');
    assert.equal(typeof child.pid, 'number');
    child.postMessage({ do: 'exit', code: 0 });
    await once(child, 'exit');
    await until(() => child.pid === undefined);
  });

  it('queues what is posted before the start, and keeps the order', async () => {
    const { child, heard } = fork();
    for (let i = 0; i < 100; i += 1) child.postMessage(i);
    await until(() => heard.length === 100);
    assert.deepEqual(heard, Array.from({ length: 100 }, (_, i) => i));
  });

  it('delivers to the child from its first listener on, and waits while there is none', async () => {
    const { child, heard } = fork('late.js');
    for (const one of ['a', 'b', 'c']) child.postMessage(one);
    await until(() => heard.length === 3);
    assert.deepEqual(heard, ['first: a', 'later: b', 'later: c']);
  });

  it('drops what is posted to a process that is gone, silently', async () => {
    const { child, ends } = fork();
    child.postMessage({ do: 'exit', code: 3 });
    await until(() => ends.length === 1);
    child.postMessage('hello?');
    assert.deepEqual(ends, [3]);
    assert.equal(child.kill(), false);
  });

  it('clones messages, and throws at once for what cannot be cloned', async () => {
    const { child, heard } = fork();
    child.postMessage({ date: new Date(5), map: new Map([['a', 1]]), list: new Uint8Array([1, 2]), nothing: undefined });
    await until(() => heard.length === 1);
    assert.equal(heard[0].date.getTime(), 5);
    assert.equal(heard[0].map.get('a'), 1);
    assert.deepEqual([...heard[0].list], [1, 2]);
    assert.ok('nothing' in heard[0]);
    assert.throws(() => child.postMessage(() => {}), /could not be cloned/);
  });

  it('gives the child a parentPort, no process.send, and its arguments', async () => {
    const { child, heard } = fork('echo.js', ['--one', 'two'], { stdio: 'ignore', execArgv: ['--no-opt'], env: { STAND_IN_TEST: 'given' }, cwd: children });
    child.postMessage({ do: 'show' });
    await until(() => heard.length === 1);
    assert.deepEqual({ ...heard[0], entry: path.basename(heard[0].entry), cwd: path.basename(heard[0].cwd) }, {
      type: 'utility',
      send: 'undefined',
      args: ['--one', 'two'],
      execArgv: ['--no-opt'],
      entry: 'echo.js',
      env: 'given',
      cwd: 'children',
    });
  });

  for (const [what, options] of /** @type {[string, any][]} */ ([['an empty environment', { stdio: 'ignore', env: {} }], ['no environment', { stdio: 'ignore' }]])) {
    it(`hands over the whole environment of the app for ${what}`, async () => {
      process.env.STAND_IN_TEST = 'of the app';
      try {
        const { child, heard } = fork('echo.js', [], options);
        child.postMessage({ do: 'show' });
        await until(() => heard.length === 1);
        assert.equal(heard[0].env, 'of the app');
      } finally {
        delete process.env.STAND_IN_TEST;
      }
    });
  }

  it('takes the options as the second argument too', async () => {
    const child = utilityProcess.fork(path.join(children, 'echo.js'), { stdio: 'pipe' });
    running.push(child);
    assert.notEqual(child.stdout, null);
    await once(child, 'spawn');
  });

  it('refuses wrong options before anything starts', () => {
    const entry = path.join(children, 'echo.js');
    assert.throws(() => utilityProcess.fork(''), /Missing UtilityProcess entry script/);
    assert.throws(() => utilityProcess.fork(entry, [], { stdio: ['pipe', 'pipe', 'pipe'] }), /stdin value other than ignore/);
    assert.throws(() => utilityProcess.fork(entry, [], { stdio: 'file' }), /inherit, pipe, ignore/);
    assert.throws(() => utilityProcess.fork(entry, [], { execArgv: '--no-opt' }), /execArgv must be an array/);
    assert.throws(() => utilityProcess.fork(entry, [], { env: { A: 1 } }));
  });

  it('exits with code 1 when there is no such entry', async () => {
    const { ends } = fork('nowhere.js');
    await until(() => ends.length === 1);
    assert.deepEqual(ends, [1]);
  });

  it('starts an ECMAScript module', async () => {
    const { child, heard } = fork('module.mjs');
    child.postMessage('hello');
    await until(() => heard.length === 1);
    assert.deepEqual(heard, [{ fromModule: 'hello' }]);
  });

  it('pipes the output only when it is asked to', async () => {
    const { child } = fork('echo.js', [], { stdio: ['ignore', 'pipe', 'ignore'] });
    assert.equal(child.stderr, null);
    let text = '';
    child.stdout.on('data', (/** @type {Buffer} */ chunk) => (text += chunk));
    child.postMessage({ do: 'print', text: 'printed' });
    await until(() => text === 'printed\n');
    child.kill();
    await once(child, 'exit');
    await until(() => child.stdout === null);
  });

  it('kill() ends the process with a code that says nothing', async function () {
    if (process.platform === 'win32') this.skip();
    const { child, heard, ends } = fork();
    child.postMessage('started');
    await until(() => heard.length === 1);
    assert.equal(child.kill(), true);
    await until(() => ends.length === 1);
    assert.deepEqual(ends, [0]);
    // Whether a handler of SIGTERM runs in Electron is not known; the stand-in is the one that runs none.
    if (!isReal) assert.deepEqual(heard, ['started']);
  });

  it('kill() ends even a process that is stopped', async function () {
    if (process.platform === 'win32') this.skip();
    const { child, ends } = fork();
    await once(child, 'spawn');
    process.kill(child.pid, 'SIGSTOP');
    child.kill();
    await until(() => ends.length === 1);
  });

  it('tells of an abnormal end with child-process-gone, under the name of the service', async function () {
    if (process.platform === 'win32') this.skip();
    /** @type {any[]} */
    const told = [];
    const listener = (/** @type {unknown} */ _event, /** @type {any} */ details) => told.push([details.type, details.name, details.reason, details.exitCode]);
    app.on('child-process-gone', listener);
    try {
      const first = fork('echo.js', [], { stdio: 'ignore', serviceName: 'first' });
      first.child.postMessage({ do: 'exit', code: 9 });
      await until(() => first.ends.length === 1);
      assert.deepEqual(first.ends, [9]);
      const second = fork('echo.js', [], { stdio: 'ignore', serviceName: 'second' });
      second.child.postMessage({ do: 'signal', signal: 'SIGKILL' });
      await until(() => second.ends.length === 1);
      await until(() => told.length === 2);
      assert.deepEqual(told.map(([type, name, reason]) => [type, name, reason]), [['Utility', 'first', 'abnormal-exit'], ['Utility', 'second', 'killed']]);
    } finally {
      app.off('child-process-gone', listener);
    }
  });

  it('raises error FatalError with a report, then exit, when V8 gives up', async function () {
    this.timeout(60000);
    const { child, ends } = fork('echo.js', [], { stdio: 'ignore', execArgv: ['--max-old-space-size=16'] });
    const errors = /** @type {any[]} */ ([]);
    child.on('error', (/** @type {any[]} */ ...args) => errors.push([ends.length, ...args]));
    child.postMessage({ do: 'out of memory' });
    await until(() => ends.length === 1);
    const [[before, type, location, report]] = errors;
    assert.deepEqual([before, type, typeof location], [0, 'FatalError', 'string']);
    assert.ok(Array.isArray(JSON.parse(report).sharedObjects));
    assert.notEqual(ends[0], 0);
  });

  it('transfers ports, which work across the processes, and nothing else', async () => {
    const { child, heard } = fork();
    const { port1, port2 } = new MessageChannelMain();
    const echoed = /** @type {any[]} */ ([]);
    port1.on('message', (/** @type {any} */ event) => echoed.push(event.data));
    port1.postMessage('before');
    child.postMessage({ do: 'ports' }, [port2]);
    port1.postMessage('after');
    await until(() => heard.length === 1);
    assert.deepEqual([heard, echoed], [[{ ports: 1 }], []]);
    port1.start();
    await until(() => echoed.length === 2);
    assert.deepEqual(echoed, [{ echoed: 'before' }, { echoed: 'after' }]);
    port1.close();
    await until(() => heard.length === 2);
    assert.deepEqual(heard[1], 'the port has closed');
    assert.throws(() => child.postMessage({ do: 'ports' }, [new ArrayBuffer(8)]));
  });

  it('closes the ports of a process that is gone', async () => {
    const { child } = fork();
    const { port1, port2 } = new MessageChannelMain();
    let closed = false;
    port1.on('close', () => (closed = true));
    port1.start();
    child.postMessage({ do: 'ports' }, [port2]);
    child.postMessage({ do: 'exit', code: 0 });
    await until(() => closed);
  });
});
