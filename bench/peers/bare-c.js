// SPDX-License-Identifier: MIT
'use strict';

/** The ceiling: bench/c/bench_bare_loop.c on the same table, filled by `Queue` in the app's process. */

const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const paths = require('../../scripts/setup/paths.js');
const { Queue } = require('../../js/index.js');
const { openStore } = require('./store.js');

const PROGRAM = 'bench_bare_loop';

/** @type {import('./peer.js').Peer['open']} */
async function open(options) {
  const db = openStore(options);
  const queue = new Queue(db);
  const args = [db.name, `${options.url}/chat/completions`, String(options.concurrency), options.stream ? '1' : '0'];
  const child = spawn(path.join(paths.build, 'Release', PROGRAM), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  return {
    pids: [/** @type {number} */ (child.pid)],
    stored: () => /** @type {any} */ (db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed' AND length(result->>'text') > 500").get()).n,
    async close() {
      child.stdin.end();
      await once(child, 'exit');
      db.close();
    },
    work: async (prompts) => {
      queue.addBulk(prompts.map((prompt) => ({ name: 'chat', data: { prompt, stream: options.stream }, options: { model: 'bench/m' } })));
      child.stdin.write(`${prompts.length}\n`);
      await Promise.race([
        once(child.stdout, 'data'),
        once(child, 'exit').then(([code]) => {
          throw new Error(`${PROGRAM} ended with ${code}`);
        }),
      ]);
    },
  };
}

module.exports = { open, PROGRAM };
