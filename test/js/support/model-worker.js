// SPDX-License-Identifier: MIT
'use strict';

/**
 * A worker process that a test kills, stops, continues and starts again, without a host that would do so by itself, and whose
 * clock it sets.
 */

const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { Clock } = require('./clock.js');

const ENTRY = path.join(__dirname, '..', '..', '..', 'js', 'worker.js');

class RawWorker {
  /** @param {import('./e2e.js').World} world @param {Record<string, any>} config with a workerId of its own */
  constructor(world, config) {
    this.world = world;
    this.id = config.workerId;
    this.clock = new Clock(path.join(world.dir, `${config.workerId}.clock`));
    this.env = { ...process.env, ...this.clock.env, LLM_JOBS_CONFIG: JSON.stringify(config) };
    /** @type {Map<string, Set<string>>} of each job, the lease tokens of the runs that a kill has ended */
    this.held = new Map();
    this.kills = 0;
    this.killsInFlight = 0;
    this.stopped = false;
    this.released = false;
    /** @type {string[]} what this worker must not have done or said */
    this.faults = [];
    /** @type {string[]} its last lines, for a test that fails */
    this.log = [];
    world.ends.push(() => this.clock.close());
    world.ends.push(() => this.end());
    this.rows = world.db.prepare("SELECT id, lease_token AS token FROM llm_jobs WHERE status = 'active' AND lease_owner LIKE ?");
  }

  start() {
    const child = fork(ENTRY, [], { env: this.env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
    this.child = child;
    this.gone = once(child, 'exit');
    this.ready = new Promise((resolve, reject) => {
      child.on('message', (/** @type {any} */ { channel, payload, error }) => {
        if (channel === 'worker:ready') resolve(undefined);
        if (channel === 'worker:failed') reject(new Error(`${this.id}: ${payload.code}: ${payload.message}`));
        if (channel === 'worker:log') this.log = [...this.log.slice(-9), payload.line];
        // A release that is taken back at once says so.
        if (error !== undefined && error.code !== 'INTERRUPTED') this.faults.push(`${channel}: ${error.code}: ${error.message}`);
      });
      child.once('exit', (code, signal) => {
        if (signal !== 'SIGKILL') this.faults.push(`ended by itself (${code}, ${signal})`);
        reject(new Error(`${this.id} ended with ${code} before it was ready`));
      });
    });
    this.ready.catch(() => {}); // whoever waits hears of it; a worker that is killed early has nobody who waits
  }

  /** As a crash or a power cut. Notes what the worker held. */
  async kill() {
    const { child } = this;
    if (child === undefined) return;
    child.kill('SIGKILL');
    const [code, signal] = /** @type {any[]} */ (await this.gone);
    if (signal !== 'SIGKILL') throw new Error(`${this.id} ended by itself (${code}, ${signal})`);
    this.child = undefined;
    this.stopped = false;
    this.released = false;
    this.kills += 1;
    let fresh = 0;
    for (const { id, token } of this.rows.all(`${this.id}@%`)) {
      const tokens = this.held.get(id) ?? new Set();
      // Runs that an earlier kill has ended are still there when this process died before it could take them back.
      if (!tokens.has(token)) fresh += 1;
      this.held.set(id, tokens.add(token));
    }
    if (fresh > 0) this.killsInFlight += 1;
  }

  stop() {
    if (this.child === undefined || this.stopped) return false;
    this.stopped = this.child.kill('SIGSTOP');
    return this.stopped;
  }

  resume() {
    if (this.stopped) this.child?.kill('SIGCONT');
    this.stopped = false;
  }

  /** Makes it close the database, with no patience for what runs; `reopen` ends that. Neither waits for an answer. */
  release() {
    if (this.child === undefined || this.released) return false;
    this.released = true;
    return this.child.send({ id: 'release', channel: 'worker:release', payload: { deadlineMs: 0 } });
  }

  reopen() {
    if (this.released) this.child?.send({ id: 'resume', channel: 'worker:resume' });
    this.released = false;
  }

  async end() {
    this.child?.kill('SIGKILL');
    await this.gone;
    this.child = undefined;
  }
}

/**
 * How many runs of each job were ended by kills of these workers.
 * @param {RawWorker[]} workers
 * @returns {Map<string, number>}
 */
function heldAtKills(workers) {
  const counts = new Map();
  for (const { held } of workers) for (const [id, tokens] of held) counts.set(id, (counts.get(id) ?? 0) + tokens.size);
  return counts;
}

module.exports = { RawWorker, heldAtKills };
