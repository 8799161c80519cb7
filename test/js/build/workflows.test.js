// SPDX-License-Identifier: MIT
'use strict';

/** What GitHub runs, as far as it can be checked where GitHub is not: that the files can be read and name what exists. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const yaml = require('yaml');
const { TARGETS } = require('../../../js/addon.js');
const { obstacles } = require('../../../scripts/release-check');

const root = path.join(__dirname, '..', '..', '..');
const folder = path.join(root, '.github', 'workflows');
const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
const alpine = fs.readFileSync(path.join(root, 'scripts', 'prebuild', 'alpine.sh'), 'utf8');

/** @type {Record<string, any>} */
const workflows = Object.fromEntries(
  fs.readdirSync(folder).map((name) => [name, yaml.parse(fs.readFileSync(path.join(folder, name), 'utf8'), { strict: true, uniqueKeys: true })]),
);
/** @type {[string, any][]} every job, with a name for messages */
const jobs = Object.entries(workflows).flatMap(([file, { jobs: all }]) => Object.entries(all).map(([name, job]) => /** @type {[string, any]} */ ([`${file}: ${name}`, job])));

/** @param {any} job @returns {string[]} */
const commandsOf = (job) => job.steps.flatMap((/** @type {any} */ step) => (step.run ?? '').split('\n')).map((/** @type {string} */ line) => line.trim()).filter(Boolean);

/** @param {string[]} commands */
function assertKnown(commands) {
  for (const command of commands) {
    for (const [, script] of command.matchAll(/\bnpm run ([\w:-]+)/g)) assert.ok(script in manifest.scripts, `${command}: there is no script ${script}`);
    if (/\bnpm test\b/.test(command)) assert.ok('test' in manifest.scripts);
    for (const [, file] of command.matchAll(/(?:^|[\s"'])((?:scripts|test|js|bench)\/[\w./-]+\.\w+)/g)) assert.ok(fs.existsSync(path.join(root, file)), `${command}: there is no ${file}`);
  }
}

describe('the workflows', () => {
  it('name only scripts and files that exist', () => {
    assert.ok('release.yml' in workflows);
    for (const [, job] of jobs) assertKnown(commandsOf(job));
    assertKnown(alpine.split('\n'));
    assert.match(alpine, /npm run prebuild\b/);
    assert.throws(() => assertKnown(['npm run nothing:like-it']), /no script nothing:like-it/);
    assert.throws(() => assertKnown(['sh scripts/none.sh']), /no scripts\/none\.sh/);
  });

  it('say where each job runs, for how long at most, and after which jobs', () => {
    for (const [name, job] of jobs) {
      assert.ok(typeof job['runs-on'] === 'string', name);
      assert.ok(job['timeout-minutes'] > 0, name);
      const siblings = Object.keys(workflows[name.split(':')[0]].jobs);
      for (const needed of [job.needs ?? []].flat()) assert.ok(siblings.includes(needed), `${name} needs ${needed}`);
    }
  });

  it('give every value of a matrix that they use', () => {
    for (const [name, job] of jobs) {
      const used = new Set([...JSON.stringify(job).matchAll(/\bmatrix\.(\w+)/g)].map((match) => match[1]));
      const { include = [], exclude, ...axes } = job.strategy?.matrix ?? {};
      const rows = include.length > 0 && Object.keys(axes).length === 0 ? include : [axes];
      for (const row of rows) for (const key of used) assert.ok(key in row, `${name}: matrix.${key}`);
    }
  });

  it('use only actions of GitHub itself, at a version', () => {
    for (const [name, job] of jobs)
      for (const { uses } of job.steps) if (uses !== undefined) assert.match(uses, /^actions\/[\w-]+@v\d+$/, name);
  });

  it('have shell scripts without mistakes', () => {
    execFileSync('/bin/sh', ['-n', path.join(root, 'scripts', 'prebuild', 'alpine.sh')]);
  });
});

describe('the release workflow', () => {
  const { on, permissions, jobs: all } = workflows['release.yml'];

  it('makes an addon for every system', () => {
    const made = Object.values(all).flatMap((/** @type {any} */ job) => job.strategy?.matrix.include ?? []).map((/** @type {any} */ row) => row.target);
    assert.deepEqual(made.sort(), [...TARGETS].sort());
    // On a machine of the same kind: an addon that was not run is not published.
    for (const { target, runner } of [...all.addon.strategy.matrix.include, ...all['addon-musl'].strategy.matrix.include]) {
      const [platform, arch] = target.split('-');
      assert.ok(runner.startsWith({ linux: 'ubuntu', darwin: 'macos', win32: 'windows' }[platform]), target);
      // Those of Apple are arm64 unless they say otherwise.
      const arm = /-arm$/.test(runner) || (platform === 'darwin' && !runner.endsWith('-intel'));
      assert.equal(arm, arch === 'arm64', target);
    }
  });

  it('tries each, packs what was tried, and publishes what was packed', () => {
    assert.deepEqual(commandsOf(all.addon), ['npm run prebuild', 'npm run prebuild:check']);
    // Linux has both Nodes as npm packages; the others are given one after the other.
    const nodes = all.addon.steps.filter((/** @type {any} */ step) => step.uses?.startsWith('actions/setup-node')).map((/** @type {any} */ step) => [step.if, step.with['node-version']]);
    assert.deepEqual(nodes, [["matrix.container == ''", 24], ["matrix.container == ''", 22]]);
    assert.deepEqual(commandsOf(all['addon-musl']), ['sh scripts/prebuild/alpine.sh']);
    assert.deepEqual(all.package.needs, ['addon', 'addon-musl']);
    assert.deepEqual(commandsOf(all.package), ['npm run prebuild:check -- --all', 'npm pack']);
    assert.equal(all.publish.needs, 'package');
    assert.deepEqual(commandsOf(all.publish), ['npm run release:check', 'npm publish --provenance --access public ./llm-jobs-*.tgz']);
    const artifacts = (/** @type {any} */ job, /** @type {string} */ action) => job.steps.filter((/** @type {any} */ step) => step.uses?.startsWith(`actions/${action}`)).map((/** @type {any} */ step) => step.with.name ?? step.with.pattern);
    assert.deepEqual(artifacts(all.package, 'download-artifact'), ['addon-*']);
    assert.deepEqual(artifacts(all.package, 'upload-artifact'), artifacts(all.publish, 'download-artifact'));
  });

  it('publishes for a tag only, and no other job may speak to npm', () => {
    assert.deepEqual(on, { push: { tags: ['v*'] }, workflow_dispatch: null });
    assert.equal(all.publish.if, "github.ref_type == 'tag'");
    assert.deepEqual(permissions, { contents: 'read' });
    assert.deepEqual(all.publish.permissions, { contents: 'read', 'id-token': 'write' });
    for (const [name, job] of Object.entries(all)) if (name !== 'publish') assert.equal(/** @type {any} */ (job).permissions, undefined, name);
    assert.doesNotMatch(JSON.stringify(all), /secrets\./);
  });

  it('needs versions that agree, a changelog, and the repository for the provenance', () => {
    const good = {
      tag: 'v1.2.3',
      repository: 'someone/llm-jobs',
      manifest: { version: '1.2.3', repository: { url: 'git+https://example.com/someone/llm-jobs.git' } },
      engine: '#define LJ_VERSION "1.2.3"\n',
      changelog: '# Changelog\n\n## [1.2.3] - 2026-12-01\n',
    };
    assert.deepEqual(obstacles(good), []);
    const one = (/** @type {object} */ change, /** @type {RegExp} */ sentence) => {
      const found = obstacles({ ...good, ...change });
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0], sentence);
    };
    one({ tag: 'v1.2.4' }, /The tag is v1\.2\.4, package\.json says 1\.2\.3/);
    one({ tag: '' }, /The tag is missing/);
    one({ engine: '#define LJ_VERSION "1.2.2"' }, /engine\.c says 1\.2\.2/);
    one({ changelog: '## [Unreleased]: 1.2.3\n' }, /no heading "## \[1\.2\.3\]"/);
    one({ repository: 'someone/else' }, /is not someone\/else/);
    one({ manifest: { version: '1.2.3' } }, /"repository" of package\.json \(missing\)/);
    one({ manifest: { ...good.manifest, private: true } }, /is private/);
  });

  it('finds the version of this engine', () => {
    const engine = fs.readFileSync(path.join(root, 'src', 'engine', 'engine.c'), 'utf8');
    assert.deepEqual(obstacles({ tag: `v${manifest.version}`, repository: 'a/b', manifest: { version: manifest.version, repository: 'a/b' }, engine, changelog: `## [${manifest.version}]\n` }), []);
  });
});
