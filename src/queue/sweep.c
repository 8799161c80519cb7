/* SPDX-License-Identifier: MIT */
#include "queue/sweep.h"

#include <string.h>

enum { MAX_REQUESTS = 500, MAX_EXPIRED = 200 };

int lj_sweep_next_expiry(lj_store *store, int64_t *expiry) {
  sqlite3_stmt *statement = NULL;
  *expiry = INT64_MAX;
  int code = lj_store_statement(store, LJ_SQL_NEXT_EXPIRY, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
    *expiry = sqlite3_column_int64(statement, 0);
  lj_store_release(statement);
  return code;
}

int lj_sweep_superseded(lj_store *store, const char *key, int64_t seq, bool *superseded) {
  sqlite3_stmt *statement = NULL;
  *superseded = false;
  int code = lj_store_statement(store, LJ_SQL_NEWER, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  *superseded = code == LJ_OK && rc == SQLITE_ROW;
  lj_store_release(statement);
  return code;
}

int lj_sweep_request(lj_store *store, const char *id, bool *found) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int changes = 0;
  *found = false;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, LJ_SQL_REQUEST_CANCEL, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, revision);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  code = lj_store_run(store, statement, &changes);
  *found = code == LJ_OK && changes > 0;
  return code;
}

/* Lists the requested cancellations: idle rows into `idle`, running ones to the callback (when there is one). */
static int read_requests(lj_store *store, lj_cancel_cb on_cancel, void *listener, int64_t idle[MAX_REQUESTS], size_t *count) {
  sqlite3_stmt *statement = NULL;
  *count = 0;
  int code = lj_store_statement(store, LJ_SQL_CANCEL_REQUESTS, &statement);
  while (code == LJ_OK && *count < MAX_REQUESTS) {
    int rc = sqlite3_step(statement);
    code = lj_store_code(store, rc);
    if (code != LJ_OK || rc != SQLITE_ROW) break;
    int64_t seq = sqlite3_column_int64(statement, 0);
    const char *status = (const char *)sqlite3_column_text(statement, 1);
    const char *token = (const char *)sqlite3_column_text(statement, 2);
    if (status == NULL || strcmp(status, "active") != 0)
      idle[(*count)++] = seq;
    else if (on_cancel != NULL && token != NULL)
      on_cancel(listener, seq, token);
  }
  lj_store_release(statement);
  return code;
}

static int any(lj_store *store, lj_sql which, bool *found) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, which, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  *found = code == LJ_OK && rc == SQLITE_ROW;
  lj_store_release(statement);
  return code;
}

int lj_sweep_look(lj_store *store, int64_t now, lj_cancel_cb on_cancel, void *listener, bool *needed) {
  int64_t idle[MAX_REQUESTS];
  size_t count = 0;
  int64_t expiry = INT64_MAX;
  bool asked = false;
  int code = read_requests(store, on_cancel, listener, idle, &count);
  if (code == LJ_OK) code = lj_sweep_next_expiry(store, &expiry);
  if (code == LJ_OK) code = any(store, LJ_SQL_EXAMINE_LIST, &asked);
  *needed = code == LJ_OK && (count > 0 || expiry <= now || asked);
  return code;
}

static int expire(lj_follow *follow, bool *more) {
  int64_t expired[MAX_EXPIRED];
  size_t count = 0;
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(follow->store, LJ_SQL_EXPIRE_LIST, &statement);
  if (code == LJ_OK) code = lj_store_code(follow->store, sqlite3_bind_int64(statement, 1, follow->now));
  while (code == LJ_OK && count < MAX_EXPIRED) {
    int rc = sqlite3_step(statement);
    code = lj_store_code(follow->store, rc);
    if (code != LJ_OK || rc != SQLITE_ROW) break;
    expired[count++] = sqlite3_column_int64(statement, 0);
  }
  lj_store_release(statement);
  for (size_t i = 0; code == LJ_OK && i < count; i++) {
    bool ended = false;
    code = lj_follow_end_idle(follow, expired[i], LJ_STATUS_CANCELLED, LJ_EXPIRED,
                              "expires_at passed before it could start; no call was made", &ended);
    if (code == LJ_REFUSED) code = LJ_OK; /* the app's own trigger; it is met again at the next sweep */
  }
  if (count == MAX_EXPIRED) *more = true;
  return code;
}

int lj_sweep(lj_follow *follow, bool *more) {
  int64_t idle[MAX_REQUESTS];
  size_t count = 0;
  bool unexamined = false;
  *more = false;
  int code = read_requests(follow->store, NULL, NULL, idle, &count);
  for (size_t i = 0; code == LJ_OK && i < count; i++) {
    bool ended = false;
    code = lj_follow_end_idle(follow, idle[i], LJ_STATUS_CANCELLED, LJ_CANCELLED, "cancelled before it started", &ended);
    if (code == LJ_REFUSED) code = LJ_OK;
  }
  if (code == LJ_OK) code = expire(follow, more);
  if (code == LJ_OK) code = lj_follow_asked(follow, &unexamined);
  *more = *more || unexamined || follow->cancels || count == MAX_REQUESTS;
  return code;
}
