// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const BetterSqlite3 = require('better-sqlite3');
const { startFakeProvider } = require('../../js/testing.js');
const { splitSections } = require('../../examples/demo/sections.js');
const { beginningOf } = require('../../examples/demo/fake-model.js');

const DEMO = path.join(__dirname, '..', '..', 'examples', 'demo', 'demo.js');
const TITLES = ['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon', 'Zeta'];
const TEXT = TITLES.map((title) => `# ${title}\n\nThe section ${title} has one sentence that a model can repeat word by word.\n`).join('\n');

describe('demo', function () {
  this.timeout(30000);
  let dir = '';
  let file = '';
  let database = '';
  /** @type {import('node:child_process').ChildProcess[]} */
  let started = [];

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-demo-test-'));
    file = path.join(dir, 'text.md');
    database = path.join(dir, 'demo.db');
    fs.writeFileSync(file, TEXT);
    started = [];
  });

  afterEach(() => {
    for (const child of started) {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // The whole group has ended.
      }
    }
    fs.rmSync(dir, { recursive: true, force: true });
  });

  /**
   * Starts the demo as the leader of a process group of its own, as a shell does.
   * @param {string[]} args
   * @param {Record<string, string>} [env]
   */
  function start(args, env = {}) {
    const { OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL, ...rest } = process.env;
    const child = spawn(process.execPath, [DEMO, ...args], { detached: true, env: { ...rest, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    started.push(child);
    const run = { child, out: '', err: '', code: once(child, 'close').then(([code, signal]) => code ?? signal) };
    child.stdout.setEncoding('utf8').on('data', (text) => (run.out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (run.err += text));
    return run;
  }

  /**
   * @param {string[]} args
   * @param {number} code that is expected
   * @param {Record<string, string>} [env]
   */
  async function run(args, code, env) {
    const one = start(args, env);
    assert.equal(await one.code, code, `${one.out}\n${one.err}`);
    return one;
  }

  /** @returns {any[]} jobs with the titles of their sections, in order */
  function rows() {
    const db = new BetterSqlite3(database, { readonly: true });
    try {
      return db.prepare('SELECT llm_jobs.*, demo_sections.title FROM llm_jobs LEFT JOIN demo_sections ON job_id = id ORDER BY seq').all();
    } finally {
      db.close();
    }
  }

  /** Every section has one job, and that job has one try, which completed it. */
  function assertOnceEach() {
    const all = rows();
    assert.deepEqual(all.map((row) => row.title), TITLES);
    for (const row of all) {
      assert.equal(row.status, 'completed', row.title);
      assert.equal(row.attempts, 1, row.title);
      const tries = JSON.parse(row.history);
      assert.equal(tries.length, 1, row.history);
      assert.equal(tries[0].code, undefined);
      assert.match(JSON.parse(row.result).text, new RegExp(`^The section ${row.title} has one sentence`));
    }
    return all;
  }

  it('summarises every section and shows plain lines when nobody watches', async () => {
    const { out } = await run(['--fake', '--slow', '0', '--database', database, file], 0);
    assertOnceEach();
    for (const title of TITLES) assert.match(out, new RegExp(`✓ \\[\\d/6\\] ${title} \\(\\d+ tokens, .*\\)\\n    The section ${title}`));
    assert.match(out, /fake/);
    assert.match(out, /section +model +tokens in +out +waited +first token +total +tries/);
    assert.match(out, /\nall +\d+ +\d+/);
    assert.doesNotMatch(out, /\x1b/);
  });

  it('begins afresh unless it is told to resume, and keeps its databases in the folder for temporary files', async () => {
    const env = { TMPDIR: dir };
    const { out } = await run(['--fake', '--slow', '0', file], 0, env);
    database = /Database: (.*)/.exec(out)?.[1] ?? '';
    assert.equal(path.dirname(database), path.join(dir, 'llm-jobs-demo'));
    const first = assertOnceEach().map((row) => row.id);

    const resumed = await run(['--fake', '--resume', file], 0, env);
    assert.match(resumed.out, /Resumed: 6 of 6 sections are done already/);
    assert.doesNotMatch(resumed.out, /✓/);
    assert.deepEqual(assertOnceEach().map((row) => row.id), first);

    await run(['--fake', '--slow', '0', file], 0, env);
    assert.notDeepEqual(assertOnceEach().map((row) => row.id), first);
  });

  /** @type {{how: string, signal: NodeJS.Signals, group: boolean, code: number | string}[]} */
  const ends = [
    { how: 'Ctrl-C, which every process of the terminal gets', signal: 'SIGINT', group: true, code: 130 },
    { how: 'SIGINT to the demo alone', signal: 'SIGINT', group: false, code: 130 },
    { how: 'SIGTERM', signal: 'SIGTERM', group: false, code: 143 },
    { how: 'kill -9 of the demo', signal: 'SIGKILL', group: false, code: 'SIGKILL' },
    { how: 'kill -9 of everything', signal: 'SIGKILL', group: true, code: 'SIGKILL' },
  ];
  for (const { how, signal, group, code } of ends) {
    it(`goes on after ${how}: no section is summarised twice`, async () => {
      // The model outlives the demo here, and remembers what it was asked.
      const provider = await startFakeProvider({ tokenMs: 25, script: ({ body }) => ({ text: beginningOf(body.messages.at(-1).content.split('\n').slice(1).join('\n')) }) });
      try {
        const env = { OPENAI_BASE_URL: provider.openaiUrl };
        const args = ['--concurrency', '2', '--database', database];
        const first = start([...args, file], env);
        while (!first.out.includes('✓')) await Promise.race([once(/** @type {any} */ (first.child.stdout), 'data'), first.code.then(() => assert.fail(first.out + first.err))]);
        process.kill((group ? -1 : 1) * /** @type {number} */ (first.child.pid), signal);
        assert.equal(await first.code, code, first.err);
        const before = rows();
        const done = before.filter((row) => row.status === 'completed');
        assert.ok(done.length > 0 && done.length < TITLES.length, `${done.length} were done`);
        if (signal !== 'SIGKILL') {
          assert.match(first.out, new RegExp(`Stopped: ${done.length} of 6 sections are done[^]*npm run demo -- --resume --database ${database} ${file}`));
          assert.ok(before.every((row) => row.status === 'completed' || (row.status === 'waiting' && row.attempts === 0)), JSON.stringify(before, null, 1));
        }

        const { out } = await run([...args, '--resume', file], 0, env);
        assert.match(out, /Resumed: \d of 6 sections are done already/);
        const after = assertOnceEach();
        for (const row of done) {
          const { finished_on, result } = after.find(({ id }) => id === row.id);
          assert.deepEqual({ finished_on, result }, { finished_on: row.finished_on, result: row.result });
          assert.doesNotMatch(out, new RegExp(`✓ \\[\\d/6\\] ${row.title}`));
        }
        const asked = (await provider.log()).filter((request) => request.chat);
        for (const { title } of done) assert.equal(asked.filter(({ body }) => body.messages.at(-1).content.includes(`"${title}"`)).length, 1, title);
        assert.ok(asked.length <= TITLES.length + 2, 'only the calls in flight were made again');
      } finally {
        await provider.close();
      }
    });
  }

  it('uses the model that the environment names, tells what has failed, and tries that again', async () => {
    const provider = await startFakeProvider({
      models: ['text-embedding-none', 'tiny-chat'],
      script: ({ body }) => (/"Gamma"/.test(body.messages.at(-1).content) ? { status: 400, error: { message: 'no Gamma please' } } : { text: 'Short.' }),
    });
    try {
      const env = { OPENAI_BASE_URL: `${provider.openaiUrl}/`, OPENAI_API_KEY: 'sk-for-the-test-only-0000' };
      const failed = await run(['--database', database, file], 1, env);
      assert.match(failed.out, /Model: tiny-chat at http:\/\/127\.0\.0\.1/);
      assert.match(failed.out, /✗ \[3\/6\] Gamma\n +BAD_REQUEST: .*no Gamma please/);
      assert.match(failed.out, /1 failed;.*--resume/);
      assert.doesNotMatch(failed.out + failed.err, /sk-for/);
      assert.equal(rows().filter((row) => row.status === 'completed').length, 5);

      await provider.script();
      await provider.clear();
      const { out } = await run(['--database', database, '--resume', file], 0, env);
      assert.match(out, /Resumed: 5 of 6 sections are done already; 1 that failed is tried again/);
      assert.equal(await provider.count(), 1);
      const [request] = (await provider.log()).filter((one) => one.chat);
      assert.equal(request.body.model, 'tiny-chat');
      assert.match(request.body.messages.at(-1).content, /^Summarise the section "Gamma":\nThe section Gamma has/);
    } finally {
      await provider.close();
    }
  });

  it('refuses bad input with exit code 2, a reason, and no change to a file of somebody else', async () => {
    const empty = path.join(dir, 'empty.md');
    const binary = path.join(dir, 'binary');
    const foreign = path.join(dir, 'foreign.db');
    fs.writeFileSync(empty, '\n\n# \n');
    fs.writeFileSync(binary, Buffer.from([1, 0, 2]));
    const db = new BetterSqlite3(foreign);
    db.exec('CREATE TABLE precious (x); INSERT INTO precious VALUES (1)');
    db.close();
    const bytes = fs.readFileSync(foreign);

    const cases = /** @type {[string[], RegExp][]} */ ([
      [['--frobnicate'], /Unknown option '--frobnicate'.*--help/],
      [[path.join(dir, 'nothing.md')], /nothing\.md cannot be read: there is no such file/],
      [[dir], /cannot be read: it is a folder/],
      [[empty], /holds no text/],
      [[binary], /is no text file/],
      [[file, file], /one file at a time/],
      [['--concurrency', '0', file], /--concurrency must be a whole number from 1 to 100, not "0"/],
      [['--slow', 'much', file], /--slow must be/],
      [['--fake', '--database', foreign, file], /foreign\.db exists and is no database of this demo/],
      [['--fake', '--resume', '--database', binary, file], /binary exists and is no database of this demo/],
    ]);
    for (const [args, reason] of cases) {
      const { out, err } = await run(args, 2);
      assert.match(err, reason);
      assert.equal(err.trim().split('\n').length, 1, err);
      assert.equal(out, '');
    }
    assert.deepEqual(fs.readFileSync(foreign), bytes);
  });

  it('explains itself with --help', async () => {
    const { out } = await run(['--help'], 0);
    for (const option of ['--resume', '--database', '--concurrency', '--slow', '--fake']) assert.ok(out.includes(option), option);
  });
});

describe('demo: sections', () => {
  const titles = (/** @type {string} */ text) => splitSections(text).map(({ title }) => title);

  it('begin at headings of both kinds, and not inside code', () => {
    const text = 'Before.\n\n# One #\ntext\n```sh\n# no heading\n```\n\nTwo\n===\n\ntext\n\n### [Three](x) `c`\n\ntext\n~~~\n## no\n```\n## no\n~~~\n';
    assert.deepEqual(titles(text), ['Beginning', 'One', 'Two', 'Three c']);
  });

  it('without text are left out', () => {
    assert.deepEqual(titles('# Title\n\n## Part\n\ntext\n\n## Empty\n\n---\n'), ['Part']);
    assert.deepEqual(splitSections(' \n\n'), []);
  });

  it('of a text without headings are groups of paragraphs, and of a long one, pieces', () => {
    const paragraph = `${'word '.repeat(100).trim()}.`;
    const groups = splitSections(Array(6).fill(paragraph).join('\r\n\r\n'));
    assert.equal(groups.length, 3);
    assert.equal(groups.map(({ text }) => text).join('\n\n'), Array(6).fill(paragraph).join('\n\n'));

    const pieces = splitSections(`# Long\n\n${Array(30).fill(paragraph).join('\n\n')}`);
    assert.deepEqual(pieces.map(({ title }) => title), ['Long', 'Long (2)']);
    assert.ok(pieces.every(({ text }) => text.length <= 8000));
    assert.equal(splitSections('x'.repeat(20000)).map(({ text }) => text).join(''), 'x'.repeat(20000));
  });
});

describe('demo: fake model', () => {
  it('repeats the first sentences, without code and marks', () => {
    const text = '```js\nconst x = 1;\n```\n\n| a | b |\n\nSee [the *page*](http://x) for `all` of it. Here is a sentence that goes on for quite a few words more. Not this one.';
    assert.equal(beginningOf(text), 'See the page for all of it. Here is a sentence that goes on for quite a few words more.');
    assert.match(beginningOf('```\nonly code\n```'), /only code or tables/);
    assert.match(beginningOf('- one\n- two'), /^one; two\.$/);
  });
});
