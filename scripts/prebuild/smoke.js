// SPDX-License-Identifier: MIT
'use strict';

/**
 * Runs one job with a prebuilt addon, against a provider on this machine, on the Node that runs this file. Prints one line, or
 * fails.
 *
 *     node scripts/prebuild/smoke.js FILE
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { DatabaseSync } = require('node:sqlite');
const { Queue, startWorker } = require('../../js/index.js');
const { startFakeProvider } = require('../../js/testing.js');

/** @param {string} addon */
async function smoke(addon) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-smoke-'));
  const database = path.join(folder, 'app.db');
  const provider = await startFakeProvider({ script: () => ({ text: 'It works.' }) });
  const db = new DatabaseSync(database);
  db.exec('PRAGMA journal_mode = WAL');
  /** @type {import('../../js/host.js').Worker | undefined} */
  let worker;
  try {
    const queue = new Queue(db);
    worker = await startWorker({
      database,
      providers: { fake: { kind: 'openai-compatible', baseUrl: provider.openaiUrl } },
      env: { LLM_JOBS_ADDON: addon },
      onLog: (level, line) => process.stderr.write(`${line}\n`),
    });
    const job = await queue.waitFor(queue.add('smoke', { prompt: 'Do you work?' }, { model: 'fake/small' }), { timeoutMs: 20000 });
    assert.equal(job.status, 'completed', JSON.stringify(job.error));
    assert.equal(job.result?.text, 'It works.');
    const { version, curl, tls, sqlite } = worker.ready.versions;
    process.stdout.write(`Node ${process.versions.node}: llm-jobs ${version} with curl ${curl}, ${tls}, SQLite ${sqlite} completed a job\n`);
  } finally {
    await worker?.stop();
    db.close();
    await provider.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

void smoke(path.resolve(process.argv[2])).catch((error) => {
  process.stderr.write(`Node ${process.versions.node}: ${error.stack}\n`);
  process.exitCode = 1;
});
