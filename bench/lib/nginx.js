// SPDX-License-Identifier: MIT
'use strict';

/**
 * nginx with two canned answers of the same length in characters: `/plain/v1` gives a whole chat completion, `/stream/v1` a stream
 * of 200 tokens that is there at once. It is faster than anything that is measured against it, and it counts the calls.
 */

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');

const TOKENS = 200;
const TOKEN = ' word';

const head = { id: 'chatcmpl-bench', created: 1790000000, model: 'm' };
const usage = { prompt_tokens: 12, completion_tokens: TOKENS, total_tokens: TOKENS + 12 };

function plainAnswer() {
  const message = { role: 'assistant', content: TOKEN.repeat(TOKENS) };
  return JSON.stringify({ ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage });
}

function streamedAnswer() {
  const chunk = (/** @type {object} */ delta, /** @type {string | null} */ reason, more = {}) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }], ...more })}\n\n`;
  return [
    chunk({ role: 'assistant', content: '' }, null),
    ...Array.from({ length: TOKENS }, () => chunk({ content: TOKEN }, null)),
    chunk({}, 'stop', { usage }),
    'data: [DONE]\n\n',
  ].join('');
}

/** @param {string} dir @param {number} port */
function configuration(dir, port) {
  // error_page turns the refusal of a POST into a GET of the file: nothing is faster than a file that nginx holds open.
  return `
daemon off; master_process off; worker_processes 1; pid ${dir}/nginx.pid; error_log ${dir}/nginx.log warn;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on; open_file_cache max=10 inactive=1h;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi; uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=4096; root ${dir};
    location = /plain/v1/chat/completions { error_page 405 =200 /plain.json; return 405; }
    location = /stream/v1/chat/completions { error_page 405 =200 /stream.sse; return 405; }
    location = /status { stub_status; }
    location = /plain.json { types { } default_type application/json; }
    location = /stream.sse { types { } default_type text/event-stream; }
  }
}
`;
}

/** @returns {Promise<number>} a port that was free a moment ago; nginx cannot choose one itself */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** @param {number} port @param {import('node:child_process').ChildProcess} child */
async function untilListening(port, child) {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    const socket = net.connect(port, '127.0.0.1');
    const open = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false);
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${child.spawnfile} does not listen on ${port}`);
}

/**
 * @typedef {object} Nginx
 * @property {string} plain the base of an OpenAI-compatible API, as `stream`
 * @property {string} stream
 * @property {number} pid
 * @property {() => Promise<number>} calls how many have come
 * @property {() => Promise<void>} close
 *
 * @param {string} dir an empty folder
 * @returns {Promise<Nginx>}
 */
async function startNginx(dir) {
  fs.writeFileSync(path.join(dir, 'plain.json'), plainAnswer());
  fs.writeFileSync(path.join(dir, 'stream.sse'), streamedAnswer());
  // nginx drops to another user when root starts it, which must be able to read the files.
  fs.chmodSync(dir, 0o755);
  const port = await freePort();
  const file = path.join(dir, 'nginx.conf');
  fs.writeFileSync(file, configuration(dir, port));
  const child = spawn('nginx', ['-p', dir, '-c', file, '-e', path.join(dir, 'nginx.log')], { stdio: ['ignore', 'ignore', 'inherit'] });
  await untilListening(port, child);
  const base = `http://127.0.0.1:${port}`;
  let questions = 0;
  const calls = async () => {
    const text = await (await fetch(`${base}/status`)).text();
    questions += 1;
    // "server accepts handled requests", and below it the numbers; the last holds these questions too.
    return Number(/requests\s+\d+\s+\d+\s+(\d+)/.exec(text)?.[1]) - questions;
  };
  return { plain: `${base}/plain/v1`, stream: `${base}/stream/v1`, pid: /** @type {number} */ (child.pid), calls, close: () => endOf(child) };
}

/** @param {import('node:child_process').ChildProcess} child */
async function endOf(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

module.exports = { startNginx, freePort, untilListening, endOf, plainAnswer, streamedAnswer, TOKENS };
