// SPDX-License-Identifier: MIT
'use strict';

/**
 * Stands in for the native addon in tests of the protocol between host and worker (LLM_JOBS_ADDON). It opens no database. What it
 * does is told by the configuration's key `fake`: {failStart, failLater, silent, neverDrains}; and by the channels `test:…`.
 */

const fs = require('node:fs');

/** @type {any[]} */
let events = [];
/** @type {() => void} */
let wake = () => {};
let stopped = false;
let notified = 0;
let takes = 0;
/** @type {any} */
let config = null;

function coded(/** @type {string} */ code, /** @type {string} */ message) {
  return Object.assign(new Error(message), { code });
}

function tell(/** @type {any[]} */ ...more) {
  const wasEmpty = events.length === 0;
  events.push(...more);
  if (wasEmpty) setImmediate(() => wake());
}

/** @type {Record<string, (id: unknown, payload: any) => void>} */
const channels = {
  'worker:stats': (id) => tell({ id, channel: 'worker:stats', payload: { notified, takes, env: process.env, argv: process.argv.slice(2), execArgv: process.execArgv } }),
  'worker:drain': (id, { deadlineMs }) => {
    if (!config.fake?.neverDrains) tell({ id, channel: 'worker:drain', payload: { drained: deadlineMs, interrupted: 0 } });
  },
  'worker:subscribe': (id, payload) => tell({ id, channel: 'worker:subscribe', payload }),
  'test:config': (id) => tell({ id, channel: 'test:config', payload: config }),
  'test:later': (id, { ms, value }) => void setTimeout(() => tell({ id, channel: 'test:later', payload: value }), ms),
  'test:error': (id) => tell({ id, channel: 'test:error', error: { code: 'RATE_LIMITED', message: 'too many' } }),
  'test:events': (_id, payload) => tell(...payload),
  'test:crash': () => process.kill(process.pid, 'SIGKILL'),
  'test:exit': (_id, { code }) => process.exit(code),
  'test:throw': () => void setImmediate(() => { throw new Error('thrown by the fake addon'); }),
  'test:print': (_id, { text }) => void fs.writeSync(1, text),
};

module.exports = {
  start(/** @type {string} */ text, /** @type {() => void} */ onEvents) {
    config = JSON.parse(text);
    wake = onEvents;
    if (config.fake?.failStart) throw coded('BAD_CONFIG', 'providers.x: unknown key');
    if (config.fake?.failLater) tell({ channel: 'worker:failed', payload: { code: 'DB_NOT_WAL', message: 'not in WAL mode' } });
    else if (!config.fake?.silent) {
      tell({ channel: 'worker:ready', payload: { workerId: 'fake', owner: 'fake', pid: process.pid, database: config.database, recovered: 0, versions: {} } });
    }
    return { fake: true };
  },
  send(/** @type {unknown} */ _handle, /** @type {string} */ text) {
    if (text.length > 1000000) throw coded('TOO_BIG', 'the message is too large');
    const { id, channel, payload } = JSON.parse(text);
    if (!Object.hasOwn(channels, channel)) return tell({ id, channel, error: { code: 'NOT_FOUND', message: `no ${channel}` } });
    channels[channel](id, payload);
  },
  notify() {
    notified += 1;
  },
  take() {
    takes += 1;
    if (events.length === 0) return null;
    const text = JSON.stringify(events);
    events = [];
    return text;
  },
  stop() {
    if (stopped) throw new Error('stopped twice');
    stopped = true;
    if (config?.fake?.stoppedFile) fs.writeFileSync(config.fake.stoppedFile, 'stopped');
  },
  versions: () => '{}',
};
