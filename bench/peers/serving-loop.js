// SPDX-License-Identifier: MIT
'use strict';

/**
 * The loop of loop.js as an app keeps it running, with a time before which a job may not run. It hears of a new job by looking
 * again and again, or because add() wakes it on the next turn of Node's loop; then a timer wakes it when something is due.
 */

const { openStore, DURABILITY, YEAR_MS } = require('./store.js');

/** @import { Chat } from './chat.js' */
/** @import { PeerOptions } from './peer.js' */
/** @import { Serving, ServingPeer } from './serving.js' */

const POLL_MS = 100;
/** A timer of Node takes no more than 24 days, and a wall clock may be set. */
const LONGEST_SLEEP_MS = 60000;

/** @param {PeerOptions} options */
function openTable(options) {
  const db = openStore(options);
  db.exec(`
    CREATE TABLE jobs (id INTEGER PRIMARY KEY, status TEXT NOT NULL DEFAULT 'waiting', run_at INTEGER NOT NULL DEFAULT 0,
      prompt TEXT NOT NULL, result TEXT, finished_at INTEGER);
    CREATE INDEX jobs_waiting ON jobs (run_at, id) WHERE status = 'waiting';`);
  const insert = db.prepare('INSERT INTO jobs (prompt) VALUES (?)');
  const many = db.prepare('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO jobs (prompt, run_at) SELECT ?, ? FROM n');
  const completed = "SELECT count(*) AS n FROM jobs WHERE status = 'completed'";
  const count = db.prepare(completed);
  const due = db.prepare("SELECT min(run_at) AS at FROM jobs WHERE status = 'waiting'");
  return {
    db,
    insert: (/** @type {string} */ prompt) => insert.run(prompt),
    fill: (/** @type {number} */ jobs, /** @type {string} */ prompt) => many.run(jobs, prompt, 0),
    fillLater: (/** @type {number} */ jobs) => many.run(jobs, 'later', Date.now() + YEAR_MS),
    claim: db.prepare(
      `UPDATE jobs SET status = 'active' WHERE id = (SELECT id FROM jobs WHERE status = 'waiting' AND run_at <= ? ORDER BY run_at, id LIMIT 1)
       RETURNING id, prompt`,
    ),
    finish: db.prepare("UPDATE jobs SET status = 'completed', result = ?, finished_at = ? WHERE id = ?"),
    due: () => /** @type {number | null} */ (/** @type {any} */ (due.get()).at),
    completed: () => /** @type {any} */ (count.get()).n,
    watched: { file: db.name, sql: completed },
  };
}

/**
 * @param {ReturnType<typeof openTable>} table
 * @param {{wake: () => void, stop: () => Promise<void>}} loop
 * @returns {Serving}
 */
function servingOf(table, { wake, stop }) {
  return {
    add(prompt) {
      table.insert(prompt);
      wake();
    },
    fill(count, prompt) {
      table.fill(count, prompt);
      wake();
    },
    fillLater(count) {
      table.fillLater(count);
      wake();
    },
    completed: table.completed,
    watched: table.watched,
    pids: [],
    async close() {
      await stop();
      table.db.close();
    },
  };
}

/** Lets a function run on the next turn of Node's loop, once however often it is asked for. @param {() => void} work */
function soon(work) {
  let due = false;
  return () => {
    if (!due)
      setImmediate(() => {
        due = false;
        work();
      });
    due = true;
  };
}

/** Wakes when the next job is due. @param {ReturnType<typeof openTable>} table @param {() => void} wake */
function alarm(table, wake) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  return {
    set() {
      clearTimeout(timer);
      const at = table.due();
      if (at !== null) timer = setTimeout(wake, Math.max(1, Math.min(LONGEST_SLEEP_MS, at - Date.now())));
    },
    stop: () => clearTimeout(timer),
  };
}

/** Resolves when nothing runs any more. @param {() => number} running */
async function ended(running) {
  while (running() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

/**
 * Each claim and each result is a transaction.
 * @param {ReturnType<typeof openTable>} table
 * @param {PeerOptions} options
 * @param {Chat} chat
 * @param {() => void} onIdle nothing may run now
 */
function oneByOne({ claim, finish }, { concurrency }, chat, onIdle) {
  let running = 0;
  let closing = false;
  const look = () => {
    while (running < concurrency && !closing) {
      const job = /** @type {any} */ (claim.get(Date.now()));
      if (job === undefined) {
        if (running === 0) onIdle();
        return;
      }
      running++;
      void run(job);
    }
  };
  const run = async (/** @type {{id: number, prompt: string}} */ { id, prompt }) => {
    finish.run(await chat(prompt), Date.now(), id);
    running--;
    look();
  };
  const stop = () => {
    closing = true;
    return ended(() => running);
  };
  return { look, stop };
}

/** @param {(options: PeerOptions) => Chat} chatWith @returns {ServingPeer['open']} */
const servePolling = (chatWith) => async (options) => {
  const table = openTable(options);
  const { look, stop } = oneByOne(table, options, chatWith(options), () => {});
  const timer = setInterval(look, POLL_MS);
  return servingOf(table, {
    wake() {},
    stop() {
      clearInterval(timer);
      return stop();
    },
  });
};

/** @param {(options: PeerOptions) => Chat} chatWith @returns {ServingPeer['open']} */
const serveWoken = (chatWith) => async (options) => {
  const table = openTable(options);
  const clock = alarm(table, () => wake());
  const { look, stop } = oneByOne(table, options, chatWith(options), clock.set);
  const wake = soon(look);
  return servingOf(table, {
    wake,
    stop() {
      clock.stop();
      return stop();
    },
  });
};

/** Results and claims of a turn of Node's loop share a transaction. @param {(options: PeerOptions) => Chat} chatWith @returns {ServingPeer['open']} */
const serveGrouped = (chatWith) => async (options) => {
  const table = openTable(options);
  const { db, claim, finish } = table;
  const chat = chatWith(options);
  const clock = alarm(table, () => wake());
  /** @type {{id: number, text: string}[]} */
  let done = [];
  let running = 0;
  let closing = false;
  const turn = db.transaction(() => {
    const now = Date.now();
    for (const { id, text } of done) finish.run(text, now, id);
    running -= done.length;
    done = [];
    const jobs = [];
    while (running + jobs.length < options.concurrency && !closing) {
      const job = claim.get(now);
      if (job === undefined) break;
      jobs.push(/** @type {any} */ (job));
    }
    return jobs;
  });
  const wake = soon(() => {
    for (const { id, prompt } of turn.immediate()) {
      running++;
      void chat(prompt).then((text) => {
        done.push({ id, text });
        wake();
      });
    }
    if (running === 0 && !closing) clock.set();
  });
  return servingOf(table, {
    wake,
    stop() {
      closing = true;
      clock.stop();
      return ended(() => running);
    },
  });
};

module.exports = { servePolling, serveWoken, serveGrouped, POLL_MS, DURABILITY };
