// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { isAlive } = require('../support/alive.js');
const { useWorld, kill } = require('../support/e2e.js');

/** A port that is free now. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A model server of a few lines, run as a process: answers everything, or 500 while the file `sick` exists. */
const SERVER = `
const http = require('node:http');
const fs = require('node:fs');
const [port, sick] = process.argv.slice(2);
fs.appendFileSync(sick + '.pids', process.pid + '\\n');
http.createServer((request, response) => {
  request.resume().on('end', () => {
    const bad = fs.existsSync(sick);
    response.writeHead(bad ? 500 : 200, { 'content-type': 'application/json' });
    if (bad) return response.end('{"error":{"message":"sick"}}');
    if (request.method === 'GET') return response.end('{"object":"list","data":[]}');
    response.end('{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}]}');
  });
}).listen(Number(port), '127.0.0.1');
`;

/**
 * Puts the program of that server into the world's folder.
 * @param {import('../support/e2e.js').World} world
 * @returns {Promise<{sick: string, command: string[], provider: {kind: string, baseUrl: string}}>} `command` starts it where
 *   `provider` says
 */
async function prepare(world) {
  const port = await freePort();
  const script = path.join(world.dir, 'server.js');
  const sick = path.join(world.dir, 'sick');
  fs.writeFileSync(script, SERVER);
  const provider = { kind: 'openai-compatible', baseUrl: `http://127.0.0.1:${port}/v1` };
  return { sick, command: [process.execPath, script, String(port), sick], provider };
}

describe('worker: the health of providers', function () {
  this.timeout(30000);
  const on = useWorld();

  beforeEach(() => void on.world.database());

  const statusOf = async (worker, name) => (await worker.stats()).providers.find((one) => one.provider === name);

  it('is heard from the calls, told when it changes, and asked about by a list of models only while it fails', async () => {
    const { world } = on;
    const fake = await world.provider();
    const worker = await world.worker({ providers: { fake: { kind: 'openai-compatible', baseUrl: fake.openaiUrl, health: { idle: false } } } });
    const told = [];
    worker.on('provider', (news) => told.push([news.provider, news.status, news.code]));
    assert.deepEqual(await statusOf(worker, 'fake'), { provider: 'fake', status: 'healthy', errorRate: 0 });

    await fake.script([{ status: 500 }]);
    const failed = await world.ended(world.insert({ max_attempts: 1 }));
    assert.equal(failed.error.code, 'SERVER_ERROR');
    await world.until(() => told.length === 2, () => `the change and its end, not ${JSON.stringify(told)}`);
    assert.deepEqual(told, [['fake', 'degraded', 'SERVER_ERROR'], ['fake', 'healthy', undefined]]);
    assert.deepEqual((await fake.log()).map((one) => one.method), ['POST', 'GET']);
    const { apiAvailable, errorRate, responseTimeMs, lastChecked } = await statusOf(worker, 'fake');
    assert.deepEqual([apiAvailable, errorRate, typeof responseTimeMs, Math.abs(Date.now() - lastChecked) < 10000], [true, 1, 'number', true]);
  });

  it('a local server that is ours is started when nobody answers, and ends with the worker', async () => {
    const { world } = on;
    const { provider, command } = await prepare(world);
    const local = { ...provider, command };
    const worker = await world.worker({ providers: { local } });
    const row = await world.ended(world.insert({ model: 'local/m' }));
    assert.deepEqual([row.status, row.attempts], ['completed', 1]);
    const { serverPid } = await statusOf(worker, 'local');
    assert.ok(isAlive(serverPid));
    await worker.stop({ deadlineMs: 0 });
    await world.until(() => !isAlive(serverPid), 'the server to end with the worker');
  });

  it('a local server that is ours is restarted after three failures, by its process id', async () => {
    const { world } = on;
    const { provider, command, sick } = await prepare(world);
    const [node, script] = command;
    // Another process of the same program, which is nobody's business.
    const other = spawn(node, [script, String(await freePort()), `${sick}-other`], { stdio: 'ignore' });
    world.ends.push(() => other.kill('SIGKILL'));
    const local = { ...provider, command, health: { intervalMs: 1000 } };
    const worker = await world.worker({ providers: { local } });
    const actions = [];
    worker.on('provider', (news) => news.action && actions.push(news.action));
    await world.ended(world.insert({ model: 'local/m' }));
    const first = (await statusOf(worker, 'local')).serverPid;

    fs.writeFileSync(sick, '');
    await world.until(() => !isAlive(first), 'the restart');
    fs.rmSync(sick);
    await world.until(async () => (await statusOf(worker, 'local')).status === 'healthy', 'health');
    const second = (await statusOf(worker, 'local')).serverPid;
    assert.notEqual(second, first);
    assert.equal(actions.at(-1), 'restart');
    assert.ok(isAlive(/** @type {number} */ (other.pid)), 'a process of the same name lives on');
    assert.equal((await world.ended(world.insert({ model: 'local/m' }))).status, 'completed');
  });

  it('a server that is not ours is never ended: its connections are made anew', async () => {
    const { world } = on;
    const sockets = new Set();
    const server = http.createServer((request, response) => {
      sockets.add(request.socket.remotePort);
      request.resume().on('end', () => {
        response.writeHead(500, { 'content-type': 'application/json' });
        response.end('{"error":{"message":"sick"}}');
      });
    });
    const local = {
      kind: 'openai-compatible',
      baseUrl: `http://127.0.0.1:${await world.listen(server)}/v1`,
      command: [process.execPath, '-e', 'process.exit(1)'],
      health: { intervalMs: 1000 },
    };
    const worker = await world.worker({ providers: { local } });
    const actions = [];
    worker.on('provider', (news) => news.action && actions.push(news.action));
    await world.until(() => actions.length > 0, 'the third failure');
    assert.equal(actions[0], 'reconnect');
    const before = sockets.size;
    await world.until(() => sockets.size > before, 'a new connection');
    assert.equal((await statusOf(worker, 'local')).serverPid, undefined);
  });

  it('a provider that comes back is noticed by its probe, and the jobs that waited for it go on', async () => {
    const { world } = on;
    const { provider, command } = await prepare(world);
    const local = { ...provider, health: { intervalMs: 1000 } };
    const worker = await world.worker({ providers: { local } });
    const id = world.insert({ model: 'local/m' });
    // Its lane tries again after ever longer times, up to 30 s; the probe each second.
    await world.until(async () => (await worker.stats()).lanes.some((one) => one.pausedForMs > 6000), 'a long pause of the lane', 25000);
    const [node, ...args] = command;
    const server = spawn(node, args, { stdio: 'ignore' });
    world.ends.push(() => server.kill('SIGKILL'));
    await world.until(async () => (await statusOf(worker, 'local')).status === 'healthy', 'the probe to notice it');
    await world.until(async () => !(await worker.stats()).lanes.some((one) => one.pausedForMs > 0), 'the end of the pause');
    const row = await world.ended(id);
    assert.deepEqual([row.status, row.attempts], ['completed', 1]);
  });

  it('a server of ours that is left behind by a worker that was killed is used, not fought', async () => {
    const { world } = on;
    const { provider, command, sick } = await prepare(world);
    const local = { ...provider, command };
    const first = await world.worker({ providers: { local } });
    await world.ended(world.insert({ model: 'local/m' }));
    const { serverPid } = await statusOf(first, 'local');
    world.ends.push(() => isAlive(serverPid) && process.kill(serverPid, 'SIGKILL'));
    await kill(first);
    const second = await world.worker({ providers: { local } });
    assert.equal((await world.ended(world.insert({ model: 'local/m' }))).status, 'completed');
    assert.equal((await statusOf(second, 'local')).serverPid, undefined);
    assert.equal(fs.readFileSync(`${sick}.pids`, 'utf8').trim().split('\n').length, 1);
  });
});
