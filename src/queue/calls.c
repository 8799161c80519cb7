/* SPDX-License-Identifier: MIT */
#include "queue/calls.h"

#include <string.h>

static const char *text_of(sqlite3_stmt *statement, int column) { return (const char *)sqlite3_column_text(statement, column); }

static int64_t whole_or(sqlite3_stmt *statement, int column, int64_t otherwise) {
  return sqlite3_column_type(statement, column) == SQLITE_INTEGER ? sqlite3_column_int64(statement, column) : otherwise;
}

int lj_calls_others(lj_store *store, const char *lease_owner, lj_other_cb on_other, void *listener) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_OTHER_CALLS, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, lease_owner, -1, SQLITE_STATIC);
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    const char *lane = text_of(statement, 0);
    if (lane != NULL) on_other(listener, lane, sqlite3_column_int64(statement, 1));
  }
  code = lj_store_code(store, rc);
  lj_store_release(statement);
  return code;
}

int lj_calls_changed(lj_store *store, const char *lease_owner, bool weigh, size_t most, lj_calls_place *place, size_t *count,
                     lj_changed_cb on_changed, void *listener) {
  sqlite3_stmt *statement = NULL;
  *count = 0;
  int code = lj_store_statement(store, LJ_SQL_CHANGED_CALLS, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, place->revision);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 5, place->seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, (int64_t)most);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 3, lease_owner, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int(statement, 4, weigh);
  while (code == LJ_OK && (rc == SQLITE_OK || rc == SQLITE_ROW)) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    lj_changed_row row = {.seq = sqlite3_column_int64(statement, 0),
                          .active = sqlite3_column_int(statement, 2) != 0,
                          .ours = sqlite3_column_int(statement, 3) != 0,
                          .lane = text_of(statement, 4),
                          .name = text_of(statement, 5),
                          .processed_on = sqlite3_column_int64(statement, 6),
                          .history = text_of(statement, 7),
                          .error = text_of(statement, 8),
                          .bytes = sqlite3_column_int64(statement, 9),
                          .max_tokens = whole_or(statement, 10, -1)};
    (*count)++;
    if (row.lane != NULL) code = on_changed(listener, &row);
    if (code == LJ_OK) *place = (lj_calls_place){.revision = sqlite3_column_int64(statement, 1), .seq = row.seq};
  }
  if (code == LJ_OK) code = lj_store_code(store, rc);
  lj_store_release(statement);
  return code;
}

int lj_calls_last(lj_store *store, int64_t *revision, bool *by_worker) {
  sqlite3_stmt *statement = NULL;
  *revision = 0;
  *by_worker = false;
  int code = lj_store_statement(store, LJ_SQL_LAST_CHANGE, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    *revision = sqlite3_column_int64(statement, 0);
    *by_worker = sqlite3_column_int(statement, 1) != 0;
  }
  lj_store_release(statement);
  return code;
}

int lj_calls_newest(lj_store *store, int64_t *revision) {
  bool by_worker = false;
  return lj_calls_last(store, revision, &by_worker);
}

int lj_calls_weigh(lj_store *store, int64_t seq, int64_t *bytes, int64_t *max_tokens) {
  sqlite3_stmt *statement = NULL;
  *bytes = 0;
  *max_tokens = -1;
  int code = lj_store_statement(store, LJ_SQL_WEIGH, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    *bytes = sqlite3_column_int64(statement, 0);
    *max_tokens = whole_or(statement, 1, -1);
  }
  lj_store_release(statement);
  return code;
}

int lj_calls_move(lj_store *store, int64_t seq, const char *token, const char *lane, const char *history, int64_t now, bool *stale) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int changes = 0;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, LJ_SQL_MOVE, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, token, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK && history != NULL) rc = sqlite3_bind_text(statement, 3, history, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 4, lane, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 5, now);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 6, revision);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  code = lj_store_run(store, statement, &changes);
  *stale = code == LJ_OK && changes == 0;
  return code;
}
