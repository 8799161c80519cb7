// SPDX-License-Identifier: MIT
'use strict';

/** docs/benchmarks.md is made by bench/page.js from bench/figures.json and the prose of bench/page/. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { makePage, readProse, PAGE, FIGURES } = require('../../bench/page.js');
const { figure } = require('../../bench/lib/report.js');

/** @import { Figure, Report } from '../../bench/lib/report.js' */

const read = () => /** @type {Report} */ (JSON.parse(fs.readFileSync(FIGURES, 'utf8')));
const spread = (/** @type {number} */ value) => ({ median: value, low: value, high: value });
const prose = { intro: '<!-- answers -->', repeat: '## How\n\n<!-- stacks -->\n\n<!-- machine -->' };

/** @param {{quick?: boolean, figures?: Figure[]}} [how] of the part "start" @returns {Report} */
function report({ quick = false, figures = [] } = {}) {
  const taken = { date: '2026-01-02T03:04:05.678Z', commit: 'abc', quick, seconds: 3, load: /** @type {[number, number]} */ ([0, 1]) };
  const durability = { usual: 'usual: as it comes', full: 'full; as it should be' };
  const rows = [['llm-jobs', 4000, 0.25], ['other+sdk', 1000, 1]].map(([name, ...cells]) => ({ name: String(name), cells: cells.map(Number).map(spread) }));
  const columns = ['stack', 'jobs/s', 'CPU'];
  return {
    machine: { cpu: 'a processor', cores: 2, memoryMb: 2048, system: 'Linux', temporary: 'ext4', flushMs: 0.5 },
    versions: { Node: '24.0.0' },
    stacks: { 'llm-jobs': { about: 'this', durability }, 'other+sdk': { about: 'that', durability } },
    quick,
    parts: {
      'end-to-end': { taken, settings: {}, figures: [], tables: [{ id: 'plain 10', title: 'plain', columns, rows }, { title: 'flushed', full: true, columns, rows }] },
      start: { taken, settings: { starts: 7 }, figures },
    },
  };
}

describe('docs/benchmarks.md', () => {
  it('is what bench/page.js makes of the figures: npm run bench:page', () => {
    assert.equal(fs.readFileSync(PAGE, 'utf8'), makePage(read(), readProse()));
  });

  it('has its plots', () => {
    for (const { series = [] } of Object.values(read().parts)) {
      for (const { name } of series) assert.ok(fs.existsSync(path.join(path.dirname(PAGE), 'images', `bench-${name}.svg`)), name);
    }
  });

  it('says first how many budgets are missed, and then by how much and why', () => {
    const figures = [figure('the first', 3, 'ms', { budget: 2 }), figure('the second', 1, 'ms', { budget: 2 }), figure('  its half', 0.5, '×', { least: 0.75 })];
    const page = makePage(report({ figures }), { ...prose, misses: '# Misses\n\n## start: the first\n\nThe disk.\n\n## start: the second: *\n\nThe clock: {{start > the second}}.\n' });
    assert.match(page.split('\n\n')[2], /^2 of the 3 figures/);
    assert.match(page, /## Missed budgets\n\n- \*\*start: the first\*\*: 3 ms, at most 2 ms\n\nThe disk\.\n\n- \*\*start: the second: its half\*\*: 0\.500 ×, at least 0\.75 ×\n\nThe clock: 1 ms\.\n\n## /);
    assert.match(page, /\| the second \| 1 ms \| at most 2 ms \| met \|/);
  });

  it('is not made where a missed budget has no reason', () => {
    const missed = { figures: [figure('the first', 3, 'ms', { budget: 2 })] };
    assert.throws(() => makePage(report(missed), prose), /no reason for "start: the first"/);
    assert.throws(() => makePage(report(missed), { ...prose, misses: '## start: the first\n\n## start: *\n\nThe disk.\n' }), /"start: the first" has no reason below it/);
    assert.throws(() => makePage(report(missed), { ...prose, misses: '## start: the firs\n\nThe disk.\n' }), /no reason/);
  });

  it('says of a quick run that it is one, and wants no reasons then', () => {
    const page = makePage(report({ quick: true, figures: [figure('the first', 3, 'ms', { budget: 2 })] }), prose);
    assert.match(page.split('\n\n')[2], /quick run/);
    assert.match(page, /`npm run bench -- start`, \*\*a quick run\*\*/);
  });

  it('compares all stacks with llm-jobs, and says how durable each is', () => {
    const page = makePage(report(), prose);
    assert.ok(page.includes('| **llm-jobs** | **4,000** | – | – | – | usual |\n| other+sdk | 1,000 (4 ×) | – | – | – | usual |'));
    assert.ok(page.includes('| other+sdk | 1 (4 ×) | – | – | – | usual |'));
    assert.ok(page.includes('| **llm-jobs** | **4,000** | full |\n| other+sdk | 1,000 (4 ×) | full |'), 'at equal durability');
    assert.ok(page.includes('| other+sdk | 1,000 | 1 | full |'));
  });

  it('puts figures in the place of their names, and refuses names that it does not find', () => {
    const figures = [figure('the first', 1234.5, 'ms')];
    const page = makePage(report({ figures }), { ...prose, start: '# From the start\n\n{{start > the first}} and {{end-to-end > plain 10 > other+sdk > jobs/s}}.' });
    assert.match(page, /## From the start\n\n1,235 ms and 1,000\.\n/);
    assert.throws(() => makePage(report({ figures }), { ...prose, start: '# Start\n\n{{start > the last}}' }), /start\.md names \{\{start > the last\}\}/);
    assert.throws(() => makePage(report({ figures }), { ...prose, start: '# Start\n\n{{rows > the last}}' }), /"rows" was not measured/);
  });
});
