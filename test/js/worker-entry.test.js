// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { fork, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { until } = require('./support/until.js');

const addon = path.join(__dirname, 'support', 'fake-addon.js');

describe('the worker entry', () => {
  const entry = path.resolve(__dirname, '../../js/worker.js');
  /** @type {string} */ let root;
  /** @type {import('node:child_process').ChildProcess[]} */ let children = [];

  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'))));
  afterEach(() => {
    children.forEach((child) => child.kill('SIGKILL'));
    children = [];
    fs.rmSync(root, { recursive: true, force: true });
  });

  /** @param {Record<string, string>} [env] */
  const run = (env = {}, withChannel = true) => {
    const stdio = /** @type {any} */ (withChannel ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe']);
    const options = { env: { PATH: String(process.env.PATH), LLM_JOBS_ADDON: addon, ...env }, stdio };
    const child = withChannel ? fork(entry, [], { ...options, execArgv: [] }) : spawn(process.execPath, [entry], options);
    children.push(child);
    /** @type {any[]} */
    const heard = [];
    let errors = '';
    child.on('message', (/** @type {any} */ message) => heard.push(message));
    child.stderr.on('data', (/** @type {Buffer} */ data) => (errors += data));
    const exit = new Promise((resolve) => child.once('exit', (/** @type {any} */ code, /** @type {any} */ signal) => resolve(signal ?? code)));
    return { child, heard, exit, errors: () => errors };
  };
  const config = (/** @type {object} */ more = {}) => JSON.stringify({ database: path.join(root, 'app.db'), ...more });

  it('takes its configuration from the environment, as text or as a file', async () => {
    const file = path.join(root, 'config.json');
    fs.writeFileSync(file, config());
    for (const value of [config(), file]) {
      const { child, heard } = run({ LLM_JOBS_CONFIG: value });
      await until(() => heard.some((one) => one.channel === 'worker:ready'));
      child.send({ id: 1, channel: 'worker:initialize', payload: { config: {} } });
      await until(() => heard.some((one) => one.id === 1));
      assert.equal(heard.find((one) => one.id === 1).error.code, 'BAD_CONFIG');
    }
  });

  it('says what is wrong with the environment and stays to be told to end', async () => {
    const { child, heard, exit } = run({ LLM_JOBS_CONFIG: path.join(root, 'none.json') });
    await until(() => heard.length > 0);
    assert.equal(heard[0].channel, 'worker:failed');
    assert.equal(heard[0].payload.code, 'BAD_CONFIG');
    assert.match(heard[0].payload.message, /LLM_JOBS_CONFIG names a file that cannot be read: .*none\.json/);
    child.disconnect();
    assert.equal(await exit, 0);
  });

  it('answers the start with the id it was given, and tells everybody', async () => {
    const { child, heard } = run();
    child.send({ id: 'x', channel: 'worker:initialize', payload: { config: { database: 'a' } } });
    const told = () => heard.filter((one) => one.channel !== 'worker:log');
    await until(() => told().length === 2);
    const [answer, event] = told();
    assert.deepEqual([answer.id, answer.channel, answer.payload.database], ['x', 'worker:initialize', 'a']);
    assert.deepEqual([event.id, event.channel], [undefined, 'worker:ready']);
  });

  it('survives any message', async () => {
    const { child, heard, exit } = run();
    const ask = async (/** @type {any} */ message) => {
      child.send(message);
      await until(() => heard.some((one) => one.id === message.id), JSON.stringify(message));
      return heard.find((one) => one.id === message.id);
    };
    for (const odd of [null, 5, 'text', [], [[]], {}, { channel: 5 }, { channel: 'worker:notify' }, { channel: 'x' }, { payload: {} }]) {
      child.send(/** @type {any} */ (odd));
    }
    assert.equal((await ask({ id: 1 })).error.code, 'INVALID');
    assert.equal((await ask({ id: 2, channel: { a: 1 } })).error.code, 'INVALID');
    assert.equal((await ask({ id: 3, channel: 'worker:stats' })).error.code, 'CLOSED');
    assert.equal((await ask({ id: 4, channel: 'worker:initialize' })).error.code, 'BAD_CONFIG');
    assert.equal((await ask({ id: 5, channel: 'worker:initialize', payload: { config: 'x' } })).error.code, 'BAD_CONFIG');
    assert.equal((await ask({ id: 6, channel: 'worker:initialize', payload: { config: { database: 'a' } } })).payload.database, 'a');
    assert.equal((await ask({ id: 7, channel: 'worker:initialize', payload: { config: { database: 'a' } } })).error.code, 'BAD_CONFIG');
    for (const odd of [null, 5, [], { channel: '' }]) child.send(/** @type {any} */ (odd));
    assert.ok((await ask({ id: 8, channel: 'worker:stats' })).payload);
    child.disconnect();
    assert.equal(await exit, 0);
  });

  it('stops the engine when its parent is gone or a signal asks it to', async () => {
    for (const how of ['disconnect', 'SIGTERM', 'SIGINT', 'SIGHUP']) {
      const stoppedFile = path.join(root, how);
      const { child, heard, exit } = run({ LLM_JOBS_CONFIG: config({ fake: { stoppedFile } }) });
      await until(() => heard.some((one) => one.channel === 'worker:ready'));
      if (how === 'disconnect') child.disconnect();
      else child.kill(/** @type {NodeJS.Signals} */ (how));
      assert.equal(await exit, 0, how);
      assert.equal(fs.readFileSync(stoppedFile, 'utf8'), 'stopped', how);
    }
  });

  it('ends without its engine when its parent is gone and the engine hangs', async () => {
    const stoppedFile = path.join(root, 'stopped');
    const { child, heard, exit } = run({ LLM_JOBS_CONFIG: config({ fake: { stoppedFile } }) });
    await until(() => heard.some((one) => one.channel === 'worker:ready'));
    child.send({ channel: 'test:beat', payload: { delayMs: null } });
    child.disconnect();
    assert.equal(await exit, 'SIGKILL');
    assert.equal(fs.existsSync(stoppedFile), false);
  });

  it('in a utility process ends when the process of the app is gone, should nobody else end it', async () => {
    const app = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    children.push(app);
    const utility = path.join(root, 'utility.js');
    const port = "Object.assign(new (require('node:events'))(), { postMessage() {} })";
    fs.writeFileSync(utility, `Object.defineProperty(process, 'parentPort', { value: ${port} }); require(${JSON.stringify(entry)});`);
    const stoppedFile = path.join(root, 'stopped');
    const env = { LLM_JOBS_PARENT: String(app.pid), LLM_JOBS_ADDON: addon, LLM_JOBS_CONFIG: config({ fake: { stoppedFile, countFile: path.join(root, 'started') } }) };
    // The port of a real one keeps it alive, as this timer does.
    const child = spawn(process.execPath, ['-e', `setInterval(() => {}, 1e6); require(${JSON.stringify(utility)})`], { env, stdio: 'ignore' });
    children.push(child);
    const exit = new Promise((resolve) => child.once('exit', resolve));
    await until(() => fs.existsSync(path.join(root, 'started')));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(child.exitCode, null);
    app.kill('SIGKILL');
    assert.equal(await exit, 0);
    assert.equal(fs.readFileSync(stoppedFile, 'utf8'), 'stopped');
  });

  it('ends when it is told to, and for another protocol does not begin', async () => {
    const other = run();
    other.child.send({ id: 1, channel: 'worker:initialize', payload: { config: {}, protocol: 2 } });
    await until(() => other.heard.length > 0);
    assert.deepEqual([other.heard[0].error.code, /version 2 .* version 1/.test(other.heard[0].error.message)], ['BAD_CONFIG', true]);
    other.child.send({ channel: 'worker:exit' });
    assert.equal(await other.exit, 0);
    const stoppedFile = path.join(root, 'stopped');
    const { child, heard, exit } = run();
    child.send({ id: 1, channel: 'worker:initialize', payload: { config: { database: 'a', fake: { stoppedFile } }, protocol: 1, generation: 7 } });
    await until(() => heard.some((one) => one.id === 1));
    const { protocol, generation } = heard.find((one) => one.id === 1).payload;
    assert.deepEqual([protocol, generation], [1, 7]);
    child.send({ channel: 'worker:exit' });
    assert.equal(await exit, 0);
    assert.equal(fs.readFileSync(stoppedFile, 'utf8'), 'stopped');
  });

  it('runs without a parent', async () => {
    const { child, exit, errors } = run({ LLM_JOBS_CONFIG: config() }, false);
    await until(() => errors().includes('cannot be watched'));
    child.kill('SIGTERM');
    assert.equal(await exit, 0);
  });

  it('ends with a reason when nobody can start it', async () => {
    const none = run({}, false);
    assert.equal(await none.exit, 1);
    assert.match(none.errors(), /LLM_JOBS_CONFIG is not set/);
    const failed = run({ LLM_JOBS_CONFIG: config({ fake: { failLater: true } }) }, false);
    assert.equal(await failed.exit, 1);
    assert.match(failed.errors(), /not in WAL mode/);
  });

  it('leaves events with the engine while the parent does not read', async () => {
    const { child, heard } = run({ LLM_JOBS_CONFIG: config() });
    await until(() => heard.some((one) => one.channel === 'worker:ready'));
    const many = Array.from({ length: 300 }, (_, n) => ({ channel: 'worker:token', payload: { tokens: [{ id: 'a', text: String(n) }] } }));
    child.send({ channel: 'test:events', payload: many });
    await until(() => heard.filter((one) => one.channel === 'worker:token').length === 300);
    assert.deepEqual(heard.filter((one) => one.channel === 'worker:token').map((one) => Number(one.payload.tokens[0].text)), many.map((_, n) => n));
    child.send({ id: 1, channel: 'worker:stats' });
    await until(() => heard.some((one) => one.id === 1));
  });
});
