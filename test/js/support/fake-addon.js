// SPDX-License-Identifier: MIT
'use strict';

/**
 * Stands in for the native addon in tests of the protocol between host and worker (LLM_JOBS_ADDON). It opens no database. What it
 * does is told by the configuration's key `fake`: {failStart, failLater, silent, neverDrains, countFile, crashUntil, stoppedFile,
 * workFile}; and by the channels `test:…`. `workFile` is what the heartbeats of all processes say of their work, as JSON.
 */

const fs = require('node:fs');

/** @type {any[]} */
let events = [];
/** @type {() => void} */
let wake = () => {};
let stopped = false;
let notified = 0;
let takes = 0;
/** @type {any[]} the messages that came, `test:…` left out */
const heard = [];
/** What the heartbeat says, and how late; null: nothing any more. */
let metrics = { cpuUsage: 1, memoryUsage: 50, avgResponseTime: 0 };
let beatDelayMs = /** @type {number | null} */ (0);
/** @type {number | null} */
let slots = null;
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
  'worker:stats': (id) => tell({ id, channel: 'worker:stats', payload: { workerId: config.workerId, notified, takes, heard, env: process.env, argv: process.argv.slice(2), execArgv: process.execArgv } }),
  'worker:drain': (id, { deadlineMs }) => {
    if (!config.fake?.neverDrains) tell({ id, channel: 'worker:drain', payload: { drained: deadlineMs, interrupted: 0 } });
  },
  'worker:subscribe': (id, payload) => {
    // As the engine does, further text may be under way when the answer is: it does not belong to the answer.
    const more = payload.jobId === undefined ? [] : [{ channel: 'worker:token', payload: { tokens: [{ id: payload.jobId, text: ' more' }] } }];
    tell({ id, channel: 'worker:subscribe', payload: { ...payload, text: payload.jobId === undefined ? undefined : 'so far' } }, ...more);
  },
  'worker:heartbeat': (id) => {
    const { cpuUsage = metrics.cpuUsage, ...work } = config.fake?.workFile ? JSON.parse(fs.readFileSync(config.fake.workFile, 'utf8')) : {};
    const beat = { pid: process.pid, uptimeMs: 1, turns: 1, active: 0, concurrency: slots ?? config.concurrency ?? 5, backlog: false, sinceLastTurnMs: 0, cpuMs: 1, rssBytes: 1, ...work };
    const say = () => tell({ id, channel: 'worker:heartbeat', payload: beat }, { channel: 'worker:health-status', payload: { status: 'healthy', metrics: { ...metrics, cpuUsage } } });
    if (beatDelayMs !== null) setTimeout(say, beatDelayMs);
  },
  'worker:throttle': (id, { concurrency }) => {
    slots = concurrency;
    tell({ id, channel: 'worker:throttle', payload: { concurrency: slots ?? config.concurrency ?? 5 } });
  },
  'worker:pause': (id) => tell({ id, channel: 'worker:pause', payload: { paused: true } }),
  'worker:resume': (id) => tell({ id, channel: 'worker:resume', payload: { paused: false } }),
  'worker:hold': (id, { held }) => tell({ id, channel: 'worker:hold', payload: { held } }),
  'worker:release': (id) => tell({ id, channel: 'worker:release', payload: { released: true, interrupted: 0 } }),
  'worker:processRequest': (id, { jobId, prompt }) => {
    if (prompt === 'refused') return tell({ id, channel: 'worker:processRequest', error: { code: 'QUEUE_FULL', message: 'too many' } });
    if (prompt !== 'never') tell({ id, channel: 'worker:processRequest', payload: { jobId, result: { text: `to ${prompt}` } } });
  },
  'worker:loadModel': (id, { model }) => tell({ id, channel: 'worker:loadModel', payload: { model, loaded: true, ms: 1 } }),
  'test:heard': (id) => tell({ id, channel: 'test:heard', payload: heard }),
  'test:metrics': (_id, payload) => void (metrics = payload),
  'test:beat': (_id, { delayMs }) => void (beatDelayMs = delayMs),
  'test:block': () => {
    for (;;);
  },
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
  start(/** @type {string} */ text, /** @type {() => void} */ onEvents, /** @type {string | undefined} */ messages) {
    config = JSON.parse(text);
    heard.push(...JSON.parse(messages ?? '[]'));
    wake = onEvents;
    const { countFile, crashUntil = 0 } = config.fake ?? {};
    if (countFile) fs.appendFileSync(countFile, '.');
    if (countFile && fs.readFileSync(countFile, 'utf8').length < crashUntil) process.exit(7);
    if (config.fake?.failStart) throw coded('BAD_CONFIG', 'providers.x: unknown key');
    if (config.fake?.failLater) tell({ channel: 'worker:failed', payload: { code: 'DB_NOT_WAL', message: 'not in WAL mode' } });
    else if (!config.fake?.silent) {
      tell({ channel: 'worker:ready', payload: { workerId: config.workerId ?? 'fake', owner: 'fake', pid: process.pid, database: config.database, recovered: 0, versions: {} } });
    }
    return { fake: true };
  },
  send(/** @type {unknown} */ _handle, /** @type {string} */ text) {
    if (text.length > 1000000) throw coded('TOO_BIG', 'the message is too large');
    const { id, channel, payload } = JSON.parse(text);
    if (!channel.startsWith('test:')) heard.push({ channel, payload });
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
