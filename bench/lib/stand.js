// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { serving } = require('../peers/serving.js');
const { startRedis } = require('./redis.js');

const APP = path.join(__dirname, 'served.js');
const END_MS = 10000;

/**
 * @typedef {object} Stand one stack, warm, in processes of its own
 * @property {number} app its process
 * @property {number[]} others the stack's other processes, its Redis too
 * @property {(order: string, plan?: object) => Promise<any>} tell see lib/served.js
 * @property {() => Promise<void>} close
 */

/**
 * @param {string} name of bench/peers/serving.js
 * @param {{url: string, concurrency: number, full?: boolean}} options
 * @returns {Promise<Stand>}
 */
async function openStand(name, { url, concurrency, full = false }) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-stand-'));
  const redis = serving[name].redis ? await startRedis(dir, full) : null;
  const options = { name, dir, url, concurrency, full, stream: false, redisPort: redis?.port ?? 0 };
  const child = fork(APP, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exit = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${name} has ended with ${code ?? signal}`);
  });
  exit.catch(() => {});
  const next = async () => (await Promise.race([once(child, 'message'), exit]))[0];
  const close = async () => {
    if (child.connected) child.send({ order: 'end' });
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await exit.catch(() => {});
    clearTimeout(timer);
    await redis?.close();
    fs.rmSync(dir, { recursive: true, force: true });
  };
  try {
    const { pids } = await next();
    return {
      app: /** @type {number} */ (child.pid),
      others: [...pids, ...(redis === null ? [] : [redis.pid])],
      async tell(order, plan = {}) {
        const answer = next();
        child.send({ order, ...plan });
        return (await answer).answer;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

module.exports = { openStand };
