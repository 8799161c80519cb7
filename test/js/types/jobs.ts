// SPDX-License-Identifier: MIT

/** What an app in TypeScript gets. Compiled by test/js/slow/types.test.js, never run: each wrong line is one that tsc must refuse. */

import { Queue, startWorker, LlmJobsError } from 'llm-jobs';

type Jobs = {
  summarize: { data: { prompt: string }; result: { text: string; usage: { outputTokens: number } } };
  translate: { data: { text: string; to: 'de' | 'fr' } };
};

declare const db: unknown;
const queue = new Queue<Jobs>(db, { queue: 'mail' });

export async function typed(signal: AbortSignal): Promise<void> {
  // 1. Data by name
  const id = queue.add('summarize', { prompt: 'Hello' }, { priority: 5, repeat: { cron: '0 9 * * *', tz: 'Europe/Berlin' } });
  queue.add('translate', { text: 'Hello', to: 'de' }, { dedupKey: 'k', supersede: 'active', onFailure: 'ignore' });
  // @ts-expect-error: no such job
  queue.add('sumarize', { prompt: 'Hello' });
  // @ts-expect-error: the data of another job
  queue.add('summarize', { text: 'Hello', to: 'de' });
  // @ts-expect-error: a value that is not allowed
  queue.add('translate', { text: 'Hello', to: 'es' });
  // @ts-expect-error: no such option
  queue.add('summarize', { prompt: 'Hello' }, { attempts: 3 });
  // @ts-expect-error: no data
  queue.add('summarize');

  // 2. Many at once
  const ids: string[] = queue.addBulk([
    { name: 'summarize', data: { prompt: 'a' } },
    { name: 'translate', data: { text: 'b', to: 'fr' }, options: { delay: 5 } },
  ]);
  // @ts-expect-error: the data of another job
  queue.addBulk([{ name: 'translate', data: { prompt: 'a' } }]);
  const flow = queue.addFlow({
    name: 'summarize',
    data: { prompt: '{{children.0.result.text}}' },
    children: [{ name: 'translate', data: { text: 'x', to: 'de' }, children: [{ name: 'summarize', data: { prompt: 'y' } }] }],
  });
  const deep: string = flow.children[0].children[0].id;
  // @ts-expect-error: wrong data deep in the tree
  queue.addFlow({ name: 'summarize', data: { prompt: 'x' }, children: [{ name: 'translate', data: { text: 'x', to: 5 } }] });

  // 3. An id remembers its job, and is a string
  const job = await queue.waitFor(id, { timeoutMs: 1000, signal });
  const text: string | undefined = job.result?.text;
  const tokens: number | undefined = job.result?.usage.outputTokens;
  const name: 'summarize' = job.name;
  // @ts-expect-error: the result has no such member
  job.result?.txt;
  // @ts-expect-error: there may be no result
  job.result.text;
  const plain: string = id;
  const code: string | undefined = queue.get(id)?.error?.code;

  // 4. What comes by another way is told apart by its name
  const other = queue.get(deep);
  // @ts-expect-error: which job it is is not known yet
  other?.data.prompt;
  if (other?.name === 'summarize') {
    const prompt: string = other.data.prompt;
    void prompt;
  } else if (other?.name === 'translate') {
    const to: 'de' | 'fr' = other.data.to;
    // A job without a declared result has that of a model.
    const reason: 'stop' | 'length' | 'tool' | 'filter' | undefined = other.result?.finishReason;
    void [to, reason];
  }

  // 5. The rest
  const page = queue.list({ status: ['failed', 'cancelled'], order: 'oldest', cursor: null });
  const next: string | null = page.cursor;
  // @ts-expect-error: no such state
  queue.list({ status: 'paused' });
  for await (const change of queue.watch({ cursor: 'start', signal, ids: [id] })) {
    const cursor: string = change.cursor;
    if (change.job.name === 'translate') change.job.data.to satisfies 'de' | 'fr';
    void cursor;
  }
  const again: boolean = queue.retry(id);
  const many: number = queue.retry({ code: 'AUTH', status: 'failed' });
  const gone: boolean = queue.remove(id, { force: true });
  const pruned: number = queue.prune({ status: 'completed', olderThanMs: 1000, keep: 10 });
  const waiting: number = queue.counts()['waiting-children'];
  void [ids, text, tokens, name, plain, code, next, again, many, gone, pruned, waiting, queue.children(id)[0].name];
}

// Without types everything goes, as in JavaScript.
export async function untyped(): Promise<void> {
  const anyQueue = new Queue(db);
  const id = anyQueue.add('whatever', { anything: 1 });
  // @ts-expect-error: data is an object
  anyQueue.add('whatever', 'text');
  const job = await anyQueue.waitFor(id);
  void [job.data.anything, job.result?.text, anyQueue.get('some id')?.result?.anything];
}

// An interface says the same as a type.
interface Declared {
  greet: { data: { who: string } };
}
new Queue<Declared>(db).add('greet', { who: 'you' });
// @ts-expect-error: a job needs data
new Queue<{ broken: { result: string } }>(db);

export async function worker(): Promise<void> {
  const running = await startWorker({ database: 'app.db', providers: { local: { kind: 'ollama' } }, onLog: (level, line) => void [level.length, line.length] });
  await running.stop({ deadlineMs: 1000 });
  throw new LlmJobsError('TIMEOUT', 'a sentence');
}
