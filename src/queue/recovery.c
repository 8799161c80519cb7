/* SPDX-License-Identifier: MIT */
#include "queue/recovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "base/random.h"
#include "queue/shape.h"

enum { MAX_OWNERS = 256, MAX_LISTED = 200, MAX_ENDED = 1024, START_BYTES = 4 };

static const char stalled_error[] =
    "{\"code\":\"STALLED\",\"message\":\"the worker that held this job died more often than maxStalls allows; look at what "
    "the job makes it do, then retry it\"}";

static const char superseded_error[] =
    "{\"code\":\"SUPERSEDED\",\"message\":\"the worker that ran this job ended, and a newer job has its supersede_key\"}";

int lj_owner_make(const char *worker_id, char out[LJ_OWNER_SIZE]) {
  char host[128];
  char start[2 * START_BYTES + 1];
  lj_host_name(host, sizeof host);
  int code = lj_random_hex(start, START_BYTES);
  if (code != LJ_OK) return code;
  int length = snprintf(out, LJ_OWNER_SIZE, "%.80s@%s:%lld:%s", worker_id, host, (long long)lj_process_id(), start);
  return length > 0 && length < LJ_OWNER_SIZE ? LJ_OK : LJ_INVALID;
}

/* Where the process id starts in an owner text; NULL when it is not one of ours. */
static const char *find_process_id(const char *owner) {
  const char *start = strrchr(owner, ':');
  if (start == NULL) return NULL;
  const char *id = start;
  while (id > owner && id[-1] != ':') id--;
  return id > owner ? id : NULL;
}

bool lj_owner_is_gone(const char *ours, const char *theirs) {
  const char *our_id = find_process_id(ours);
  const char *their_id = find_process_id(theirs);
  if (our_id == NULL || their_id == NULL || strcmp(ours, theirs) == 0) return false;
  size_t prefix = (size_t)(our_id - ours);
  if ((size_t)(their_id - theirs) != prefix || memcmp(ours, theirs, prefix) != 0) return false;
  char *end = NULL;
  long long id = strtoll(their_id, &end, 10);
  if (end == their_id || *end != ':' || id <= 0) return false;
  /* Our own process id in another owner's text: an earlier process had it, or an engine of ours that has been stopped. */
  return id == lj_process_id() || !lj_process_alive(id);
}

/* Reads what a RETURNING statement gives back, tells of it, and then draws the consequences of the jobs that ended. */
static int finish_recovery(lj_store *store, sqlite3_stmt *statement, const lj_recovery *recovery, int rc) {
  int64_t ended[MAX_ENDED];
  size_t ended_count = 0;
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    const char *id = (const char *)sqlite3_column_text(statement, 0);
    const char *name = (const char *)sqlite3_column_text(statement, 1);
    const char *text = (const char *)sqlite3_column_text(statement, 2);
    lj_status status = LJ_STATUS_WAITING;
    if (text != NULL && strcmp(text, "failed") == 0) status = LJ_STATUS_FAILED;
    if (text != NULL && strcmp(text, "cancelled") == 0) status = LJ_STATUS_CANCELLED;
    if (id != NULL && name != NULL && recovery->on_recovered != NULL)
      recovery->on_recovered(recovery->listener, id, name, status, sqlite3_column_int64(statement, 3));
    /* What finds no room here is found by the repair pass. */
    if (status != LJ_STATUS_WAITING && ended_count < MAX_ENDED) ended[ended_count++] = sqlite3_column_int64(statement, 4);
  }
  int code = lj_store_code(store, rc);
  lj_store_release(statement);
  for (size_t i = 0; code == LJ_OK && recovery->follow != NULL && i < ended_count; i++)
    code = lj_follow_end(recovery->follow, ended[i]);
  return code;
}

/* Jobs that can't go back because a newer one has taken their supersede_key: those of `owner` (may be NULL) and of run-out
 * leases, or only the row `seq` of them. */
static int oust(lj_store *store, const lj_recovery *recovery, const char *owner, int64_t seq) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  const char *status = lj_status_name(lj_shape_status(store, LJ_STATUS_CANCELLED));
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, LJ_SQL_OUST, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, recovery->now);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, superseded_error, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 3, revision);
  if (rc == SQLITE_OK && owner != NULL) rc = sqlite3_bind_text(statement, 4, owner, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 5, status, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK && seq != LJ_SQL_NULL) rc = sqlite3_bind_int64(statement, 6, seq);
  return finish_recovery(store, statement, recovery, rc);
}

static int bind_recovery(sqlite3_stmt *statement, const lj_recovery *recovery, int64_t revision) {
  int rc = sqlite3_bind_int64(statement, 1, recovery->max_stalls);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, recovery->now);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 3, stalled_error, -1, SQLITE_STATIC);
  return rc == SQLITE_OK ? sqlite3_bind_int64(statement, 5, revision) : rc;
}

static int recover_row(lj_store *store, const lj_recovery *recovery, const char *owner, int64_t seq) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, LJ_SQL_RECOVER_ROW, &statement);
  if (code != LJ_OK) return code;
  int rc = bind_recovery(statement, recovery, revision);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 4, seq);
  code = finish_recovery(store, statement, recovery, rc);
  return code == LJ_OK ? oust(store, recovery, owner, seq) : code;
}

/* The next rows behind *last that are to be recovered. */
static int list_rows(lj_store *store, const lj_recovery *recovery, const char *owner, int64_t last, int64_t rows[MAX_LISTED],
                     size_t *count) {
  sqlite3_stmt *statement = NULL;
  *count = 0;
  int code = lj_store_statement(store, LJ_SQL_RECOVER_LIST, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, recovery->now);
  if (rc == SQLITE_OK && owner != NULL) rc = sqlite3_bind_text(statement, 2, owner, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 3, last);
  while ((rc == SQLITE_OK || rc == SQLITE_ROW) && *count < MAX_LISTED) {
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) rows[(*count)++] = sqlite3_column_int64(statement, 0);
  }
  code = lj_store_code(store, rc);
  lj_store_release(statement);
  return code;
}

/* A row that refuses to come back, because of the app's own triggers, is left where it is until the next time. */
static int recover_one_by_one(lj_store *store, const lj_recovery *recovery, const char *owner) {
  int64_t rows[MAX_LISTED];
  int64_t last = INT64_MIN;
  size_t count = MAX_LISTED;
  int code = LJ_OK;
  while (code == LJ_OK && count == MAX_LISTED) {
    code = list_rows(store, recovery, owner, last, rows, &count);
    for (size_t i = 0; code == LJ_OK && i < count; i++) {
      last = rows[i];
      code = recover_row(store, recovery, owner, last);
      if (code == LJ_REFUSED) code = LJ_OK;
    }
  }
  return code;
}

static int recover(lj_store *store, lj_sql which, const lj_recovery *recovery, const char *owner) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, which, &statement);
  if (code != LJ_OK) return code;
  int rc = bind_recovery(statement, recovery, revision);
  if (rc == SQLITE_OK && owner != NULL) rc = sqlite3_bind_text(statement, 4, owner, -1, SQLITE_STATIC);
  code = finish_recovery(store, statement, recovery, rc);
  if (code == LJ_OK) code = oust(store, recovery, owner, LJ_SQL_NULL);
  return code == LJ_REFUSED ? recover_one_by_one(store, recovery, owner) : code;
}

int lj_recover_expired(lj_store *store, const lj_recovery *recovery) {
  return recover(store, LJ_SQL_RECOVER_EXPIRED, recovery, NULL);
}

int lj_recovery_needed(lj_store *store, int64_t now, bool *needed) {
  sqlite3_stmt *statement = NULL;
  *needed = false;
  int code = lj_store_statement(store, LJ_SQL_EXPIRED, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, now);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  *needed = code == LJ_OK && rc == SQLITE_ROW;
  lj_store_release(statement);
  return code;
}

int lj_recover_predecessors(lj_store *store, const lj_recovery *recovery) {
  char *owners[MAX_OWNERS];
  size_t count = 0;
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_OWNERS, &statement);
  if (code != LJ_OK) return code;
  int rc = SQLITE_ROW;
  while (code == LJ_OK && rc == SQLITE_ROW && count < MAX_OWNERS) {
    rc = sqlite3_step(statement);
    code = lj_store_code(store, rc);
    if (code == LJ_OK && rc == SQLITE_ROW) {
      code = lj_store_dup_text(statement, 0, &owners[count]);
      if (code == LJ_OK) count++;
    }
  }
  lj_store_release(statement);
  for (size_t i = 0; i < count; i++) {
    if (code == LJ_OK && lj_owner_is_gone(recovery->owner, owners[i])) 
      code = recover(store, LJ_SQL_RECOVER_OWNER, recovery, owners[i]);
    lj_free(owners[i]);
  }
  return code;
}

int lj_renew(lj_store *store, const char *owner, int64_t until, size_t *held) {
  sqlite3_stmt *statement = NULL;
  int changes = 0;
  int code = lj_store_statement(store, LJ_SQL_RENEW, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, owner, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, until);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  code = lj_store_run(store, statement, &changes);
  *held = (size_t)changes;
  return code;
}

int lj_list_held(lj_store *store, const char *owner, lj_held_cb on_held, void *listener) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_HELD, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, owner, -1, SQLITE_STATIC);
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    const char *token = (const char *)sqlite3_column_text(statement, 1);
    on_held(listener, sqlite3_column_int64(statement, 0), token != NULL ? token : "");
  }
  code = lj_store_code(store, rc);
  lj_store_release(statement);
  return code;
}
