// SPDX-License-Identifier: MIT
'use strict';

/** plainjob keeps jobs, not results: the handler writes the result into the app's own table. One worker runs one job at a time. */

const { openStore, DURABILITY, YEAR_MS } = require('./store.js');

const quiet = { error: console.error, warn() {}, info() {}, debug() {} };

/** @import { Chat } from './chat.js' */
/** @import { PeerOptions } from './peer.js' */

/** @param {PeerOptions} options @param {Chat} chat */
async function start(options, chat) {
  const { better, defineQueue, defineWorker } = await import('plainjob');
  const db = openStore(options);
  db.exec('CREATE TABLE answers (id INTEGER PRIMARY KEY, result TEXT)');
  const finish = db.prepare('INSERT INTO answers (result) VALUES (?)');
  const queue = defineQueue({ connection: better(db), logger: quiet });
  // It sets the connection's own way of flushing.
  db.pragma(`synchronous = ${options.full ? 'FULL' : 'NORMAL'}`);
  const run = async (/** @type {{data: string}} */ job) => void finish.run(await chat(JSON.parse(job.data).prompt));
  return { db, queue, run, defineWorker };
}

/** @param {(options: PeerOptions) => Chat} chatWith @returns {import('./peer.js').Peer['open']} */
const withPlainjob = (chatWith) => async (options) => {
  const { db, queue, run, defineWorker } = await start(options, chatWith(options));
  return {
    stored: () => /** @type {any} */ (db.prepare('SELECT count(*) AS n FROM answers WHERE length(result) > 500').get()).n,
    close() {
      queue.close();
      db.close();
    },
    work: async (prompts) => {
      queue.addMany('chat', prompts.map((prompt) => ({ prompt })));
      let left = prompts.length;
      /** @type {{start: () => Promise<void>, stop: () => Promise<void>}[]} */
      let workers = [];
      await new Promise((resolve, reject) => {
        const ended = () => {
          left -= 1;
          if (left === 0) resolve(undefined);
        };
        workers = Array.from({ length: options.concurrency }, () =>
          defineWorker('chat', run, { queue, logger: quiet, pollIntervall: 1, onCompleted: ended, onFailed: (_job, error) => reject(new Error(error)) }),
        );
        workers.forEach((worker) => void worker.start());
      });
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
};

/** With its own step between two looks, a second. @param {(options: PeerOptions) => Chat} chatWith @returns {import('./serving.js').ServingPeer['open']} */
const servePlainjob = (chatWith) => async (options) => {
  const { db, queue, run, defineWorker } = await start(options, chatWith(options));
  const workers = Array.from({ length: options.concurrency }, () => defineWorker('chat', run, { queue, logger: quiet }));
  const ends = workers.map((worker) => worker.start());
  const many = db.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO plainjob_jobs (type, data, created_at, next_run_at) SELECT 'chat', ?, ?, ? FROM n`,
  );
  const fill = (/** @type {number} */ jobs, /** @type {string} */ prompt, /** @type {number} */ delayMs) =>
    many.run(jobs, JSON.stringify({ prompt }), Date.now(), Date.now() + delayMs);
  const completed = 'SELECT count(*) AS n FROM answers';
  const count = db.prepare(completed);
  return {
    add: (prompt) => queue.add('chat', { prompt }),
    fill: (jobs, prompt) => fill(jobs, prompt, 0),
    fillLater: (jobs) => fill(jobs, 'later', YEAR_MS),
    completed: () => /** @type {any} */ (count.get()).n,
    watched: { file: db.name, sql: completed },
    pids: [],
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await Promise.all(ends);
      queue.close();
      db.close();
    },
  };
};

module.exports = { withPlainjob, servePlainjob, DURABILITY };
