// SPDX-License-Identifier: MIT
'use strict';

/**
 * Makes docs/images/demo.svg from a real run of the demo with the fake model. Needs Python 3 for the pseudo-terminal.
 *
 *     node_modules/.bin/node scripts/cast/cast.js
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Terminal } = require('./terminal.js');
const { picture } = require('./picture.js');

const COLUMNS = 100;
const ROWS = 30;
const MIN_FRAME_SECONDS = 0.35;
const LAST_SECONDS = 6;
const MAX_BYTES = 200 * 1024;

const root = path.join(__dirname, '..', '..');
const target = path.join(root, 'docs', 'images', 'demo.svg');

function record() {
  const command = [process.execPath, path.join(root, 'examples', 'demo', 'demo.js'), '--fake'];
  const run = spawnSync('python3', [path.join(__dirname, 'record.py'), String(COLUMNS), String(ROWS), ...command], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: '' },
  });
  if (run.status !== 0) throw new Error(`the recorder ended with ${run.status}: ${run.stderr}`);
  const { code, events } = JSON.parse(run.stdout);
  if (code !== 0) throw new Error(`the demo ended with ${code}`);
  return /** @type {[number, string][]} */ (events);
}

/** @param {[number, string][]} events */
function framesOf(events) {
  const terminal = new Terminal(COLUMNS, ROWS);
  terminal.write('$ npm run demo -- --fake\r\n');
  /** @type {{seconds: number, screen: import('./terminal.js').Cell[][]}[]} */
  const frames = [];
  let shownAt = 0;
  for (const [at, text] of events) {
    if (at - shownAt >= MIN_FRAME_SECONDS) {
      frames.push({ seconds: at - shownAt, screen: terminal.screen() });
      shownAt = at;
    }
    terminal.write(text);
  }
  frames.push({ seconds: LAST_SECONDS, screen: terminal.screen() });
  return frames;
}

const frames = framesOf(record());
const svg = picture(frames, { columns: COLUMNS, rows: ROWS, title: 'llm-jobs: the demo in a terminal' });
if (Buffer.byteLength(svg) > MAX_BYTES) throw new Error(`the picture has ${Buffer.byteLength(svg)} bytes, more than ${MAX_BYTES}`);
fs.mkdirSync(path.dirname(target), { recursive: true });
fs.writeFileSync(target, svg);
process.stdout.write(`${path.relative(root, target)}: ${frames.length} frames, ${Math.ceil(Buffer.byteLength(svg) / 1024)} KiB\n`);
