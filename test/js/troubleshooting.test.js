// SPDX-License-Identifier: MIT
'use strict';

/**
 * What docs/troubleshooting.md tells happens: the causes of its tables are brought about, and the code comes out, with the words that
 * the page quotes. test/js/docs.test.js looks for all other quotes and codes in the sources.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { useWorld } = require('./support/e2e.js');

const page = fs.readFileSync(path.join(__dirname, '..', '..', 'docs', 'troubleshooting.md'), 'utf8');

/** @param {any} error @param {string} [quote] what the page quotes of it */
function assertTold(error, quote) {
  const rows = page.split('\n').filter((line) => line.startsWith(`| \`${error.code}\``));
  const row = rows.find((line) => quote === undefined || line.split(' | ')[0].includes(quote));
  assert.ok(row, `the page has no row for ${error.code}${quote === undefined ? '' : `, "${quote}"`}`);
  if (quote !== undefined) assert.ok(error.message.includes(quote), error.message);
}

describe('docs/troubleshooting.md', function () {
  this.timeout(30000);
  const my = useWorld();

  describe('a worker that does not start', () => {
    /** @param {Record<string, any>} [config] @returns {Promise<any>} why it does not start */
    const trouble = (config) =>
      my.world.worker({ providers: { local: { kind: 'ollama' } }, restart: false, ...config }).then(
        () => assert.fail('the worker has started'),
        (error) => error,
      );
    const file = (/** @type {string} */ name, /** @type {string} */ text) => {
      fs.writeFileSync(path.join(my.world.dir, name), text);
      return path.join(my.world.dir, name);
    };

    it('finds no addon, or none that can be loaded', async () => {
      my.world.database();
      assertTold(await trouble({ env: { LLM_JOBS_ADDON: path.join(my.world.dir, 'no.node') } }), 'was not found');
      assertTold(await trouble({ env: { LLM_JOBS_ADDON: file('broken.node', 'no library') } }), 'could not be loaded');
    });

    it('has no file to fork', async () => {
      my.world.database();
      const error = await trouble({ entry: path.join(my.world.dir, 'worker.cjs') });
      assertTold(error, 'entry');
    });

    it('finds no database', async () => {
      assertTold(await trouble(), 'there is no file');
    });

    it('finds another journal mode, or another kind of file', async () => {
      my.world.database({ wal: false });
      my.world.createTable();
      assertTold(await trouble());
      assertTold(await trouble({ database: file('other.db', 'this is no database '.repeat(100)) }));
    });

    it('crashes each time', async () => {
      my.world.database();
      const entry = file('crash.js', 'process.exit(3);');
      assertTold(await trouble({ entry, restart: { maxRestarts: 1, delayMs: 1 } }));
    });
  });

  describe('a job that stays waiting', () => {
    const assertNamed = (/** @type {string} */ field) => assert.ok(page.includes(`\`${field}\``), `the page does not name ${field}`);

    it('is in a queue that the worker does not serve', async () => {
      my.world.database();
      await my.world.provider();
      await my.world.worker({ queues: ['mail'] });
      const other = my.world.insert({ queue: 'default' });
      await my.world.ended(my.world.insert({ queue: 'mail' }));
      assert.equal(my.world.row(other).status, 'waiting');
    });

    it('waits for a worker that is paused, or whose lane is held, as stats tells', async () => {
      my.world.database();
      await my.world.provider();
      const worker = await my.world.worker();
      await worker.pause();
      assert.equal((await worker.stats()).paused, true);
      assertNamed('paused');
      const id = my.world.insert();
      const letGo = await worker.hold('fake/m');
      await worker.resume();
      await my.world.ended(my.world.insert({ model: 'fake/n' }));
      assert.equal(my.world.row(id).status, 'waiting');
      await letGo();
      await my.world.ended(id);
    });

    it('waits for a server that does not run yet, as stats tells', async () => {
      my.world.database();
      const worker = await my.world.worker({ providers: { local: { kind: 'ollama', baseUrl: 'http://127.0.0.1:1' } } });
      const id = my.world.insert({ model: 'local/m' });
      /** @type {any} */
      let lane;
      await my.world.until(async () => (lane = (await worker.stats()).lanes[0])?.code === 'UNREACHABLE', 'the lane to be open');
      for (const field of ['state', 'code', 'until']) {
        assert.ok(field in lane, field);
        assertNamed(field);
      }
      const { status, attempts, error } = my.world.row(id);
      assert.deepEqual([status, attempts], ['waiting', 0]);
      assertTold(error);
    });

    it('has no key in the environment', async () => {
      my.world.database();
      await my.world.worker({ providers: { openai: { kind: 'openai', apiKey: { env: 'NO_SUCH_KEY' } } } });
      const { error } = await my.world.ended(my.world.insert({ model: 'openai/m' }));
      assertTold(error, 'has no key');
    });
  });
});
