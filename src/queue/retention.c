/* SPDX-License-Identifier: MIT */
#include "queue/retention.h"

/* A statement with the state as ?1 and one number as ?2 (LJ_SQL_NULL: it has none), of which the first column of the first row is
 * wanted. */
static int read_number(lj_store *store, lj_sql which, lj_status status, int64_t argument, int64_t *number, bool *found) {
  sqlite3_stmt *statement = NULL;
  *found = false;
  int code = lj_store_statement(store, which, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, lj_status_name(status), -1, SQLITE_STATIC);
  if (rc == SQLITE_OK && argument != LJ_SQL_NULL) rc = sqlite3_bind_int64(statement, 2, argument);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    *found = true;
    *number = sqlite3_column_int64(statement, 0);
  }
  lj_store_release(statement);
  return code;
}

int lj_retention_look(lj_store *store, lj_status status, const lj_keep *keep, int64_t now, int64_t *before, bool *any) {
  int64_t one = 0;
  bool found = false;
  int code = LJ_OK;
  *before = keep->age_ms >= 0 ? now - keep->age_ms : INT64_MIN;
  *any = false;
  if (keep->count == 0) *before = INT64_MAX;
  if (keep->count > 0) {
    /* Rows that ended in the same millisecond as the last one to be kept are kept too. */
    int64_t last = 0;
    code = read_number(store, LJ_SQL_ANY_SECONDS, status, LJ_SQL_NULL, &last, &found);
    if (code == LJ_OK)
      code = read_number(store, found ? LJ_SQL_NTH_NEWEST_MIXED : LJ_SQL_NTH_NEWEST, status, keep->count - 1, &last, &found);
    if (code == LJ_OK && found && last > *before) *before = last;
  }
  if (code != LJ_OK || *before == INT64_MIN) return code;
  code = read_number(store, LJ_SQL_ANY_END, status, *before, &one, &found);
  *any = found;
  return code;
}

int lj_retention_remove(lj_store *store, lj_status status, int64_t before, int64_t now, int *removed) {
  sqlite3_stmt *statement = NULL;
  *removed = 0;
  int code = lj_store_statement(store, LJ_SQL_REMOVE, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, lj_status_name(status), -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, before);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 3, now);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  return lj_store_run(store, statement, removed);
}
