// SPDX-License-Identifier: MIT
'use strict';

const { Queue } = require('./queue.js');
const { startWorker } = require('./host.js');
const { LlmJobsError } = require('./error.js');
const { applySecurityPolicy } = require('./host/policy.js');

module.exports = { Queue, startWorker, LlmJobsError, applySecurityPolicy };
