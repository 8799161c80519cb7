// SPDX-License-Identifier: MIT
'use strict';

const { Queue } = require('./queue.js');
const { startWorker } = require('./host.js');
const { LlmJobsError } = require('./error.js');
const { applySecurityPolicy } = require('./host/policy.js');
const { serveRenderers } = require('./renderer.js');

/**
 * @typedef {import('./host.js').Worker} Worker
 * @typedef {import('./host/configuration.js').Configuration} Configuration
 * @typedef {import('./host/configuration.js').ProviderConfig} ProviderConfig
 */

module.exports = { Queue, startWorker, LlmJobsError, applySecurityPolicy, serveRenderers };
