// SPDX-License-Identifier: MIT
'use strict';

/**
 * The series of a report as SVG files: medians as lines, with the lowest and the highest run. They are drawn by vega-lite without a
 * browser, on white, so that they can be read on a dark page as well. The same report gives the same bytes.
 */

const fs = require('node:fs');
const path = require('node:path');

/** @import { Series } from './lib/report.js' */

/** Colours that people with any sight can tell apart (Okabe and Ito), the darker ones first. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'];
const INK = '#222222';
const FAINT = '#dddddd';
/** With more points than this, what lies between the lowest and the highest is drawn as a band. */
const MOST_BARS = 12;
const FONT = 'system-ui, sans-serif';

/**
 * Places on a logarithmic axis: 1, 2 and 5 of each power of ten, or the powers alone where there are many.
 * @param {number[]} numbers
 */
function marksOf(numbers) {
  const [first, last] = [Math.floor(Math.log10(Math.min(...numbers))), Math.ceil(Math.log10(Math.max(...numbers)))];
  const powers = Array.from({ length: last - first + 1 }, (_, i) => Number(`1e${first + i}`));
  return powers.length > 4 ? powers : powers.flatMap((power) => [1, 2, 5].map((times) => times * power));
}

/** @param {Series} series @returns {object} for vega-lite */
function chartOf({ title, x, y, lines }) {
  const domain = lines.map(({ name }) => name);
  const shows = (/** @type {number[]} */ numbers) => numbers.every((number) => Number.isFinite(number) && (!y.log || number > 0));
  const values = lines.flatMap(({ name, points }) =>
    // A logarithmic axis has no place for zero.
    points.filter(([at, median]) => shows([median]) && (!x.log || at > 0)).map(([at, median, low, high]) => ({ line: name, x: at, y: median, low: shows([low]) ? low : median, high })),
  );
  const places = [...new Set(values.map((one) => one.x))].sort((one, other) => one - other);
  const isDense = places.length > MOST_BARS;
  const spread = { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } };
  const legend = lines.length > 1 ? { title: null, orient: 'top', direction: 'horizontal', columns: 4, symbolOpacity: 1 } : null;
  const byLine = (/** @type {object} */ more) => ({ field: 'line', type: 'nominal', scale: { domain, ...more }, legend });
  const axis = (/** @type {Series['x']} */ { label }, /** @type {number[] | undefined} */ at) => ({
    title: label,
    ...(at !== undefined && { values: at }),
    format: ',~f',
    grid: true,
  });
  return {
    width: 680,
    height: 380,
    autosize: { type: 'fit', contains: 'padding' },
    padding: 12,
    background: '#ffffff',
    title,
    description: title,
    data: { values },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        scale: x.log ? { type: 'log', nice: false, padding: 12 } : { zero: false, nice: false, padding: 12 },
        axis: axis(x, isDense ? undefined : places),
      },
      y: { type: 'quantitative', scale: y.log ? { type: 'log' } : { zero: true }, axis: axis(y, y.log ? marksOf(values.flatMap(({ low, high }) => [low, high])) : undefined) },
      color: byLine({ range: COLOURS }),
    },
    layer: [
      isDense ? { mark: { type: 'area', opacity: 0.2 }, encoding: spread } : { mark: { type: 'rule', strokeWidth: 2, opacity: 0.5 }, encoding: spread },
      { mark: { type: 'line', strokeWidth: 2 }, encoding: { y: { field: 'y' } } },
      { mark: { type: 'point', filled: true, size: isDense ? 30 : 60, opacity: 1 }, encoding: { y: { field: 'y' }, shape: byLine({}) } },
    ],
    config: {
      font: FONT,
      title: { anchor: 'start', fontSize: 15, fontWeight: 600, color: INK, offset: 10 },
      axis: { labelColor: INK, titleColor: INK, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', gridColor: FAINT, domainColor: INK, tickColor: INK, titlePadding: 8 },
      legend: { labelColor: INK, labelFontSize: 12, labelLimit: 0 },
      view: { stroke: null },
    },
  };
}

/**
 * Two digits behind the point are finer than any screen, and last digits differ between machines.
 * @param {string} svg
 */
function rounded(svg) {
  return svg.replace(/\s(?:d|transform|points|x|y|x1|y1|x2|y2|width|height)="[^"]*"/g, (attribute) =>
    attribute.replace(/-?\d+\.\d+(?:e[-+]?\d+)?/g, (number) => String(Number(Number(number).toFixed(2)) + 0)),
  );
}

/** @param {Series} series @returns {Promise<string>} an SVG document */
async function drawPlot(series) {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const view = new vega.View(vega.parse(compile(/** @type {any} */ (chartOf(series))).spec), { renderer: 'none' });
  try {
    return `${rounded(await view.toSVG())}\n`;
  } finally {
    view.finalize();
  }
}

/**
 * Draws all series of a report, as `npm run bench -- --json` prints it. The packages must be there: `setup({ comparing: true })`.
 * @param {{parts: Record<string, {series?: Series[]}>}} report
 * @param {string} dir gets a file bench-NAME.svg for each series
 * @returns {Promise<{name: string, title: string, file: string}[]>} in the order of the report
 */
async function drawPlots({ parts }, dir) {
  const drawn = [];
  fs.mkdirSync(dir, { recursive: true });
  for (const series of Object.values(parts).flatMap(({ series = [] }) => series)) {
    const file = path.join(dir, `bench-${series.name}.svg`);
    fs.writeFileSync(file, await drawPlot(series));
    drawn.push({ name: series.name, title: series.title, file });
  }
  return drawn;
}

module.exports = { drawPlots };
