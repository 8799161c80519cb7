/* SPDX-License-Identifier: MIT */
#include "queue/settle.h"

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

lj_status lj_end_status(lj_end end) { return transitions[end].to; }

static int bind_optional(sqlite3_stmt *statement, int index, const char *text) {
  if (text == NULL) return sqlite3_bind_null(statement, index);
  return sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

int lj_settle(lj_store *store, const lj_settlement *settlement, bool *stale) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, transitions[settlement->end].sql, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, settlement->seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, settlement->token, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 3, settlement->history);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 4, settlement->json);
  if (rc == SQLITE_OK && settlement->end != LJ_END_RELEASE) rc = sqlite3_bind_int64(statement, 5, settlement->at);
  if (rc == SQLITE_OK) rc = bind_optional(statement, 6, settlement->lane);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 7, revision);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  int changes = 0;
  code = lj_store_run(store, statement, &changes);
  *stale = code == LJ_OK && changes == 0;
  return code;
}
