// SPDX-License-Identifier: MIT
'use strict';

/** This package as its README uses it: `Queue` in the app's process, the worker in its own. All settings are the defaults but the concurrency. */

const { Queue, startWorker } = require('../../js/index.js');
const { openStore } = require('./store.js');

/** @type {import('./peer.js').Peer['open']} */
async function open(options) {
  const db = openStore(options);
  const queue = new Queue(db);
  const worker = await startWorker({
    database: db.name,
    concurrency: options.concurrency,
    logLevel: 'error',
    providers: { bench: { kind: 'openai-compatible', baseUrl: options.url } },
  });
  return {
    pids: [/** @type {number} */ (worker.pid)],
    stats: () => worker.stats(),
    stored: () => /** @type {any} */ (db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed' AND length(result->>'text') > 500").get()).n,
    async close() {
      await worker.stop();
      db.close();
    },
    work: (prompts) =>
      new Promise((resolve, reject) => {
        let left = prompts.length;
        const ended = (/** @type {import('../../js/bus.js').JobNews} */ { status, code }) => {
          if (status === 'completed') left -= 1;
          else if (status !== 'active') reject(new Error(`a job is ${status} with ${code}`));
          if (left > 0) return;
          worker.off('job', ended);
          resolve();
        };
        worker.on('job', ended);
        queue.addBulk(prompts.map((prompt) => ({ name: 'chat', data: { prompt, stream: options.stream }, options: { model: 'bench/m' } })));
      }),
  };
}

const DURABILITY = {
  usual: 'results with synchronous=FULL always; adding with NORMAL, as the app opens its file',
  full: 'results and adding with synchronous=FULL',
};

module.exports = { open, DURABILITY };
