// SPDX-License-Identifier: MIT
'use strict';

const { fork } = require('node:child_process');
const { once } = require('node:events');

/**
 * Runs a script in a process of its own, with its options as JSON, and gives back the one message that it sends.
 * @param {{ends: (() => unknown)[]}} stage
 * @param {string} script
 * @param {object} options
 * @returns {Promise<any>}
 */
async function askChild(stage, script, options) {
  const child = fork(script, [JSON.stringify(options)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  stage.ends.push(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`${script} ended with ${code} before it had done its work`);
  });
  const [answer] = await Promise.race([once(child, 'message'), exit]);
  await exit.catch(() => {});
  return answer;
}

module.exports = { askChild };
