// SPDX-License-Identifier: MIT
'use strict';

/**
 * What each part can do alone, so that the whole can be seen against it: the engine's HTTP client without a queue beside wrk, and
 * its reading of streams beside what JavaScript has. The queue without calls is bench/queue.js; the whole without policy is the bare C
 * loop of bench/end-to-end.js.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const { setup } = require('../scripts/setup.js');
const { release } = require('../scripts/setup/addon.js');
const { askChild } = require('./lib/child.js');
const { startNginx, TOKENS } = require('./lib/nginx.js');
const { figure, spread } = require('./lib/report.js');

/** @import { Context, Result, Table } from './lib/report.js' */

const run1 = promisify(execFile);
const CALLS = 'bench_calls';
const STREAM = 'bench_stream';
const DECODE = path.join(__dirname, 'lib', 'decode.js');
/** What a socket often gives at once. */
const PIECE = 16384;

/** @param {string} base @param {number} calls @param {number} concurrency @returns {Promise<number>} calls a second */
async function ownCalls(base, calls, concurrency) {
  const { stdout } = await run1(path.join(release, CALLS), [base, String(calls), String(concurrency)]);
  return calls / JSON.parse(stdout).seconds;
}

/** @param {string} dir @param {string} base @param {number} seconds @param {number} concurrency @returns {Promise<number>} calls a second */
async function wrkCalls(dir, base, seconds, concurrency) {
  const script = path.join(dir, 'post.lua');
  const body = '{"model":"m","messages":[{"role":"user","content":"A question of some length."}],"stream":false}';
  fs.writeFileSync(script, `wrk.method = "POST"\nwrk.body = '${body}'\nwrk.headers["Content-Type"] = "application/json"\n`);
  const { stdout } = await run1('wrk', ['-t', '1', '-c', String(concurrency), '-d', `${seconds}s`, '-s', script, `${base}/chat/completions`]);
  const found = /Requests\/sec:\s+([\d.]+)/.exec(stdout);
  if (found === null || /Non-2xx/.test(stdout)) throw new Error(`wrk says: ${stdout}`);
  return Number(found[1]);
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const rounds = quick ? 1 : 5;
  const calls = quick ? 500 : 20000;
  const streams = quick ? 20 : 500;
  await setup({ comparing: true, parts: ['addon', CALLS, STREAM] });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-limits-'));
  const nginx = await startNginx(dir);
  /** @type {Record<string, number[]>} */
  const rates = {};
  const keep = (/** @type {string} */ name, /** @type {number} */ value) => (rates[name] ??= []).push(value);
  try {
    for (let round = 0; round < rounds; round++) {
      note(`round ${round + 1} of ${rounds}`);
      for (const concurrency of [10, 100]) {
        keep(`client ${concurrency}`, await ownCalls(nginx.plain, calls, concurrency));
        keep(`wrk ${concurrency}`, await wrkCalls(dir, nginx.plain, quick ? 1 : 2, concurrency));
      }
      const file = path.join(dir, 'stream.sse');
      const native = JSON.parse((await run1(path.join(release, STREAM), [file, String(streams * 20), String(PIECE)])).stdout);
      const parser = await askChild({ ends: [] }, DECODE, { way: 'parser', file, rounds: streams, piece: PIECE });
      const sdk = await askChild({ ends: [] }, DECODE, { way: 'sdk', file, rounds: Math.max(1, streams / 5), piece: PIECE });
      for (const [name, told] of /** @type {const} */ ([['engine', native], ['eventsource-parser', parser], ['openai SDK', sdk]])) {
        if (told.characters * native.bytes !== native.characters * told.bytes) throw new Error(`${name} read another text`);
        keep(name, told.bytes / told.seconds / 1e6);
      }
    }
  } finally {
    await nginx.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
  const row = (/** @type {string} */ name, /** @type {string[]} */ ...keys) => ({ name, cells: keys.map((key) => spread(rates[key])) });
  const median = (/** @type {string} */ key) => spread(rates[key]).median;
  /** @type {Table[]} */
  const tables = [
    {
      title: 'whole answers over HTTP, without a queue',
      columns: ['client', 'calls/s, 10 at a time', '100 at a time'],
      rows: [row("the engine's client", 'client 10', 'client 100'), row('wrk', 'wrk 10', 'wrk 100')],
    },
    {
      title: `reading streams of ${TOKENS} tokens, in pieces of ${PIECE} bytes, until the text is there`,
      columns: ['reader', 'MB/s'],
      rows: [row('the engine', 'engine'), row('eventsource-parser and JSON.parse', 'eventsource-parser'), row('the openai SDK', 'openai SDK')],
    },
  ];
  return {
    settings: { rounds: `${rounds}, interleaved; median, lowest and highest`, endpoint: 'nginx, as in end-to-end' },
    tables,
    figures: [
      figure("the engine's client as a share of wrk, 100 at a time", median('client 100') / median('wrk 100'), '×'),
      figure('reading streams as a multiple of eventsource-parser', median('engine') / median('eventsource-parser'), '×'),
      figure('reading streams as a multiple of the openai SDK', median('engine') / median('openai SDK'), '×'),
    ],
  };
}

module.exports = { about: 'the HTTP client without a queue beside wrk; reading streams beside JavaScript', run };
