// SPDX-License-Identifier: MIT
'use strict';

const { spawn } = require('node:child_process');
const { freePort, untilListening, endOf } = require('./nginx.js');

/**
 * A Redis of its own on the loopback interface, with its log of writes in `dir`.
 * @param {string} dir an empty folder
 * @param {boolean} full whether each write is flushed before it is answered; otherwise once a second, as most run it
 * @returns {Promise<{port: number, pid: number, close: () => Promise<void>}>}
 */
async function startRedis(dir, full) {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'yes'];
  const child = spawn('redis-server', [...args, '--appendfsync', full ? 'always' : 'everysec'], { stdio: ['ignore', 'ignore', 'inherit'] });
  await untilListening(port, child);
  return { port, pid: /** @type {number} */ (child.pid), close: () => endOf(child) };
}

module.exports = { startRedis };
