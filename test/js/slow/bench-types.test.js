// SPDX-License-Identifier: MIT
'use strict';

/** The types of bench/, which need the packages that it compares with; `npm run typecheck` checks those of js/. */

const assert = require('node:assert/strict');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { setup } = require('../../../scripts/setup.js');
const paths = require('../../../scripts/setup/paths');

describe('the types of the benchmarks', function () {
  this.timeout(300000);

  it('agree', async () => {
    await setup({ comparing: true, parts: [] });
    const tsc = path.join(paths.modules, 'typescript', 'bin', 'tsc');
    const { stdout, stderr, status } = spawnSync(process.execPath, [tsc, '-p', path.join(paths.root, 'bench'), '--pretty', 'false'], { encoding: 'utf8' });
    assert.equal(`${stdout}${stderr}`, '');
    assert.equal(status, 0);
  });
});
