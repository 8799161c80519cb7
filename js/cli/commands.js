// SPDX-License-Identifier: MIT
'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const { LlmJobsError } = require('../error.js');
const { Queue } = require('../queue.js');
const { table } = require('../schema.js');
const { openDatabase } = require('./database.js');
const { doctor } = require('./doctor.js');
const { UsageError, whole } = require('./usage.js');

/** @import { Request } from './usage.js' */
/** @import { Job } from '../queue/job.js' */

const EVERY_MS = 1000;

const print = (/** @type {string} */ line) => void process.stdout.write(`${line}\n`);
const printJson = (/** @type {unknown} */ value) => print(JSON.stringify(value, null, 2));

/**
 * @param {Request} request
 * @returns {Promise<number>} the exit code
 */
async function run(request) {
  if (request.command === 'doctor') return doctor(request.file, { json: request.options.json === true, print });
  // 1. What is wrong with the request is said before the file is opened: opening may complete an older table.
  const act = COMMANDS[request.command](request);
  // 2. The deed
  const database = openDatabase(request.file);
  try {
    // Only `add` may make the table: anything else asked of a file without one means another file.
    const present = database.driver.prepare(`SELECT count(*) AS n FROM pragma_table_info('${table}')`).get()?.n > 0;
    if (!present && request.command !== 'add') {
      throw new LlmJobsError('NOT_FOUND', `this database has no table ${table}: correct --db, or let the app or a worker make the table`);
    }
    return await act(new Queue(database.connection));
  } finally {
    database.close();
  }
}

/** @typedef {(queue: any) => number | Promise<number>} Act */

/** @type {Record<string, (request: Request) => Act>} */
const COMMANDS = {
  add({ operands: [name], options }) {
    if (options.data === undefined) throw new UsageError(`add needs the request: --data '{"prompt": "Hello"}'`);
    const data = json(options.data);
    const wanted = { model: options.model, queue: options.queue, priority: whole(options.priority, 'priority') };
    return (queue) => {
      const id = queue.add(name, data, wanted);
      if (options.json) printJson({ id });
      else print(id);
      return 0;
    };
  },

  show: ({ operands: [id], options }) => (queue) => {
    const job = known(queue, id);
    if (options.json) printJson(job);
    else Object.entries(job).forEach(([key, value]) => print(`${key.padEnd(16)} ${shown(key, value)}`));
    return 0;
  },

  cancel: ({ operands: [id], options }) => (queue) => {
    const before = known(queue, id).status;
    const done = queue.cancel(id);
    const { status } = known(queue, id);
    const marked = !done && status === 'active';
    if (options.json) printJson({ id, cancelled: done, requested: marked, status });
    else if (done) print(`${id} was ${before} and is cancelled`);
    else if (marked) print(`${id} is running; the worker that runs it will end it`);
    else print(`${id} has ended already: ${status}`);
    return done || marked ? 0 : 1;
  },

  counts: ({ options }) => async (queue) => {
    for (let last = ''; ; await sleep(EVERY_MS)) {
      const counts = queue.counts();
      const line = options.json ? JSON.stringify(counts) : Object.entries(counts).map(([status, n]) => `${status} ${n}`).join(options.watch ? '  ' : '\n');
      // Watching prints what has changed and is silent otherwise; Ctrl-C ends it.
      if (line !== last) print(line);
      if (!options.watch) return 0;
      last = line;
    }
  },

  list({ options }) {
    const filter = { status: options.status, queue: options.queue, limit: whole(options.limit, 'limit') ?? 50 };
    return (queue) => {
      if (typeof queue.list !== 'function') throw new LlmJobsError('BAD_CONFIG', 'this version of llm-jobs cannot list jobs yet: update it');
      const answer = queue.list(Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)));
      const jobs = /** @type {Job[]} */ (Array.isArray(answer) ? answer : answer.jobs);
      if (options.json) printJson(jobs);
      else jobs.forEach((job) => print([job.id, job.status.padEnd(16), job.name, job.model ?? '-', job.error?.code ?? ''].map(clean).join('  ').trimEnd()));
      return 0;
    };
  },

  retry({ operands: [id], options }) {
    if ((id === undefined) === (options.code === undefined)) throw new UsageError('retry needs either the ID of a job or --code CODE');
    return (queue) => {
      if (typeof queue.retry !== 'function') throw new LlmJobsError('BAD_CONFIG', 'this version of llm-jobs cannot retry jobs yet: update it');
      if (id !== undefined) known(queue, id);
      const answer = queue.retry(id ?? { code: options.code });
      const count = Number(answer);
      if (options.json) printJson({ retried: count });
      else print(`${count} ${count === 1 ? 'job runs' : 'jobs run'} again`);
      return id !== undefined && count === 0 ? 1 : 0;
    };
  },
};

/** @param {string} text */
function json(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--data is not JSON (${/** @type {Error} */ (error).message}); in a shell, put it in single quotes`);
  }
}

/** @param {any} queue @param {string} id @returns {Job} */
function known(queue, id) {
  const job = queue.get(id);
  if (job === null) throw new LlmJobsError('NOT_FOUND', `there is no job ${id} in this database`);
  return job;
}

/** Text from outside for a terminal: a control character could rewrite what stands there. @param {unknown} text */
function clean(text) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** @param {string} key @param {any} value */
function shown(key, value) {
  if (value === null) return '-';
  if (/(At|On)$/.test(key) && Number.isFinite(value) && Math.abs(value) <= 8.64e15) return new Date(value).toISOString();
  return clean(typeof value === 'number' ? String(value) : JSON.stringify(value));
}

module.exports = { run };
