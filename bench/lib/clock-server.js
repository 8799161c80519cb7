// SPDX-License-Identifier: MIT
'use strict';

/** bench/c/bench_clock_server.c: the endpoint that notes when a request came and when the last byte of its answer was sent. */

const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { spawn } = require('node:child_process');
const paths = require('../../scripts/setup/paths');
const { plainAnswer } = require('./nginx.js');

const PROGRAM = 'bench_clock_server';

/** What makes a prompt known to the server: it notes the number. */
const marked = (/** @type {number} */ number) => `A question of some length, as in a short chat, #${number};`;

/**
 * @typedef {Map<number, {came: number, sent: number}>} Notes by the number of the prompt; milliseconds of the monotonic clock,
 *   which is that of process.hrtime in all processes of a Linux machine
 *
 * @param {string} dir an empty folder
 * @returns {Promise<{url: string, notes: () => Promise<Notes>, close: () => void}>} `notes` gives those since the last time
 */
async function startClockServer(dir) {
  const file = path.join(dir, 'answer.json');
  fs.writeFileSync(file, plainAnswer());
  const child = spawn(path.join(paths.build, 'Release', PROGRAM), [file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${PROGRAM} has ended`);
    return value;
  };
  const port = Number(await next());
  return {
    url: `http://127.0.0.1:${port}/v1`,
    async notes() {
      child.stdin.write('\n');
      const notes = new Map();
      for (let line = await next(); line !== '.'; line = await next()) {
        const [number, came, sent] = line.split(' ').map(Number);
        notes.set(number, { came: came / 1000, sent: sent / 1000 });
      }
      return notes;
    },
    close: () => void child.stdin.end(),
  };
}

module.exports = { startClockServer, marked, PROGRAM };
