// SPDX-License-Identifier: MIT
'use strict';

/**
 * The queue that a good developer writes by hand on better-sqlite3: a table with a partial index, a loop that claims, a call,
 * an update. No lease, no retry, no limits. Two ways to commit: each claim and each result by itself; or all results that have
 * come since the last turn together with the claims that refill the slots.
 */

const { openStore, DURABILITY } = require('./store.js');

/** @import { Chat } from './chat.js' */
/** @import { Peer, PeerOptions } from './peer.js' */

/** @param {PeerOptions} options */
function openTable(options) {
  const db = openStore(options);
  db.exec(`
    CREATE TABLE jobs (id INTEGER PRIMARY KEY, status TEXT NOT NULL DEFAULT 'waiting', prompt TEXT NOT NULL, result TEXT, finished_at INTEGER);
    CREATE INDEX jobs_waiting ON jobs (id) WHERE status = 'waiting';`);
  const insert = db.prepare('INSERT INTO jobs (prompt) VALUES (?)');
  return {
    db,
    add: db.transaction((/** @type {string[]} */ prompts) => prompts.forEach((prompt) => insert.run(prompt))),
    claim: db.prepare(
      "UPDATE jobs SET status = 'active' WHERE id = (SELECT id FROM jobs WHERE status = 'waiting' ORDER BY id LIMIT 1) RETURNING id, prompt",
    ),
    finish: db.prepare("UPDATE jobs SET status = 'completed', result = ?, finished_at = ? WHERE id = ?"),
    stored: () => /** @type {any} */ (db.prepare("SELECT count(*) AS n FROM jobs WHERE status = 'completed' AND length(result) > 500").get()).n,
  };
}

/** Each claim and each result is a transaction. @param {(options: PeerOptions) => Chat} chatWith @returns {Peer['open']} */
const oneByOne = (chatWith) => async (options) => {
  const { db, add, claim, finish, stored } = openTable(options);
  const chat = chatWith(options);
  const serve = async () => {
    for (let job = claim.get(); job !== undefined; job = claim.get()) {
      const { id, prompt } = /** @type {any} */ (job);
      finish.run(await chat(prompt), Date.now(), id);
    }
  };
  return {
    stored,
    close: () => db.close(),
    work: async (prompts) => {
      add.immediate(prompts);
      await Promise.all(Array.from({ length: options.concurrency }, serve));
    },
  };
};

/** Results and claims of a turn of Node's loop share a transaction. @param {(options: PeerOptions) => Chat} chatWith @returns {Peer['open']} */
const grouped = (chatWith) => async (options) => {
  const { db, add, claim, finish, stored } = openTable(options);
  const chat = chatWith(options);
  return {
    stored,
    close: () => db.close(),
    work: (prompts) =>
      new Promise((resolve, reject) => {
        /** @type {{id: number, text: string}[]} */
        let ended = [];
        let running = 0;
        let due = false;
        const turn = db.transaction(() => {
          const now = Date.now();
          for (const { id, text } of ended) finish.run(text, now, id);
          ended = [];
          const jobs = [];
          while (running + jobs.length < options.concurrency) {
            const job = claim.get();
            if (job === undefined) break;
            jobs.push(/** @type {any} */ (job));
          }
          return jobs;
        });
        const later = () => {
          if (!due) setImmediate(next);
          due = true;
        };
        const next = () => {
          due = false;
          for (const { id, prompt } of turn.immediate()) {
            running++;
            chat(prompt).then((text) => {
              running--;
              ended.push({ id, text });
              later();
            }, reject);
          }
          if (running === 0 && ended.length === 0) resolve();
        };
        add.immediate(prompts);
        later();
      }),
  };
};

module.exports = { oneByOne, grouped, DURABILITY };
