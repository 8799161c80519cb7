// SPDX-License-Identifier: MIT
'use strict';

/**
 * A process that watches a stack's store from outside and sends the time of each end of a job: of a SQLite file it counts the
 * stored results again and again, with a short sleep between two looks; a Redis sends it the entries of BullMQ's own stream of
 * events, which are written in the same step as the result.
 */

const { monotonicMs } = require('./clock.js');
const { quantile } = require('./report.js');

/** Of the sleep between two looks; a look and the kernel's slack come on top. */
const SLEEP_MS = 0.2;

const { watched } = JSON.parse(process.argv[2]);
const send = (/** @type {object} */ message) => process.send?.(message);
process.on('disconnect', () => process.exit(0));
('sql' in watched ? watchFile(watched) : watchStream(watched)).catch((error) => {
  console.error(error);
  process.exit(1);
});

/** @param {import('../peers/serving.js').WatchedFile} watched */
async function watchFile({ file, sql }) {
  const BetterSqlite3 = require('better-sqlite3');
  const db = new BetterSqlite3(file, { readonly: true });
  const count = db.prepare(sql);
  const version = db.prepare('PRAGMA data_version').pluck();
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let stored = /** @type {any} */ (count.get()).n;
  let seen = version.get();
  const begun = monotonicMs();
  const cpu = process.cpuUsage();
  /** @type {number[]} */
  const gaps = [];
  let last = begun;
  process.on('message', () => {
    const used = process.cpuUsage(cpu);
    const share = ((used.user + used.system) / 1000 / (monotonicMs() - begun)) * 100;
    gaps.sort((one, other) => one - other);
    send({ everyMs: quantile(gaps, 0.5), everyMsP99: quantile(gaps, 0.99), share });
  });
  send({ ready: true });
  const look = () => {
    Atomics.wait(cell, 0, 0, SLEEP_MS);
    const now = version.get();
    const at = monotonicMs();
    gaps.push(at - last);
    last = at;
    if (now !== seen) {
      seen = now;
      const { n } = /** @type {any} */ (count.get());
      if (n > stored) send({ at: monotonicMs(), count: n - stored });
      stored = n;
    }
    // Messages are heard between two looks.
    setImmediate(look);
  };
  look();
}

/** @param {import('../peers/serving.js').WatchedStream} watched */
async function watchStream({ redisPort, stream, event }) {
  const { Redis } = require('ioredis');
  const redis = new Redis(redisPort, '127.0.0.1');
  const newest = /** @type {[string, string[]][]} */ (await redis.xrevrange(stream, '+', '-', 'COUNT', 1));
  let last = newest[0]?.[0] ?? '0-0';
  process.on('message', () => send({ everyMs: 0, everyMsP99: 0, share: 0 }));
  send({ ready: true });
  for (;;) {
    const answer = await redis.xread('BLOCK', 1000, 'STREAMS', stream, last);
    const at = monotonicMs();
    if (answer === null) continue;
    const entries = answer[0][1];
    last = entries[entries.length - 1][0];
    const count = entries.filter(([, fields]) => fields[1] === event).length;
    if (count > 0) send({ at, count });
  }
}
