// SPDX-License-Identifier: MIT
'use strict';

/** Listens for one message after a while, then for the others after another while. */

const { parentPort } = process;
setTimeout(() => {
  parentPort.once('message', ({ data }) => {
    parentPort.postMessage(`first: ${data}`);
    setTimeout(() => parentPort.on('message', (event) => parentPort.postMessage(`later: ${event.data}`)), 30);
  });
}, 30);
