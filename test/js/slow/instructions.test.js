// SPDX-License-Identifier: MIT
'use strict';

/** No job costs 5 % more instructions than bench/instructions.json says (docs/performance.md). */

const assert = require('node:assert/strict');
const { compare, describeLibraries, describeMachine, difference, readBaseline } = require('../../../scripts/instructions/baseline');
const { count } = require('../../../scripts/instructions/count');
const { kinds } = require('../../../scripts/instructions/kinds');
const { which } = require('../../../scripts/setup/command');
const { origin } = require('../../../scripts/setup/origin');

describe('instructions of a job', function () {
  this.timeout(300_000);
  const baseline = readBaseline();
  /** @type {Awaited<ReturnType<typeof count>>} */
  let measured;

  /** A skipped test of this name says why. @param {string} why */
  const leave = (why) => it.skip(why, () => {});

  if (process.platform !== 'linux' || which('valgrind') === null) return leave('not counted: this is not Linux with valgrind');
  const differs = difference(describeMachine(), baseline.machine);

  before(async () => {
    measured = await count(Object.keys(kinds));
  });

  it('are divided among steps that all exist', () => {
    const missing = new Set(measured.flatMap((one) => one.missing));
    assert.deepEqual([...missing], [], 'scripts/instructions/areas.js names functions that are not called: have they another name now?');
    for (const { name, count: { areas, owners, instructions } } of measured) {
      const parts = [...Object.values(areas), ...Object.values(owners)];
      assert.ok(parts.every((cost) => cost >= 0), `${name}: a part is negative, so a step is called by another one than scripts/instructions/areas.js says: ${JSON.stringify({ areas, owners })}`);
      const sum = Object.values(owners).reduce((all, cost) => all + cost, 0);
      assert.ok(Math.abs(sum / instructions - 1) < 0.001, `${name}: ${sum} by owner, ${instructions} by step`);
    }
  });

  if (differs !== '') return leave(`not compared: bench/instructions.json was recorded with something else: ${differs}`);
  if (origin() !== 'sources') return leave('not compared: the libraries are none that this repository pins');

  it('were recorded with the libraries that are pinned now', () => {
    const other = difference(describeLibraries(measured[0].versions), baseline.libraries);
    assert.equal(other, '', `count again, with what is new: npm run instructions -- --save (${other})`);
  });

  for (const [name, { about }] of Object.entries(kinds))
    it(`are no more than recorded: ${about}`, () => {
      const one = /** @type {typeof measured[0]} */ (measured.find((each) => each.name === name));
      const { complaint } = compare(about, one.count, baseline.kinds[name]);
      assert.equal(complaint, null, complaint ?? '');
    });
});
