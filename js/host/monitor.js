// SPDX-License-Identifier: MIT
'use strict';

const { Heartbeat } = require('./heartbeat.js');
const { Limits } = require('./limits.js');

/** @import { Generation } from './generation.js' */
/** @import { HeartbeatSettings } from './heartbeat.js' */
/** @import { LimitSettings, Metrics } from './limits.js' */

/**
 * @typedef {object} MonitorEvents
 * @property {(answer: any) => void} onBeat what the engine answered
 * @property {(status: 'healthy' | 'degraded', metrics?: Metrics) => void} onHealth metrics: new ones
 * @property {(news: {on: boolean, reason?: 'cpu' | 'memory', concurrency: number}) => void} onThrottle
 * @property {(message: string) => void} onHung it will not answer any more
 * @property {(message: string) => void} onOver it should be replaced
 * @property {(level: string, line: string) => void} onLog
 */

/** The engine's default of `concurrency`, until its first heartbeat has told. */
const CONCURRENCY = 5;
const THROTTLE_MS = 30000;

/** Watches one process that is ready: whether it lives, and what it uses. */
class Monitor {
  /** @type {Generation} */ #generation;
  /** @type {MonitorEvents} */ #events;
  /** @type {Heartbeat | null} */ #heartbeat = null;
  /** @type {Limits | null} */ #limits = null;
  /** Slots of the configuration. */ #concurrency;

  /**
   * @param {Generation} generation
   * @param {{heartbeat: HeartbeatSettings | false, limits: LimitSettings | false, config: {concurrency?: number}}} settings
   * @param {MonitorEvents} events
   */
  constructor(generation, { heartbeat, limits, config }, events) {
    this.#generation = generation;
    this.#events = events;
    this.#concurrency = config.concurrency ?? CONCURRENCY;
    if (limits !== false) this.#limits = new Limits(limits);
    if (heartbeat !== false) this.#beat(heartbeat);
  }

  /** Consecutive heartbeats without an answer. */
  get misses() {
    return this.#heartbeat?.misses ?? 0;
  }

  /** Whether jobs are kept out of some of the slots. */
  get throttled() {
    return this.#limits?.throttled ?? false;
  }

  stop() {
    this.#heartbeat?.stop();
  }

  /** @param {HeartbeatSettings} settings */
  #beat(settings) {
    const { timeoutMs, maxRetries } = settings;
    this.#heartbeat = new Heartbeat(settings, {
      ask: (_timeoutMs, onAnswer) => this.#generation.request('worker:heartbeat', undefined, { timeoutMs, onAnswer, always: true }),
      onBeat: (answer) => {
        const { concurrency } = answer;
        if (typeof concurrency === 'number' && !this.throttled) this.#concurrency = concurrency;
        this.#events.onBeat(answer);
      },
      onMiss: (misses) => {
        this.#events.onLog('warn', `the worker did not answer to a heartbeat within ${timeoutMs} ms (${misses} of ${maxRetries})`);
        this.#events.onHealth('degraded');
      },
      onHung: () => this.#events.onHung(`the worker did not answer to ${maxRetries} heartbeats`),
    });
    this.#heartbeat.start();
  }

  /** @param {{status: 'healthy' | 'degraded', metrics: Metrics}} told what the engine posts after each heartbeat */
  hear({ status, metrics }) {
    const verdict = this.#limits?.judge(metrics, this.#concurrency);
    if (verdict?.concurrency !== undefined) this.#throttle(verdict.concurrency, verdict.reason);
    // An event may belong to an answer that came too late.
    this.#events.onHealth(this.throttled || this.misses > 0 ? 'degraded' : status, metrics);
    if (verdict?.replace) this.#events.onOver(`the worker uses ${Math.round(metrics.memoryUsage)} MB of memory, far over its limit`);
  }

  /**
   * @param {number | null} concurrency
   * @param {'cpu' | 'memory' | undefined} reason
   */
  #throttle(concurrency, reason) {
    this.#generation.request('worker:throttle', { concurrency }, { timeoutMs: THROTTLE_MS }).catch((error) => {
      if (error.code !== 'WORKER_CRASHED') this.#events.onLog('warn', `the worker was not throttled: ${error.message}`);
    });
    this.#events.onThrottle({ on: concurrency !== null, reason, concurrency: concurrency ?? this.#concurrency });
  }
}

module.exports = { Monitor };
