// SPDX-License-Identifier: MIT
'use strict';

/** BullMQ keeps jobs and results in Redis. */

const DURABILITY = {
  usual: 'Redis with appendfsync everysec: a power cut may take the last second',
  full: 'Redis with appendfsync always: results survive a power cut',
};

/** @param {(options: import('./peer.js').PeerOptions) => import('./chat.js').Chat} chatWith @returns {import('./peer.js').Peer['open']} */
const withBullMq = (chatWith) => async (options) => {
  const { Queue, Worker } = require('bullmq');
  const connection = { host: '127.0.0.1', port: options.redisPort, maxRetriesPerRequest: null };
  const queue = new Queue('chat', { connection });
  const chat = chatWith(options);
  const worker = new Worker('chat', async (job) => chat(job.data.prompt), { connection, concurrency: options.concurrency, autorun: false });
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
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

module.exports = { withBullMq, DURABILITY };
