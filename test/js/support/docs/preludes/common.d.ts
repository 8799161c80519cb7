// SPDX-License-Identifier: MIT

/** Names that every page uses without saying again where they come from. */

import type * as llmJobs from 'llm-jobs';

declare global {
  const Queue: typeof llmJobs.Queue;
  const startWorker: typeof llmJobs.startWorker;
  /** What an app keeps jobs in. */
  const queue: llmJobs.Queue;
  /** A worker that has started. */
  const worker: Awaited<ReturnType<typeof llmJobs.startWorker>>;
  /** The app's own connection (better-sqlite3). */
  const db: import('better-sqlite3').Database;
  /** The path of the app's database. */
  const file: string;
  /** The id of a job. */
  const id: string;
}
