// SPDX-License-Identifier: MIT
'use strict';

/**
 * libFuzzer on what reads a provider's bytes: the framings alone, and each kind's answers whole, with address and
 * undefined-behaviour sanitizers. Starts from the recorded answers in test/fixtures/wire-examples and from inputs that once
 * were findings (test/fixtures/fuzz). A finding is written below build/fuzz and named in the output.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { find, engineSources } = require('../gyp');
const { inputs, hashOf } = require('../setup/addon');
const { run, ask, which } = require('../setup/command');
const paths = require('../setup/paths');
const { say, seconds, SetupError } = require('../setup/say');
const { runProgram } = require('./program');

const folder = path.join(paths.build, 'fuzz');
const examples = path.join(paths.root, 'test', 'fixtures', 'wire-examples');

/** First bytes that a recorded answer is given, so that inputs start from useful heads and pieces (test/fuzz/*.c). */
const cuts = [0x03, 0x06];
const heads = [0x13, 0x37, 0x52, 0x72, 0x84, 0xb0, 0xc1, 0xf5];

/** @typedef {{name: string, program: string, env: NodeJS.ProcessEnv, firstBytes: number[]}} Target */

/** @returns {Target[]} the framings and each kind that the engine knows */
function targets() {
  const program = path.join(folder, 'fuzz_response');
  const named = ask(program, [], { LJ_FUZZ_KIND: '?' });
  if (named === null) throw new SetupError(`${program} does not name the providers' kinds.`);
  return [
    { name: 'sse', program: 'fuzz_sse', env: {}, firstBytes: cuts },
    { name: 'ndjson', program: 'fuzz_ndjson', env: {}, firstBytes: cuts },
    ...named
      .split(', ')
      .map((kind) => ({ name: kind, program: 'fuzz_response', env: { LJ_FUZZ_KIND: kind }, firstBytes: heads })),
  ];
}

const flags = ['-std=c11', '-g', '-O1', '-fno-omit-frame-pointer', '-D_GNU_SOURCE'];
const sanitizers = 'address,undefined';
const archiveNames = ['curl', 'nghttp2', 'ssl', 'crypto', 'sqlite3', 'cjson', 'pcre2-8'];

/** clang compiles the engine's files once and links each program with them. @param {string} libraries */
async function build(libraries) {
  const since = Date.now();
  const programs = find('test/fuzz', '.c');
  const sources = [...inputs(), ...find('test/fuzz', '')];
  const texts = sources.map((name) => fs.readFileSync(path.join(paths.root, name), 'utf8'));
  const key = hashOf([libraries, fs.readFileSync(__filename, 'utf8'), ...sources, ...texts]);
  const stamp = path.join(folder, '.built');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === key) return;
  if (which('clang') === null) throw new SetupError('Fuzzing needs clang with its libFuzzer.');
  say('compiling the engine and the fuzz targets with clang');
  const objects = path.join(folder, 'objects');
  fs.rmSync(objects, { recursive: true, force: true });
  fs.mkdirSync(objects, { recursive: true });
  await run(paths.node, [path.join(paths.root, 'scripts', 'embed-schema.js'), path.join(objects, 'schema_ddl.h')]);
  const include = ['-I', path.join(paths.root, 'src'), '-I', objects, '-isystem', path.join(libraries, 'include')];
  const engine = engineSources('linux').map((name) => ({
    from: path.join(paths.root, name),
    to: path.join(objects, `${name.replace(/\//g, '_')}.o`),
  }));
  const waiting = [...engine];
  const compile = async () => {
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop())
      await run('clang', [...flags, `-fsanitize=fuzzer-no-link,${sanitizers}`, ...include, '-c', file.from, '-o', file.to]);
  };
  await Promise.all(os.cpus().map(compile));
  const archives = archiveNames.map((name) => path.join(libraries, 'lib', `lib${name}.a`));
  const linked = [...engine.map((file) => file.to), ...archives, '-lpthread', '-lm', '-ldl'];
  const link = [...flags, `-fsanitize=fuzzer,${sanitizers}`, '-fno-sanitize-recover=all', ...include];
  for (const name of programs) {
    const to = path.join(folder, path.basename(name, '.c'));
    await run('clang', [...link, path.join(paths.root, name), ...linked, '-o', to]);
  }
  fs.writeFileSync(stamp, key);
  say(`compiled (${seconds(since)})`);
}

/** Recorded answers and old findings as inputs. @param {Target} target @returns {string[]} folders */
function seeds(target) {
  const made = path.join(folder, 'seeds', target.name);
  fs.rmSync(made, { recursive: true, force: true });
  fs.mkdirSync(made, { recursive: true });
  for (const name of fs.readdirSync(examples)) {
    const recorded = fs.readFileSync(path.join(examples, name));
    for (const byte of target.firstBytes)
      fs.writeFileSync(path.join(made, `${byte}-${name}`), Buffer.concat([Buffer.from([byte]), recorded]));
  }
  const found = path.join(paths.root, 'test', 'fixtures', 'fuzz', target.name);
  return fs.existsSync(found) ? [made, found] : [made];
}

/** @param {import('./tally').Tally} tally @param {Target} target @param {number} secondsEach */
async function runTarget(tally, target, secondsEach) {
  const corpus = path.join(folder, 'corpus', target.name);
  fs.mkdirSync(corpus, { recursive: true });
  const args = [
    `-max_total_time=${secondsEach}`,
    // An input may take 10 s and 1 GiB: far more than any should, and what makes a hang or a leak a finding.
    '-timeout=10',
    '-rss_limit_mb=1024',
    '-max_len=8192',
    '-print_final_stats=1',
    `-artifact_prefix=${path.join(folder, `finding-${target.name}-`)}`,
    corpus,
    ...seeds(target),
  ];
  const program = path.join(folder, target.program);
  const ended = await runProgram(program, args, { seconds: secondsEach + 120, cwd: paths.root, env: target.env });
  const runs = Number(/stat::number_of_executed_units:\s*(\d+)/.exec(ended.output)?.[1] ?? 0);
  // A run that tried next to nothing found nothing because it looked at nothing.
  const failed = ended.trouble !== null || runs < 100;
  const count = { passed: failed ? 0 : 1, failed: failed ? 1 : 0, skipped: 0 };
  const details = `${ended.output.slice(-8000)}\n${ended.trouble ?? 'too few inputs'}`;
  tally.add(`fuzzing ${target.name}, ${runs} inputs`, count, ended.ms, details);
}

/**
 * @param {import('./tally').Tally} tally @param {string} libraries
 * @param {{names?: string[], secondsEach: number}} wanted these targets, or all
 */
async function runFuzz(tally, libraries, { names = [], secondsEach }) {
  await build(libraries);
  const known = targets();
  const unknown = names.find((name) => !known.some((target) => target.name === name));
  const list = known.map((target) => target.name).join(', ');
  if (unknown !== undefined) throw new SetupError(`There is no fuzz target ${unknown}. There are ${list}.`);
  const waiting = known.filter((target) => names.length === 0 || names.includes(target.name));
  const work = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      await runTarget(tally, target, secondsEach);
    }
  };
  await Promise.all(os.cpus().map(work));
}

module.exports = { runFuzz };
