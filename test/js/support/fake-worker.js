// SPDX-License-Identifier: MIT
'use strict';

/** Workers with the fake addon, for tests of what watches over their processes. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startWorker } = require('../../../js/index.js');

const EVENTS = ['exit', 'health-status', 'restart', 'restarted', 'throttle', 'failed', 'log'];

/**
 * A folder, and workers that end with each test.
 * @returns {{root: string, start: (options?: Record<string, any>) => Promise<{worker: any, events: [string, any][]}>}} `events` is all that the
 *   worker has told since it was ready
 */
function useFakeWorkers() {
  /** @type {import('../../../js/host.js').Worker[]} */
  let workers = [];
  const holder = {
    root: '',
    async start(/** @type {Record<string, any>} */ { env = {}, ...options } = {}) {
      const addon = path.join(__dirname, 'fake-addon.js');
      const worker = await startWorker({ database: path.join(holder.root, 'app.db'), env: { LLM_JOBS_ADDON: addon, ...env }, ...options });
      workers.push(worker);
      /** @type {[string, any][]} */
      const events = [];
      for (const name of EVENTS) worker.on(name, (payload) => events.push([name, payload]));
      return { worker, events };
    },
  };
  beforeEach(() => {
    holder.root = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-test-'));
    fs.writeFileSync(path.join(holder.root, 'app.db'), '');
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop({ deadlineMs: 0 })));
    workers = [];
    fs.rmSync(holder.root, { recursive: true, force: true });
  });
  return holder;
}

module.exports = { useFakeWorkers };
