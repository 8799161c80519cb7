// SPDX-License-Identifier: MIT
'use strict';

/**
 * Every block of README.md, CONTRIBUTING.md, docs/ and the examples' pages does what the page says: programs run, parts of programs
 * pass the compiler's strict rules, JSON is read, SQL meets a fresh table, and commands exist. Diagrams and listings name no
 * language. test/js/support/docs/blocks.js says what an author can write before a block.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const BetterSqlite3 = require('better-sqlite3');
const { default: Ajv } = /** @type {any} */ (require('ajv'));
const { Queue } = require('../../js/index.js');
const { startFakeProvider } = require('../../js/testing.js');
const { allBlocks, blocksOf, root } = require('./support/docs/blocks.js');
const { checkTypes } = require('./support/docs/types.js');
const { engineVerdicts } = require('./support/config/verdicts.js');
const { Folder, withProvider, canRun } = require('./support/docs/programs.js');
const { commandsOf, mistakeOf, cheap } = require('./support/docs/shell.js');

/** @typedef {import('./support/docs/blocks.js').Block} Block */

/** What VS Code and others check a configuration with. */
const isConfiguration = new Ajv({ strictTypes: false, strictRequired: false }).compile(require('../../js/config.schema.json'));

const CODE = new Set(['js', 'cjs', 'mjs', 'ts', 'cts', 'mts', 'tsx']);

/** Makes a database with an empty table llm_jobs. @param {string} file */
function makeDatabase(file) {
  const db = new BetterSqlite3(file);
  db.pragma('journal_mode = WAL');
  new Queue(db);
  db.close();
}

describe('blocks of the documents', function () {
  this.timeout(60000);
  const blocks = allBlocks();
  /** @type {Map<Block, import('./support/docs/types.js').Checked>} */
  let types;
  /** @type {import('../../js/testing.js').FakeProvider} */
  let provider;

  before(async () => {
    types = checkTypes(blocks.filter(({ language }) => CODE.has(language)));
    provider = await startFakeProvider({ tokens: 3 });
  });
  after(async () => {
    await provider?.close();
    fs.rmSync(path.join(root, 'build', 'docs-blocks'), { recursive: true, force: true });
  });

  /** @type {Record<string, (block: Block, folder: Folder) => unknown>} */
  const rules = {
    async code(block, folder) {
      const { mistakes, whole, modules, source, extension } = /** @type {import('./support/docs/types.js').Checked} */ (types.get(block));
      assert.deepEqual(mistakes, []);
      if (!whole || block.how.run === 'no' || !canRun(modules)) return;
      fs.writeFileSync(path.join(folder.path, `program.${extension}`), withProvider(source, provider));
      const { code, output } = await folder.run(process.execPath, [`program.${extension}`], { env: { OPENAI_API_KEY: 'sk-test', ANTHROPIC_API_KEY: 'sk-test', GEMINI_API_KEY: 'sk-test' } });
      assert.equal(code, 0, output);
    },
    async json(block) {
      const value = JSON.parse(block.text);
      if (block.how.json === 'other') return;
      // A part of a configuration is completed.
      const config = { database: '/nowhere/app.db', providers: { a: { kind: 'ollama' } }, ...value };
      assert.equal(isConfiguration(config), true, `no configuration (what is none has <!-- test: json=other --> before it): ${JSON.stringify(isConfiguration.errors)}`);
      const [refusal] = await engineVerdicts([config]);
      assert.equal(refusal, null);
    },
    async sql(block, folder) {
      makeDatabase(path.join(folder.path, 'app.db'));
      const { code, output } = await folder.run('sqlite3', ['-bail', 'app.db'], { input: block.text });
      assert.equal(code, 0, output);
    },
    async sh(block, folder) {
      const commands = commandsOf(block.text);
      assert.notEqual(commands.length, 0, 'the block has no command');
      assert.deepEqual(commands.map(mistakeOf).filter(Boolean), []);
      for (const args of commands.map(cheap)) {
        if (args === null) continue;
        for (const file of args.filter((word) => word.endsWith('.db'))) if (!fs.existsSync(path.join(folder.path, file))) makeDatabase(path.join(folder.path, file));
        const { code, output } = await folder.run(process.execPath, [path.join(root, 'js', 'cli.js'), ...args]);
        assert.ok(code === 0 || code === 1, output);
      }
    },
  };
  const aliases = { bash: 'sh', shell: 'sh', console: 'sh' };

  for (const block of blocks) {
    const { page, line, language } = block;
    if (language === '' || language === 'text') continue;
    it(`${page}:${line} ${language}`, async () => {
      const rule = rules[CODE.has(language) ? 'code' : /** @type {Record<string, string>} */ (aliases)[language] ?? language];
      assert.ok(rule, `no rule for blocks of ${language}: give it one here, or leave the language out`);
      const folder = new Folder(`${page.replace(/\W/g, '-')}-${line}`);
      await rule(block, folder);
      folder.remove();
    });
  }

  describe('are really looked at', () => {
    /** @param {string[]} texts one block each, all checked at once */
    const check = (...texts) => {
      const all = texts.map((text, index) => blocksOf(`page${index}.md`, text)[0]);
      const checked = checkTypes(all);
      return all.map((block) => /** @type {import('./support/docs/types.js').Checked} */ (checked.get(block)));
    };

    it('each on its line', () => {
      assert.deepEqual(blocksOf('page.md', 'Words\n\n<!-- test: prelude=electron names=a,b -->\n```js\na();\n```\n'), [
        { page: 'page.md', line: 5, language: 'js', text: 'a();\n', how: { prelude: 'electron', names: 'a,b' } },
      ]);
    });

    it('a comment that is misspelt, or stands before no block, is refused', () => {
      assert.throws(() => blocksOf('page.md', '<!-- test: prelud=electron -->\n```js\n```\n'), /page\.md:1: "prelud=electron"/);
      assert.throws(() => blocksOf('page.md', '<!-- test: run=no -->\nWords\n'), /page\.md:2: .* right before a block/);
      assert.throws(() => blocksOf('page.md', '```js\nWords\n'), /page\.md:1: the block never ends/);
    });

    it('a wrong argument, a wrong option and an unknown name are mistakes', () => {
      /** @type {[string, RegExp][]} */
      const wrong = [
        ["```js\nqueue.add('a', { prompt: 'b' }, { priorty: 1 });\n```\n", /page0\.md:2: .*priorty/],
        ['```ts\nawait worker.stop({ deadline: 5 });\n```\n', /page1\.md:2: .*deadline/],
        ["```js\nconst { Queu } = require('llm-jobs');\n```\n", /Queu/],
        ["```js\nimport { Queu } from 'llm-jobs';\n```\n", /Queu/],
        ['```js\nshow(queue.counts());\n```\n', /show/],
        ['```js\ndb.prepar();\n```\n', /prepar/],
        ["```js\nconst { app } = require('electron');\napp.whenReddy();\n```\n", /page6\.md:3: .*whenReddy/],
        ['```js\napp.quit();\n```\n', /prelude=electron/],
        ['<!-- test: prelude=renderer -->\n```js\ndocument.titel.trim();\n```\n', /titel/],
        ['```js\nconst a = ;\n```\n', /page9\.md:2/],
      ];
      const checked = check(...wrong.map(([text]) => text));
      wrong.forEach(([, pattern], index) => assert.match(checked[index].mistakes.join(), pattern));
      assert.deepEqual(check('<!-- test: prelude=electron -->\n```js\napp.quit();\n```\n')[0].mistakes, []);
    });

    it('a whole program is told from a part of one', () => {
      const checked = check(
        "```js\nconst { Queue } = require('llm-jobs');\nconst queue = { Queue };\nqueue.Queue;\n```\n",
        '```js\nqueue.counts();\n```\n',
        '```js\nconst jobs = { queue };\n```\n',
      );
      assert.deepEqual(checked.map(({ whole }) => whole), [true, false, false]);
    });

    it('a command that is not there is a mistake', () => {
      const wrong = (/** @type {string} */ text) => commandsOf(text).map(mistakeOf).filter(Boolean);
      assert.deepEqual(wrong('npm run demo -- FILE  # words\nnpm test -- test/c/test_sse.c\nnpx llm-jobs doctor app.db && git status'), []);
      assert.deepEqual(wrong('npm run dmo'), ['package.json has no script dmo']);
      assert.deepEqual(wrong('npm test -- test/c/test_no.c'), ['there is no file test/c/test_no.c']);
      assert.deepEqual(wrong('npx llm-jobs docter app.db'), ['llm-jobs has no command docter']);
      assert.deepEqual(wrong('frobnicate'), ['frobnicate is no program that we know']);
    });
  });
});
