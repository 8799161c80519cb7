// SPDX-License-Identifier: MIT
'use strict';

/** What grows with the table, with the streams and with the worker processes, and what does not: bench/scale/. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setup } = require('../scripts/setup.js');
const { startNginx } = require('./lib/nginx.js');
const rows = require('./scale/rows.js');
const streams = require('./scale/streams.js');
const { measureWorkers } = require('./scale/workers.js');

/** @import { Context, Result } from './lib/report.js' */

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run(context) {
  await setup({ comparing: true, parts: ['addon', rows.PROGRAM, streams.PROGRAM] });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-scale-'));
  const nginx = await startNginx(dir);
  try {
    const parts = [await rows.measureRows(context, nginx.plain), await streams.measureStreams(context), await measureWorkers(context, nginx)];
    return {
      settings: Object.assign({ worker: 'all options as they are by default but `concurrency` and `workers`' }, ...parts.map((part) => part.settings)),
      tables: parts.flatMap((part) => part.tables),
      figures: parts.flatMap((part) => part.figures),
      series: parts.flatMap((part) => part.series),
    };
  } finally {
    await nginx.close();
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

module.exports = { about: 'throughput and cost with a thousand to a million rows, 1 to 1,000 streams, 1 to 8 worker processes', run };
