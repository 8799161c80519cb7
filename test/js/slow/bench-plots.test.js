// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setup } = require('../../../scripts/setup.js');
const { drawPlots } = require('../../../bench/plots.js');

/** @typedef {[number, number, number, number]} Point x, median, low, high */

const rows = {
  name: 'rows',
  title: 'Cost & size',
  x: { label: 'other rows', log: true },
  y: { label: 'µs per job' },
  lines: [
    { name: 'finished', points: /** @type {Point[]} */ ([[1000, 18.123456, 18, 19], [1000000, 21, 20.5, 30]]) },
    { name: 'waiting', points: /** @type {Point[]} */ ([[1000, 17, 16, 18], [1000000, 20, 19, 21]]) },
  ],
};
const seconds = {
  name: 'seconds',
  title: 'Full load',
  x: { label: 'seconds' },
  y: { label: 'jobs per second', log: true },
  lines: [{ name: 'worker', points: Array.from({ length: 20 }, (_, i) => /** @type {Point} */ ([i + 1, i === 3 ? 0 : 100 + i, 0, 200])) }],
};
const report = { parts: { one: { series: [rows] }, none: {}, other: { series: [seconds] } } };

describe('the plots of the benchmarks', () => {
  /** @type {string} */ let dir;
  /** @type {{name: string, title: string, file: string}[]} */ let drawn;
  const read = (/** @type {string} */ name) => fs.readFileSync(path.join(dir, `bench-${name}.svg`), 'utf8');
  /** The texts that one sees. @param {string} svg */
  const texts = (svg) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
  /** The elements of the marks of one kind. @param {string} svg @param {string} role */
  const marks = (svg, role) => [...svg.matchAll(new RegExp(`aria-roledescription="${role}"`, 'g'))].length;

  before(async () => {
    await setup({ comparing: true, parts: [] });
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-plots-'));
    drawn = await drawPlots(report, dir);
  });

  after(() => fs.rmSync(dir, { recursive: true, force: true }));

  it('are one file for each series, in the order of the report', () => {
    assert.deepEqual(drawn, [
      { name: 'rows', title: 'Cost & size', file: path.join(dir, 'bench-rows.svg') },
      { name: 'seconds', title: 'Full load', file: path.join(dir, 'bench-seconds.svg') },
    ]);
    assert.deepEqual(fs.readdirSync(dir).sort(), ['bench-rows.svg', 'bench-seconds.svg']);
  });

  it('have the title, the labels of the axes with their places, and a legend of more than one line', () => {
    const svg = read('rows');
    for (const text of ['Cost &amp; size', 'other rows', 'µs per job', '1,000', '1,000,000', 'finished', 'waiting']) assert.ok(texts(svg).includes(text), text);
    assert.ok(texts(read('seconds')).includes('Full load'));
    assert.ok(!texts(read('seconds')).includes('worker'));
  });

  it('have a point for each median, and what lies between the lowest and the highest', () => {
    assert.equal(marks(read('rows'), 'point'), 4);
    assert.equal(marks(read('rows'), 'rule mark'), 4);
    // A median of 0 has no place on a logarithmic axis.
    assert.equal(marks(read('seconds'), 'point'), 19);
    assert.equal(marks(read('seconds'), 'area mark'), 1);
  });

  it('bring their own background, and are small', () => {
    for (const { file } of drawn) {
      const svg = fs.readFileSync(file, 'utf8');
      assert.match(svg, /<rect width="680" height="380" fill="#ffffff"/);
      assert.ok(svg.length < 60 * 1024, `${file} has ${svg.length} bytes`);
    }
  });

  it('are the same bytes when they are drawn again', async () => {
    const before = drawn.map(({ file }) => fs.readFileSync(file, 'utf8'));
    await drawPlots(report, dir);
    assert.deepEqual(drawn.map(({ file }) => fs.readFileSync(file, 'utf8')), before);
    assert.doesNotMatch(before.join(''), /\sd="[^"]*\.\d{3}/);
  });
});
