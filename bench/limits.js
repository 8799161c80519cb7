// SPDX-License-Identifier: MIT
'use strict';

/**
 * What each part can do alone, so that the whole can be seen against it: the queue without calls; the engine's HTTP client without a
 * queue, beside wrk and h2load; its reading of streams beside what JavaScript has. Then the whole with no policy, which is the bare
 * C loop, and with all that the engine does. bench/queue.js has the queue in more detail.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const { setup } = require('../scripts/setup.js');
const { release } = require('../scripts/setup/addon.js');
const { askChild } = require('./lib/child.js');
const { fillWaiting } = require('./lib/fill.js');
const { startNginx, TOKENS } = require('./lib/nginx.js');
const { race } = require('./lib/race.js');
const { figure, spread } = require('./lib/report.js');
const { onStage } = require('./lib/stage.js');
const { PROGRAM: BARE } = require('./peers/bare-c.js');

/** @import { Context, Result, Table } from './lib/report.js' */

const run1 = promisify(execFile);
const CALLS = 'bench_calls';
const STREAM = 'bench_stream';
const QUEUE = 'bench_claim_settle';
/** Jobs in a transaction. */
const GROUPS = [1, 10, 50];
const BODY = '{"model":"m","messages":[{"role":"user","content":"A question of some length."}],"stream":false}';
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
  fs.writeFileSync(script, `wrk.method = "POST"\nwrk.body = '${BODY}'\nwrk.headers["Content-Type"] = "application/json"\n`);
  const { stdout } = await run1('wrk', ['-t', '1', '-c', String(concurrency), '-d', `${seconds}s`, '-s', script, `${base}/chat/completions`]);
  const found = /Requests\/sec:\s+([\d.]+)/.exec(stdout);
  if (found === null || /Non-2xx/.test(stdout)) throw new Error(`wrk says: ${stdout}`);
  return Number(found[1]);
}

/** @param {string} dir @param {string} base @param {number} calls @param {number} concurrency @returns {Promise<number>} calls a second */
async function h2loadCalls(dir, base, calls, concurrency) {
  const body = path.join(dir, 'post.json');
  fs.writeFileSync(body, BODY);
  const args = ['--h1', '-t', '1', '-c', String(concurrency), '-n', String(calls), '-d', body, '-H', 'content-type: application/json'];
  const { stdout } = await run1('h2load', [...args, `${base}/chat/completions`]);
  const found = /finished in .*, ([\d.]+) req\/s/.exec(stdout);
  if (found === null || !stdout.includes(`status codes: ${calls} 2xx`)) throw new Error(`h2load says: ${stdout}`);
  return Number(found[1]);
}

/** @param {number} transactions of each size @returns {Promise<{size: number, durable: boolean, jobsPerSecond: number}[]>} */
function claims(transactions) {
  return onStage(async (stage) => {
    // Each size is measured twice, with durable commits and without; two groups more than measured are claimed.
    fillWaiting(stage.db, GROUPS.reduce((sum, size) => sum + 2 * size * (transactions + 2), 0));
    const { stdout } = await run1(path.join(release, QUEUE), [stage.file, String(transactions), ...GROUPS.map(String)]);
    return JSON.parse(stdout);
  });
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const rounds = quick ? 1 : 5;
  const calls = quick ? 500 : 20000;
  const streams = quick ? 20 : 500;
  const jobs = quick ? 100 : 5000;
  await setup({ comparing: true, parts: ['addon', CALLS, STREAM, QUEUE, BARE] });
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
        keep(`h2load ${concurrency}`, await h2loadCalls(dir, nginx.plain, calls, concurrency));
      }
      for (const { size, durable, jobsPerSecond } of await claims(quick ? 20 : 200)) keep(`queue ${size} ${durable ? 'durable' : 'usual'}`, jobsPerSecond);
      const largest = rates[`queue ${GROUPS[GROUPS.length - 1]} durable`];
      keep('one after the other', 1 / (1 / largest[round] + 1 / rates['client 100'][round]));
      for (const name of ['bare C loop', 'llm-jobs']) {
        const options = { url: nginx.plain, stream: false, concurrency: 100, full: false, jobs, warm: Math.min(jobs, 200) };
        keep(name, (await race(name, options)).jobsPerSecond);
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
      id: 'queue',
      title: 'claiming and settling, without calls',
      columns: ['jobs in a transaction', 'jobs/s, durable', 'jobs/s, without flush'],
      rows: GROUPS.map((size) => row(String(size), `queue ${size} durable`, `queue ${size} usual`)),
    },
    {
      id: 'http',
      title: 'whole answers over HTTP, without a queue',
      columns: ['client', 'calls/s, 10 at a time', '100 at a time'],
      rows: [row("the engine's client", 'client 10', 'client 100'), row('wrk', 'wrk 10', 'wrk 100'), row('h2load', 'h2load 10', 'h2load 100')],
    },
    {
      id: 'whole',
      title: 'from the parts to the whole: whole answers, 100 at a time',
      columns: ['', 'jobs/s'],
      rows: [
        { ...row('claim and settle alone', `queue ${GROUPS[GROUPS.length - 1]} durable`), note: `${GROUPS[GROUPS.length - 1]} in a transaction` },
        { ...row('HTTP alone', 'client 100'), note: "the engine's client" },
        { ...row('both, one after the other', 'one after the other'), note: 'computed from the two' },
        { ...row('bare C loop', 'bare C loop'), note: 'claims, calls, reads the answer and settles; no policy' },
        { ...row('llm-jobs', 'llm-jobs'), note: 'the whole package' },
      ],
    },
    {
      id: 'streams',
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
      figure("the engine's client as a share of h2load, 100 at a time", median('client 100') / median('h2load 100'), '×'),
      figure('the bare C loop as a share of its two parts alone', median('bare C loop') / median('one after the other'), '×'),
      figure('llm-jobs as a share of the bare C loop', median('llm-jobs') / median('bare C loop'), '×'),
      figure('reading streams as a multiple of eventsource-parser', median('engine') / median('eventsource-parser'), '×'),
      figure('reading streams as a multiple of the openai SDK', median('engine') / median('openai SDK'), '×'),
    ],
  };
}

module.exports = { about: 'the queue without calls, HTTP without a queue beside wrk and h2load, reading streams beside JavaScript, and a bare C loop', run };
