// SPDX-License-Identifier: MIT
'use strict';

const { withUndici, withFetch, withSdk } = require('./chat.js');
const loop = require('./loop.js');
const pqueue = require('./p-queue.js');
const plainjob = require('./plainjob.js');
const bullmq = require('./bullmq.js');
const own = require('./llm-jobs.js');
const bare = require('./bare-c.js');

/** @type {Record<string, import('./peer.js').Peer>} */
const peers = {
  'llm-jobs': { about: 'this package', durability: own.DURABILITY, open: own.open },
  'bare C loop': { about: 'the ceiling: claim, call and settle in C on one thread, no policy', durability: own.DURABILITY, open: bare.open },
  'loop+undici': { about: 'a hand-written loop on better-sqlite3, a transaction for each claim and result', durability: loop.DURABILITY, open: loop.oneByOne(withUndici) },
  'grouped+undici': { about: 'the same with one transaction for all of a turn', durability: loop.DURABILITY, open: loop.grouped(withUndici) },
  'loop+fetch': { about: 'a hand-written loop with fetch', durability: loop.DURABILITY, open: loop.oneByOne(withFetch) },
  'grouped+fetch': { about: 'grouped transactions with fetch', durability: loop.DURABILITY, open: loop.grouped(withFetch) },
  'p-queue+sdk': { about: 'p-queue and the openai SDK, results in a SQLite table', durability: pqueue.DURABILITY, open: pqueue.withPQueue(withSdk) },
  'plainjob+undici': { about: 'plainjob (SQLite)', durability: plainjob.DURABILITY, open: plainjob.withPlainjob(withUndici) },
  'bullmq+undici': { about: 'BullMQ on Redis', durability: bullmq.DURABILITY, redis: true, open: bullmq.withBullMq(withUndici) },
  'bullmq+sdk': { about: 'BullMQ on Redis with the openai SDK', durability: bullmq.DURABILITY, redis: true, open: bullmq.withBullMq(withSdk) },
};

module.exports = { peers };
