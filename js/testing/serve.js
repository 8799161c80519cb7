// SPDX-License-Identifier: MIT
'use strict';

/**
 * The fake provider as a process of its own, forked by startFakeProvider({process: true}). Messages are {id, command, value},
 * answered by {id, value} or {id, error}. It ends with its parent.
 */

const { FakeServer } = require('./server.js');

/** @type {FakeServer | null} */
let fake = null;

/** @type {Record<string, (value: any) => unknown>} */
const commands = {
  async start(options) {
    fake = new FakeServer(options);
    return fake.listen();
  },
  log: () => fake?.log.list(),
  stats: () => fake?.log.stats,
  clear: () => fake?.log.clear(),
  script: (script) => fake?.script.set(script ?? undefined),
};

process.on('message', async (/** @type {{id: number, command: string, value: any}} */ { id, command, value }) => {
  try {
    process.send?.({ id, value: await commands[command](value) });
  } catch (error) {
    const { code = 'INVALID', message } = /** @type {{code?: string, message: string}} */ (error);
    process.send?.({ id, error: { code, message } });
  }
});
process.on('disconnect', () => process.exit(0));
