// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { useWorld } = require('../support/e2e.js');
const { Model } = require('../support/model.js');
const { check, quiet, checkEnds, summary } = require('../support/model-checks.js');

const STEPS = Number(process.env.LLM_JOBS_MODEL_STEPS ?? 10000);
const SEED = Number(process.env.LLM_JOBS_TEST_SEED ?? 20261123);

describe(`three workers on one file under ${STEPS} random operations (seed ${SEED})`, function () {
  this.timeout(120000 + STEPS * 60);
  const on = useWorld();

  it('keep every promise after each step, and end every job', async () => {
    const { world } = on;
    const model = new Model(world, SEED);
    await model.open();
    for (let step = 0; step < STEPS; step++) {
      await model.step();
      check(model, `step ${step + 1}`);
    }
    await quiet(model);
    check(model, 'the end');
    const found = await checkEnds(model);
    assert.deepEqual(world.db.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
    assert.equal(world.cli('PRAGMA integrity_check;').trim(), 'ok');
    console.log(`      ${summary(model, found)}`);
  });
});
