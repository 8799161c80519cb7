// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { applySecurityPolicy, startWorker } = require('../../js/index.js');
const { securityPolicy } = require('../../js/host/policy.js');
const { useWorld } = require('./support/e2e.js');

const root = path.join(__dirname, '..', '..');

describe('securityPolicy', () => {
  const defaults = {
    sandbox: { enabled: true, nodeIntegration: false, contextIsolation: true },
    csp: { directives: "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'self'" },
    allowedAPIs: ['llm', 'ipc', 'fs:read'],
    resourceLimits: { cpu: { maxUsage: 80 }, memory: { maxMB: 1024 } },
  };

  it('has defaults for everything, and null is the same as leaving out', () => {
    for (const given of [undefined, null, {}, { sandbox: {}, csp: null, allowedAPIs: undefined, resourceLimits: { cpu: null } }]) {
      assert.deepEqual(securityPolicy(given), defaults);
    }
  });

  it('never allows eval by itself', () => {
    assert.doesNotMatch(securityPolicy().csp.directives, /unsafe-eval/);
  });

  it('completes what the app says', () => {
    const policy = securityPolicy({ sandbox: { enabled: false }, csp: { directives: " default-src 'none' " }, allowedAPIs: ['llm'], resourceLimits: { memory: { maxMB: 512 } } });
    assert.deepEqual(policy, {
      sandbox: { enabled: false, nodeIntegration: false, contextIsolation: true },
      csp: { directives: "default-src 'none'" },
      allowedAPIs: ['llm'],
      resourceLimits: { cpu: { maxUsage: 80 }, memory: { maxMB: 512 } },
    });
    assert.deepEqual(securityPolicy({ allowedAPIs: [] }).allowedAPIs, []);
  });

  it('has higher limits under high load, which the app may still change', () => {
    assert.deepEqual(securityPolicy(undefined, { highLoad: true }), { ...defaults, resourceLimits: { cpu: { maxUsage: 90 }, memory: { maxMB: 2048 } } });
    const policy = securityPolicy({ resourceLimits: { cpu: { maxUsage: 50 } } }, { highLoad: true });
    assert.deepEqual(policy.resourceLimits, { cpu: { maxUsage: 50 }, memory: { maxMB: 2048 } });
  });

  it('is frozen, and shares nothing with what the app gave', () => {
    const given = { allowedAPIs: ['llm'], sandbox: { enabled: true } };
    const policy = securityPolicy(given);
    given.allowedAPIs.push('ipc');
    assert.deepEqual(policy.allowedAPIs, ['llm']);
    for (const part of [policy, policy.sandbox, policy.csp, policy.allowedAPIs, policy.resourceLimits, ...Object.values(policy.resourceLimits)]) {
      assert.ok(Object.isFrozen(part));
    }
    assert.deepEqual(securityPolicy(policy), policy);
  });

  it('takes false for no limits', () => {
    assert.equal(securityPolicy({ resourceLimits: false }).resourceLimits, false);
  });

  it('refuses everything else with the path of the culprit', () => {
    for (const [given, message] of /** @type {[any, RegExp][]} */ ([
      ['strict', /^securityPolicy must be an object \{sandbox, csp, allowedAPIs, resourceLimits\}; got "strict"$/],
      [[], /^securityPolicy must be an object .* got an array/],
      [{ sandBox: {} }, /^securityPolicy\.sandBox: unknown key; securityPolicy has sandbox, csp, /],
      [{ sandbox: true }, /^securityPolicy\.sandbox must be an object \{enabled, nodeIntegration, contextIsolation\}; got true/],
      [{ sandbox: { enable: true } }, /^securityPolicy\.sandbox\.enable: unknown key/],
      [{ sandbox: { nodeIntegration: 'no' } }, /^securityPolicy\.sandbox\.nodeIntegration must be true or false; got "no"/],
      [{ csp: "default-src 'self'" }, /^securityPolicy\.csp must be an object \{directives\}/],
      [{ csp: { directives: ' ' } }, /^securityPolicy\.csp\.directives must be the value of a Content-Security-Policy header/],
      [{ csp: { directives: "default-src 'self'\r\nSet-Cookie: a=b" } }, /^securityPolicy\.csp\.directives must/],
      [{ csp: { directives: 'x'.repeat(16385) } }, /^securityPolicy\.csp\.directives must .* got a string of 16385 characters/],
      [{ allowedAPIs: 'llm' }, /^securityPolicy\.allowedAPIs must be an array of "llm", "ipc", "fs:read"; got "llm"/],
      [{ allowedAPIs: ['llm', 'fs'] }, /^securityPolicy\.allowedAPIs\[1\] must be one of "llm", "ipc", "fs:read"; got "fs"/],
      [{ allowedAPIs: ['llm', 'llm'] }, /^securityPolicy\.allowedAPIs\[1\]: "llm" is there already/],
      [{ resourceLimits: { cpu: { maxUsage: 0 } } }, /^securityPolicy\.resourceLimits\.cpu\.maxUsage must be a number from 1 to \d+; got 0/],
      [{ resourceLimits: { cpu: { maxUsage: '80' } } }, /maxUsage must be a number .* got "80"/],
      [{ resourceLimits: { memory: { maxMB: NaN } } }, /^securityPolicy\.resourceLimits\.memory\.maxMB must be a number .* got NaN/],
      [{ resourceLimits: { disk: {} } }, /^securityPolicy\.resourceLimits\.disk: unknown key/],
    ])) {
      assert.throws(() => securityPolicy(given), { name: 'LlmJobsError', code: 'BAD_CONFIG', message });
    }
  });
});

describe('applySecurityPolicy to webPreferences', () => {
  const safe = { sandbox: true, nodeIntegration: false, contextIsolation: true };

  it('sets what a window must have, and leaves the rest alone', () => {
    const preferences = { preload: '/app/preload.js' };
    assert.equal(applySecurityPolicy(preferences), preferences);
    assert.deepEqual(preferences, { preload: '/app/preload.js', ...safe });
    assert.deepEqual(applySecurityPolicy({ ...safe, nodeIntegrationInWorker: false }), { ...safe, nodeIntegrationInWorker: false });
  });

  it('refuses every setting that is weaker than the policy', () => {
    for (const weaker of [{ sandbox: false }, { nodeIntegration: true }, { nodeIntegrationInWorker: true }, { contextIsolation: false }]) {
      const [name] = Object.keys(weaker);
      const preferences = { ...weaker };
      assert.throws(() => applySecurityPolicy(preferences), { code: 'BAD_CONFIG', message: new RegExp(`^webPreferences\\.${name}: .* is weaker than the security policy`) });
      assert.deepEqual(preferences, weaker, 'nothing is changed then');
    }
    assert.throws(() => applySecurityPolicy({ sandbox: 0 }), { code: 'BAD_CONFIG', message: /webPreferences\.sandbox must be true or false; got 0/ });
  });

  it("allows what the app's own policy allows, and leaves stricter windows stricter", () => {
    const policy = { sandbox: { enabled: false, nodeIntegration: true } };
    assert.deepEqual(applySecurityPolicy({}, policy), { sandbox: false, nodeIntegration: true, contextIsolation: true });
    assert.deepEqual(applySecurityPolicy({ sandbox: true, nodeIntegration: false }, policy), safe);
    assert.throws(() => applySecurityPolicy({ contextIsolation: false }, policy), { code: 'BAD_CONFIG' });
  });

  it('refuses what would swallow the settings: options of a window, a window, nothing', () => {
    for (const wrong of [{ webPreferences: {} }, new (class BrowserWindow {})(), null, undefined, 'x', []]) {
      assert.throws(() => applySecurityPolicy(/** @type {any} */ (wrong)), { code: 'BAD_CONFIG', message: /takes the webPreferences of a window or an Electron session/ });
    }
  });

  it('checks the policy as startWorker does', () => {
    assert.throws(() => applySecurityPolicy({}, /** @type {any} */ ({ sandbox: false })), { code: 'BAD_CONFIG', message: /securityPolicy\.sandbox/ });
  });
});

describe('applySecurityPolicy to a session', () => {
  /** A session that asks its listener as Electron does, and gives the headers that come of it. */
  const session = () => {
    /** @type {any} */
    let listener;
    return {
      webRequest: { onHeadersReceived: (/** @type {any} */ one) => void (listener = one) },
      headers: (/** @type {any} */ responseHeaders) => {
        /** @type {any} */
        let answer;
        listener({ url: 'https://example.org/', responseHeaders }, (/** @type {any} */ response) => (answer = response));
        return answer.responseHeaders;
      },
    };
  };

  it('adds the header to every response', () => {
    const one = session();
    assert.equal(applySecurityPolicy(one), one);
    const expected = [securityPolicy().csp.directives];
    assert.deepEqual(one.headers({ 'Content-Type': ['text/html'] }), { 'Content-Type': ['text/html'], 'Content-Security-Policy': expected });
    assert.deepEqual(one.headers(undefined), { 'Content-Security-Policy': expected });
  });

  it("keeps the server's own policies, however they are written, so that the page obeys all of them", () => {
    const one = session();
    applySecurityPolicy(one, { csp: { directives: "script-src 'self'" } });
    const own = { 'content-security-policy': ["img-src 'none'"], 'content-security-policy-report-only': ['default-src x'] };
    assert.deepEqual(one.headers(own), { ...own, 'content-security-policy': ["img-src 'none'", "script-src 'self'"] });
  });
});

describe('the security policy of a worker', function () {
  this.timeout(30000);
  const addon = path.join(__dirname, 'support', 'fake-addon.js');
  /** @param {Record<string, any>} options */
  const start = (options) => startWorker({ database: '/nowhere/app.db', env: { LLM_JOBS_ADDON: addon }, ...options });

  it('is completed and readable, and the engine is told what it may do', async () => {
    const worker = await start({ preset: 'highLoad', securityPolicy: { allowedAPIs: ['llm', 'ipc'] } });
    try {
      assert.deepEqual(worker.policy, securityPolicy({ allowedAPIs: ['llm', 'ipc'] }, { highLoad: true }));
      assert.ok(Object.isFrozen(worker.policy));
      const config = await worker.request('test:config');
      assert.deepEqual([config.allowedAPIs, 'securityPolicy' in config], [['llm', 'ipc'], false]);
      assert.deepEqual(applySecurityPolicy({}, worker.policy), { sandbox: true, nodeIntegration: false, contextIsolation: true });
    } finally {
      await worker.stop({ deadlineMs: 0 });
    }
  });

  it("says the same of the engine's own key", async () => {
    const worker = await start({ allowedAPIs: ['llm'] });
    assert.deepEqual(worker.policy.allowedAPIs, ['llm']);
    await worker.stop({ deadlineMs: 0 });
  });

  it('is checked before anything starts', async () => {
    await assert.rejects(start({ securityPolicy: { sandbox: { enabled: 1 } } }), { code: 'BAD_CONFIG', message: /^securityPolicy\.sandbox\.enabled/ });
    await assert.rejects(start({ allowedAPIs: ['fs:write'] }), { code: 'BAD_CONFIG', message: /^allowedAPIs\[0\]/ });
  });
});

describe('allowedAPIs of a worker', function () {
  this.timeout(30000);
  const world = useWorld();

  it('keeps it from calling providers without "llm"', async () => {
    const here = world.world;
    here.database();
    here.createTable();
    await here.provider();
    await here.worker({ securityPolicy: { allowedAPIs: ['ipc', 'fs:read'] } });
    const { status, error } = await here.ended(here.insert());
    assert.deepEqual([status, error.code], ['failed', 'POLICY_DENIED']);
    assert.deepEqual(await here.prompts(), []);
  });

  it('leaves it with the database, its heartbeat and its end without "ipc"', async () => {
    const here = world.world;
    here.database();
    here.createTable();
    await here.provider();
    const worker = await here.worker({ securityPolicy: { allowedAPIs: ['llm'] }, heartbeat: { intervalMs: 50 } });
    await assert.rejects(worker.pause(), { code: 'POLICY_DENIED', message: /"ipc"/ });
    await assert.rejects(worker.process({ prompt: 'x', model: 'fake/m' }), { code: 'POLICY_DENIED' });
    assert.equal((await here.ended(here.insert())).status, 'completed');
    await new Promise((resolve) => worker.once('health-status', resolve));
    assert.deepEqual(await worker.drain(), { drained: true, interrupted: 0 });
  });
});

describe('the worker makes no code of strings', function () {
  this.timeout(30000);
  const world = useWorld();

  it('has no eval and no Function in its files', () => {
    /** @type {Set<string>} */
    const files = new Set();
    const follow = (/** @type {string} */ file) => {
      if (files.has(file)) return;
      files.add(file);
      for (const [, name] of fs.readFileSync(file, 'utf8').matchAll(/require\('(\.[^']+)'\)/g)) follow(path.resolve(path.dirname(file), name));
    };
    follow(path.join(root, 'js', 'worker.js'));
    assert.ok(files.size >= 4, [...files].join());
    for (const file of files) {
      const code = fs.readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
      assert.doesNotMatch(code, /\beval\b|\bFunction\b|node:vm|\bimport\(|set(Timeout|Interval)\(\s*['"`]/, file);
    }
  });

  it('runs jobs where V8 refuses to make any', async () => {
    const here = world.world;
    here.database();
    here.createTable();
    await here.provider();
    const flag = '--disallow-code-generation-from-strings';
    const worker = await here.worker({ execArgv: [flag] });
    const id = here.insert({ data: { prompt: 'Hello' } });
    assert.equal((await here.ended(id)).status, 'completed');
    if (process.platform === 'linux') assert.ok(fs.readFileSync(`/proc/${worker.pid}/cmdline`, 'utf8').split('\0').includes(flag));
    // The flag does what it says in this Node.
    assert.throws(() => execFileSync(process.execPath, [flag, '-e', 'eval("1")'], { stdio: 'pipe' }), /Code generation from strings disallowed/);
  });
});
