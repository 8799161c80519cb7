/* SPDX-License-Identifier: MIT */
#include "queue/insert.h"

static int bind_optional(sqlite3_stmt *statement, int index, const char *text) {
  if (text == NULL) return sqlite3_bind_null(statement, index);
  return sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

int lj_insert_find(lj_store *store, const lj_insertion *job, bool *found, bool *same) {
  sqlite3_stmt *statement = NULL;
  *found = false;
  *same = false;
  int code = lj_store_statement(store, LJ_SQL_COMPARE_JOB, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, job->id, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, job->name, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 3, job->model);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 4, job->data, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  *found = code == LJ_OK && rc == SQLITE_ROW;
  *same = *found && sqlite3_column_int(statement, 0) != 0;
  lj_store_release(statement);
  return code;
}

int lj_insert_job(lj_store *store, const lj_insertion *job) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_ADD, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, job->id, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, job->queue, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 3, job->name, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 4, job->model);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 5, job->data, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 6, job->opts);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 7, job->priority);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 8, job->max_attempts);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 9, job->created_at);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  return lj_store_run(store, statement, NULL);
}

static const char *text_of(sqlite3_stmt *statement, int column) { return (const char *)sqlite3_column_text(statement, column); }

int lj_insert_read(lj_store *store, const char *id, void (*on_row)(void *owner, const lj_row *row), void *owner, bool *found) {
  sqlite3_stmt *statement = NULL;
  *found = false;
  int code = lj_store_statement(store, LJ_SQL_READ_JOB, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    lj_row row = {.status = text_of(statement, 0), .result = text_of(statement, 1), .error = text_of(statement, 2)};
    *found = true;
    if (sqlite3_errcode(store->db) == SQLITE_NOMEM)
      code = LJ_NOMEM; /* a text that could not be had is NULL, as one that is not there */
    else
      on_row(owner, &row);
  }
  lj_store_release(statement);
  return code;
}
