// SPDX-License-Identifier: MIT

/** startWorker and its Worker in TypeScript. Compiled by test/js/slow/types.test.js, never run: each wrong line is one that tsc must refuse. */

import { startWorker, applySecurityPolicy, serveRenderers, Queue } from 'llm-jobs';
import type { Configuration, ProviderConfig, Worker } from 'llm-jobs';
import type { JobView, LlmJobsApi } from 'llm-jobs/preload';

export async function configured(): Promise<void> {
  const worker = await startWorker({
    database: 'app.db',
    providers: {
      openai: { kind: 'openai', apiKey: [{ env: 'OPENAI_API_KEY' }, { secret: 'second' }], timeouts: { totalMs: 1000 }, api: 'responses' },
      local: { kind: 'ollama', maxConcurrent: 1, command: ['ollama', 'serve'] },
    },
    models: { fast: ['openai/gpt-5-mini', { model: 'local/llama3.2:1b', contextTokens: 8192 }], one: 'local/llama3.2:1b' },
    types: { summarise: { model: 'fast', prompt: '{{text}}', responseFormat: { schema: { type: 'object' } } } },
    retention: { completed: { ageMs: 1000 } },
    logLevel: 'warn',
    secrets: async (name, { refused }) => (refused ? null : name),
    heartbeat: { intervalMs: 3000 },
    restart: { maxRestarts: 2 },
    preset: 'highLoad',
    securityPolicy: { resourceLimits: { memory: { maxMB: 512 } }, allowedAPIs: ['llm', 'ipc'] },
    workers: { min: 1, max: 2, idleTimeoutMs: 30000 },
    electron: { quit: true, quitDeadlineMs: 1000 },
  });
  await startWorker({ database: 'app.db', providers: {}, heartbeat: false, restart: false });
  // @ts-expect-error: no providers
  await startWorker({ database: 'app.db' });
  // @ts-expect-error: no such key
  await startWorker({ database: 'app.db', providers: {}, concurency: 5 });
  // @ts-expect-error: no number
  await startWorker({ database: 'app.db', providers: {}, concurrency: '5' });
  // @ts-expect-error: no such kind
  await startWorker({ database: 'app.db', providers: { a: { kind: 'openia' } } });
  // @ts-expect-error: no such key of a provider
  await startWorker({ database: 'app.db', providers: { a: { kind: 'ollama', baseURL: 'http://localhost' } } });
  // @ts-expect-error: a key itself does not belong there
  await startWorker({ database: 'app.db', providers: { a: { kind: 'openai', apiKey: 'sk-1' } } });
  // @ts-expect-error: no such preset
  await startWorker({ database: 'app.db', providers: {}, preset: 'lowLoad' });
  // @ts-expect-error: no such setting
  await startWorker({ database: 'app.db', providers: {}, heartbeat: { every: 5 } });

  // Events know what comes with them
  worker.on('job', ({ id, status, code, attempt }) => {
    const state: 'waiting' | 'active' | 'completed' | 'failed' | 'delayed' | 'waiting-children' | 'cancelled' = status;
    void [id.length, state, code?.length, attempt.toFixed()];
  });
  worker.on('token', ({ id, text, restart }) => void [id.length, text.length, restart === true]);
  worker.once('exit', ({ code, signal }) => void [code, signal]);
  worker.on('health-status', ({ status, metrics }) => void [status === 'degraded', metrics.cpuUsage.toFixed()]);
  worker.on('lane', ({ lane, state, until }) => void [lane.length, state === 'half-open', until]);
  worker.on('provider', ({ provider, errorRate }) => void [provider.length, errorRate]);
  worker.on('restart', ({ reason, count, delayMs }) => void [reason.length, count, delayMs]);
  worker.on('restarted', ({ recovered }) => void recovered);
  worker.on('failed', ({ code, message }) => void [code.length, message.length]);
  worker.on('throttle', ({ on, concurrency }) => void [on, concurrency]);
  worker.on('suspended', ({ code }) => void code.length);
  worker.on('log', ({ level, line }) => void [level.length, line.length]);
  // @ts-expect-error: nothing of that name comes with the event
  worker.on('job', ({ jobId }) => void jobId);
  // @ts-expect-error: no such state
  worker.on('job', ({ status }) => void (status === 'done'));
  // @ts-expect-error: no such status
  worker.on('health-status', ({ status }) => void (status === 'unhealthy'));

  // Methods
  const { jobId, result } = await worker.process({ prompt: 'Hello', model: 'fast' }, { timeoutMs: 1000 });
  const stop = await worker.follow(jobId, ({ text, restart }) => void [text.length, restart]);
  await stop();
  const letGo = await worker.hold('openai/gpt-5');
  await letGo();
  const cancelled: boolean = await worker.cancel(jobId);
  const { drained, interrupted } = await worker.drain({ deadlineMs: 5 });
  const loaded: boolean = (await worker.loadModel('local/llama3.2:1b')).loaded;
  const pid: number | undefined = worker.pid;
  const versions: Record<string, string> | undefined = worker.ready?.versions;
  void [result, cancelled, drained, interrupted, loaded, pid, versions, await worker.stats(), await worker.request('worker:stats')];
  const { completed, lanes, budgets, members } = await worker.stats();
  void [completed.toFixed(), lanes[0]?.state === 'open', budgets[0]?.costToday, members?.[0]?.stats?.active];
  // @ts-expect-error: no such event of the machine
  await worker.power('sleep');
  // @ts-expect-error: no such option
  await worker.stop({ deadline: 5 });
  await worker.stop();
}

// What an app keeps in functions and classes of its own
export async function kept(provider: ProviderConfig, more: Partial<Configuration>): Promise<Worker> {
  return startWorker({ database: 'app.db', providers: { own: provider }, ...more });
}

export function pages(worker: Worker): void {
  const { close } = serveRenderers({ queue: new Queue({}), worker, allow: { summarise: { check: (data) => ({ text: data.text }), options: { model: 'fast' } } } });
  close();
  serveRenderers({ queue: new Queue({}), allow: ['summarise'], checkSender: ({ senderFrame }) => senderFrame.parent === null });
  // @ts-expect-error: what pages may add must be said
  serveRenderers({ queue: new Queue({}), worker });
}

export async function page(llmJobs: LlmJobsApi): Promise<void> {
  const id: string = await llmJobs.add('summarise', { text: 'Hello' }, { priority: 5 });
  const job: JobView | null = await llmJobs.get(id);
  const end: () => void = llmJobs.subscribe(id, ({ text, restart, done, code }) => void [text.length, restart, done, code?.length]);
  llmJobs.watch(({ status, progress }) => void [status.length, progress.toFixed()]);
  // @ts-expect-error: a page may not choose the model
  await llmJobs.add('summarise', { text: 'Hello' }, { model: 'fast' });
  void [job?.error?.code, end];
}

export function windows(): void {
  const preferences = applySecurityPolicy({ preload: 'preload.js' }, { csp: { directives: "default-src 'self'" } });
  const preload: string = preferences.preload;
  void preload;
  // @ts-expect-error: no such part of a policy
  applySecurityPolicy({}, { csq: {} });
}
