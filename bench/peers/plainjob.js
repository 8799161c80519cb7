// SPDX-License-Identifier: MIT
'use strict';

/** plainjob keeps jobs, not results: the handler writes the result into the app's own table. One worker runs one job at a time. */

const { openStore, DURABILITY } = require('./store.js');

const quiet = { error: console.error, warn() {}, info() {}, debug() {} };

/** @param {(options: import('./peer.js').PeerOptions) => import('./chat.js').Chat} chatWith @returns {import('./peer.js').Peer['open']} */
const withPlainjob = (chatWith) => async (options) => {
  const { better, defineQueue, defineWorker } = await import('plainjob');
  const db = openStore(options);
  db.exec('CREATE TABLE answers (id INTEGER PRIMARY KEY, result TEXT)');
  const finish = db.prepare('INSERT INTO answers (result) VALUES (?)');
  const queue = defineQueue({ connection: better(db), logger: quiet });
  // It sets the connection's own way of flushing.
  db.pragma(`synchronous = ${options.full ? 'FULL' : 'NORMAL'}`);
  const chat = chatWith(options);
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
        const run = async (/** @type {{data: string}} */ job) => void finish.run(await chat(JSON.parse(job.data).prompt));
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

module.exports = { withPlainjob, DURABILITY };
