// SPDX-License-Identifier: MIT
'use strict';

/** BullMQ keeps jobs and results in Redis. */

const DURABILITY = {
  usual: 'Redis with appendfsync everysec: a power cut may take the last second',
  full: 'Redis with appendfsync always: results survive a power cut',
};

const { YEAR_MS } = require('./store.js');

/** @import { Chat } from './chat.js' */
/** @import { PeerOptions } from './peer.js' */

/** @param {PeerOptions} options @param {Chat} chat */
async function start(options, chat) {
  const { Queue, Worker } = require('bullmq');
  const connection = { host: '127.0.0.1', port: options.redisPort, maxRetriesPerRequest: null };
  const queue = new Queue('chat', { connection });
  const worker = new Worker('chat', async (job) => chat(job.data.prompt), { connection, concurrency: options.concurrency, autorun: false });
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  return { queue, worker };
}

/** @param {(options: PeerOptions) => Chat} chatWith @returns {import('./peer.js').Peer['open']} */
const withBullMq = (chatWith) => async (options) => {
  const { queue, worker } = await start(options, chatWith(options));
  let started = false;
  return {
    async stored() {
      const jobs = await queue.getCompleted(0, -1);
      return jobs.filter((job) => job.returnvalue?.length > 500).length;
    },
    async close() {
      await worker.close();
      await queue.close();
    },
    work: async (prompts) => {
      let left = prompts.length;
      const ends = new Promise((resolve, reject) => {
        const ended = () => {
          left -= 1;
          if (left > 0) return;
          worker.off('completed', ended);
          worker.off('failed', failed);
          resolve(undefined);
        };
        const failed = (/** @type {unknown} */ _job, /** @type {Error} */ error) => reject(error);
        worker.on('completed', ended);
        worker.on('failed', failed);
      });
      await queue.addBulk(prompts.map((prompt) => ({ name: 'chat', data: { prompt } })));
      if (!started) void worker.run();
      started = true;
      await ends;
    },
  };
};

/** How many jobs one call adds: what a single one takes Redis must not hold up the worker's other calls for long. */
const CHUNK = 1000;

/** @param {(options: PeerOptions) => Chat} chatWith @returns {import('./serving.js').ServingPeer['open']} */
const serveBullMq = (chatWith) => async (options) => {
  const { queue, worker } = await start(options, chatWith(options));
  void worker.run();
  const fill = async (/** @type {number} */ count, /** @type {string} */ prompt, /** @type {object} */ opts) => {
    for (let left = count; left > 0; left -= CHUNK) {
      await queue.addBulk(Array.from({ length: Math.min(left, CHUNK) }, () => ({ name: 'chat', data: { prompt }, opts })));
    }
  };
  return {
    add: (prompt) => queue.add('chat', { prompt }),
    fill: (count, prompt) => fill(count, prompt, {}),
    fillLater: (count) => fill(count, 'later', { delay: YEAR_MS }),
    completed: () => queue.getCompletedCount(),
    watched: { redisPort: options.redisPort, stream: 'bull:chat:events', event: 'completed' },
    pids: [],
    async close() {
      await worker.close();
      await queue.close();
    },
  };
};

module.exports = { withBullMq, serveBullMq, DURABILITY };
