// SPDX-License-Identifier: MIT
'use strict';

/** This package as its README uses it: `Queue` in the app's process, the worker in its own. All settings are the defaults but the concurrency. */

const { Queue, startWorker } = require('../../js/index.js');
const { openStore, YEAR_MS } = require('./store.js');

/** @import { PeerOptions } from './peer.js' */

/** @param {PeerOptions} options */
async function start(options) {
  const db = openStore(options);
  const queue = new Queue(db);
  const worker = await startWorker({
    database: db.name,
    concurrency: options.concurrency,
    logLevel: 'error',
    providers: { bench: { kind: 'openai-compatible', baseUrl: options.url } },
  });
  return { db, queue, worker };
}

/** @type {import('./peer.js').Peer['open']} */
async function open(options) {
  const { db, queue, worker } = await start(options);
  return {
    pids: [/** @type {number} */ (worker.pid)],
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

/** @type {import('./serving.js').ServingPeer['open']} */
async function serve(options) {
  const { db, queue, worker } = await start(options);
  const many = db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO llm_jobs (name, model, data, status, run_at) SELECT 'chat', 'bench/m', ?, ?, ? FROM n`,
  );
  const dataOf = (/** @type {string} */ prompt) => ({ prompt, stream: options.stream });
  const completed = "SELECT count(*) AS n FROM llm_jobs WHERE status = 'completed'";
  const count = db.prepare(completed);
  return {
    add: (prompt) => queue.add('chat', dataOf(prompt), { model: 'bench/m' }),
    fill: (jobs, prompt) => many.run(jobs, JSON.stringify(dataOf(prompt)), 'waiting', null),
    fillLater: (jobs) => many.run(jobs, JSON.stringify(dataOf('later')), 'delayed', Date.now() + YEAR_MS),
    completed: () => /** @type {any} */ (count.get()).n,
    watched: { file: db.name, sql: completed },
    pids: [/** @type {number} */ (worker.pid)],
    async close() {
      await worker.stop({ deadlineMs: 0 });
      db.close();
    },
  };
}

const DURABILITY = {
  usual: 'results with synchronous=FULL always; adding with NORMAL, as the app opens its file',
  full: 'results and adding with synchronous=FULL',
};

module.exports = { open, serve, DURABILITY };
