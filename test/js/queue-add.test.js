// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const BetterSqlite3 = require('better-sqlite3');
const { Queue, LlmJobsError } = require('../../js/index.js');

describe('Queue.add', () => {
  /** @type {import('better-sqlite3').Database} */ let db;
  /** @type {Queue} */ let queue;

  beforeEach(() => {
    db = new BetterSqlite3(':memory:');
    queue = new Queue(db);
  });
  afterEach(() => db.close());

  const refuses = (/** @type {() => unknown} */ add, /** @type {RegExp[]} */ ...parts) =>
    assert.throws(add, (/** @type {any} */ error) => {
      assert.ok(error instanceof LlmJobsError, String(error));
      assert.equal(error.code, 'BAD_JOB');
      assert.equal(error.name, 'LlmJobsError');
      for (const part of parts) assert.match(error.message, part);
      assert.equal(queue.counts().waiting, 0, 'a refused job was added');
      return true;
    });

  it('writes the least with the defaults of the table', () => {
    const before = Date.now();
    const id = queue.add('summarize', { prompt: 'Hello' });
    assert.match(id, /^[0-9a-f]{32}$/);
    const job = queue.get(id);
    assert.ok(job && job.createdAt !== null && job.createdAt >= before && job.createdAt <= Date.now());
    assert.deepEqual(job, {
      id,
      seq: 1,
      queue: 'default',
      name: 'summarize',
      model: null,
      data: { prompt: 'Hello' },
      opts: {},
      priority: 0,
      status: 'waiting',
      progress: 0,
      partial: null,
      result: null,
      error: null,
      history: [],
      attempts: 0,
      maxAttempts: 3,
      stalls: 0,
      runAt: null,
      expiresAt: null,
      parentJobId: null,
      dependencyCount: 0,
      dedupKey: null,
      supersedeKey: null,
      cancelRequested: false,
      lane: null,
      createdAt: job.createdAt,
      processedOn: null,
      finishedOn: null,
      revision: 0,
    });
  });

  it('writes every option where it belongs', () => {
    const runAt = new Date(Date.now() + 60000);
    const expiresAt = Date.now() + 120000;
    const options = /** @type {const} */ ({
      backoff: { type: 'fixed', delayMs: 10, maxDelayMs: 20 },
      timeoutMs: 5000,
      onFailure: 'ignore',
      cancelSiblings: true,
      supersede: 'active',
      keep: { ageMs: 1000 },
      repeat: { cron: '0 9 * * *', tz: 'Europe/Berlin' },
      batch: true,
    });
    const id = queue.add('summarize', {}, {
      id: 'note-17', model: 'openai/gpt-5-mini', queue: 'mail', priority: -2, runAt, expiresAt, maxAttempts: 1,
      dedupKey: 'd', supersedeKey: 's', ...options,
    });
    const job = queue.get(id);
    assert.equal(id, 'note-17');
    assert.deepEqual(
      { ...job, seq: 0, createdAt: 0, opts: 0, data: 0, history: 0 },
      {
        ...job, seq: 0, createdAt: 0, opts: 0, data: 0, history: 0,
        model: 'openai/gpt-5-mini', queue: 'mail', priority: -2, status: 'delayed', runAt: runAt.getTime(), expiresAt, maxAttempts: 1,
        dedupKey: 'd', supersedeKey: 's',
      }
    );
    assert.deepEqual(job?.opts, options);
  });

  it('takes a delay, and starts at once what is due', () => {
    const now = Date.now();
    const later = queue.get(queue.add('a', {}, { delay: 60000 }));
    assert.equal(later?.status, 'delayed');
    assert.ok(Number(later?.runAt) >= now + 60000);
    assert.equal(queue.get(queue.add('a', {}, { delay: 0 }))?.status, 'waiting');
    assert.equal(queue.get(queue.add('a', {}, { runAt: now - 1000 }))?.status, 'waiting');
  });

  it('gives ids that grow with time and never fall, so that their index grows at its end', () => {
    const clock = Date.now;
    const before = clock();
    const ids = queue.addBulk(Array.from({ length: 3000 }, () => ({ name: 'a', data: {} })));
    const after = clock();
    for (const id of ids) {
      assert.match(id, /^[0-9a-f]{32}$/);
      const time = parseInt(id.slice(0, 12), 16);
      assert.ok(time >= before && time <= after, `${id} is of ${time}, not of ${before} to ${after}`);
    }
    try {
      // Set back by an hour, and then stopped for more ids than one millisecond has numbers for.
      Date.now = () => before - 3600000;
      ids.push(...queue.addBulk(Array.from({ length: 70000 }, () => ({ name: 'a', data: {} }))));
    } finally {
      Date.now = clock;
    }
    assert.deepEqual(ids, [...ids].sort());
    assert.equal(new Set(ids.map((id) => id.slice(16))).size, ids.length);
  });

  it('uses the queue of the object unless the options name one', () => {
    const mail = new Queue(db, { queue: 'mail' });
    assert.equal(mail.queue, 'mail');
    assert.equal(mail.get(mail.add('a', {}))?.queue, 'mail');
    assert.equal(mail.get(mail.add('a', {}, { queue: 'other' }))?.queue, 'other');
    assert.equal(queue.counts().waiting, 2);
    assert.equal(queue.counts({ queue: 'mail' }).waiting, 1);
  });

  it('keeps text of any kind as it is', () => {
    const prompt = 'Grüße ☕ 漢字 🙂 \u0000 \u2028 "quoted" \\ \n';
    assert.equal(queue.get(queue.add('a', { prompt }))?.data.prompt, prompt);
  });

  it('adds a job with a dedupKey once, until it has ended', () => {
    const first = queue.add('a', { n: 1 }, { dedupKey: 'k' });
    assert.equal(queue.add('a', { n: 2 }, { dedupKey: 'k' }), first);
    assert.equal(queue.counts().waiting, 1);
    for (const status of ['active', 'delayed', 'waiting-children']) {
      db.prepare('UPDATE llm_jobs SET status = ?').run(status);
      assert.equal(queue.add('a', { n: 3 }, { dedupKey: 'k' }), first, status);
    }
    db.prepare("UPDATE llm_jobs SET status = 'completed', finished_on = 1").run();
    const second = queue.add('a', { n: 4 }, { dedupKey: 'k' });
    assert.notEqual(second, first);
    assert.deepEqual(queue.addBulk([{ name: 'a', data: {}, options: { dedupKey: 'k' } }]), [second]);
    assert.equal(queue.get(second)?.data.n, 4);
  });

  it('refuses an id that is taken', () => {
    queue.add('a', {}, { id: 'x' });
    assert.throws(() => queue.add('b', {}, { id: 'x' }), { code: 'BAD_JOB', message: /already a job with id "x"/ });
    assert.equal(queue.get('x')?.name, 'a');
  });

  describe('refuses', () => {
    const add = (/** @type {any[]} */ ...values) => () => queue.add(.../** @type {[any, any]} */ (values));

    it('a job without name or data', () => {
      refuses(add(), /name must be a non-empty string such as "summarize"; got undefined/);
      refuses(add('', {}), /got an empty one/);
      refuses(add(7, {}), /got 7/);
      refuses(add('a\0b', {}), /NUL/);
      refuses(add('a'.repeat(201), {}), /at most 200 characters; got 201/);
      refuses(add('a'), /data must be an object such as \{prompt: "Hello"\}; got undefined/);
      refuses(add('a', []), /got an array/);
      refuses(add('a', new Map()), /got an object/);
    });

    it('data that cannot be written, without telling what is in it', () => {
      const circular = /** @type {any} */ ({ prompt: 'SECRET' });
      circular.self = circular;
      refuses(add('a', circular), /cannot be written as JSON/, /^((?!SECRET).)*$/s);
      refuses(add('a', { n: 1n }), /BigInt/);
      refuses(add('a', { toJSON: () => 'text' }), /toJSON/);
      refuses(add('a', 'the SECRET prompt'), /got a string$/, /^((?!SECRET).)*$/s);
      refuses(add('a', { prompt: 'x'.repeat(67108864) }), /at most 67108864/);
    });

    it('options that nobody would read, and guesses what was meant', () => {
      refuses(add('a', {}, { attempts: 3 }), /no "attempts"; did you mean "maxAttempts"\?/);
      refuses(add('a', {}, { Priority: 3 }), /did you mean "priority"\?/);
      refuses(add('a', {}, { delayMs: 3 }), /did you mean "delay"\?/);
      refuses(add('a', {}, { colour: 3 }), /no "colour"; it can have model, priority/);
      refuses(add('a', {}, 5), /options must be an object such as \{priority: 5\}; got 5/);
    });

    it('values out of range, with the value', () => {
      refuses(add('a', {}, { priority: 1.5 }), /options\.priority must be a whole number .* got 1\.5: higher numbers run first/);
      refuses(add('a', {}, { priority: '5' }), /got "5"/);
      refuses(add('a', {}, { priority: 2 ** 31 }), /to 2147483647; got 2147483648/);
      refuses(add('a', {}, { maxAttempts: 0 }), /from 1 to 1000; got 0: 1 means no retry/);
      refuses(add('a', {}, { delay: -1 }), /got -1: it counts milliseconds/);
      refuses(add('a', {}, { delay: 1, runAt: new Date() }), /both delay and runAt/);
      refuses(add('a', {}, { runAt: 1795000000 }), /looks like seconds/);
      refuses(add('a', {}, { runAt: new Date('x') }), /got an invalid Date/);
      refuses(add('a', {}, { expiresAt: 'tomorrow' }), /Date or Unix time in milliseconds; got "tomorrow"/);
      refuses(add('a', {}, { delay: 5000, expiresAt: Date.now() }), /could never run/);
      refuses(add('a', {}, { id: '' }), /options\.id must be a non-empty string/);
    });

    it('values of the rare options', () => {
      refuses(add('a', {}, { backoff: { type: 'linear' } }), /"exponential" or "fixed"; got "linear"/);
      refuses(add('a', {}, { backoff: { delay: 1 } }), /did you mean "delayMs"\?/);
      refuses(add('a', {}, { timeoutMs: 0 }), /options\.timeoutMs/);
      refuses(add('a', {}, { timeoutMs: 86400001 }), /options\.timeoutMs must be a whole number from 1 to 86400000/);
      refuses(add('a', {}, { supersede: 'active' }), /options\.supersede .*supersedeKey/);
      refuses(add('a', {}, { onFailure: 'continue' }), /"fail" or "ignore"/);
      refuses(add('a', {}, { cancelSiblings: 1 }), /true or false; got 1/);
      refuses(add('a', {}, { supersede: 'running' }), /"waiting" or "active"/);
      refuses(add('a', {}, { keep: { age: 1 } }), /did you mean "ageMs"\?/);
      refuses(add('a', {}, { repeat: {} }), /either everyMs or cron/);
      refuses(add('a', {}, { repeat: { everyMs: 1, cron: '* * * * *' } }), /either everyMs or cron/);
      refuses(add('a', {}, { repeat: { everyMs: 1, tz: 'UTC' } }), /tz belongs to cron/);
      refuses(add('a', {}, { batch: 'yes' }), /options\.batch/);
    });

    it('a whole bulk for one wrong job, and says which', () => {
      const jobs = [{ name: 'a', data: {} }, { name: 'b', data: {}, options: { priority: NaN } }];
      refuses(() => queue.addBulk(jobs), /^job 1 of addBulk: options\.priority .* got NaN/);
      refuses(() => queue.addBulk(/** @type {any} */ ([null])), /^job 0 of addBulk/);
      refuses(() => queue.addBulk(/** @type {any} */ ([{ name: 'a', data: {}, opts: {} }])), /^job 0 of addBulk: it has no "opts"; it can have name, data, options/);
      refuses(() => queue.addBulk(/** @type {any} */ ({})), /takes an array .* got an object/);
      assert.deepEqual(queue.addBulk([]), []);
    });
  });
});
