// SPDX-License-Identifier: MIT
'use strict';

/**
 * Whoever wants to hear the text of single jobs as it streams.
 *
 * @typedef {{text: string, restart?: boolean}} Text `restart`: what was told before is void, the job's answer begins anew
 * @typedef {(news: Text) => void} Follower
 */
class Followers {
  /** @type {Map<string, Set<Follower>>} */ #jobs = new Map();
  /** @type {Set<string>} jobs of which text was told */ #told = new Set();

  /** @returns {Iterable<string>} the jobs that somebody follows */
  jobs() {
    return this.#jobs.keys();
  }

  /**
   * @param {string} jobId
   * @param {Follower} follower
   * @param {string} text what the job has streamed already
   */
  add(jobId, follower, text) {
    const all = this.#jobs.get(jobId) ?? new Set();
    this.#jobs.set(jobId, all.add(follower));
    if (text === '') return;
    this.#told.add(jobId);
    follower({ text });
  }

  /**
   * @param {string} jobId
   * @param {Follower} follower
   * @returns {boolean} whether that was the job's last one
   */
  remove(jobId, follower) {
    const all = this.#jobs.get(jobId);
    if (!all?.delete(follower) || all.size > 0) return false;
    this.#drop(jobId);
    return true;
  }

  /** @param {{id: string, text: string, restart?: boolean}} token */
  hear({ id, text, restart }) {
    const all = this.#jobs.get(id);
    if (all === undefined) return;
    this.#told.add(id);
    for (const follower of [...all]) follower(restart ? { text, restart } : { text });
  }

  /** The worker process is another one: what it runs, it runs from the beginning. */
  restart() {
    const told = [...this.#told];
    this.#told.clear();
    for (const id of told) for (const follower of [...(this.#jobs.get(id) ?? [])]) follower({ text: '', restart: true });
  }

  /** @param {string} jobId of a job that has ended: no more text comes */
  end(jobId) {
    this.#drop(jobId);
  }

  /** @param {string} jobId */
  #drop(jobId) {
    this.#jobs.delete(jobId);
    this.#told.delete(jobId);
  }
}

module.exports = { Followers };
