// SPDX-License-Identifier: MIT
'use strict';

const { EventEmitter } = require('node:events');

/**
 * How a worker that this process started tells the queues of this process that jobs have started or ended: event 'jobs' with an
 * array. It is a hint that saves waiting; the truth is in the rows.
 *
 * @typedef {object} JobNews
 * @property {string} id
 * @property {string} name
 * @property {string} status as in the row
 * @property {string} [code]
 * @property {number} [attempt]
 */
const bus = new EventEmitter();

// One listener for each Queue somebody waits on; any number of queues is legitimate.
bus.setMaxListeners(0);

module.exports = { bus };
