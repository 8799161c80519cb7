// SPDX-License-Identifier: MIT
'use strict';

const assert = require('node:assert/strict');
const { Queue } = require('../../js/index.js');
const { useWorld } = require('./support/e2e.js');

/** The last user message of every call, in the order of the calls. */
async function prompts(world) {
  return (await world.fake.log()).map((entry) => entry.body.messages.at(-1).content);
}

describe('worker: flows by plain SQL', function () {
  this.timeout(20000);
  const on = useWorld();

  beforeEach(async () => {
    on.world.database();
    new Queue(on.world.db); // makes the table
    await on.world.provider();
  });

  it('a parent runs after its children, with their results in its prompt, in whatever order they were added', async () => {
    const { world } = on;
    await world.fake.script((request) => ({ text: request.body.messages.at(-1).content }));
    world.db.exec('BEGIN');
    world.insert({ id: 'c0', parent_job_id: 'p', data: { prompt: 'red' } });
    world.insert({ id: 'p', priority: 9, data: { prompt: 'both: {{children.0.result.text}} and {{children.1.result.text}}, not {{this}}' } });
    world.insert({ id: 'c1', parent_job_id: 'p', data: { prompt: 'blue' } });
    world.db.exec('COMMIT');
    await world.worker();
    assert.equal((await world.ended('p')).status, 'completed');
    const told = await prompts(world);
    assert.deepEqual(told.slice(0, 2).sort(), ['blue', 'red']);
    assert.deepEqual(told.slice(2), ['both: red and blue, not {{this}}']);
    assert.equal(world.row('p').dependency_count, 0);
  });

  it('of any depth: every parent runs after its own children', async () => {
    const { world } = on;
    world.db.exec('BEGIN');
    for (let depth = 0; depth < 20; depth++) {
      world.insert({ id: `j${depth}`, parent_job_id: depth > 0 ? `j${depth - 1}` : null, data: { prompt: `depth ${depth}` } });
    }
    world.db.exec('COMMIT');
    await world.worker();
    assert.equal((await world.ended('j0')).status, 'completed');
    assert.deepEqual(await prompts(world), Array.from({ length: 20 }, (_, i) => `depth ${19 - i}`));
  });

  it('a child that fails fails its parent at once, up to the root; its siblings run on', async () => {
    const { world } = on;
    await world.fake.script((request) =>
      request.body.messages.at(-1).content === 'bad' ? { status: 400, error: { message: 'no' } } : { delayMs: 150 });
    world.db.exec('BEGIN');
    world.insert({ id: 'root', data: { prompt: 'root' } });
    world.insert({ id: 'p', parent_job_id: 'root', data: { prompt: 'p' } });
    world.insert({ id: 'bad', parent_job_id: 'p', data: { prompt: 'bad' } });
    world.insert({ id: 'good', parent_job_id: 'p', data: { prompt: 'good' } });
    world.db.exec('COMMIT');
    await world.worker();
    assert.equal((await world.ended('root')).error.code, 'CHILD_FAILED');
    assert.equal(world.row('p').error.code, 'CHILD_FAILED');
    assert.match(world.row('p').error.message, /bad/);
    assert.equal((await world.ended('good')).status, 'completed');
    assert.equal(await world.fake.count(), 2);
  });

  it('opts.onFailure "ignore" of a child lets the parent run, with nothing in the place of its result', async () => {
    const { world } = on;
    await world.fake.script((request) => (request.body.messages.at(-1).content === 'bad' ? { status: 400 } : {}));
    world.db.exec('BEGIN');
    world.insert({ id: 'p', data: { prompt: 'got "{{children.0.result.text}}" as {{children.0.status}}' } });
    world.insert({ id: 'bad', parent_job_id: 'p', opts: { onFailure: 'ignore' }, data: { prompt: 'bad' } });
    world.db.exec('COMMIT');
    await world.worker();
    assert.equal((await world.ended('p')).status, 'completed');
    assert.equal((await prompts(world)).at(-1), 'got "" as failed');
  });

  it('opts.cancelSiblings of the parent cancels those that wait and aborts those that run', async () => {
    const { world } = on;
    await world.fake.script((request) =>
      request.body.messages.at(-1).content === 'bad' ? { status: 400, delayMs: 100 } : { hang: true });
    world.db.exec('BEGIN');
    world.insert({ id: 'p', opts: { cancelSiblings: true } });
    for (const id of ['bad', 'runs', 'waits']) world.insert({ id, parent_job_id: 'p', data: { prompt: id } });
    world.db.exec('COMMIT');
    await world.worker({ concurrency: 2 });
    assert.equal((await world.ended('p')).error.code, 'CHILD_FAILED');
    assert.equal((await world.ended('runs')).error.code, 'CANCELLED');
    assert.equal((await world.ended('waits')).error.code, 'CANCELLED');
    assert.equal(await world.fake.count(), 2);
    await world.until(async () => (await world.fake.log())[1].aborted, 'the provider to see the disconnect');
  });

  it('a cancelled parent takes its unfinished children with it', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    world.db.exec('BEGIN');
    world.insert({ id: 'p' });
    world.insert({ id: 'c', parent_job_id: 'p' });
    world.db.exec('COMMIT');
    await world.worker();
    await world.until(() => world.row('p').status === 'waiting-children' && world.row('c').status === 'active', 'the child to run');
    world.db.exec("UPDATE llm_jobs SET cancel_requested = 1 WHERE id = 'p'");
    assert.equal((await world.ended('p')).error.code, 'CANCELLED');
    assert.equal((await world.ended('c')).status, 'cancelled');
  });

  it('a parent never waits for a child that somebody deleted or ended by hand', async () => {
    const { world } = on;
    await world.worker();
    world.db.exec('BEGIN');
    world.insert({ id: 'p1', status: 'waiting-children', dependency_count: 1 });
    world.insert({ id: 'p2' });
    world.insert({ id: 'c2', parent_job_id: 'p2', status: 'delayed', run_at: Date.now() + 1e8 });
    world.db.exec('COMMIT');
    await world.until(() => world.row('p2').status === 'waiting-children', 'the parent to be parked');
    world.db.exec("DELETE FROM llm_jobs WHERE id = 'c2'");
    world.db.exec("UPDATE llm_jobs SET dependency_count = 0 WHERE id IN ('p1', 'p2')");
    assert.equal((await world.ended('p1')).status, 'completed');
    assert.equal((await world.ended('p2')).status, 'completed');
  });

  it('a counter that is wrong is put right at the start', async () => {
    const { world } = on;
    world.insert({ id: 'p', status: 'waiting-children', dependency_count: 7 });
    world.insert({ id: 'c', parent_job_id: 'p', status: 'completed', finished_on: 1 });
    await world.worker();
    assert.equal((await world.ended('p')).status, 'completed');
  });

  it('a worker that is killed between a child and its parent loses neither', async () => {
    const { world } = on;
    await world.fake.script([{ hang: true }]);
    world.db.exec('BEGIN');
    world.insert({ id: 'p' });
    world.insert({ id: 'c', parent_job_id: 'p' });
    world.db.exec('COMMIT');
    const first = await world.worker();
    await world.until(async () => (await world.fake.count()) === 1, 'the call');
    process.kill(first.pid, 'SIGKILL');
    await world.worker();
    assert.equal((await world.ended('p')).status, 'completed');
    assert.equal(world.row('c').stalls, 1);
  });
});
