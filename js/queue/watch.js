// SPDX-License-Identifier: MIT
'use strict';

const { bus } = require('../bus.js');
const changes = require('./changes.js');
const { selectJob, toJob } = require('./job.js');

/** @import { Store } from './store.js' */
/** @import { Job } from './job.js' */
/** @import { Position } from './changes.js' */

const BY_ID = `${selectJob} WHERE id = ?`;
/** Changes as soon as another connection has committed; asking costs some microseconds. */
const DATA_VERSION = 'PRAGMA data_version';
/** Grows with what this connection itself writes. */
const OWN_CHANGES = 'SELECT total_changes() AS count';

/**
 * @param {Store} store
 * @param {{cursor: string | null, signal: AbortSignal | undefined, ids: Set<string> | null, pollMs: number}} terms
 * @returns {AsyncGenerator<{cursor: string, job: Job}, void, undefined>}
 */
function watch(store, { cursor, signal, ids, pollMs }) {
  // "From now on" begins with the call, not when somebody first asks; but never with rows that may yet be rolled back.
  const start = cursor !== null ? changes.parse(cursor) : store.driver.inTransaction ? null : changes.now(store);
  return generate(store, start, ids, pollMs, signal);
}

/**
 * @param {Store} store
 * @param {Position | null} start
 * @param {Set<string> | null} ids
 * @param {number} pollMs
 * @param {AbortSignal | undefined} signal
 * @returns {AsyncGenerator<{cursor: string, job: Job}, void, undefined>}
 */
async function* generate(store, start, ids, pollMs, signal) {
  const bell = new Bell(pollMs, signal);
  try {
    await outsideTransaction(store, bell);
    if (bell.isOver) return;
    let position = start ?? changes.now(store);
    for (;;) {
      const seen = version(store);
      const { changes: found, end, more } = changes.read(store, position);
      for (const change of found) {
        if (ids !== null && !ids.has(change.id)) continue;
        await outsideTransaction(store, bell);
        if (bell.isOver) return;
        const row = store.get(BY_ID, [change.id]);
        // One that has changed again meanwhile is found again, with the number of that change; one that is gone is gone.
        if (row !== undefined && row.revision === change.revision) yield { cursor: changes.write(change.position), job: toJob(row) };
        if (bell.isOver) return;
      }
      position = end;
      while (!more && !bell.isOver) {
        if (await bell.wait()) break;
        if (!store.driver.inTransaction && version(store) !== seen) break;
      }
      await outsideTransaction(store, bell);
      if (bell.isOver) return;
    }
  } finally {
    bell.close();
  }
}

/** @param {Store} store */
function version(store) {
  return `${store.get(DATA_VERSION)?.data_version} ${store.get(OWN_CHANGES)?.count}`;
}

/**
 * What the app sees inside its own open transaction may yet be rolled back.
 * @param {Store} store
 * @param {Bell} bell
 */
async function outsideTransaction(store, bell) {
  while (store.driver.inTransaction && !bell.isOver) await bell.wait();
}

/** Wakes one waiting loop: when the time is up, when a worker of this process tells of jobs, or when the caller has had enough. */
class Bell {
  /**
   * @param {number} pollMs
   * @param {AbortSignal} [signal]
   */
  constructor(pollMs, signal) {
    this.pollMs = pollMs;
    this.signal = signal;
    this.rung = false;
    /** @type {(() => void) | null} */
    this.wake = null;
    this.onJobs = () => {
      this.rung = true;
      this.wake?.();
    };
    // At once, also when the loop is not waiting and nobody asks it for more.
    this.onAbort = () => {
      this.close();
      this.wake?.();
    };
    if (this.isOver) return;
    bus.on('jobs', this.onJobs);
    signal?.addEventListener('abort', this.onAbort);
  }

  get isOver() {
    return this.signal?.aborted === true;
  }

  /** @returns {Promise<boolean>} whether a worker has rung since the last time */
  async wait() {
    if (!this.rung && !this.isOver) {
      await /** @type {Promise<void>} */ (
        new Promise((resolve) => {
          const timer = setTimeout(resolve, this.pollMs);
          this.wake = () => (clearTimeout(timer), resolve());
        })
      );
      this.wake = null;
    }
    const { rung } = this;
    this.rung = false;
    return rung;
  }

  close() {
    bus.off('jobs', this.onJobs);
    this.signal?.removeEventListener('abort', this.onAbort);
  }
}

module.exports = { watch };
