/* SPDX-License-Identifier: MIT */
#include "queue/setback.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "policy/repeat.h"

/* Numbers of changes are microseconds of the clock, counted on while it lags behind. A burst of changes may have run ahead of it
 * by some of them; less than this is no set clock, and not worth mending. */
enum { SLACK_MS = 1000, MAX_REPEATS = 200 };

int lj_setback_look(lj_store *store, int64_t now, bool *found) {
  sqlite3_stmt *statement = NULL;
  *found = false;
  int code = lj_store_statement(store, LJ_SQL_REVISION, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  *found = code == LJ_OK && rc == SQLITE_ROW && sqlite3_column_int64(statement, 0) / 1000 > now + SLACK_MS;
  lj_store_release(statement);
  return code;
}

typedef struct occurrence {
  int64_t seq;
  int64_t run_at;
  char *opts;
} occurrence;

/* The occurrences behind `after` whose time may be wrong. */
static int list_repeats(lj_follow *follow, int64_t after, occurrence listed[MAX_REPEATS], size_t *count) {
  sqlite3_stmt *statement = NULL;
  *count = 0;
  int code = lj_store_statement(follow->store, LJ_SQL_AHEAD_REPEATS, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, follow->now);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, after);
  code = lj_store_code(follow->store, rc);
  while (code == LJ_OK && *count < MAX_REPEATS) {
    rc = sqlite3_step(statement);
    code = lj_store_code(follow->store, rc);
    if (code != LJ_OK || rc != SQLITE_ROW) break;
    occurrence *item = &listed[*count];
    item->seq = sqlite3_column_int64(statement, 0);
    item->run_at = sqlite3_column_int64(statement, 1);
    code = lj_store_dup_text(statement, 2, &item->opts);
    if (code == LJ_OK) (*count)++;
  }
  lj_store_release(statement);
  return code;
}

static int reschedule(lj_follow *follow, const occurrence *item) {
  cJSON *opts = NULL;
  lj_repeat every;
  int64_t numbers[] = {item->seq, 0, follow->now, 0};
  int code = lj_json_parse(item->opts, strlen(item->opts), &opts);
  if (code == LJ_OK) code = lj_repeat_parse(opts, &every, NULL);
  if (code == LJ_OK) code = lj_repeat_next(&every, follow->zones, item->run_at, follow->now, &numbers[1], NULL);
  cJSON_Delete(opts);
  /* What can't be followed is told of when it ends. */
  if (code == LJ_BAD_JOB || code == LJ_INVALID || code == LJ_NOT_FOUND) return LJ_OK;
  if (code == LJ_OK) code = lj_store_revision(follow->store, &numbers[3]);
  if (code == LJ_OK) code = lj_store_run_numbers(follow->store, LJ_SQL_RESCHEDULE, numbers, 4);
  return code == LJ_REFUSED ? LJ_OK : code;
}

static int mend_repeats(lj_follow *follow) {
  occurrence listed[MAX_REPEATS];
  size_t count = MAX_REPEATS;
  int64_t after = INT64_MIN;
  int code = LJ_OK;
  while (code == LJ_OK && count == MAX_REPEATS) {
    code = list_repeats(follow, after, listed, &count);
    for (size_t i = 0; i < count; i++) {
      if (code == LJ_OK) code = reschedule(follow, &listed[i]);
      after = listed[i].seq;
      lj_free(listed[i].opts);
    }
  }
  return code;
}

int lj_setback_mend(lj_follow *follow) {
  int64_t revision = 0;
  int code = lj_store_revision(follow->store, &revision);
  if (code == LJ_OK) code = lj_store_run_numbers(follow->store, LJ_SQL_AHEAD_RETRIES, (int64_t[]){follow->now, revision}, 2);
  if (code == LJ_REFUSED) code = LJ_OK; /* by a trigger of the app; the rows wait as long as they say */
  return code == LJ_OK ? mend_repeats(follow) : code;
}
