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
  /** @type {Map<string, unknown>} which process has told text of a job last */ #told = new Map();

  /** @returns {Iterable<string>} the jobs that somebody follows */
  jobs() {
    return this.#jobs.keys();
  }

  /**
   * @param {string} jobId
   * @param {Follower} follower
   * @param {string} text what the job has streamed already in that process
   * @param {unknown} source the process; each of several is asked, and the job runs in one of them at most
   */
  add(jobId, follower, text, source) {
    const all = this.#jobs.get(jobId) ?? new Set();
    this.#jobs.set(jobId, all.add(follower));
    if (text === '') return;
    this.#told.set(jobId, source);
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

  /**
   * @param {{id: string, text: string, restart?: boolean}} token
   * @param {unknown} source
   */
  hear({ id, text, restart }, source) {
    const all = this.#jobs.get(id);
    if (all === undefined) return;
    // Another process has taken the job: it begins its answer anew.
    const anew = restart || (this.#told.has(id) && this.#told.get(id) !== source);
    this.#told.set(id, source);
    for (const follower of [...all]) follower(anew ? { text, restart: true } : { text });
  }

  /**
   * The process is another one: what it runs, it runs from the beginning.
   * @param {unknown} source
   */
  restart(source) {
    const lost = [...this.#told].filter(([, teller]) => teller === source);
    for (const [id] of lost) {
      this.#told.delete(id);
      for (const follower of [...(this.#jobs.get(id) ?? [])]) follower({ text: '', restart: true });
    }
  }

  /**
   * @param {string} jobId of a job that has ended: no more text comes
   * @returns {boolean} whether somebody followed it
   */
  end(jobId) {
    const followed = this.#jobs.has(jobId);
    this.#drop(jobId);
    return followed;
  }

  /** @param {string} jobId */
  #drop(jobId) {
    this.#jobs.delete(jobId);
    this.#told.delete(jobId);
  }
}

module.exports = { Followers };
