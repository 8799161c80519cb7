// SPDX-License-Identifier: MIT
'use strict';

/**
 * The engine built for Windows by MinGW-w64, with Schannel: what the addon asks of Windows and, where Wine is installed, the C tests
 * and, where there is a node.exe, a whole app. Wine is not Windows: what passes here may still fail there.
 */

const assert = require('node:assert');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const Database = require('better-sqlite3');
const { Queue } = require('../../../js/index.js');
const { startFakeProvider } = require('../../../js/testing.js');
const { which } = require('../../../scripts/setup/command');
const paths = require('../../../scripts/setup/paths');
const { gcc } = require('../../../scripts/windows/compile');
const { buildEngine, linkAddon, linkTests, linkWriter, runnable, tool } = require('../../../scripts/windows/link');
const { countCmocka } = require('../../../scripts/test/cmocka');

/** Debian's does not put its program for 64 bits on PATH. */
const wine = which('wine64') ?? ['/usr/lib/wine/wine64'].find((file) => fs.existsSync(file)) ?? null;

const server = which('wineserver') ?? '/usr/lib/wine/wineserver';

/** A node.exe of Node 18 or newer, for whoever has one: Wine 8 runs that of Node 18 and none younger. */
const node = process.env.LLM_JOBS_WINDOWS_NODE ?? '';

const JOBS = 20;

/** So long that a job is not found by the slow look. */
const POLL_MS = 60_000;

const ADD_ONE = `INSERT INTO llm_jobs (name, model, data) VALUES ('say', 'fake/m', '{"prompt":"Hello again"}')`;

/** A path as programs under Wine see it. */
const drive = (/** @type {string} */ file) => `Z:${file.replaceAll('/', '\\')}`;

/**
 * @typedef {{code: number | null, output: string}} Ended
 * @typedef {{promise: Promise<Ended>, resolve: (ended: Ended) => void, reject: (error: Error) => void}} Deferred
 * @returns {Deferred}
 */
function deferred() {
  const made = /** @type {Deferred} */ ({});
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {}); // the test that awaits it says so
  return made;
}

describe('the engine built for Windows', function () {
  this.timeout(600_000);
  /** @type {Awaited<ReturnType<typeof buildEngine>>} */
  let built;
  /** @type {string} */
  let addon;

  before(async function () {
    if (which(gcc) === null) return this.skip();
    built = await buildEngine(path.join(paths.build, 'windows'));
    addon = await linkAddon(built);
  });

  const about = () => execFileSync(tool('objdump'), ['-p', addon], { encoding: 'utf8', maxBuffer: 1 << 26 });

  it('is one DLL that needs Windows and nothing else', () => {
    const needed = [...about().matchAll(/DLL Name: (\S+)/g)].map(([, name]) => name.toLowerCase());
    const windows = ['advapi32.dll', 'bcrypt.dll', 'crypt32.dll', 'kernel32.dll', 'msvcrt.dll', 'user32.dll', 'ws2_32.dll'];
    assert.ok(needed.includes('kernel32.dll'));
    assert.deepStrictEqual(
      needed.filter((name) => !windows.includes(name)),
      [],
    );
  });

  it('shows two functions and nothing else', () => {
    const names = [...about().matchAll(/^\t\[ *\d+\] (?:\+base\[ *\d+\] +[0-9a-f]+ )?([a-z]\w+)$/gm)].map(([, name]) => name);
    assert.deepStrictEqual(names.sort(), ['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });

  it('wants functions of C and of Windows, none of POSIX', () => {
    const c = (
      'abort calloc ceil floor fma fmod free frexp getenv malloc memchr memcmp memcpy memmove memset nextafterf realloc round strchr ' +
      'strcmp strcspn strlen strncmp strpbrk strrchr strspn strstr strtod strtof strtol strtoll strtoul strtoull wcslen snprintf vsnprintf sscanf'
    ).split(' ');
    // What the compiler calls by itself, and MinGW-w64's own names of functions of C.
    const known = new Set([...c, ...c.map((name) => `__mingw_${name}`), '__mingw_vsscanf', '___chkstk_ms', '__emutls_get_address']);
    const libraries = /^(lj_|__imp_|curl_|sqlite3_|cJSON|pcre2_|nghttp2_|K32|BCrypt|\w+SRWLock)/;
    const objects = path.join(built.folder, 'objects');
    const files = fs.readdirSync(objects).map((name) => path.join(objects, name));
    const undefinedNames = execFileSync(tool('nm'), ['-u', ...files], { encoding: 'utf8', maxBuffer: 1 << 26 });
    const names = [...undefinedNames.matchAll(/^ +U (\w+)$/gm)].map(([, name]) => name);
    assert.ok(names.includes('memcpy'));
    assert.deepStrictEqual([...new Set(names)].filter((name) => !known.has(name) && !libraries.test(name)), []);
  });

  it('is hardened', () => {
    for (const property of ['DYNAMIC_BASE', 'NX_COMPAT', 'HIGH_ENTROPY_VA']) assert.ok(about().includes(property), property);
  });

  describe('under Wine', () => {
    /** @type {string} */
    let home;
    /** @type {string} */
    let scratch;
    /** Of the programs, which run as many at a time as there are cores, because most of their time is Wine's start. */
    const ended = new Map(runnable().map((name) => [name, deferred()]));

    /** @param {string} program @param {string[]} args @param {Record<string, string>} [env] */
    const run = (program, args, env = {}) =>
      /** @type {Promise<Ended>} */ (
        new Promise((resolve, reject) => {
          const child = spawn(wine ?? '', [program, ...args], {
            cwd: paths.root,
            env: { ...process.env, WINEPREFIX: home, WINEDEBUG: '-all', TMPDIR: scratch, ...env },
            stdio: ['ignore', 'pipe', 'pipe'],
            timeout: 100_000,
            killSignal: 'SIGKILL',
          });
          let output = '';
          for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
          child.on('error', reject);
          child.on('close', (code) => resolve({ code, output }));
        })
      );

    before(async function () {
      if (wine === null) return this.skip();
      home = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-wine-'));
      scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-windows-'));
      // Stays between programs, each of which would otherwise wait for its start.
      execFileSync(server, ['-p'], { env: { ...process.env, WINEPREFIX: home }, stdio: 'ignore' });
      const waiting = await linkTests(built);
      const env = { CMOCKA_MESSAGE_OUTPUT: 'stdout', LJ_FIXTURES: drive(path.join(paths.root, 'test/fixtures/wire-examples')) };
      const work = async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
          await run(next.file, [], env).then(ended.get(next.name)?.resolve, ended.get(next.name)?.reject);
      };
      for (let i = 0; i < os.cpus().length; i++) void work();
    });

    after(() => {
      if (home !== undefined) {
        // Ends what runs in this home, and nothing else.
        spawnSync(server, ['-k'], { env: { ...process.env, WINEPREFIX: home }, stdio: 'ignore' });
        fs.rmSync(home, { recursive: true, force: true });
        fs.rmSync(scratch, { recursive: true, force: true });
      }
    });

    for (const name of runnable())
      it(name, async () => {
        const { code, output } = await /** @type {Deferred} */ (ended.get(name)).promise;
        const count = countCmocka(output.replaceAll('\r\n', '\n'), code === 0 ? null : `ended with ${code}`);
        assert.ok(count.failed === 0 && count.passed > 0, output);
      });

    describe('in a node.exe', () => {
      before(function () {
        if (node === '') this.skip();
      });

      it('is loaded also when the executable has another name', async () => {
        const app = path.join(scratch, 'app.exe');
        const script = path.join(scratch, 'load.js');
        const answer = path.join(scratch, 'versions.json');
        fs.copyFileSync(node, app);
        // Node under Wine cannot write to our pipes.
        fs.writeFileSync(
          script,
          `require('fs').writeFileSync(${JSON.stringify(drive(answer))}, require(${JSON.stringify(drive(addon))}).versions())`,
        );
        await run(app, [drive(script)], { NODE_SKIP_PLATFORM_CHECK: '1' });
        assert.strictEqual(JSON.parse(fs.readFileSync(answer, 'utf8')).tls, 'Schannel');
      });

      it('does the jobs of an app, sees those that another process adds, and is started again when it was killed', async () => {
        const database = path.join(scratch, 'app.db');
        const task = path.join(scratch, 'task.json');
        const answer = path.join(scratch, 'seen.json');
        const provider = await startFakeProvider();
        try {
          const before = new Database(database);
          before.pragma('journal_mode = WAL');
          const queue = new Queue(before);
          for (let i = 0; i < JOBS; i++) queue.add('say', { prompt: `Hello ${i}` }, { model: 'fake/m' });
          before.close(); // Wine's locks and Linux' do not meet: one side at a time.
          const config = {
            database: drive(path.join(scratch, 'APP.db')), // the same file, on Windows
            pollIntervalMs: POLL_MS,
            providers: { fake: { kind: 'openai', baseUrl: provider.openaiUrl, apiKey: { env: 'FAKE_KEY' } } },
            env: { NODE_SKIP_PLATFORM_CHECK: '1', FAKE_KEY: 'sk-fake' },
          };
          fs.writeFileSync(task, JSON.stringify({ config, jobs: JOBS, writer: drive(await linkWriter(built)), sql: ADD_ONE, answer: drive(answer) }));
          const script = path.join(paths.root, 'test/js/support/windows-app.js');
          await run(node, [drive(script), drive(task)], { NODE_SKIP_PLATFORM_CHECK: '1', LLM_JOBS_ADDON: drive(addon) });
          const seen = JSON.parse(fs.readFileSync(answer, 'utf8'));
          assert.strictEqual(seen.error, undefined);
          assert.deepStrictEqual([seen.platform, seen.completed, seen.written], ['win32', JOBS + 1, 0]);
          assert.ok(seen.waitedMs < POLL_MS / 2, `a file event wakes the worker, which took ${seen.waitedMs} ms`);
          assert.ok(seen.first > 0 && seen.second > 0 && seen.first !== seen.second);
          const after = new Database(database);
          const rows = after.prepare("SELECT count(*) FROM llm_jobs WHERE status = 'completed' AND result ->> '$.text' LIKE 'Hello %'");
          assert.strictEqual(rows.pluck().get(), JOBS + 1);
          after.close();
        } finally {
          await provider.close();
        }
      });
    });
  });
});
