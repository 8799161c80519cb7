// SPDX-License-Identifier: MIT
'use strict';

/** `npm run bench -- --quick`: every part still runs and gives figures. It says nothing about the figures. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const { makePage, readProse } = require('../../../bench/page.js');
const { parts, long } = require('../../../bench/parts.js');

/** @import { Measured, Report } from '../../../bench/lib/report.js' */

const root = path.join(__dirname, '..', '..', '..');
/** Only what hangs takes so long. */
const LIMIT_MS = 420000;

describe('the benchmarks, quickly', function () {
  this.timeout(LIMIT_MS + 30000);
  let dir = '';
  let file = '';

  before(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-bench-quick-'));
    file = path.join(dir, 'figures.json');
  });

  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  /** @param {string[]} args @returns {Promise<Report>} */
  async function bench(...args) {
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(root, 'bench', 'run.js'), '--quick', '--json', '--save', file, ...args], {
      cwd: root,
      timeout: LIMIT_MS,
      maxBuffer: 1 << 26,
    });
    return JSON.parse(stdout);
  }

  /** @param {string} name @param {Measured} measured */
  function check(name, { figures, tables = [], series = [], settings, taken }) {
    const numbers = (/** @type {unknown[]} */ all, /** @type {string} */ where) => all.forEach((one) => assert.ok(Number.isFinite(one), `${name}: ${where} has ${one}`));
    assert.ok(figures.length > 0, `${name} gives no figure`);
    numbers(figures.map(({ value }) => value), 'figures');
    assert.equal(new Set(figures.filter((one) => !one.name.startsWith(' ')).map((one) => one.name)).size, figures.filter((one) => !one.name.startsWith(' ')).length, `${name}: two figures have the same name`);
    assert.ok(Object.keys(settings).length > 0, `${name} does not say how it was measured`);
    assert.equal(taken.quick, true);
    for (const { title, columns, rows } of tables) {
      assert.ok(rows.length > 0, `${name}: ${title} is empty`);
      for (const row of rows) {
        assert.equal(row.cells.length, columns.length - 1, `${name}: ${title}, ${row.name}`);
        numbers(row.cells.flatMap(({ median, low, high }) => [median, low, high]), `${title}, ${row.name}`);
        assert.ok(row.cells.every(({ median, low, high }) => low <= median && median <= high), `${name}: ${title}, ${row.name}`);
      }
    }
    for (const { name: plot, lines } of series) {
      assert.match(plot, /^[a-z0-9-]+$/);
      assert.ok(lines.length > 0);
      for (const line of lines) {
        assert.ok(line.points.length > 0, `${name}: ${plot}, ${line.name} has no point`);
        numbers(line.points.flat(), `${plot}, ${line.name}`);
      }
    }
  }

  it('all parts give figures, tables that are not empty, and data of their plots', async () => {
    const report = await bench();
    assert.deepEqual(Object.keys(report.parts), Object.keys(parts).filter((name) => !long.includes(name)));
    for (const [name, measured] of Object.entries(report.parts)) check(name, measured);
    for (const name of ['Node', 'curl', 'sqlite', 'better-sqlite3', 'bullmq', 'undici', 'openai', 'p-queue', 'plainjob', 'nginx', 'redis-server', 'wrk', 'h2load']) {
      assert.match(report.versions[name] ?? '', /^\d+\.\d+/, name);
    }
    for (const value of Object.values(report.machine)) assert.ok(value !== '' && value !== 0 && value !== undefined);
    assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')).parts, report.parts);
  });

  it('those that take very long do too, and a page can be made of it all', async () => {
    const report = await bench(...long);
    assert.deepEqual(Object.keys(report.parts), long);
    for (const [name, measured] of Object.entries(report.parts)) check(name, measured);
    const all = /** @type {Report} */ (JSON.parse(fs.readFileSync(file, 'utf8')));
    assert.deepEqual(Object.keys(all.parts), Object.keys(parts));
    assert.match(makePage(all, readProse()), /## Missed budgets/);
  });
});
