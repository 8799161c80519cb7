// SPDX-License-Identifier: MIT
'use strict';

/**
 * An app on Windows: `node.exe windows-app.js TASK`, where TASK is the path of a JSON file {config, jobs, writer, sql, answer}. It
 * starts a worker, waits until so many jobs have ended, has another process (`writer`) run the SQL, which adds one, and waits for
 * its end too. Then it kills the worker, waits for the next one and stops it. What it saw goes to the file `answer`.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { startWorker } = require('../../../js/index.js');

const { config, jobs, writer, sql, answer } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const finish = (/** @type {object} */ seen) => {
  fs.writeFileSync(answer, JSON.stringify(seen));
  process.exit(0);
};

async function main() {
  const worker = await startWorker(config);
  const completed = new Set();
  const until = (/** @type {number} */ count) =>
    new Promise((resolve) => {
      const look = () => completed.size >= count && resolve(undefined);
      worker.on('job', look);
      look();
    });
  worker.on('job', (job) => job.status === 'completed' && completed.add(job.id));
  await until(jobs);
  const written = spawnSync(writer, [config.database, sql], { stdio: 'ignore' }).status;
  const since = Date.now();
  await until(jobs + 1);
  const waitedMs = Date.now() - since;
  const first = worker.pid;
  const restarted = new Promise((resolve) => worker.once('restarted', resolve));
  process.kill(/** @type {number} */ (first), 'SIGKILL');
  await restarted;
  const second = worker.pid;
  await worker.stop();
  finish({ platform: process.platform, completed: completed.size, written, waitedMs, first, second });
}

main().catch((error) => finish({ error: error.stack }));
