// SPDX-License-Identifier: MIT
'use strict';

/** @import { ProviderEvent } from './events.js' */
/** @import { State } from './supervisor.js' */

/**
 * Types only: what `worker.stats()` tells.
 *
 * @typedef {object} Statistics
 * @property {string} workerId
 * @property {number} uptimeMs
 * @property {boolean} paused no job is started, of any queue
 * @property {boolean} draining
 * @property {number} active jobs that run
 * @property {number} unwritten jobs that have ended and wait for the write lock
 * @property {number} batches that it looks after
 * @property {number} claimed jobs that were started, since the worker's start as all that follow
 * @property {number} completed
 * @property {number} failed
 * @property {number} retried tries that came to nothing and are followed by another
 * @property {number} cancelled
 * @property {number} interrupted tries that were given back
 * @property {number} stale late answers whose lease was lost
 * @property {number} recovered jobs that were taken back from dead workers
 * @property {number} removed by retention
 * @property {number} calls of providers
 * @property {number} bytesIn of their answers
 * @property {number} turns of the engine's loop
 * @property {number} writes transactions
 * @property {number} busy transactions that another process's lock put off
 * @property {number} droppedTokens of events that nobody took
 * @property {number} droppedEvents
 * @property {LaneStatistics[]} lanes
 * @property {Budget[]} budgets
 * @property {ProviderEvent[]} providers
 * @property {MemberStatistics[]} [members] of a pool of several processes, whose sums the counts are
 *
 * @typedef {object} LaneStatistics
 * @property {string} lane `provider/model`, with `#2` for the second key
 * @property {number} active calls of this worker
 * @property {number} others calls of other workers, as last read
 * @property {'closed' | 'open' | 'half-open'} state as in the event `lane`
 * @property {string} [code] why
 * @property {number} [until] Unix milliseconds
 * @property {boolean} paused it takes no calls for a while
 * @property {number} pausedForMs
 * @property {number} [requestsInMinute] as its limits count them
 * @property {number} [tokensInMinute]
 *
 * @typedef {object} Budget
 * @property {string} provider
 * @property {number} tokensToday
 * @property {number} costToday
 * @property {boolean} exceeded
 * @property {number} [until] when the day ends, Unix milliseconds
 *
 * @typedef {object} MemberStatistics
 * @property {string} workerId
 * @property {number | undefined} pid
 * @property {State | 'ending'} state
 * @property {number} generation
 * @property {Omit<Statistics, 'members'> | null} stats null: it did not answer
 */

module.exports = {};
