/* SPDX-License-Identifier: MIT */
#include "queue/batches.h"

#include <string.h>

static int bind_text(sqlite3_stmt *statement, int index, const char *text) {
  return text != NULL ? sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC) : sqlite3_bind_null(statement, index);
}

static int run(lj_store *store, sqlite3_stmt *statement, int rc, int *changes) {
  if (rc == SQLITE_OK) return lj_store_run(store, statement, changes);
  lj_store_release(statement);
  return lj_store_code(store, rc);
}

int lj_batches_gather(lj_store *store, int64_t seq, const char *place, int64_t now) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, LJ_SQL_BATCH_GATHER, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, now + LJ_BATCHES_LOST_MS);
  if (rc == SQLITE_OK) rc = bind_text(statement, 3, place);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 4, revision);
  return run(store, statement, rc, NULL);
}

int lj_batches_list(lj_store *store, lj_batches_cb on_batch, void *listener) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_BATCH_LIST, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  for (; rc == SQLITE_ROW; rc = sqlite3_step(statement)) {
    const char *batch = (const char *)sqlite3_column_text(statement, 0);
    const char *remote = (const char *)sqlite3_column_text(statement, 3);
    int64_t run_at = sqlite3_column_int64(statement, 2);
    if (batch != NULL)
      on_batch(listener, batch, (size_t)sqlite3_column_int64(statement, 1), run_at > 0 ? run_at - LJ_BATCHES_LOST_MS : 0, remote);
  }
  code = lj_store_code(store, rc);
  lj_store_release(statement);
  return code;
}

int lj_batches_pick(lj_store *store, const char *place, size_t most, size_t bytes, int64_t rows[LJ_MAX_BATCH_JOBS], size_t *count) {
  sqlite3_stmt *statement = NULL;
  size_t total = 0;
  *count = 0;
  int code = lj_store_statement(store, LJ_SQL_BATCH_PICK, &statement);
  if (code != LJ_OK) return code;
  int rc = bind_text(statement, 1, place);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, (int64_t)(most < LJ_MAX_BATCH_JOBS ? most : LJ_MAX_BATCH_JOBS));
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    total += (size_t)sqlite3_column_int64(statement, 1);
    if (*count > 0 && total > bytes) break;
    rows[(*count)++] = sqlite3_column_int64(statement, 0);
  }
  code = lj_store_code(store, rc);
  lj_store_release(statement);
  return code;
}

int lj_batches_seal(lj_store *store, const int64_t *rows, size_t count, const char *mark, const char *remote) {
  int64_t revision = 0;
  int code = lj_store_revision(store, &revision);
  for (size_t i = 0; code == LJ_OK && i < count; i++) {
    sqlite3_stmt *statement = NULL;
    code = lj_store_statement(store, LJ_SQL_BATCH_SEAL, &statement);
    if (code != LJ_OK) break;
    int rc = sqlite3_bind_int64(statement, 1, rows[i]);
    if (rc == SQLITE_OK) rc = bind_text(statement, 2, mark);
    if (rc == SQLITE_OK) rc = bind_text(statement, 3, remote);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 4, revision);
    code = run(store, statement, rc, NULL);
  }
  return code;
}

int lj_batches_note(lj_store *store, const char *mark, const char *before, const char *remote, bool *changed) {
  sqlite3_stmt *statement = NULL;
  int changes = 0;
  *changed = false;
  int code = lj_store_statement(store, LJ_SQL_BATCH_NOTE, &statement);
  if (code != LJ_OK) return code;
  int rc = bind_text(statement, 1, mark);
  if (rc == SQLITE_OK) rc = bind_text(statement, 2, before);
  if (rc == SQLITE_OK) rc = bind_text(statement, 3, remote);
  code = run(store, statement, rc, &changes);
  *changed = code == LJ_OK && changes > 0;
  return code;
}

int lj_batches_any(lj_store *store, const char *mark, bool *any) {
  sqlite3_stmt *statement = NULL;
  *any = false;
  int code = lj_store_statement(store, LJ_SQL_BATCH_ANY, &statement);
  if (code != LJ_OK) return code;
  int rc = bind_text(statement, 1, mark);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  *any = code == LJ_OK && rc == SQLITE_ROW;
  lj_store_release(statement);
  return code;
}

int lj_batches_leave(lj_store *store, const char *mark) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, LJ_SQL_BATCH_LEAVE, &statement);
  if (code != LJ_OK) return code;
  int rc = bind_text(statement, 1, mark);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, revision);
  return run(store, statement, rc, NULL);
}

static int read_job(sqlite3_stmt *statement, lj_job *job) {
  const struct {
    int column;
    char **out;
  } texts[] = {{1, &job->id},   {2, &job->queue}, {3, &job->name},    {4, &job->model},
               {5, &job->data}, {6, &job->opts},  {7, &job->history}, {11, &job->supersede_key}};
  int code = LJ_OK;
  memset(job, 0, sizeof *job);
  job->seq = sqlite3_column_int64(statement, 0);
  for (size_t i = 0; code == LJ_OK && i < sizeof texts / sizeof texts[0]; i++)
    code = lj_store_dup_text(statement, texts[i].column, texts[i].out);
  job->attempts = sqlite3_column_int64(statement, 8);
  job->max_attempts = sqlite3_column_int64(statement, 9);
  job->created_at = sqlite3_column_int64(statement, 10);
  job->has_children = sqlite3_column_int(statement, 12) != 0;
  job->has_parent = sqlite3_column_int(statement, 13) != 0;
  if (code != LJ_OK) lj_job_free(job);
  return code;
}

int lj_batches_jobs(lj_store *store, const char *mark, int64_t seq, lj_batches_job_cb on_job, void *listener) {
  lj_job *jobs = NULL;
  size_t count = 0;
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_BATCH_JOBS, &statement);
  if (code != LJ_OK) return code;
  size_t most = seq == LJ_SQL_NULL ? LJ_MAX_BATCH_JOBS : 1;
  jobs = sqlite3_malloc64(most * sizeof *jobs);
  int rc = jobs != NULL ? bind_text(statement, 1, mark) : SQLITE_NOMEM;
  if (rc == SQLITE_OK && seq != LJ_SQL_NULL) rc = sqlite3_bind_int64(statement, 2, seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 3, (int64_t)most);
  while (code == LJ_OK && (rc == SQLITE_OK || rc == SQLITE_ROW) && count < most) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    code = read_job(statement, &jobs[count]);
    if (code == LJ_OK) count++;
  }
  if (code == LJ_OK) code = lj_store_code(store, rc);
  lj_store_release(statement);
  /* The callback may look at the table itself, so no statement is open by then. */
  for (size_t i = 0; i < count; i++) {
    if (code == LJ_OK) code = on_job(listener, &jobs[i]);
    lj_job_free(&jobs[i]);
  }
  sqlite3_free(jobs);
  return code;
}

int lj_batches_take(lj_store *store, const lj_job *job, const char *mark, const char *lease_owner, int64_t lease_until, int64_t now,
                    bool *taken) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int changes = 0;
  *taken = false;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, LJ_SQL_BATCH_TAKE, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, job->seq);
  if (rc == SQLITE_OK) rc = bind_text(statement, 2, mark);
  if (rc == SQLITE_OK) rc = bind_text(statement, 3, lease_owner);
  if (rc == SQLITE_OK) rc = bind_text(statement, 4, job->token);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 5, lease_until);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 6, now);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 7, revision);
  code = run(store, statement, rc, &changes);
  *taken = code == LJ_OK && changes > 0;
  return code;
}
