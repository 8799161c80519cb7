// SPDX-License-Identifier: MIT
'use strict';

/** p-queue keeps its jobs in memory; the app's row holds the prompt and gets the result. */

const { openStore, DURABILITY } = require('./store.js');

/** @param {(options: import('./peer.js').PeerOptions) => import('./chat.js').Chat} chatWith @returns {import('./peer.js').Peer['open']} */
const withPQueue = (chatWith) => async (options) => {
  const { default: PQueue } = await import('p-queue');
  const db = openStore(options);
  db.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, prompt TEXT NOT NULL, result TEXT)');
  const insert = db.prepare('INSERT INTO notes (prompt) VALUES (?)');
  const finish = db.prepare('UPDATE notes SET result = ? WHERE id = ?');
  const add = db.transaction((/** @type {string[]} */ prompts) => prompts.map((prompt) => ({ id: insert.run(prompt).lastInsertRowid, prompt })));
  const queue = new PQueue({ concurrency: options.concurrency });
  const chat = chatWith(options);
  return {
    stored: () => /** @type {any} */ (db.prepare('SELECT count(*) AS n FROM notes WHERE length(result) > 500').get()).n,
    close: () => db.close(),
    work: async (prompts) => {
      const jobs = add.immediate(prompts).map((/** @type {{id: number, prompt: string}} */ { id, prompt }) => async () => void finish.run(await chat(prompt), id));
      await queue.addAll(jobs);
    },
  };
};

module.exports = { withPQueue, DURABILITY };
