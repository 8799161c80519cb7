import { ipcMain, type IpcMainInvokeEvent } from 'electron';
import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { Queue, Worker } from 'llm-jobs';
import { DESK_CHANNELS, type Desk } from '../shared/desk';
import type { AppDatabase } from './database';
import type { Keys } from './keys';
import { endedJobs, openJobs, usage } from './overview';
import { keptAnswers, llmJobs } from './schema';
import { keyName, priceOf, type Settings } from './settings';

interface DeskOptions {
  database: AppDatabase;
  queue: Queue;
  worker: Worker;
  settings: Settings;
  keys: Keys;
  isOwnPage(event: IpcMainInvokeEvent): boolean;
}

/** Answers what the page asks for beside its jobs. */
export function serveDesk({ database, queue, worker, settings, keys, isOwnPage }: DeskOptions): void {
  const { orm } = database;
  const price = priceOf(settings);
  const secret = keyName(settings);

  const desk: Desk = {
    async overview() {
      const [open, history, minutes] = await Promise.all([openJobs(database), endedJobs(database, price), usage(database, price)]);
      return {
        worker: worker.state,
        model: settings.model,
        missingKey: secret !== null && !keys.has(secret) ? secret : null,
        open,
        history,
        usage: minutes,
      };
    },
    open: () => openJobs(database),
    async keep(id, kept) {
      text(id, 64);
      if (kept) await orm.insert(keptAnswers).values({ jobId: id, keptAt: Date.now() }).onConflictDoNothing().run();
      else await orm.delete(keptAnswers).where(eq(keptAnswers.jobId, id)).run();
    },
    async clear() {
      const rows = await orm
        .select({ id: llmJobs.id })
        .from(llmJobs)
        .leftJoin(keptAnswers, eq(keptAnswers.jobId, llmJobs.id))
        .where(and(inArray(llmJobs.status, ['completed', 'failed', 'cancelled']), isNull(keptAnswers.jobId)));
      return rows.filter(({ id }) => queue.remove(id)).length;
    },
    async setKey(name, key) {
      if (name !== secret) throw new TypeError('there is no such key');
      keys.set(text(name, 100), text(key, 1000));
      // Jobs that wait for the key go on at once.
      await worker.request('worker:secret', { name, value: key });
    },
  };

  for (const [method, channel] of Object.entries(DESK_CHANNELS) as [keyof Desk, string][]) {
    ipcMain.handle(channel, (event, ...args: unknown[]) => {
      if (!isOwnPage(event)) throw new Error('this page may not ask');
      return (desk[method] as (...args: unknown[]) => Promise<unknown>)(...args);
    });
  }
}

function text(value: unknown, longest: number): string {
  if (typeof value !== 'string' || value === '' || value.length > longest) throw new TypeError(`a text of 1 to ${longest} characters was expected`);
  return value;
}
