// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld } = require('../support/e2e.js');

const ROWS = 2000;
const WORKERS = 4;

describe(`${WORKERS} workers on one file, while another process inserts ${ROWS} rows with plain SQL (D4)`, function () {
  this.timeout(180000);
  const on = useWorld();

  /** @param {(index: number) => string | undefined} workerId */
  async function serve(workerId) {
    const { world } = on;
    world.database();
    await world.provider({ tokens: 2 });
    world.createTable();
    const workers = [];
    for (let i = 0; i < WORKERS; i++) {
      const id = workerId(i);
      workers.push(await world.worker({ concurrency: 10, ...(id !== undefined && { workerId: id }) }));
    }
    // One commit for each row, so that inserts and claims meet as often as they can.
    const inserts = Array.from({ length: ROWS }, (_, i) =>
      `INSERT INTO llm_jobs (name, model, data) VALUES ('row', 'fake/m', '{"prompt":"row${i} ends"}');`
    );
    await world.cliMeanwhile(`PRAGMA synchronous = NORMAL;\n${inserts.join('\n')}`);
    const left = world.db.prepare("SELECT count(*) AS n FROM llm_jobs WHERE status NOT IN ('completed', 'failed')");
    await world.until(() => left.get().n === 0, () => `${left.get().n} rows to end`, 120000);

    // 1. Each call happened exactly once
    const prompts = (await world.prompts()).sort();
    assert.deepEqual(prompts, Array.from({ length: ROWS }, (_, i) => `row${i} ends`).sort());

    // 2. Each row has its own answer, and nothing is left of its run
    const rows = world.db.prepare('SELECT * FROM llm_jobs').all();
    assert.equal(rows.length, ROWS);
    for (const row of rows) {
      assert.equal(row.status, 'completed', JSON.stringify(row));
      assert.equal(JSON.parse(row.result).text, JSON.parse(row.data).prompt);
      assert.deepEqual([row.attempts, row.stalls, row.error, row.lease_token, row.progress], [1, 0, null, null, 100]);
    }

    // 3. The counts of the workers add up
    const stats = await Promise.all(workers.map((worker) => worker.stats()));
    const sum = (/** @type {string} */ name) => stats.reduce((all, one) => all + one[name], 0);
    assert.deepEqual([sum('claimed'), sum('calls'), sum('completed')], [ROWS, ROWS, ROWS]);
    assert.deepEqual([sum('stale'), sum('interrupted'), sum('retried'), sum('failed')], [0, 0, 0, 0]);
    assert.deepEqual(world.db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
  }

  it('all with the default workerId', () => serve(() => undefined));

  it('each with a workerId of its own', () => serve((index) => `worker-${index}`));
});
