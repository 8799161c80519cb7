// SPDX-License-Identifier: MIT
'use strict';

const check = require('./check.js');

/** @import { Status } from './job.js' */

/**
 * @typedef {object} Backoff
 * @property {'exponential' | 'fixed'} [type] exponential doubles, and takes a random time up to that
 * @property {number} [delayMs] default 1000
 * @property {number} [maxDelayMs] default 30000
 *
 * @typedef {object} AddOptions
 * @property {string} [model] `provider/model`, or an alias of the configuration
 * @property {number} [priority] higher first; default 0
 * @property {string} [queue] default: the one of this Queue
 * @property {string} [id] default: 32 hex digits that grow with time
 * @property {number} [delay] milliseconds from now before which the job does not start
 * @property {Date | number} [runAt] the same as a time
 * @property {Date | number} [expiresAt] when the job has not started by then it is cancelled, and no call is made
 * @property {number} [maxAttempts] real tries before the job fails; default 3
 * @property {string} [dedupKey] while a job with this key has not ended, adding another returns the first one's id
 * @property {string} [supersedeKey] the newest job with this key wins
 * @property {string} [parentId] the job that waits for this one: it must not have started
 * @property {Backoff} [backoff] the wait between tries
 * @property {number} [timeoutMs] of one try
 * @property {'fail' | 'ignore'} [onFailure] what a failure of this job means for its parent
 * @property {boolean} [cancelSiblings] of a parent: when one of its children has failed it, the others are cancelled
 * @property {'waiting' | 'active'} [supersede] whether this job also ends an older one of its key that runs already; default
 *   `'waiting'`: that one runs to its end
 * @property {{ageMs: number}} [keep] how long the ended row stays
 * @property {{everyMs: number} | {cron: string, tz?: string}} [repeat] added again with each end. With everyMs it runs at once and
 *   then in this interval; with cron (five fields) it runs at the next time that fits. Without a dedupKey it gets `repeat:<name>`,
 *   so that it can be added at each start of the app
 * @property {boolean} [background] the provider goes on with the answer when the connection or the worker is gone (OpenAI's Responses
 *   API); the next run fetches it instead of asking again
 * @property {boolean} [batch] handed to the provider together with others, at half the price and with up to a day of waiting, where the
 *   provider has batches
 *
 * @typedef {object} NewJob the values of a row to be inserted
 * @property {string | null} id
 * @property {string} queue
 * @property {string} name
 * @property {string | null} model
 * @property {string} data JSON
 * @property {string | null} opts JSON
 * @property {number} priority
 * @property {Status} status
 * @property {number} maxAttempts
 * @property {number | null} runAt
 * @property {number | null} expiresAt
 * @property {string | null} parentId
 * @property {number} dependencyCount
 * @property {string | null} dedupKey
 * @property {string | null} supersedeKey
 * @property {boolean} repeats
 * @property {boolean} inFlow its parent is added with it and knows of it
 */

/** Ceiling of the column `data`, the engine's LJ_MAX_DATA_BYTES. */
const MAX_DATA_BYTES = 67108864;
const MAX_ATTEMPTS = 1000;
const MAX_MS = 366 * 24 * 3600 * 1000;
/** What the engine takes. */
const MAX_TIMEOUT_MS = 86400000;
const MIN_EVERY_MS = 1000;
const CRON_NAMES = ['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually'];

const IN_COLUMNS = ['model', 'priority', 'queue', 'id', 'delay', 'runAt', 'expiresAt', 'maxAttempts', 'dedupKey', 'supersedeKey', 'parentId'];
const IN_OPTS = ['backoff', 'timeoutMs', 'onFailure', 'cancelSiblings', 'supersede', 'keep', 'repeat', 'background', 'batch'];
const KNOWN = [...IN_COLUMNS, ...IN_OPTS];
const MISTAKES = {
  jobId: 'id',
  attempts: 'maxAttempts',
  retries: 'maxAttempts',
  delayMs: 'delay',
  timeout: 'timeoutMs',
  expires: 'expiresAt',
  parent: 'parentId',
  parentJobId: 'parentId',
  dedup: 'dedupKey',
  deduplication: 'dedupKey',
};

/**
 * Turns what `add` was given into the values of a row, or says what is wrong with it.
 * @param {unknown} name
 * @param {unknown} data
 * @param {unknown} options
 * @param {string} queue used when the options name none
 * @param {number} now Unix milliseconds
 * @returns {NewJob}
 */
function readJob(name, data, options, queue, now) {
  // 1. The job itself
  check.text(name, "the job's name", { max: 200, example: '"summarize"' });
  const request = readData(data);

  // 2. The options as a whole
  const given = options === undefined ? {} : check.object(options, 'options', '{priority: 5}');
  check.keys(given, 'options', KNOWN, MISTAKES);
  const has = (/** @type {string} */ key) => given[key] !== undefined && given[key] !== null;
  const textOf = (/** @type {string} */ key, /** @type {string} */ example) =>
    has(key) ? check.text(given[key], `options.${key}`, { example }) : null;

  // 3. When it may run
  const opts = readOpts(given, has);
  const repeat = opts.repeat;
  if (has('supersede') && !has('supersedeKey')) throw check.badJob('options.supersede says what happens to older jobs of a supersedeKey; give one, or leave it out');
  if (repeat && has('parentId')) throw check.badJob('options has both repeat and parentId: a parent cannot wait for a job that comes again; leave one out');
  if (has('delay') && has('runAt')) throw check.badJob('options has both delay and runAt, which mean the same; leave one out');
  const runAt = has('delay')
    ? now + check.integer(given.delay, 'options.delay', { min: 0, max: Number.MAX_SAFE_INTEGER - now, hint: 'it counts milliseconds' })
    : has('runAt')
      ? check.time(given.runAt, 'options.runAt')
      : null;
  const expiresAt = has('expiresAt') ? check.time(given.expiresAt, 'options.expiresAt') : null;
  if (expiresAt !== null && runAt !== null && expiresAt <= runAt) {
    throw check.badJob('options.expiresAt is not after the time at which the job may start, so the job could never run');
  }

  // 4. The row
  return {
    id: textOf('id', '"note-17"'),
    queue: textOf('queue', '"default"') ?? queue,
    name: /** @type {string} */ (name),
    model: textOf('model', '"openai/gpt-5-mini"'),
    data: request,
    opts: Object.keys(opts).length === 0 ? null : JSON.stringify(opts),
    priority: has('priority')
      ? check.integer(given.priority, 'options.priority', { min: -check.INT32_MAX, hint: 'higher numbers run first' })
      : 0,
    status: runAt !== null && runAt > now ? 'delayed' : 'waiting',
    maxAttempts: has('maxAttempts')
      ? check.integer(given.maxAttempts, 'options.maxAttempts', { min: 1, max: MAX_ATTEMPTS, hint: '1 means no retry' })
      : 3,
    runAt,
    expiresAt,
    parentId: textOf('parentId', 'the id that add returned for the parent'),
    dependencyCount: 0,
    dedupKey: textOf('dedupKey', '"summary-of-note-17"') ?? (repeat ? `repeat:${name}` : null),
    supersedeKey: textOf('supersedeKey', '"autocomplete-of-note-17"'),
    repeats: repeat !== undefined,
    inFlow: false,
  };
}

/**
 * @param {unknown} data
 * @returns {string} JSON
 */
function readData(data) {
  check.object(data, 'data', '{prompt: "Hello"}');
  let json;
  try {
    json = JSON.stringify(data);
  } catch (error) {
    // The library's own words name the property on which it stumbled; they quote no value.
    const reason = error instanceof Error ? error.message.split('\n')[0] : 'unknown reason';
    throw check.badJob(`data cannot be written as JSON: ${reason}`);
  }
  if (json === undefined || json[0] !== '{') throw check.badJob('data has a toJSON method that returns no object; pass a plain object');
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_DATA_BYTES) {
    throw check.badJob(`data has ${bytes} bytes as JSON; at most ${MAX_DATA_BYTES} are allowed: make images smaller or split the job`);
  }
  return json;
}

/**
 * The rarely used options, which share the column `opts`.
 * @param {Record<string, unknown>} given
 * @param {(key: string) => boolean} has
 * @returns {Record<string, unknown>}
 */
function readOpts(given, has) {
  /** @type {Record<string, unknown>} */
  const opts = {};
  if (has('backoff')) opts.backoff = readBackoff(given.backoff);
  if (has('timeoutMs')) opts.timeoutMs = milliseconds(given.timeoutMs, 'options.timeoutMs', MAX_TIMEOUT_MS);
  if (has('onFailure')) opts.onFailure = check.choice(given.onFailure, 'options.onFailure', ['fail', 'ignore']);
  if (has('cancelSiblings')) opts.cancelSiblings = check.flag(given.cancelSiblings, 'options.cancelSiblings');
  if (has('supersede')) opts.supersede = check.choice(given.supersede, 'options.supersede', ['waiting', 'active']);
  if (has('keep')) opts.keep = readKeep(given.keep);
  if (has('repeat')) opts.repeat = readRepeat(given.repeat);
  if (has('background')) opts.background = check.flag(given.background, 'options.background');
  if (has('batch')) opts.batch = check.flag(given.batch, 'options.batch');
  return opts;
}

/** @param {unknown} value */
function readBackoff(value) {
  const backoff = check.object(value, 'options.backoff', '{type: "exponential", delayMs: 1000}');
  check.keys(backoff, 'options.backoff', ['type', 'delayMs', 'maxDelayMs'], { delay: 'delayMs', maxDelay: 'maxDelayMs' });
  if (backoff.type !== undefined) check.choice(backoff.type, 'options.backoff.type', ['exponential', 'fixed']);
  if (backoff.delayMs !== undefined) milliseconds(backoff.delayMs, 'options.backoff.delayMs');
  if (backoff.maxDelayMs !== undefined) milliseconds(backoff.maxDelayMs, 'options.backoff.maxDelayMs');
  return backoff;
}

/** @param {unknown} value */
function readKeep(value) {
  const keep = check.object(value, 'options.keep', '{ageMs: 86400000}');
  check.keys(keep, 'options.keep', ['ageMs'], { age: 'ageMs' });
  check.integer(keep.ageMs, 'options.keep.ageMs', { min: 0, max: Number.MAX_SAFE_INTEGER, hint: 'it counts milliseconds' });
  return keep;
}

/** @param {unknown} value */
function readRepeat(value) {
  const repeat = check.object(value, 'options.repeat', '{everyMs: 3600000} or {cron: "0 9 * * *", tz: "Europe/Berlin"}');
  check.keys(repeat, 'options.repeat', ['everyMs', 'cron', 'tz'], { every: 'everyMs', pattern: 'cron', timezone: 'tz' });
  if ((repeat.everyMs === undefined) === (repeat.cron === undefined)) {
    throw check.badJob('options.repeat needs either everyMs or cron, and not both');
  }
  if (repeat.everyMs !== undefined) {
    if (repeat.tz !== undefined) throw check.badJob('options.repeat.tz belongs to cron; everyMs counts from the last start');
    check.integer(repeat.everyMs, 'options.repeat.everyMs', { min: MIN_EVERY_MS, max: MAX_MS, hint: 'it counts milliseconds' });
  } else {
    readCron(repeat.cron);
    if (repeat.tz !== undefined) readZone(repeat.tz);
  }
  return repeat;
}

/**
 * Only the number of fields, the usual mistake; the engine reads them, and fails the job with BAD_JOB when they make no sense.
 * @param {unknown} value
 */
function readCron(value) {
  const cron = check.text(value, 'options.repeat.cron', { example: '"0 9 * * *"' });
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5 && !CRON_NAMES.includes(cron.trim().toLowerCase())) {
    throw check.badJob(
      `options.repeat.cron must have five fields (minute, hour, day of the month, month, day of the week) or be a name such as @daily; got ${fields.length} field${fields.length === 1 ? '' : 's'}`
    );
  }
}

/** @param {unknown} value */
function readZone(value) {
  const tz = check.text(value, 'options.repeat.tz', { example: '"Europe/Berlin"' });
  try {
    new Intl.DateTimeFormat('en', { timeZone: tz });
  } catch {
    throw check.badJob(`options.repeat.tz must be the name of a time zone such as "Europe/Berlin"; got ${JSON.stringify(tz.slice(0, 40))}`);
  }
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {number} [max]
 */
function milliseconds(value, name, max = MAX_MS) {
  return check.integer(value, name, { min: 1, max, hint: 'it counts milliseconds' });
}

module.exports = { readJob };
