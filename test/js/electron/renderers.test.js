// SPDX-License-Identifier: MIT
'use strict';

/** What a page may do with the queue. The page is the stand-in's; its preload is js/preload.js, sandboxed as it is in Electron. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { EventEmitter } = require('node:events');
const { Queue } = require('../../../js/index.js');
const { serveRenderers } = require('../../../js/renderer.js');
const { isOwnFile } = require('../../../js/renderer/sender.js');
const { makeElectron } = require('../support/electron/index.js');
const { isReal } = require('../support/electron/run.js');
const { openPage } = require('../support/electron/renderer.js');
const { inElectron } = require('../support/exit.js');
const { useWorld, kill } = require('../support/e2e.js');

const root = path.join(__dirname, '..', '..', '..');
const preload = `${fs.readFileSync(path.join(root, 'js', 'preload.js'), 'utf8')}\nmodule.exports.expose({ key: 'jobs' });`;
const OWN = `file://${root}/index.html`;

describe('pages and the queue', function () {
  this.timeout(30000);
  const holder = useWorld();
  /** @type {any} */
  let electron;
  /** @type {Queue} */
  let queue;
  /** @type {{close: () => void} | undefined} */
  let service;

  before(function () {
    if (isReal) this.skip();
  });

  beforeEach(() => {
    electron = makeElectron(() => {});
    queue = new Queue(holder.world.database());
  });

  afterEach(() => {
    service?.close();
    service = undefined;
  });

  /** @param {Record<string, any>} [options] */
  function serve(options = {}) {
    service = serveRenderers({
      queue,
      allow: ['summarise'],
      ipcMain: electron.ipcMain,
      checkSender: ({ senderFrame }) => senderFrame.parent === null && senderFrame.url === OWN,
      ...options,
    });
  }

  const open = (url = OWN, more = {}) => openPage(electron, { url, source: preload, ...more });
  const jobsOf = (/** @type {any} */ page) => page.window.jobs;
  /** @param {Promise<any>} promise @returns {Promise<string>} the code of what it rejects with, and that nothing else is told */
  async function refusal(promise) {
    const error = await promise.then(() => assert.fail('it was not refused'), (thrown) => thrown);
    return error.message.split(':')[0];
  }
  /** @param {any} page @param {string} id */
  function follow(page, id) {
    /** @type {any} */
    const heard = { pieces: [], text: '', restarts: 0, end: null };
    heard.stop = jobsOf(page).subscribe(id, (/** @type {any} */ piece) => {
      heard.pieces.push(piece);
      if (piece.restart) heard.restarts += 1;
      heard.text = piece.restart ? piece.text : heard.text + piece.text;
      if (piece.done) heard.end = piece;
    });
    return heard;
  }

  describe('the surface', () => {
    beforeEach(() => serve());

    it('has five functions and nothing of Electron', () => {
      const { window } = open();
      assert.deepEqual(Object.keys(window.jobs).sort(), ['add', 'cancel', 'get', 'subscribe', 'watch']);
    });

    it('adds, shows and cancels jobs of the allowed types', async () => {
      const jobs = jobsOf(open());
      const id = await jobs.add('summarise', { prompt: 'Hello' }, { priority: 3, delay: 60000 });
      const { status, priority, data, ...rest } = await jobs.get(id);
      assert.deepEqual([status, priority, { ...data }, rest.result, rest.error], ['delayed', 3, { prompt: 'Hello' }, null, null]);
      assert.deepEqual(Object.keys(rest).filter((key) => /lease|lane|history|opts|key/i.test(key)), []);
      assert.equal(await jobs.cancel(id), true);
      assert.equal(queue.get(id)?.status, 'cancelled');
      assert.equal(await jobs.cancel(id), false);
    });

    it('neither shows nor cancels nor follows other jobs', async () => {
      const page = open();
      const id = queue.add('secret', { prompt: 'Hello' });
      assert.equal(await jobsOf(page).get(id), null);
      assert.equal(await jobsOf(page).cancel(id), false);
      const heard = follow(page, id);
      await holder.world.until(() => heard.end, 'the end');
      assert.deepEqual({ ...heard.end }, { text: '', done: true, status: null });
      assert.equal(queue.get(id)?.status, 'waiting');
    });

    it('watches jobs of the allowed types until it has had enough', async () => {
      const jobs = jobsOf(open());
      /** @type {any[]} */
      const seen = [];
      const stop = jobs.watch((/** @type {any} */ job) => seen.push([job.name, job.status, job.data.n]));
      await new Promise((resolve) => setTimeout(resolve, 30));
      queue.add('secret', { n: 0 });
      for (let n = 1; n <= 50; n += 1) queue.add('summarise', { n });
      await holder.world.until(() => seen.length === 50, () => `50 jobs, ${seen.length} seen`);
      assert.deepEqual(seen.map(([, , n]) => n), Array.from({ length: 50 }, (_, i) => i + 1));
      stop();
      queue.add('summarise', { n: 51 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(seen.length, 50);
    });
  });

  describe('what a page may say', () => {
    const circle = /** @type {any} */ ({});
    circle.circle = circle;
    const cases = /** @type {[string, any[], string][]} */ ([
      ['a type that is not allowed', ['generate', {}], 'POLICY_DENIED'],
      ['a type of another prototype', ['constructor', {}], 'POLICY_DENIED'],
      ['a type that is no string', [{ toString: 'summarise' }, {}], 'POLICY_DENIED'],
      ['no data', ['summarise'], 'INVALID'],
      ['data that is a list', ['summarise', []], 'INVALID'],
      ['data with a date', ['summarise', { at: new Date() }], 'INVALID'],
      ['data with a map', ['summarise', { map: new Map() }], 'INVALID'],
      ['data with a number that is none', ['summarise', { n: NaN }], 'INVALID'],
      ['data within itself', ['summarise', circle], 'INVALID'],
      ['a megabyte too much', ['summarise', { prompt: 'x'.repeat(1048577) }], 'TOO_BIG'],
      ['fields for the provider', ['summarise', { prompt: 'x', providerOptions: { openai: { model: 'dearest' } } }], 'POLICY_DENIED'],
      ['options that are a list', ['summarise', {}, []], 'INVALID'],
      ['another model', ['summarise', {}, { model: 'openai/dearest' }], 'POLICY_DENIED'],
      ['a key that cancels others', ['summarise', {}, { supersedeKey: 'x' }], 'POLICY_DENIED'],
      ['a repetition', ['summarise', {}, { repeat: { everyMs: 1 } }], 'POLICY_DENIED'],
      ['an id of its own', ['summarise', {}, { id: 'mine' }], 'POLICY_DENIED'],
      ['a priority beyond all', ['summarise', {}, { priority: 1e9 }], 'INVALID'],
      ['a delay that is a text', ['summarise', {}, { delay: '1' }], 'INVALID'],
    ]);

    for (const [what, args, code] of cases) {
      it(`not ${what}`, async () => {
        serve();
        // Past the preload: a page that has broken out of its world says what it wants.
        const { error } = await open().ipcRenderer.invoke('llm-jobs:add', ...args);
        assert.equal(error.code, code, error.message);
        assert.ok(error.message.length < 250, error.message);
        assert.equal(queue.list().jobs.length, 0);
      });
    }

    for (const id of [undefined, null, '', 5, {}, ['a'], 'x'.repeat(256)]) {
      it(`not the id ${JSON.stringify(id)?.slice(0, 20)}`, async () => {
        serve();
        const { ipcRenderer } = open();
        for (const channel of ['llm-jobs:get', 'llm-jobs:cancel']) assert.equal((await ipcRenderer.invoke(channel, id)).error.code, 'INVALID');
        const heard = follow(open(), /** @type {any} */ (id));
        await holder.world.until(() => heard.end, 'the end');
        assert.equal(heard.end.error.code, 'INVALID');
      });
    }

    it('what the check of a type lets through, with the options that it sets', async () => {
      serve({ allow: { summarise: { check: ({ text }) => ({ prompt: `Summarise: ${text.slice(0, 5)}` }), options: { model: 'fake/m', priority: 1 } } } });
      const jobs = jobsOf(open());
      const job = queue.get(await jobs.add('summarise', { text: 'Water boils', system: 'Obey!' }, { priority: 9 }));
      assert.deepEqual([job?.data, job?.model, job?.priority], [{ prompt: 'Summarise: Water' }, 'fake/m', 1]);
      assert.equal(await refusal(jobs.add('summarise', { text: 5 })), 'INVALID');
    });

    it('is told of trouble without its words', async () => {
      serve();
      holder.world.db.exec("CREATE TRIGGER no BEFORE INSERT ON llm_jobs BEGIN SELECT raise(ABORT, 'the secret of the app'); END");
      const error = await jobsOf(open()).add('summarise', {}).catch((/** @type {any} */ thrown) => thrown);
      assert.match(error.message, /^[A-Z]+: /);
      assert.doesNotMatch(error.message, /secret/);
    });

    for (const bad of [undefined, null, 'summarise', [''], [5], { summarise: true }, { summarise: { chek: () => {} } }, { summarise: { check: 'x' } }]) {
      it(`allow: ${JSON.stringify(bad)} is refused`, () => assert.throws(() => serve({ allow: bad }), { code: 'BAD_CONFIG' }));
    }
  });

  describe('who may ask', () => {
    // The default of an app in Electron; smoke.test.js shows that it is.
    const ownFiles = (/** @type {any} */ event) => isOwnFile(event, root);
    const evil = 'https://evil.example/';
    const within = (/** @type {string[]} */ frames) => ({ within: frames });

    for (const [what, url, more] of /** @type {[string, string, object][]} */ ([
      ['a page of somebody else', evil, {}],
      ['a frame of somebody else in a page of the app', evil, within([OWN])],
      ['a page of the app in a frame of somebody else', OWN, within([evil])],
      ['a file of the user', 'file:///tmp/index.html', {}],
      ['a file beside the app', `file://${root}-other/index.html`, {}],
      ['a file outside by dots', `file://${root}/../index.html`, {}],
      ['a file of another machine', 'file://server/share/index.html', {}],
      ['an empty page', 'about:blank', {}],
      ['a page of data', 'data:text/html,hello', {}],
      ['a server of this machine', 'http://localhost:5173/', {}],
    ])) {
      it(`not ${what}, unless the app says so`, async () => {
        serve({ checkSender: ownFiles });
        const id = queue.add('summarise', { prompt: 'Hello' });
        const page = open(url, more);
        for (const promise of [jobsOf(page).add('summarise', {}), jobsOf(page).get(id), jobsOf(page).cancel(id)]) {
          assert.equal(await refusal(promise), 'POLICY_DENIED');
        }
        const heard = follow(page, id);
        await holder.world.until(() => heard.end, 'the end');
        assert.deepEqual([heard.end.error.code, heard.text], ['POLICY_DENIED', 'undefined']);
        assert.equal(queue.list().jobs.length, 1);
      });
    }

    it('pages of the app, by default', async () => {
      serve({ checkSender: ownFiles });
      for (const url of [OWN, `file://${root}/a%20b/index.html#here`]) assert.match(await jobsOf(open(url)).add('summarise', {}), /^[0-9a-f]{32}$/);
    });

    it('nobody when the check of the app throws, or says anything but true', async () => {
      for (const checkSender of [() => { throw new Error('oops'); }, () => 1, () => Promise.resolve(true)]) {
        serve({ checkSender });
        assert.equal(await refusal(jobsOf(open()).add('summarise', {})), 'POLICY_DENIED');
        service?.close();
      }
    });

    it('no frame that has gone meanwhile', async () => {
      serve({ checkSender: () => true });
      const page = open();
      const answer = jobsOf(page).add('summarise', {});
      page.navigate();
      assert.equal(await refusal(answer), 'POLICY_DENIED');
    });

    it('a page that follows too much is told so', async () => {
      serve();
      const id = queue.add('summarise', {});
      const page = open();
      const all = Array.from({ length: 70 }, () => follow(page, id));
      await holder.world.until(() => all.filter((one) => one.end).length === 6, 'six refusals');
      assert.deepEqual(new Set(all.filter((one) => one.end).map((one) => one.end.error.code)), new Set(['TOO_BIG']));
      all.forEach((one) => one.stop());
      await holder.world.until(async () => {
        const another = follow(page, id);
        await new Promise((resolve) => setTimeout(resolve, 20));
        another.stop();
        return another.end === null;
      }, 'room for another');
    });
  });

  describe('the text of a job', () => {
    const words = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => `w${i} `).join('');

    /** @param {object} options of the fake provider @param {object} [config] */
    async function work(options, config = {}) {
      await holder.world.provider(options);
      const worker = await holder.world.worker(config);
      serve({ worker, allow: { summarise: { options: { model: 'fake/m' } } } });
      return worker;
    }

    it('arrives piece by piece, each once, and ends with the job', async () => {
      await work({ script: () => ({ text: words(60) }), tokens: 60, tokenMs: 5 });
      const page = open();
      const heard = follow(page, await jobsOf(page).add('summarise', { prompt: 'Hello' }));
      await holder.world.until(() => heard.end, 'the end');
      assert.deepEqual([heard.text, heard.restarts, heard.end.status], [words(60), 0, 'completed']);
      assert.ok(heard.pieces.length > 3, `${heard.pieces.length} pieces`);
    });

    it('is whole for whoever comes late, and for two at once', async () => {
      await work({ script: () => ({ text: words(80) }), tokens: 80, tokenMs: 10 });
      const page = open();
      const id = await jobsOf(page).add('summarise', { prompt: 'Hello' });
      const first = follow(page, id);
      await holder.world.until(() => first.text.length > 40, 'some text');
      const second = follow(open(), id);
      await holder.world.until(() => second.text.length > 100, 'more text');
      const third = follow(page, id);
      await holder.world.until(() => first.end && second.end && third.end, 'the end');
      for (const one of [first, second, third]) assert.deepEqual([one.text, one.restarts], [words(80), 0]);
    });

    it('is the result for a job that had ended', async () => {
      await work({ script: () => ({ text: 'An answer.' }) });
      const page = open();
      const id = await jobsOf(page).add('summarise', { prompt: 'Hello' });
      await queue.waitFor(id);
      const heard = follow(page, id);
      await holder.world.until(() => heard.end, 'the end');
      assert.deepEqual(heard.pieces.map((/** @type {any} */ piece) => ({ ...piece })), [{ text: 'An answer.', done: true, status: 'completed' }]);
    });

    it('comes from the row when the job runs in another worker', async () => {
      await work({ script: () => ({ text: words(120) }), tokens: 120, tokenMs: 20 }, { queues: ['nothing'], workerId: 'first' });
      await holder.world.worker({ workerId: 'second' });
      const page = open();
      const heard = follow(page, await jobsOf(page).add('summarise', { prompt: 'Hello' }));
      await holder.world.until(() => heard.text !== '' && heard.end === null, 'some text before the end');
      await holder.world.until(() => heard.end, 'the end');
      assert.deepEqual([heard.text, heard.restarts, heard.end.status], [words(120), 0, 'completed']);
    });

    it('comes from the row when the app has no worker of its own, and when the worker says nothing', async () => {
      const worker = await work({ script: () => ({ text: words(120) }), tokens: 120, tokenMs: 20 });
      service?.close();
      const silent = Object.assign(new EventEmitter(), { follow: () => new Promise(() => {}), cancel: worker.cancel });
      for (const other of [undefined, silent]) {
        serve({ worker: other, allow: { summarise: { options: { model: 'fake/m' } } } });
        const page = open();
        const heard = follow(page, await jobsOf(page).add('summarise', { prompt: 'Hello' }));
        await holder.world.until(() => heard.text !== '' && heard.end === null, 'some text before the end');
        await holder.world.until(() => heard.end, 'the end');
        assert.deepEqual([heard.text, heard.restarts, heard.end.status], [words(120), 0, 'completed']);
        service?.close();
      }
    });

    it('begins anew when a try has come to nothing', async () => {
      let calls = 0;
      await work({ script: () => (calls++ === 0 ? { text: 'wrong wrong wrong', tokens: 3, tokenMs: 30, cutAfterTokens: 2 } : { text: 'right at last', tokens: 3, tokenMs: 30 }) });
      const page = open();
      const id = queue.add('summarise', { prompt: 'Hello' }, { model: 'fake/m', backoff: { type: 'fixed', delayMs: 50 } });
      const heard = follow(page, id);
      await holder.world.until(() => heard.end, 'the end');
      assert.equal(heard.text, 'right at last');
      assert.ok(heard.restarts > 0);
    });

    it('goes on over the death of the worker', async () => {
      const worker = await work({ script: () => ({ text: words(40) }), tokens: 40, tokenMs: 20 }, { restart: { delayMs: 10 }, maxStalls: 5 });
      const page = open();
      const heard = follow(page, await jobsOf(page).add('summarise', { prompt: 'Hello' }));
      await holder.world.until(() => heard.text.length > 20, 'some text');
      await kill(worker);
      await holder.world.until(() => heard.end, 'the end');
      assert.deepEqual([heard.text, heard.end.status], [words(40), 'completed']);
    });

    it('ends with the code of a job that failed, and of one that was cancelled', async () => {
      await work({ script: (/** @type {any} */ request) => (JSON.stringify(request.body).includes('long') ? { hang: true } : { status: 400 }) });
      const page = open();
      const failed = follow(page, await jobsOf(page).add('summarise', { prompt: 'Hello' }));
      await holder.world.until(() => failed.end, 'the failure');
      assert.deepEqual([failed.end.status, failed.end.code], ['failed', 'BAD_REQUEST']);
      const id = await jobsOf(page).add('summarise', { prompt: 'long' });
      const cancelled = follow(page, id);
      await holder.world.until(() => queue.get(id)?.status === 'active', 'the call');
      assert.equal(await jobsOf(page).cancel(id), true);
      await holder.world.until(() => cancelled.end, 'the end');
      assert.deepEqual([cancelled.end.status, cancelled.end.code], ['cancelled', 'CANCELLED']);
    });

    it('ends when the app closes its database, and the app lives on', async () => {
      const worker = await work({ script: () => ({ hang: true }) });
      const page = open();
      const id = await jobsOf(page).add('summarise', { prompt: 'Hello' });
      const heard = follow(page, id);
      await holder.world.until(() => queue.get(id)?.status === 'active' && worker.listenerCount('job') === 1, 'the call, and the page that follows it');
      holder.world.db.close();
      await holder.world.until(() => heard.end, 'the end');
      assert.deepEqual([heard.end.status, heard.text], [null, '']);
      assert.match(await jobsOf(page).get(id).catch((/** @type {any} */ error) => error.message), /^INTERNAL: /);
    });

    it('leaves nothing behind when the page stops listening', async () => {
      const worker = await work({ script: () => ({ hang: true }) });
      const page = open();
      const heard = follow(page, await jobsOf(page).add('summarise', { prompt: 'Hello' }));
      await holder.world.until(() => worker.listenerCount('job') === 1, 'the subscription');
      heard.stop();
      await holder.world.until(() => worker.listenerCount('job') === 0, 'its end');
    });
  });

  it('outside Electron needs to be told who may ask', function () {
    if (inElectron) this.skip();
    assert.throws(() => serve({ checkSender: undefined }), { code: 'BAD_CONFIG' });
  });

  it('close() answers nobody any more', async () => {
    serve();
    const page = open();
    service?.close();
    await assert.rejects(jobsOf(page).add('summarise', {}), /No handler registered/);
    assert.equal(electron.ipcMain.listenerCount('llm-jobs:subscribe'), 0);
  });
});
