// SPDX-License-Identifier: MIT
'use strict';

/** @import { AddOptions } from './options.js' */
/** @import { Job } from './job.js' */

/**
 * Types only. An app that says which jobs it has, `new Queue<{summarize: {data: {prompt: string}, result: {text: string}}}>(db)`,
 * gets each job's data and result typed by its name; one that does not may give and get anything.
 */

/**
 * @typedef {Record<string, {data: Record<string, any>, result: any}>} AnyTypes
 */

/**
 * What a model answers; which members there are depends on the model and the request.
 * @typedef {object} JobResult
 * @property {string} [text]
 * @property {any[]} [toolCalls]
 * @property {any} [object] for responseFormat 'json' or a schema
 * @property {number[][]} [embeddings]
 * @property {'stop' | 'length' | 'tool' | 'filter'} [finishReason]
 * @property {{inputTokens?: number, outputTokens?: number, cachedTokens?: number, reasoningTokens?: number}} [usage]
 * @property {string} [model]
 * @property {string} [provider]
 * @property {string} [requestId]
 * @property {boolean} [fallbackUsed]
 * @property {{queuedMs?: number, firstTokenMs?: number, totalMs?: number}} [timing]
 */

/**
 * @template Types
 * @typedef {keyof Types & string} NameOf
 */

/**
 * @template Types
 * @template {NameOf<Types>} Name
 * @typedef {Types[Name] extends {data: infer Data} ? Data : Record<string, any>} DataOf
 */

/**
 * @template Types
 * @template {NameOf<Types>} Name
 * @typedef {Types[Name] extends {result: infer Result} ? Result : JobResult} ResultOf
 */

/**
 * The id of a job whose name is known: a string, which remembers the name for the type checker only.
 * @template {string} Name
 * @typedef {string & {readonly __job?: Name}} JobId
 */

/**
 * A job as one of the app's types: `job.name` tells which, and with it the types of `job.data` and `job.result`.
 * @template Types
 * @template {NameOf<Types>} [Name=NameOf<Types>]
 * @typedef {Name extends NameOf<Types> ? Job<Name, DataOf<Types, Name>, ResultOf<Types, Name>> : never} JobOf
 */

/**
 * The job that an id stands for: of one type if the id remembers it, else of any.
 * @template Types
 * @template {string} Id
 * @typedef {Id extends {readonly __job?: infer Name} ? JobOf<Types, Extract<Name, NameOf<Types>>> : JobOf<Types>} JobOfId
 */

/**
 * One job of addBulk.
 * @template Types
 * @typedef {{[Name in NameOf<Types>]: {name: Name, data: DataOf<Types, Name>, options?: AddOptions}}[NameOf<Types>]} NewJobOf
 */

/**
 * One job of addFlow, with the jobs that it waits for.
 * @template Types
 * @typedef {{[Name in NameOf<Types>]: {name: Name, data: DataOf<Types, Name>, options?: AddOptions, children?: FlowOf<Types>[]}}[NameOf<Types>]} FlowOf
 */

module.exports = {};
