// SPDX-License-Identifier: MIT
'use strict';

/** A utility process that does what it is told: {do: …}. Whatever else it gets, it sends back. */

const { parentPort } = process;
const shown = () => ({
  type: process.type,
  send: typeof process.send,
  args: process.argv.slice(2),
  execArgv: process.execArgv,
  entry: process.argv[1],
  env: process.env.STAND_IN_TEST ?? null,
  cwd: process.cwd(),
});

process.on('SIGTERM', () => parentPort.postMessage('SIGTERM was handled'));
parentPort.on('message', ({ data, ports }) => {
  switch (data?.do) {
    case 'show':
      return parentPort.postMessage(shown());
    case 'exit':
      return process.exit(data.code);
    case 'print':
      return console.log(data.text);
    case 'signal':
      return process.kill(process.pid, data.signal);
    case 'out of memory': {
      /** @type {unknown[]} */
      const kept = [];
      for (;;) kept.push(new Array(100000).fill(kept.length));
    }
    case 'ports':
      for (const port of ports) {
        port.on('message', (/** @type {any} */ event) => port.postMessage({ echoed: event.data }));
        port.on('close', () => parentPort.postMessage('the port has closed'));
        port.start();
      }
      return parentPort.postMessage({ ports: ports.length });
    default:
      return parentPort.postMessage(data);
  }
});
