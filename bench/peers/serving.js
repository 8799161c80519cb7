// SPDX-License-Identifier: MIT
'use strict';

/**
 * The stacks as they stand in an app all day: `open` starts one, which then does whatever is added until it is closed. All but
 * llm-jobs live in the app's own process, as their users build them.
 *
 * @import { PeerOptions } from './peer.js'
 *
 * @typedef {{file: string, sql: string}} WatchedFile a statement that counts the jobs whose result is readable, in column n
 * @typedef {{redisPort: number, stream: string, event: string}} WatchedStream
 *
 * @typedef {object} Serving
 * @property {(prompt: string) => unknown} add adds one job as the app does; a promise where the stack gives one
 * @property {(count: number, prompt: string) => unknown} fill adds many at once
 * @property {(count: number) => unknown} fillLater adds many that may not run before next year
 * @property {() => number | Promise<number>} completed
 * @property {WatchedFile | WatchedStream} watched where another process sees the end of a job
 * @property {number[]} pids of processes of its own
 * @property {() => unknown} close
 *
 * @typedef {object} ServingPeer
 * @property {string} about where it runs and how it hears of a job
 * @property {{usual: string, full: string}} durability
 * @property {boolean} [redis]
 * @property {(options: PeerOptions) => Promise<Serving>} open
 */

const { withUndici } = require('./chat.js');
const bullmq = require('./bullmq.js');
const loop = require('./serving-loop.js');
const own = require('./llm-jobs.js');
const plainjob = require('./plainjob.js');

/** @type {Record<string, ServingPeer>} */
const serving = {
  'llm-jobs': {
    about: "Queue.add in the app's process, the worker in its own; the database's files wake it",
    durability: own.DURABILITY,
    open: own.serve,
  },
  'loop+undici, polling': {
    about: "a hand-written loop on better-sqlite3 and undici in the app's process, a transaction for each claim and result; it looks every 100 ms",
    durability: loop.DURABILITY,
    open: loop.servePolling(withUndici),
  },
  'loop+undici, woken': {
    about: "such a loop in the app's process, a transaction for each claim and result; add() wakes it, and a timer when something is due",
    durability: loop.DURABILITY,
    open: loop.serveWoken(withUndici),
  },
  'grouped+undici, woken': {
    about: "such a loop in the app's process, one transaction for all claims and results of a turn of Node's loop; woken likewise",
    durability: loop.DURABILITY,
    open: loop.serveGrouped(withUndici),
  },
  'plainjob+undici': {
    about: "plainjob and undici in the app's process, as many workers as the concurrency; it looks every second, its default",
    durability: plainjob.DURABILITY,
    open: plainjob.servePlainjob(withUndici),
  },
  'bullmq+undici': {
    about: "BullMQ and undici, its Queue and its Worker in the app's process, Redis in its own",
    durability: bullmq.DURABILITY,
    redis: true,
    open: bullmq.serveBullMq(withUndici),
  },
};


module.exports = { serving };
