// SPDX-License-Identifier: MIT
'use strict';

/** How counts of instructions are read, divided and compared; test/js/slow/instructions.test.js counts. */

const assert = require('node:assert/strict');
const { byArea, byOwner } = require('../../scripts/instructions/areas');
const { compare, difference } = require('../../scripts/instructions/baseline');
const { functionTable } = require('../../scripts/instructions/functions');
const { kinds } = require('../../scripts/instructions/kinds');
const { readProfile } = require('../../scripts/instructions/profile');

/** As callgrind writes it: a loop that settles (in SQLite, which copies) and sleeps in the simulated network, which takes events. */
const text = `# callgrind format
version: 1
positions: line
events: Ir

ob=/clone/build/Release/bench_instructions
fl=/clone/src/engine/loop.c
fn=lj_loop
0 100
cfi=/clone/src/engine/writer.c
cfn=lj_writer_turn
calls=2 0
0 700
cfi=/clone/src/http/client.c
cfn=lj_http_poll
calls=1 0
0 260

fl=/clone/src/engine/writer.c
fn=lj_writer_turn
0 50
cfi=/clone/src/engine/writer_ends.c
cfn=lj_writer_settle
calls=2 0
0 650

fl=/clone/src/engine/writer_ends.c
fn=lj_writer_settle
0 30
cfi=???
cfn=sqlite3_step
calls=2 0
0 620

fl=???
fn=sqlite3_step
0 200
cob=/usr/lib/libc.so.6
cfi=./string/memcpy.c
cfn=memcpy
calls=2 0
0 20
cfn=sqlite3_step'2
calls=1 0
0 400

fn=sqlite3_step'2
0 400

fl=/clone/src/http/client.c
fn=lj_http_poll
0 10
cfi=/clone/bench/c/virtual_network.h
cfn=vn_sleep
calls=1 0
0 250

fl=/clone/bench/c/virtual_network.h
fn=vn_sleep
0 170
cob=/usr/lib/libc.so.6
cfi=./string/memcpy.c
cfn=memcpy
calls=1 0
0 5
cfi=/clone/src/engine/engine.c
cfn=lj_engine_take
calls=1 0
0 75

fl=/clone/src/engine/engine.c
fn=lj_engine_take
0 75

ob=/usr/lib/libc.so.6
fl=./string/memcpy.c
fn=memcpy
0 25
`;

const count = (/** @type {Record<string, number>} */ areas, /** @type {Record<string, number>} */ owners = { engine: 1 }) => ({
  instructions: Object.values(areas).reduce((sum, cost) => sum + cost, 0),
  areas,
  owners,
  turns: 1,
  transactions: 1,
});

describe('counts of instructions', () => {
  const profile = readProfile(text);
  const owners = new Map([['sqlite3_step', 'SQLite']]);

  it('are divided among the steps of the engine, without what the simulated network does', () => {
    const { areas, missing } = byArea(profile, 1);
    const seen = Object.fromEntries(Object.entries(areas).filter(([, cost]) => cost !== 0));
    assert.deepEqual(seen, { loop: 100, transaction: 50, settle: 650, 'HTTP wait': 10, events: 75 });
    assert.ok(missing.includes('lj_claim') && !missing.includes('lj_loop'));
  });

  it('are divided among those whose code it is, and add up to the same', () => {
    const seen = byOwner(profile, 1, owners);
    assert.deepEqual(seen, { engine: 265, SQLite: 600, curl: 0, cJSON: 0, libc: 20 });
    const sum = (/** @type {Record<string, number>} */ parts) => Object.values(parts).reduce((all, part) => all + part, 0);
    assert.equal(sum(seen), sum(byArea(profile, 1).areas));
  });

  it('are per job', () => {
    assert.equal(byArea(profile, 5).areas.settle, 130);
    assert.equal(byOwner(profile, 5, owners).SQLite, 120);
  });

  it('have one row for a function that calls itself, whose inclusive count is that of its first call', () => {
    const table = functionTable({ profile, jobs: 1, owners });
    assert.deepEqual(table[0], { name: 'sqlite3_step', owner: 'SQLite', self: 600, inclusive: 620 });
    assert.equal(table.filter((row) => row.name.startsWith('sqlite3_step')).length, 1);
  });

  describe('against the baseline', () => {
    const recorded = count({ claim: 600, settle: 400 }, { engine: 300, SQLite: 700 });

    it('may be lower, the same, or up to 5 % higher', () => {
      for (const claim of [100, 600, 650]) assert.equal(compare('A job', count({ claim, settle: 400 }), recorded).complaint, null);
      assert.equal(compare('A job', count({ claim: 600, settle: 388 }), recorded).line, 'A job: 988 instructions a job, −1.2 %');
    });

    it('are refused when they are higher, with the step and the library that grew most', () => {
      const { complaint } = compare('A job', count({ claim: 590, settle: 470 }, { engine: 310, SQLite: 750 }), recorded);
      assert.match(complaint ?? '', /^A job costs \+6\.0 % instructions a job: 1,060 instead of 1,000, and 5 % more are allowed\. "settle" grew most, from 400 to 470; of the libraries, SQLite, from 700 to 750\./);
    });

    it('name a step that is new', () => {
      assert.match(compare('A job', count({ claim: 600, settle: 400, extra: 100 }), recorded).complaint ?? '', /"extra" grew most, from 0 to 100/);
    });

    it('are compared only when they were made with the same', () => {
      assert.equal(difference({ compiler: 'gcc 12.2.0' }, { compiler: 'gcc 12.2.0' }), '');
      assert.equal(difference({ compiler: 'gcc 14.1.0', curl: '8.0' }, { compiler: 'gcc 12.2.0', curl: '8.0' }), 'compiler gcc 14.1.0 instead of gcc 12.2.0');
    });
  });

  it('are of answers that HTTP allows', () => {
    for (const [name, { answer }] of Object.entries(kinds)) {
      const whole = answer().replaceAll('\0', '');
      const [head, ...rest] = whole.split('\r\n\r\n');
      const body = rest.join('\r\n\r\n');
      const length = /Content-Length: (\d+)/.exec(head)?.[1];
      if (length !== undefined) assert.equal(Buffer.byteLength(body), Number(length), name);
      else assert.match(body, /^([0-9a-f]+\r\ndata: [^\n]*\n\n\r\n)+0\r\n\r\n$/, name);
      assert.equal(whole.split(' word').length - 1, 200, name);
    }
  });
});
