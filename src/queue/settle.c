/* SPDX-License-Identifier: MIT */
#include "queue/settle.h"

#include "queue/shape.h"

static const struct {
  lj_status to;
  lj_sql sql;
} transitions[LJ_END_LAST] = {
    [LJ_END_COMPLETE] = {LJ_STATUS_COMPLETED, LJ_SQL_COMPLETE},
    [LJ_END_RETRY] = {LJ_STATUS_DELAYED, LJ_SQL_RETRY},
    [LJ_END_FAIL] = {LJ_STATUS_FAILED, LJ_SQL_FAIL},
    [LJ_END_CANCEL] = {LJ_STATUS_CANCELLED, LJ_SQL_CANCEL},
    [LJ_END_RELEASE] = {LJ_STATUS_WAITING, LJ_SQL_RELEASE},
};

lj_status lj_end_status(const lj_store *store, lj_end end) { return lj_shape_status(store, transitions[end].to); }

static int bind_optional(sqlite3_stmt *statement, int index, const char *text) {
  if (text == NULL) return sqlite3_bind_null(statement, index);
  return sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static int write_end(lj_store *store, const lj_settlement *settlement, int64_t revision, int *changes) {
  sqlite3_stmt *statement = NULL;
  /* Cancelling writes what failing writes, but for the status. */
  lj_end end = settlement->end == LJ_END_CANCEL && store->shape.lacks_cancelled ? LJ_END_FAIL : settlement->end;
  int code = lj_store_statement(store, transitions[end].sql, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, settlement->seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, settlement->token, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 3, settlement->history);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 4, settlement->json);
  if (rc == SQLITE_OK && settlement->end != LJ_END_RELEASE) rc = sqlite3_bind_int64(statement, 5, settlement->at);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 6, settlement->lane);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 7, revision);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 8, settlement->remote);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  return lj_store_run(store, statement, changes);
}

static int find_held(lj_store *store, const char *token, int64_t *seq, bool *found) {
  sqlite3_stmt *statement = NULL;
  *found = false;
  int code = lj_store_statement(store, LJ_SQL_FIND_HELD, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, token, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    *found = true;
    *seq = sqlite3_column_int64(statement, 0);
  }
  lj_store_release(statement);
  return code;
}

int lj_settle(lj_store *store, lj_settlement *settlement, bool *stale) {
  int64_t revision = 0;
  int changes = 0;
  bool found = false;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = write_end(store, settlement, revision, &changes);
  if (code == LJ_OK && changes == 0) code = find_held(store, settlement->token, &settlement->seq, &found);
  if (code == LJ_OK && found) code = write_end(store, settlement, revision, &changes);
  *stale = code == LJ_OK && changes == 0;
  return code;
}

int lj_settle_remote(lj_store *store, int64_t seq, const char *token, const char *remote) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_NOTE_REMOTE, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, token, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 3, remote, -1, SQLITE_STATIC);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  return lj_store_run(store, statement, NULL);
}
