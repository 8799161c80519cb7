// SPDX-License-Identifier: MIT
'use strict';

/** The documents say what is so: each test compares a page with the source that it describes. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const BetterSqlite3 = require('better-sqlite3');
const { Queue, startWorker } = require('../../js/index.js');
const { Worker } = require('../../js/host.js');
const { startFakeProvider } = require('../../js/testing.js');

const run = promisify(execFile);
const root = path.join(__dirname, '..', '..');
const read = (/** @type {string} */ name) => fs.readFileSync(path.join(root, name), 'utf8');
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...fs.readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

/**
 * @param {string} name
 * @param {string} language
 */
function block(name, language) {
  const found = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(read(name));
  assert.ok(found, `${name} has no block of ${language}`);
  return found[1];
}

describe('documents', function () {
  this.timeout(30000);

  it('docs/table.md is made from the schema', async () => {
    await run(process.execPath, [path.join(root, 'scripts', 'docs-table.js'), '--check']);
  });

  it('docs/api.md is made from the comments of js/', async () => {
    await run(process.execPath, [path.join(root, 'scripts', 'docs-api.js'), '--check']);
  });

  it('docs/errors.md has every code of the engine', () => {
    const codes = [...read('src/base/result.h').matchAll(/^ {2}X\((\w+), /gm)].map(([, code]) => code);
    assert.ok(codes.length > 30);
    const told = new Set([...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code));
    assert.deepEqual(codes.filter((code) => !told.has(code)), []);
  });

  it('docs/configuration.md has every key, and its example is a configuration', () => {
    const page = read('docs/configuration.md');
    const sources = read('src/engine/config.c') + read('src/engine/config_provider.c') + read('src/engine/config_limits.c');
    const keys = [...sources.matchAll(/^ {4}\{"(\w+)", LJ_FIELD/gm)].map(([, key]) => key);
    assert.ok(keys.length > 20);
    assert.deepEqual(keys.filter((key) => !new RegExp(`^\\| \`(timeouts\\.|retention\\.|retention\\.STATE\\.|breaker\\.|prices\\.MODEL\\.)?${key}\` \\|`, 'm').test(page)), []);
    const fields = [...read('src/provider/request_check.c').matchAll(/^ {4}\{"(\w+)", (?:lj_)?check_/gm)].map(([, key]) => key);
    assert.ok(fields.length > 10);
    assert.deepEqual(fields.filter((key) => key !== 'input' && !page.includes(`| \`${key}\` |`)), []);
    assert.equal(JSON.parse(block('docs/configuration.md', 'json')).concurrency, 8);
  });

  it('docs/configuration.md has every option of startWorker', () => {
    const page = read('docs/configuration.md');
    const [, host] = /@typedef \{object\} HostOptions(.*?)@typedef/s.exec(read('js/host/options.js')) ?? [];
    const ofTheProcess = [...(host ?? '').matchAll(/@property \{.*\} \[(\w+)\]/g)].map(([, name]) => name);
    assert.ok(ofTheProcess.length > 7);
    const all = [...ofTheProcess, ...Object.keys(JSON.parse(read('js/config.schema.json')).properties).filter((name) => name !== '$schema')];
    assert.deepEqual(all.filter((name) => !page.includes(`\n| \`${name}\` |`)), []);
  });

  it('docs/queue.md has every method of Queue, docs/worker.md every method, member and event of Worker', () => {
    const told = (/** @type {string} */ page, /** @type {string[]} */ names) => names.filter((name) => !new RegExp(`\`(worker\\.)?${name}[\`(]`).test(read(page)));
    const members = (/** @type {Function} */ of) => Object.getOwnPropertyNames(of.prototype).filter((name) => name !== 'constructor');
    assert.ok(members(Queue).length > 10);
    assert.deepEqual(told('docs/queue.md', members(Queue)), []);
    // `start` is for startWorker.
    assert.deepEqual(told('docs/worker.md', members(Worker).filter((name) => name !== 'start')), []);
    const [, list] = /@typedef \{object\} WorkerEvents(.*?)\*\//s.exec(read('js/host/events.js')) ?? [];
    const events = [...(list ?? '').matchAll(/@property \{\[.*\]\} ([\w-]+)/g)].map(([, name]) => name);
    assert.ok(events.length > 10);
    const rows = read('docs/worker.md').split('\n').filter((line) => line.startsWith('| `'));
    assert.deepEqual(events.filter((name) => !rows.some((row) => row.split(' | ')[0].includes(`\`${name}\``))), []);
  });

  it('docs/troubleshooting.md names codes and checks that there are, and quotes what is really said', () => {
    const page = read('docs/troubleshooting.md');
    const codes = new Set([...read('docs/errors.md').matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code));
    const others = ['SQLITE_BUSY', 'SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY'];
    const named = [...page.matchAll(/`([A-Z]+(?:_[A-Z]+)+|AUTH|TLS|BUSY|STALLED|UNREACHABLE|PROTOCOL)`/g)].map(([, code]) => code);
    assert.ok(named.length > 30);
    assert.deepEqual(named.filter((code) => !codes.has(code) && !others.includes(code)), []);
    const checks = [...page.matchAll(/`doctor`, check `([\w-]+)`/g)].map(([, check]) => check);
    assert.ok(checks.length > 3);
    assert.deepEqual(checks.filter((check) => !read('docs/cli.md').includes(`\`${check}\``)), []);
    const files = ['js', 'src', 'native'].flatMap((folder) => fs.readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`));
    const sources = files.filter((name) => /\.(js|c)$/.test(name)).map(read).join('\n');
    const quotes = [...page.matchAll(/^\|[^|"\n]*"([^"|\n]+)"/gm)].flatMap(([, quote]) => quote.split(' … '));
    assert.ok(quotes.length > 5);
    assert.deepEqual(quotes.filter((quote) => !sources.includes(quote)), []);
  });

  it('docs/messages.md has every channel', () => {
    const page = read('docs/messages.md');
    const engine = fs.readdirSync(path.join(root, 'src/engine')).map((name) => `src/engine/${name}`);
    const sources = [...engine, 'js/worker.js'].map(read).join('\n');
    const channels = new Set(sources.match(/worker:[a-z-]+(?=['"\\])/gi)?.filter((channel) => channel !== 'worker:unknown'));
    assert.ok(channels.size > 8);
    assert.deepEqual([...channels].filter((channel) => !page.includes(`\`${channel}\``)), []);
  });

  it('docs/messages.md and the types have every field of the statistics', () => {
    const [, told] = /## Statistics(.*)/s.exec(read('docs/messages.md')) ?? [];
    const types = read('js/host/statistics.js');
    const sources = read('src/engine/statistics.c') + read('src/engine/budget.c');
    const fields = [...sources.matchAll(/(?:lj_json_put_\w+\(\w+, |^ {6}\{)"(\w+)",/gm)].map(([, name]) => name);
    assert.ok(fields.length > 30);
    assert.deepEqual(fields.filter((name) => !new RegExp(`\\b${name}\\b`).test(told)), []);
    assert.deepEqual(fields.filter((name) => !new RegExp(`@property .* \\[?${name}\\b`).test(types)), []);
  });

  it('links lead somewhere', () => {
    for (const page of pages) {
      for (const [, target] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        assert.ok(fs.existsSync(path.join(root, path.dirname(page), target)), `${page} links to ${target}`);
      }
    }
  });

  it('headings of a page differ, and links to them lead there', () => {
    const anchorsOf = (/** @type {string} */ page) =>
      [...read(page).replace(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'));
    for (const page of pages) {
      const anchors = anchorsOf(page);
      if (page !== 'CHANGELOG.md') assert.equal(new Set(anchors).size, anchors.length, `${page}: two headings are the same`);
      for (const [, target, anchor] of read(page).matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)) {
        const there = target === '' ? anchors : anchorsOf(path.join(path.dirname(page), target));
        assert.ok(there.includes(anchor), `${page} links to ${target}#${anchor}`);
      }
    }
  });

  it('files and folders that are named exist', () => {
    for (const page of pages) {
      for (const [, name] of read(page).matchAll(/`((?:src|js|test|scripts|native|docs|examples)\/[\w./-]*)`/g)) {
        if (/NAME/.test(name)) continue;
        // Of this repository, or of an app such as the example.
        assert.ok(['.', 'examples/electron-app'].some((place) => fs.existsSync(path.join(root, place, name))), `${page} names ${name}`);
      }
    }
  });

  describe('README', () => {
    const dir = path.join(root, 'build', 'readme-test');
    /** @type {import('../../js/testing.js').FakeProvider} */
    let provider;

    beforeEach(async () => {
      fs.rmSync(dir, { recursive: true, force: true });
      fs.mkdirSync(dir, { recursive: true });
      provider = await startFakeProvider({ script: () => ({ text: 'It is hot.' }) });
    });

    afterEach(async () => {
      await provider.close();
      fs.rmSync(dir, { recursive: true, force: true });
    });

    it('shows JavaScript that runs', async () => {
      // The snippet as it is, but for the address.
      const source = block('README.md', 'js').replace("{ kind: 'openai', ", `{ kind: 'openai', baseUrl: '${provider.openaiUrl}', `);
      assert.ok(source.includes(provider.openaiUrl));
      fs.writeFileSync(path.join(dir, 'usage.js'), source);
      const env = { ...process.env, OPENAI_API_KEY: 'sk-test' };
      const { stdout } = await run(process.execPath, ['usage.js'], { cwd: dir, env, timeout: 20000 });
      assert.match(stdout, /^completed It is hot\. \{ inputTokens: \d+, outputTokens: \d+ \} null\n$/);
      const [request] = (await provider.log()).filter((one) => one.chat);
      assert.equal(request.body.model, 'gpt-5-mini');
    });

    it('shows SQL that runs', async () => {
      const file = path.join(dir, 'app.db');
      const db = new BetterSqlite3(file);
      db.pragma('journal_mode = WAL');
      const queue = new Queue(db);
      const [insert, select] = block('README.md', 'sql').trim().split('\n');
      db.exec(insert);
      const { id } = /** @type {{id: string}} */ (db.prepare('SELECT id FROM llm_jobs').get());
      const worker = await startWorker({ database: file, providers: { openai: { kind: 'openai-compatible', baseUrl: provider.openaiUrl } }, logLevel: 'error' });
      try {
        await queue.waitFor(id, { timeoutMs: 10000 });
        assert.deepEqual(db.prepare(select).raw().get(), ['completed', 'It is hot.', null]);
      } finally {
        await worker.stop();
        db.close();
      }
    });
  });
});
