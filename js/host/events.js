// SPDX-License-Identifier: MIT
'use strict';

/** @import { Status } from '../queue/job.js' */
/** @import { Exit } from './child.js' */
/** @import { Ready } from './generation.js' */
/** @import { HealthStatus } from './supervisor.js' */

/**
 * Types only: what comes with each event of a Worker.
 *
 * @typedef {object} JobEvent
 * @property {string} id
 * @property {string} name
 * @property {Status} status as in the row
 * @property {string} [code] with a failure, a retry or an interruption
 * @property {number} attempt
 *
 * @typedef {object} TokenEvent
 * @property {string} id
 * @property {string} text what is new
 * @property {boolean} [restart] what was told of this job before is void, because another target answers it now
 *
 * @typedef {object} ProviderEvent
 * @property {string} provider
 * @property {'healthy' | 'degraded' | 'unhealthy'} status
 * @property {boolean} [apiAvailable]
 * @property {number} [responseTimeMs]
 * @property {number} errorRate from 0 to 1
 * @property {number} [lastChecked] Unix milliseconds
 * @property {string} [code] of the last failure
 * @property {number} [serverPid] of a server that the worker has started
 * @property {'start' | 'restart' | 'reconnect'} [action] what was done about it
 *
 * @typedef {object} LaneEvent
 * @property {string} lane `provider/model`, with `#2` for the second key
 * @property {'closed' | 'open' | 'half-open'} state `closed`: it takes calls; `open`: none; `half-open`: one goes first
 * @property {string} [code] why
 * @property {number} [until] Unix milliseconds
 *
 * @typedef {object} RestartEvent
 * @property {string} reason
 * @property {number} count restarts within the window, this one included
 * @property {number} delayMs
 * @property {number} generation of the process that has died
 *
 * @typedef {object} ThrottleEvent
 * @property {boolean} on
 * @property {'cpu' | 'memory'} [reason]
 * @property {number} concurrency jobs at a time from now on
 *
 * @typedef {object} ScaleEvent
 * @property {'started' | 'ended'} change
 * @property {'backlog' | 'unresponsive' | 'idle'} reason
 * @property {string} workerId which one
 * @property {number} members how many there are now
 *
 * @typedef {{workerId?: string}} OfMember which of several processes
 *
 * @typedef {object} WorkerEvents
 * @property {[JobEvent]} job a job has started or ended
 * @property {[TokenEvent]} token new text of a job that streams, after `subscribe({tokens: true})`
 * @property {[ProviderEvent]} provider the health of a provider has changed
 * @property {[LaneEvent]} lane a lane takes no calls, is tried again, or takes calls again
 * @property {[{code: string, message: string}]} suspended the database cannot be used for the time being
 * @property {[{message: string}]} resumed it can be used again
 * @property {[{level: string, line: string}]} log a line of the log
 * @property {[HealthStatus & OfMember]} health-status after each heartbeat
 * @property {[ThrottleEvent & OfMember]} throttle the process uses more than its limits, or no longer does
 * @property {[Exit & OfMember]} exit the process has ended
 * @property {[RestartEvent & OfMember]} restart it is started again after a pause
 * @property {[Ready]} restarted the new process serves the table
 * @property {[{code: string, message: string}]} failed it is not started again
 * @property {[ScaleEvent]} scale of a worker with several processes: one more serves the table, or one has ended
 */

module.exports = {};
