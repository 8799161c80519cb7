// SPDX-License-Identifier: MIT
'use strict';

/**
 * An app on Windows: `node.exe windows-app.js TASK`, where TASK is the path of a JSON file {config, jobs, answer}. It starts a
 * worker, waits until so many jobs have ended, kills the worker, waits for the next one and stops it. What it saw goes to the file
 * `answer`.
 */

const fs = require('node:fs');
const { startWorker } = require('../../../js/index.js');

const { config, jobs, answer } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const finish = (/** @type {object} */ seen) => {
  fs.writeFileSync(answer, JSON.stringify(seen));
  process.exit(0);
};

async function main() {
  const worker = await startWorker(config);
  const completed = new Set();
  await new Promise((resolve) => {
    worker.on('job', (job) => {
      if (job.status === 'completed') completed.add(job.id);
      if (completed.size === jobs) resolve(undefined);
    });
  });
  const first = worker.pid;
  const restarted = new Promise((resolve) => worker.once('restarted', resolve));
  process.kill(/** @type {number} */ (first), 'SIGKILL');
  await restarted;
  const second = worker.pid;
  await worker.stop();
  finish({ platform: process.platform, completed: completed.size, first, second });
}

main().catch((error) => finish({ error: error.stack }));
