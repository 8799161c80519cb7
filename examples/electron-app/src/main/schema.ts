import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** The queue's table, which `Queue` makes. Only `id` of it is used elsewhere in the schema. */
export { llmJobs } from 'llm-jobs/drizzle';

/** The app's own table: the answers that its user wants to keep. */
export const keptAnswers = sqliteTable('kept_answers', {
  jobId: text('job_id').primaryKey(),
  keptAt: integer('kept_at').notNull(),
});

/** What drizzle-kit generates for the table above; an app with more of them uses its migrations. */
export const createTables = `
  CREATE TABLE IF NOT EXISTS kept_answers (
    job_id TEXT PRIMARY KEY NOT NULL,
    kept_at INTEGER NOT NULL
  )`;
