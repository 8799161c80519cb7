// SPDX-License-Identifier: MIT
'use strict';

/** Runs bench/c/bench_instructions.c under callgrind and says what a job costs. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run } = require('../setup/command');
const paths = require('../setup/paths');
const { PROGRAM, byArea, byOwner } = require('./areas');
const { kinds } = require('./kinds');
const { readProfile } = require('./profile');

/**
 * The C library has copies of memcpy and its like for each generation of processors; this makes all of them take the oldest, so that
 * counts of different machines are alike.
 */
const TUNABLES = 'glibc.cpu.hwcaps=-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-BMI2,-BMI1,-LZCNT,-MOVBE,-SSE4_2,-SSE4_1,-SSSE3,-Fast_Unaligned_Copy';

/**
 * @typedef {object} Count per job, in instructions
 * @property {number} instructions
 * @property {Record<string, number>} areas
 * @property {Record<string, number>} owners
 * @property {number} turns of the loop
 * @property {number} transactions
 */

/**
 * @param {string} name of a kind
 * @param {Map<string, string>} owners of functions, by name
 * @returns {Promise<{count: Count, profile: import('./profile').Profile, jobs: number, missing: string[], versions: Record<string, string>}>}
 */
async function measure(name, owners) {
  const kind = kinds[name];
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-instructions-'));
  try {
    fs.writeFileSync(path.join(dir, 'answer'), kind.answer());
    const numbers = [kind.calls, kind.warm, kind.jobs, Number(kind.stream), kind.firstUs, kind.stepUs, kind.shiftUs].map(String);
    const options = ['--callgrind-out-file=profile', '--zero-before=bench_begin', '--dump-line=no', '--compress-strings=no', '--compress-pos=no'];
    const command = ['--tool=callgrind', '--quiet', ...options, path.join(paths.build, 'Release', PROGRAM), 'jobs.db', 'answer', ...numbers];
    // Nothing of the caller's environment: its size alone moves the stack.
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C', GLIBC_TUNABLES: TUNABLES };
    const printed = await run('valgrind', command, { cwd: dir, env, what: `callgrind, ${name}` });
    const said = JSON.parse(/** @type {string} */ (printed.split('\n').find((line) => line.startsWith('{'))));
    const profile = readProfile(fs.readFileSync(path.join(dir, 'profile'), 'utf8'));
    const { areas, missing } = byArea(profile, said.jobs);
    const count = {
      instructions: Object.values(areas).reduce((sum, cost) => sum + cost, 0),
      areas,
      owners: byOwner(profile, said.jobs, owners),
      turns: Number((said.turns / said.jobs).toFixed(3)),
      transactions: Number((said.writes / said.jobs).toFixed(3)),
    };
    return { count, profile, jobs: said.jobs, missing, versions: said.versions };
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

module.exports = { measure };
