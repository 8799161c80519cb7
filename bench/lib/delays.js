// SPDX-License-Identifier: MIT
'use strict';

const path = require('node:path');
const { askChild } = require('./child.js');
const { quantile } = require('./report.js');

const WRITER = path.join(__dirname, 'writer.js');

/**
 * Lets a process of its own insert rows one by one with plain SQL, with gaps of random length so that no timer of the worker can
 * fall into step with them, and measures the time from each commit to the moment in which the provider has the whole request.
 *
 * Both ends are read from the monotonic clock, which all processes of a Linux machine share. So a delay holds the wake-up, the
 * claim (a commit of its own), and the request's way through the loopback interface.
 * @param {any} stage
 * @param {import('../../js/testing.js').FakeProvider} fake
 * @param {{synchronous: string, inserts: number, gapMs: number[]}} options
 * @returns {Promise<{p50: number, p99: number, max: number}>} milliseconds
 */
async function measureDelays(stage, fake, { synchronous, inserts, gapMs }) {
  /** @type {{prompt: string, at: number}[]} the time of each commit */
  const commits = await askChild(stage, WRITER, { file: stage.file, synchronous, inserts, gapMs });
  const end = Date.now() + 20000;
  const arrivals = new Map();
  while (arrivals.size < inserts) {
    if (Date.now() > end) throw new Error(`the provider has seen ${arrivals.size} of ${inserts} requests`);
    for (const { body, monotonicMs } of await fake.log()) {
      const prompt = body.messages[0].content;
      if (prompt.startsWith(`${synchronous}-`)) arrivals.set(prompt, monotonicMs);
    }
  }
  const delays = commits.map(({ prompt, at }) => arrivals.get(prompt) - at).sort((one, other) => one - other);
  return { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99), max: quantile(delays, 1) };
}

module.exports = { measureDelays };
