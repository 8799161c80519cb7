import { and, asc, desc, eq, gte, inArray, isNotNull, sql } from 'drizzle-orm';
import type { EndedJob, Minute, OpenJob } from '../shared/desk';
import type { AppDatabase } from './database';
import { keptAnswers, llmJobs } from './schema';
import type { Price } from './settings';

/** What the page shows is read from the table: nothing of it is kept in memory, so nothing is lost or stale after a restart. */

const HISTORY = 100;
const OPEN = 200;
const MINUTES = 30;

/** The beginning of the text; the rest may be long, and stays in the database. */
const title = sql<string>`substr(trim(coalesce(json_extract(${llmJobs.data}, '$.text'), '')), 1, 100)`;

const ended = ['completed', 'failed', 'cancelled'] as const;
const unended = ['waiting', 'active', 'delayed', 'waiting-children'] as const;

export async function openJobs({ orm }: AppDatabase): Promise<OpenJob[]> {
  const rows = await orm
    .select({
      id: llmJobs.id,
      name: llmJobs.name,
      title,
      status: llmJobs.status,
      progress: llmJobs.progress,
      partial: llmJobs.partial,
    })
    .from(llmJobs)
    .where(inArray(llmJobs.status, [...unended]))
    .orderBy(asc(llmJobs.seq))
    .limit(OPEN);
  return rows.map(({ name, title, partial, ...row }) => ({ ...row, task: name, title: shorten(title), partial: partial ?? '' }));
}

export async function endedJobs({ orm }: AppDatabase, price: Price): Promise<EndedJob[]> {
  const rows = await orm
    .select({
      id: llmJobs.id,
      name: llmJobs.name,
      title,
      status: llmJobs.status,
      result: llmJobs.result,
      error: llmJobs.error,
      lane: llmJobs.lane,
      finishedOn: llmJobs.finished_on,
      keptAt: keptAnswers.keptAt,
    })
    .from(llmJobs)
    .leftJoin(keptAnswers, eq(keptAnswers.jobId, llmJobs.id))
    .where(and(inArray(llmJobs.status, [...ended]), isNotNull(llmJobs.finished_on)))
    .orderBy(desc(llmJobs.finished_on), desc(llmJobs.seq))
    .limit(HISTORY);
  return rows.map((row) => {
    const result = row.result === null ? null : (JSON.parse(row.result) as Result);
    const error = row.error === null ? null : (JSON.parse(row.error) as { code: string; message: string });
    const { inputTokens = null, outputTokens = null } = result?.usage ?? {};
    return {
      id: row.id,
      task: row.name,
      title: shorten(row.title),
      status: row.status,
      text: result?.text ?? error?.message ?? '',
      model: result?.model ?? row.lane,
      finishedOn: row.finishedOn ?? 0,
      totalMs: result?.timing?.totalMs ?? null,
      inputTokens,
      outputTokens,
      cost: outputTokens === null ? null : costOf(inputTokens ?? 0, outputTokens, price),
      kept: row.keptAt !== null,
    };
  });
}

/** The last half hour by the minute, with the minutes in which nothing was answered. */
export async function usage({ orm }: AppDatabase, price: Price, now = Date.now()): Promise<Minute[]> {
  const last = Math.floor(now / 60000);
  const first = last - MINUTES + 1;
  const minute = sql<number>`${llmJobs.finished_on} / 60000`;
  const rows = await orm
    .select({
      minute,
      answers: sql<number>`count(*)`,
      inputTokens: sql<number>`coalesce(sum(json_extract(${llmJobs.result}, '$.usage.inputTokens')), 0)`,
      outputTokens: sql<number>`coalesce(sum(json_extract(${llmJobs.result}, '$.usage.outputTokens')), 0)`,
    })
    .from(llmJobs)
    .where(and(eq(llmJobs.status, 'completed'), gte(llmJobs.finished_on, first * 60000)))
    .groupBy(minute);
  const found = new Map(rows.map((row) => [row.minute, row]));
  return Array.from({ length: MINUTES }, (_, index) => {
    const { answers = 0, inputTokens = 0, outputTokens = 0 } = found.get(first + index) ?? {};
    return { at: (first + index) * 60, answers, outputTokens, cost: costOf(inputTokens, outputTokens, price) };
  });
}

interface Result {
  text?: string;
  model?: string;
  usage?: { inputTokens?: number; outputTokens?: number };
  timing?: { totalMs?: number };
}

function costOf(inputTokens: number, outputTokens: number, { inputPerMillion, outputPerMillion }: Price): number {
  return (inputTokens * inputPerMillion + outputTokens * outputPerMillion) / 1e6;
}

/** The text's first line, or the beginning of it. */
function shorten(title: string): string {
  const line = title.split('\n', 1)[0] ?? '';
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
