// SPDX-License-Identifier: MIT
'use strict';

const { EventEmitter } = require('node:events');
const { LlmJobsError } = require('../error.js');
const { Supervisor, REQUEST_MS, DRAIN_MS } = require('./supervisor.js');
const { Load, decide } = require('./scale.js');
const { COMBINED, combineStats, combineHealth } = require('./answers.js');

/** @import { Ready, Message } from './generation.js' */
/** @import { SupervisorOptions, State, HealthStatus } from './supervisor.js' */
/** @import { ScaleSettings, View } from './scale.js' */
/** @import { AskOptions } from './requests.js' */
/** @import { ScaleEvent } from './events.js' */

/**
 * @typedef {object} Member
 * @property {number} slot from 1
 * @property {string} workerId
 * @property {Supervisor} supervisor
 * @property {Load} load
 * @property {boolean} ending
 * @property {boolean} covered another one was started because this one does not answer
 * @property {boolean} throttledByCpu
 * @property {any} beat the last answer to a heartbeat, null before the first
 * @property {number} asked volatile requests that wait for their answer
 *
 * @typedef {object} MemberStatus
 * @property {string} workerId
 * @property {number | undefined} pid
 * @property {State | 'ending'} state
 * @property {number} generation
 * @property {HealthStatus | null} health
 */

/** The engine's default of `maxQueue`. */
const MAX_QUEUE = 100;
const WORKER_ID = 'llm-worker-1';
const MAX_WORKER_ID = 80;
/** After a process that was to help could not be started, none is for so long. */
const COOL_MS = 60000;

/**
 * Several worker processes on one database. Each has a supervisor of its own and an id of its own; the database shares the jobs out.
 * It has the methods and events of one supervisor: what is asked of the pool is asked of all members or of one, as the channel
 * demands. Its events carry the `workerId` of the member; 'scale' (ScaleEvent) tells of members that were added or ended, and 'failed'
 * comes when the last of them is given up.
 */
class Pool extends EventEmitter {
  /** @type {SupervisorOptions} */ #options;
  /** @type {ScaleSettings} */ #settings;
  /** @type {Member[]} by slot */ #members = [];
  /** @type {string} */ #workerId;
  /** @type {Promise<void> | null} */ #stopping = null;
  #stopped = false;
  #started = false;
  #parked = false;
  #drained = false;
  /** Monotonic. */
  #coolUntil = 0;

  /**
   * @param {SupervisorOptions} options of each member
   * @param {ScaleSettings} settings
   */
  constructor(options, settings) {
    super();
    this.#options = options;
    this.#settings = settings;
    this.#workerId = options.config.workerId ?? WORKER_ID;
    if (String(this.#workerId).length > MAX_WORKER_ID - `-${settings.max}`.length) {
      throw new LlmJobsError('BAD_CONFIG', `workerId: with several workers, each gets a number behind it; it must be shorter than ${MAX_WORKER_ID - 2} characters`);
    }
  }

  /** The first process that runs, undefined while none does. */
  get pid() {
    return this.#members.map(({ supervisor }) => supervisor.pid).find((pid) => pid !== undefined);
  }

  /** What the first member said when it was ready. */
  get ready() {
    return this.#members[0]?.supervisor.ready ?? null;
  }

  /** @returns {State} that of the member that does best */
  get state() {
    if (this.#stopped) return 'stopped';
    const states = this.#members.map(({ supervisor }) => supervisor.state);
    return /** @type {State[]} */ (['ready', 'starting', 'restarting', 'failed']).find((state) => states.includes(state)) ?? 'starting';
  }

  /** The number of the first member's last process. */
  get generation() {
    return this.#members[0]?.supervisor.generation ?? 0;
  }

  get health() {
    return combineHealth(this.#members.filter(({ ending }) => !ending).map(({ supervisor }) => supervisor.health));
  }

  /** @returns {MemberStatus[]} */
  get members() {
    return this.#members.map(({ workerId, ending, supervisor }) => memberStatus(workerId, supervisor, ending));
  }

  /**
   * Called once. Resolves when as many as are always kept serve the table; when one of them cannot, all end and it rejects.
   * @returns {Promise<Ready>} of the first
   */
  async start() {
    try {
      // The first one makes the table and finds what is wrong with the configuration; the others need not.
      const ready = await this.#add().supervisor.start();
      if (this.#stopping !== null) throw new LlmJobsError('WORKER_CRASHED', 'the worker has been stopped before it was ready');
      const others = Array.from({ length: this.#settings.min - 1 }, () => this.#add());
      await Promise.all(others.map(({ supervisor }) => supervisor.start()));
      this.#started = true;
      return ready;
    } catch (error) {
      await this.stop({ deadlineMs: 0 });
      throw error;
    }
  }

  /**
   * @param {string} channel
   * @param {unknown} [payload]
   * @param {Partial<AskOptions>} [options] `onAnswer` hears each member's answer, as soon as it is there
   * @returns {Promise<any>}
   */
  async request(channel, payload, { timeoutMs = REQUEST_MS, onAnswer } = {}) {
    if (channel === 'worker:drain') this.#drained = true;
    if (channel === 'worker:processRequest') return this.#process(payload, { timeoutMs, onAnswer });
    if (channel === 'worker:stats') return this.#stats(timeoutMs);
    if (!Object.hasOwn(COMBINED, channel)) return this.#best().supervisor.request(channel, payload, { timeoutMs, onAnswer });

    const all = await Promise.allSettled(this.#members.map(({ supervisor }) => supervisor.request(channel, payload, { timeoutMs, onAnswer })));
    const errors = all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    const answers = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    // One that has died has nothing left to be asked, and its next process is told at its start.
    const error = errors.find(({ code }) => code !== 'WORKER_CRASHED') ?? (answers.length === 0 ? errors[0] : undefined);
    if (error !== undefined) throw error;
    return COMBINED[channel](answers);
  }

  /**
   * @param {unknown} payload
   * @param {AskOptions} options
   */
  async #process(payload, options) {
    const most = this.#options.config.maxQueue ?? MAX_QUEUE;
    if (this.#members.reduce((sum, { asked }) => sum + asked, 0) >= most) {
      throw new LlmJobsError('QUEUE_FULL', `worker:processRequest: ${most} requests already wait for their results; add the job to the table, or raise maxQueue`);
    }
    const member = this.#best();
    member.asked += 1;
    member.load.touch(performance.now());
    try {
      return await member.supervisor.request('worker:processRequest', payload, options);
    } finally {
      member.asked -= 1;
      member.load.touch(performance.now());
    }
  }

  /** @param {number} timeoutMs */
  async #stats(timeoutMs) {
    // One that hangs would keep all waiting.
    const asked = this.#members.filter((one) => isWell(one));
    if (asked.length === 0) return this.#best().supervisor.request('worker:stats', undefined, { timeoutMs });
    const all = await Promise.allSettled(asked.map(({ supervisor }) => supervisor.request('worker:stats', undefined, { timeoutMs })));
    const errors = all.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (errors.length === all.length) throw errors[0];
    const told = new Map(asked.map((member, n) => [member.workerId, all[n].status === 'fulfilled' ? all[n].value : null]));
    const members = this.members.map(({ workerId, pid, state, generation }) => ({ workerId, pid, state, generation, stats: told.get(workerId) ?? null }));
    return { ...combineStats(this.#workerId, [...told.values()].filter(Boolean)), members };
  }

  /** The member that is best asked: one that answers, and has the least to do. */
  #best() {
    const by = (/** @type {Member} */ { asked, load }) => asked * 1e6 + load.active;
    const well = this.#members.filter((one) => isWell(one));
    const best = well.reduce((/** @type {Member | null} */ so, one) => (so === null || by(one) < by(so) ? one : so), null);
    return best ?? this.#members.find(({ supervisor }) => supervisor.state === 'ready') ?? this.#members[0];
  }

  /**
   * Sends a message without an answer to all.
   * @param {Message} message
   */
  post(message) {
    this.#members.forEach(({ supervisor }) => supervisor.post(message));
  }

  /**
   * While parked, no process is started.
   * @param {boolean} parked
   */
  park(parked) {
    this.#parked = parked;
    this.#members.forEach(({ supervisor }) => supervisor.park(parked));
  }

  /**
   * Drains and ends all. Resolves when the last has ended, whatever happened, and may be called any number of times.
   * @param {{deadlineMs?: number}} [options]
   * @returns {Promise<void>}
   */
  stop({ deadlineMs = DRAIN_MS } = {}) {
    this.#stopping ??= Promise.all(this.#members.map(({ supervisor }) => supervisor.stop({ deadlineMs }))).then(() => void (this.#stopped = true));
    return this.#stopping;
  }

  /** Adds a member in the first free slot; it is not started yet. @returns {Member} */
  #add() {
    let slot = 1;
    while (this.#members.some((one) => one.slot === slot)) slot += 1;
    const workerId = slot === 1 ? this.#workerId : `${this.#workerId}-${slot}`;
    const { config, limits } = this.#options;
    const supervisor = new Supervisor({ ...this.#options, config: { ...config, workerId } });
    const load = new Load(limits === false ? undefined : limits.cpu.maxUsage);
    /** @type {Member} */
    const member = { slot, workerId, supervisor, load, ending: false, covered: false, throttledByCpu: false, beat: null, asked: 0 };
    this.#members.push(member);
    this.#members.sort((a, b) => a.slot - b.slot);
    this.#listen(member);
    return member;
  }

  /** @param {Member} member */
  #listen(member) {
    const { supervisor, workerId, load } = member;
    supervisor.on('message', (message) => {
      if (message.channel === 'worker:job') load.touch(performance.now());
      this.emit('message', message, supervisor);
    });
    supervisor.on('ready', (ready) => {
      load.reset();
      Object.assign(member, { covered: false, throttledByCpu: false, beat: null });
      // The first process of a member is told by start, or by 'scale'.
      if (ready.generation > 1) this.emit('ready', ready, supervisor);
    });
    supervisor.on('beat', (beat) => Object.assign(member, { beat, covered: false }));
    supervisor.on('throttle', (news) => {
      member.throttledByCpu = news.on && news.reason === 'cpu';
      this.emit('throttle', { ...news, workerId });
    });
    supervisor.on('health', (health) => {
      this.#hear(member, health);
      this.emit('health', { ...health, workerId });
      this.#scale();
    });
    for (const name of ['restart', 'exit']) supervisor.on(name, (news) => this.emit(name, { ...news, workerId }));
    supervisor.on('log', ({ level, line }) => this.emit('log', { level, line: `${workerId}: ${line}` }));
    supervisor.on('failed', (failure) => this.#onFailed(member, failure));
  }

  /**
   * @param {Member} member
   * @param {HealthStatus} health
   */
  #hear({ load, beat, throttledByCpu, asked }, { misses, status, metrics }) {
    if (misses > 0 || status === 'failed' || beat === null) return;
    const { active = 0, backlog = false } = beat;
    load.beat({ active: active + asked, backlog, cpuUsage: metrics.cpuUsage, throttledByCpu }, performance.now());
  }

  /**
   * @param {Member} member
   * @param {{code: string, message: string}} failure
   */
  #onFailed(member, failure) {
    if (this.#members.filter(({ ending }) => !ending).length > this.#settings.min) this.#remove(member);
    this.#coolUntil = performance.now() + COOL_MS;
    if (this.#started && this.#members.every(({ supervisor }) => supervisor.state === 'failed')) this.emit('failed', failure);
  }

  /** @param {Member} member */
  #remove(member) {
    this.#members = this.#members.filter((one) => one !== member);
  }

  #scale() {
    if (!this.#started || this.#stopping !== null || this.#parked || this.#drained) return;
    const now = performance.now();
    const { start, end } = decide(this.#members.map(view), this.#settings, now);
    if (start !== undefined && now >= this.#coolUntil) void this.#grow(start.reason, start.beside);
    if (end !== undefined) void this.#shrink(/** @type {Member} */ (this.#members.find(({ slot }) => slot === end)));
  }

  /**
   * @param {'backlog' | 'unresponsive'} reason
   * @param {number} [beside]
   */
  async #grow(reason, beside) {
    const alone = this.#members.find(({ slot }) => slot === beside);
    if (alone !== undefined) alone.covered = true;
    this.#members.forEach(({ load }) => load.reset());
    const member = this.#add();
    try {
      await member.supervisor.start();
      this.#tell('started', reason, member);
    } catch (error) {
      this.#remove(member);
      this.#coolUntil = performance.now() + COOL_MS;
      const { message } = /** @type {Error} */ (error);
      if (this.#stopping === null) this.emit('log', { level: 'warn', line: `${member.workerId}: it was to help and could not be started: ${message}` });
    }
  }

  /** @param {Member} member that has been idle */
  async #shrink(member) {
    member.ending = true;
    await member.supervisor.stop();
    this.#remove(member);
    if (this.#stopping === null) this.#tell('ended', 'idle', member);
  }

  /**
   * @param {ScaleEvent['change']} change
   * @param {ScaleEvent['reason']} reason
   * @param {Member} member
   */
  #tell(change, reason, { workerId }) {
    this.emit('scale', { change, reason, workerId, members: this.#members.length });
  }
}

/**
 * @param {string} workerId
 * @param {Supervisor} supervisor
 * @param {boolean} [ending]
 * @returns {MemberStatus}
 */
function memberStatus(workerId, supervisor, ending = false) {
  const { pid, state, generation, health } = supervisor;
  return { workerId, pid, state: ending ? 'ending' : state, generation, health };
}

/** @param {Member} member */
function isWell({ ending, supervisor }) {
  return !ending && supervisor.state === 'ready' && missesOf(supervisor) === 0;
}

/** @param {Supervisor} supervisor @returns {number} of the process that runs now; what was told of an earlier one is over */
function missesOf({ health, generation }) {
  return health?.generation === generation ? health.misses : 0;
}

/** @param {Member} member @returns {View} */
function view({ slot, ending, covered, supervisor, load }) {
  const { state } = supervisor;
  return { slot, state: ending || state === 'stopped' ? 'ending' : state, misses: missesOf(supervisor), covered, load };
}

module.exports = { Pool, memberStatus };
