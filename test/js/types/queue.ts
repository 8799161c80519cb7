// SPDX-License-Identifier: MIT
// Compiled, never run (queue-types.test.js): each line under @ts-expect-error must be an error, and no other.
import { Queue } from '../../../js/index.js';

interface Jobs {
  summarize: { data: { prompt: string }; result: { text: string } };
  embed: { data: { input: string[] }; result: { embeddings: number[][] } };
}

declare const db: unknown;
const queue = new Queue<Jobs>(db);

const id = queue.add('summarize', { prompt: 'Hello' }, { priority: 5 });
// @ts-expect-error: data of another job
queue.add('summarize', { input: ['Hello'] });
// @ts-expect-error: no such job
queue.add('translate', { prompt: 'Hello' });
// @ts-expect-error: no such option
queue.add('summarize', { prompt: 'Hello' }, { prio: 5 });

async function read() {
  const job = await queue.waitFor(id);
  const text: string | undefined = job.result?.text;
  // @ts-expect-error: a summary has no embeddings
  job.result?.embeddings;
  for (const one of queue.list({ status: 'completed' }).jobs) {
    if (one.name === 'embed') one.result?.embeddings;
    // @ts-expect-error: which job it is has not been looked at
    else one.result?.embeddings;
  }
  for await (const { cursor, job: changed } of queue.watch({ pollMs: 50 })) return [cursor, changed.status, text];
  return [];
}

queue.addBulk([{ name: 'embed', data: { input: ['a'] } }]);
// @ts-expect-error: data of another job
queue.addBulk([{ name: 'embed', data: { prompt: 'a' } }]);
queue.addFlow({ name: 'summarize', data: { prompt: 'both' }, children: [{ name: 'embed', data: { input: [] } }] });
// @ts-expect-error: a child's data
queue.addFlow({ name: 'summarize', data: { prompt: 'both' }, children: [{ name: 'embed', data: {} }] });
const one: boolean = queue.retry('id');
const many: number = queue.retry({ code: 'AUTH' });
// @ts-expect-error: no such state
queue.prune({ status: 'waiting', keep: 1 });

// Without types everything is allowed.
const any = new Queue(db);
any.add('whatever', { n: 1 });
any.get('id')?.result;

export { read, one, many };
