// SPDX-License-Identifier: MIT
'use strict';

/** The answers of OpenAI's Responses API that are kept, because the request did not refuse it: fetched and cancelled by their ids. */

const MAX = 1000;
/** How often an answer that is made in the background is not ready yet when it is asked for. */
const PENDING_FETCHES = 1;

class StoredResponses {
  constructor() {
    /** @type {Map<string, {response: any, pending: number}>} in order of creation, the newest MAX of them */
    this.kept = new Map();
  }

  /**
   * @param {any} body of the request
   * @param {any} response as it is in the end
   * @param {import('./options.js').Reply} reply
   * @returns {any} what the request itself is answered, when it wants no stream
   */
  keep(body, response, reply) {
    const background = body?.background === true;
    if (body?.store === false && !background) return response;
    const end = reply.failsLater ? { ...unready(response), status: 'failed', error: { code: 'server_error', message: 'It failed.' } } : response;
    if (!reply.lost) this.kept.set(response.id, { response: end, pending: background ? (reply.pendingPolls ?? PENDING_FETCHES) : 0 });
    for (const id of this.kept.keys()) if (this.kept.size > MAX) this.kept.delete(id);
    return background ? { ...unready(response), status: 'queued' } : response;
  }

  /**
   * @param {string} id
   * @returns {any} undefined when there is none of that id
   */
  fetch(id) {
    const entry = this.kept.get(id);
    if (entry === undefined) return undefined;
    if (entry.pending === 0) return entry.response;
    entry.pending -= 1;
    return { ...unready(entry.response), status: 'in_progress' };
  }

  /** @param {string} id */
  cancel(id) {
    const entry = this.kept.get(id);
    if (entry === undefined) return undefined;
    if (entry.pending > 0) {
      entry.response = { ...unready(entry.response), status: 'cancelled' };
      entry.pending = 0;
    }
    return entry.response;
  }
}

/** @param {any} response */
const unready = (response) => ({ ...response, output: [], usage: null, incomplete_details: null });

module.exports = { StoredResponses };
