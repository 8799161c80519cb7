// SPDX-License-Identifier: MIT
'use strict';

/** How long startWorker takes, from the fork to the worker's word that it is ready, and what a fork of an empty script takes. */

const { fork } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { startWorker } = require('../js/index.js');
const { figure, quantile } = require('./lib/report.js');
const { onStage } = require('./lib/stage.js');

/** @import { Context, Result } from './lib/report.js' */

const EMPTY = path.join(__dirname, 'lib', 'empty.js');

/** @param {() => Promise<unknown>} work */
async function timed(work) {
  const begun = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - begun) / 1e6;
}

/** Until it has said one word. */
async function forkEmpty() {
  const child = fork(EMPTY, [], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exit = once(child, 'exit');
  const ms = await timed(() => once(child, 'message'));
  child.disconnect();
  await exit;
  return ms;
}

/**
 * @param {Context} context
 * @returns {Promise<Result>}
 */
async function run({ quick, note }) {
  const starts = quick ? 3 : 40;
  return onStage(async (stage) => {
    /** @type {number[]} */
    const ready = [];
    /** @type {number[]} */
    const empty = [];
    for (let i = 0; i < starts; i++) {
      note(`start ${i + 1} of ${starts}`);
      empty.push(await forkEmpty());
      /** @type {import('../js/host.js').Worker | undefined} */
      let worker;
      const start = async () => {
        worker = await startWorker({ database: stage.file, logLevel: 'error', providers: { local: { kind: 'ollama' } } });
      };
      ready.push(await timed(start));
      await worker?.stop();
    }
    for (const list of [ready, empty]) list.sort((one, other) => one - other);
    return {
      settings: { starts: `${starts} of each, in turn`, worker: 'default settings, one provider, an empty table' },
      figures: [
        figure('startWorker to ready, median', quantile(ready, 0.5), 'ms', { budget: 150 }),
        figure('startWorker to ready, p90', quantile(ready, 0.9), 'ms'),
        figure('an empty fork to its first word, median', quantile(empty, 0.5), 'ms', { note: 'what Node itself takes' }),
        figure('difference of the medians', quantile(ready, 0.5) - quantile(empty, 0.5), 'ms'),
      ],
    };
  });
}

module.exports = { about: 'fork to ready', run };
