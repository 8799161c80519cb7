// SPDX-License-Identifier: MIT
'use strict';

/**
 * Types only: the engine's configuration, which docs/configuration.md explains and js/config.schema.json describes to editors. The
 * engine checks it; a type test compares these names with the schema's.
 */

/**
 * @typedef {object} Configuration
 * @property {string} database path of the app's SQLite file, which must exist and be in WAL mode
 * @property {Record<string, ProviderConfig>} providers by name; jobs say `name/model`
 * @property {string} [workerId] whose jobs a new worker takes back at once when an earlier one has died; default `llm-worker-1`
 * @property {string[]} [queues] only jobs of these queues are run; default all
 * @property {number} [concurrency] jobs that run at a time; default 5
 * @property {number} [maxQueue] requests of `worker.process` that may wait for their answers; default 100
 * @property {('llm' | 'ipc' | 'fs:read')[]} [allowedAPIs] what the worker may do; default all
 * @property {number} [pollIntervalMs] how often the engine looks for changes that nothing announced; default 100
 * @property {number} [leaseMs] how long a job belongs to a worker that gives no sign of life; default 30000
 * @property {number} [maxStalls] how often a worker may die holding a job before it fails with STALLED; default 1
 * @property {number} [jobTimeoutMs] default of a provider's `timeouts.totalMs`; default 300000
 * @property {Record<string, Target | Target[]>} [models] aliases: targets that are tried in this order
 * @property {string[]} [allowedModels] models that a job may ask for: aliases, `provider/model`, or `provider/*`; default all
 * @property {string[]} [refusedModels] models that no job may ask for
 * @property {number} [maxPromptBytes] a job with more text than this is BAD_JOB, without a call
 * @property {Filter[]} [filters] what may not be sent or stored
 * @property {Record<string, TypeConfig>} [types] defaults for the jobs of a name
 * @property {{completed?: Keep, failed?: Keep, cancelled?: Keep}} [retention] which ended jobs are removed; default none
 * @property {'silent' | 'error' | 'warn' | 'info' | 'debug'} [logLevel] default `info`
 * @property {string} [$schema] where the schema lies, for editors of a JSON file
 */

/**
 * @typedef {object} ProviderConfig
 * @property {'openai' | 'openai-compatible' | 'deepseek' | 'anthropic' | 'gemini' | 'ollama'} kind the wire format
 * @property {string} [baseUrl] default: the one of the kind
 * @property {ApiKey | ApiKey[]} [apiKey] the key, or up to 8 of them, used in this order
 * @property {Record<string, string>} [headers] added to every request
 * @property {'chat' | 'responses'} [api] of `openai` and `openai-compatible`; default `chat`
 * @property {boolean} [background] with `api: 'responses'`: all answers are made in the background
 * @property {{maxJobs?: number, maxWaitMs?: number, pollMs?: number, fallback?: boolean}} [batch] how batches are gathered
 * @property {number} [maxConcurrent] calls at a time, of all workers of the database; default 4 for `ollama`
 * @property {number} [requestsPerMinute] for each model and key
 * @property {number} [tokensPerMinute] for each model and key
 * @property {{threshold?: number, openMs?: number}} [breaker] when a model is left in peace
 * @property {number} [maxTokensPerDay] of all workers of the database together
 * @property {number} [maxCostPerDay] in the currency of `prices`, which then needs an entry `*`
 * @property {Record<string, {inputPerMillion: number, outputPerMillion: number, cachedPerMillion?: number}>} [prices] by model
 * @property {{connectMs?: number, firstByteMs?: number, idleMs?: number, totalMs?: number}} [timeouts] of one call
 * @property {number} [maxResponseBytes] default 33554432
 * @property {string} [proxy] such as `http://host:8080`
 * @property {string} [caFile] trusted certificates, instead of the system's
 * @property {{intervalMs?: number, idle?: boolean, failures?: number}} [health] probes and restarts
 * @property {string[]} [command] starts a server on this machine: a program and its arguments
 * @property {boolean} [allowInsecure] allows plain http to other machines
 */

/**
 * A key in a variable of the worker's environment, or one that the option `secrets` of `startWorker` gives.
 * @typedef {{env: string} | {secret: string}} ApiKey
 */

/**
 * `provider/model`, which may say how large the model's context is.
 * @typedef {string | {model: string, contextTokens?: number}} Target
 */

/**
 * What may not be sent (`prompt`) or stored (`answer`): a regular expression of JavaScript, and what is done with what it finds.
 * @typedef {{on: 'prompt' | 'answer', pattern: string, action: 'refuse' | 'redact'}} Filter
 */

/**
 * Ended jobs that are older are removed, and those beyond the newest `count`.
 * @typedef {{ageMs?: number, count?: number}} Keep
 */

/**
 * Defaults for what a job's `data` may say; `prompt` and `system` are templates here.
 * @typedef {object} TypeConfig
 * @property {string} [model] an alias, or `provider/model`
 * @property {string} [prompt] `{{path}}` is filled from the job's data
 * @property {string} [system] a template too
 * @property {Record<string, any>[]} [messages] `{role, content}`
 * @property {string | string[]} [input] texts to make vectors of
 * @property {number} [maxTokens] most tokens of the answer
 * @property {number} [temperature] 0 to 2
 * @property {number} [topP] 0 to 1
 * @property {string | string[]} [stop] texts at which the answer ends
 * @property {number} [seed]
 * @property {{name: string, description?: string, parameters?: Record<string, any>, strict?: boolean}[]} [tools]
 * @property {'auto' | 'none' | 'required' | {name: string}} [toolChoice]
 * @property {'text' | 'json' | {schema: Record<string, any>, name?: string, strict?: boolean}} [responseFormat]
 * @property {{effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max', budgetTokens?: number}} [reasoning]
 * @property {boolean} [stream] default true
 * @property {Record<string, Record<string, any>>} [providerOptions]
 */

module.exports = {};
