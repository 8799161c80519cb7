// SPDX-License-Identifier: MIT
'use strict';

/** How `npm run bench` goes through its parts, and what `--save` keeps. test/js/slow/bench-quick.test.js runs the real ones. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { measureAll, save } = require('../../bench/lib/measure.js');
const { figure } = require('../../bench/lib/report.js');
const { parts, long } = require('../../bench/parts.js');

/** @import { Measured, Part, Report } from '../../bench/lib/report.js' */

const RUN = path.join(__dirname, '..', '..', 'bench', 'run.js');

/** @param {string[]} args @returns {Promise<{code: unknown, stdout: string, stderr: string}>} */
const bench = (...args) =>
  new Promise((resolve) => execFile(process.execPath, [RUN, ...args], (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr })));

/** @param {number} value @returns {() => Part} */
const gives = (value) => () => ({ about: 'a part', run: async () => ({ settings: {}, figures: [figure('value', value, 'ms')] }) });

/** @param {Record<string, Measured>} measured @param {string} cpu @returns {Report} */
const report = (measured, cpu = 'a processor') => ({
  machine: { cpu, cores: 2, memoryMb: 2048, system: 'Linux', temporary: 'ext4', flushMs: 0.5 },
  versions: { Node: '24.0.0' },
  stacks: {},
  quick: false,
  parts: measured,
});

/** @param {Record<string, () => Part>} all */
async function measured(all, quick = false) {
  const given = /** @type {Record<string, Measured>} */ ({});
  const failed = /** @type {string[]} */ ([]);
  const started = /** @type {string[]} */ ([]);
  await measureAll(all, {
    quick,
    note() {},
    onStart: (name) => started.push(name),
    onMeasured: (name, one) => (given[name] = one),
    onFailed: (name, error) => failed.push(`${name}: ${/** @type {Error} */ (error).message}`),
  });
  return { given, failed, started };
}

describe('npm run bench', function () {
  this.timeout(30000);

  it('runs the other parts after one that fails, and tells of it', async () => {
    const broken = {
      load: () => { throw new Error('its package is missing'); },
      run: () => ({ about: 'a part', run: () => Promise.reject(new Error('no disk')) }),
    };
    const { given, failed, started } = await measured({ one: gives(1), ...broken, two: gives(2) });
    assert.deepEqual(started, ['one', 'load', 'run', 'two']);
    assert.deepEqual(failed, ['load: its package is missing', 'run: no disk']);
    assert.deepEqual(Object.entries(given).map(([name, { figures }]) => [name, figures[0].value]), [['one', 1], ['two', 2]]);
  });

  it('keeps with each part when it was measured, for how long, at which commit, and whether quickly', async () => {
    const { taken } = (await measured({ one: gives(1) }, true)).given.one;
    assert.ok(Math.abs(Date.parse(taken.date) - Date.now()) < 60000);
    assert.ok(taken.quick && taken.seconds >= 0 && taken.load.length === 2 && taken.load.every(Number.isFinite));
    assert.match(taken.commit, /^([0-9a-f]{7,}\+?|unknown)$/);
  });

  it('lists all parts', async () => {
    const { code, stdout } = await bench('--list');
    assert.equal(code, 0);
    for (const name of Object.keys(parts)) assert.match(stdout, new RegExp(`^  ${name} +\\w.*${long.includes(name) ? '\\(runs when it is named\\)' : ''}$`, 'm'));
  });

  it('refuses a part and an option that it does not know, by name', async () => {
    assert.deepEqual(await bench('start', 'nonsense'), { code: 1, stdout: '', stderr: `there is no part "nonsense"; there are ${Object.keys(parts).join(', ')}\n` });
    const { code, stderr } = await bench('--nonsense');
    assert.equal(code, 1);
    assert.match(stderr, /--nonsense.*--list, --quick, --json and --save FILE/);
  });

  describe('--save', () => {
    const known = ['one', 'two', 'three'];
    let dir = '';
    let file = '';

    beforeEach(() => {
      dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-save-'));
      file = path.join(dir, 'figures.json');
    });

    afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

    const saved = () => /** @type {Report} */ (JSON.parse(fs.readFileSync(file, 'utf8')));

    it('says before anything runs that the file cannot be written', async () => {
      const missing = path.join(dir, 'no', 'figures.json');
      assert.deepEqual(await bench('start', '--save', missing), { code: 1, stdout: '', stderr: `--save: ENOENT: no such file or directory, open '${missing}'\n` });
    });

    it('keeps what the file has of other parts, in their order', async () => {
      save(file, report((await measured({ two: gives(2), three: gives(3), gone: gives(9) })).given), [...known, 'gone']);
      save(file, report((await measured({ one: gives(1), two: gives(22) })).given), known);
      assert.deepEqual(Object.entries(saved().parts).map(([name, { figures }]) => [name, figures[0].value]), [['one', 1], ['two', 22], ['three', 3]]);
    });

    it('calls figures quick as long as one part of them is', async () => {
      save(file, report((await measured({ one: gives(1), two: gives(2) }, true)).given), known);
      save(file, report((await measured({ one: gives(1) })).given), known);
      assert.equal(saved().quick, true);
      save(file, report((await measured({ two: gives(1) })).given), known);
      assert.equal(saved().quick, false);
    });

    it('mixes no figures of two machines', () => {
      save(file, report({}), known);
      const before = saved();
      assert.throws(() => save(file, report({}, 'another processor'), known), /is of another machine: its cpu is a processor, not another processor/);
      assert.deepEqual(saved(), before);
    });
  });
});
