// SPDX-License-Identifier: MIT
'use strict';

/**
 * The worker's own entry, with a look at how late its JavaScript thread is. SIGUSR2 begins the measurement, the next one ends it and
 * prints the figures on standard output.
 */

const { watchLateness } = require('./lateness.js');

/** @type {(() => import('./lateness.js').Late) | undefined} */
let end;

process.on('SIGUSR2', () => {
  if (end === undefined) {
    end = watchLateness();
    return;
  }
  process.stdout.write(`loop ${JSON.stringify(end())}\n`);
  end = undefined;
});

require('../../js/worker.js');
