/* SPDX-License-Identifier: MIT */
#include "queue/follow.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "queue/shape.h"

enum { MAX_LISTED = 200, ERROR_SIZE = 1024 };

/* Ends whose consequences are still to be drawn. */
typedef struct worklist {
  int64_t *items;
  size_t count;
  size_t capacity;
} worklist;

static int push(worklist *list, int64_t seq) {
  if (list->count == LJ_MAX_FOLLOW) return LJ_TOO_BIG;
  if (list->count == list->capacity) {
    size_t capacity = list->capacity > 0 ? list->capacity * 2 : 16;
    int64_t *items = lj_realloc(list->items, capacity * sizeof *items);
    if (items == NULL) return LJ_NOMEM;
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = seq;
  return LJ_OK;
}

/* A row as far as its end matters to others. */
typedef struct ended_row {
  char *id;
  char *name;
  char *status;
  char *parent;
  char *opts;
  char *code;
  int64_t attempts;
  int64_t run_at;
} ended_row;

static void ended_row_free(ended_row *row) {
  lj_free(row->id);
  lj_free(row->name);
  lj_free(row->status);
  lj_free(row->parent);
  lj_free(row->opts);
  lj_free(row->code);
}

static int read_end(lj_follow *follow, int64_t seq, ended_row *row, bool *found) {
  sqlite3_stmt *statement = NULL;
  memset(row, 0, sizeof *row);
  *found = false;
  int code = lj_store_statement(follow->store, LJ_SQL_READ_END, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(follow->store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    char **const texts[] = {&row->id, &row->name, &row->status, &row->parent, &row->opts};
    *found = true;
    for (int i = 0; code == LJ_OK && i < 5; i++) code = lj_store_dup_text(statement, i, texts[i]);
    row->attempts = sqlite3_column_int64(statement, 5);
    row->run_at = sqlite3_column_int64(statement, 6);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 7, &row->code);
  }
  lj_store_release(statement);
  return code;
}

/* Whether a statement with one text parameter finds a row. */
static int exists(lj_store *store, lj_sql which, const char *text, bool *found) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, which, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  *found = code == LJ_OK && rc == SQLITE_ROW;
  lj_store_release(statement);
  return code;
}

/* A table whose CHECK has no 'cancelled' says it by the error's code. */
static bool was_cancelled(const ended_row *row) {
  static const int codes[] = {LJ_CANCELLED, LJ_EXPIRED, LJ_SUPERSEDED};
  if (strcmp(row->status, "cancelled") == 0) return true;
  if (strcmp(row->status, "failed") != 0 || row->code == NULL) return false;
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
    if (strcmp(row->code, lj_code_name(codes[i])) == 0) return true;
  return false;
}

static void tell(const lj_follow *follow, const ended_row *row, lj_status status, int code) {
  if (follow->on_change != NULL && row->id != NULL && row->id[0] != '\0' && row->name != NULL)
    follow->on_change(follow->listener, row->id, row->name, status, code, row->attempts);
}

/* The code and message as an error object; the message may hold ids and names of jobs, which are escaped. */
static int write_error(const lj_follow *follow, int code, const char *message, char out[ERROR_SIZE]) {
  lj_buffer text;
  cJSON *error = cJSON_CreateObject();
  lj_buffer_init(&text, ERROR_SIZE - 1);
  int built = error != NULL ? lj_json_put_string(error, "code", lj_code_name(code)) : LJ_NOMEM;
  if (built == LJ_OK) built = lj_json_put_string(error, "message", message);
  if (built == LJ_OK) built = lj_json_put_number(error, "at", (double)follow->now);
  if (built == LJ_OK) built = lj_json_print(error, &text);
  if (built == LJ_OK) memcpy(out, text.data, text.length + 1);
  lj_buffer_free(&text);
  cJSON_Delete(error);
  return built;
}

/* Tells of what the provider works at for an idle row that is about to end. */
static int tell_orphan(const lj_follow *follow, int64_t seq) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(follow->store, LJ_SQL_READ_REMOTE, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(follow->store, rc);
  const char *remote = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
  if (remote != NULL) follow->on_orphan(follow->listener, remote);
  lj_store_release(statement);
  return code;
}

static int end_row(lj_follow *follow, int64_t seq, lj_status status, int code, const char *message, bool *ended) {
  char error[ERROR_SIZE];
  int64_t revision = 0;
  int changes = 0;
  sqlite3_stmt *statement = NULL;
  *ended = false;
  int result = write_error(follow, code, message, error);
  if (result == LJ_OK) result = lj_store_revision(follow->store, &revision);
  if (result == LJ_OK && follow->on_orphan != NULL) result = tell_orphan(follow, seq);
  if (result == LJ_OK) result = lj_store_statement(follow->store, LJ_SQL_END_IDLE, &statement);
  if (result != LJ_OK) return result;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, lj_status_name(lj_shape_status(follow->store, status)), -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 3, error, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 4, follow->now);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 5, revision);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(follow->store, rc);
  }
  result = lj_store_run(follow->store, statement, &changes);
  *ended = result == LJ_OK && changes > 0;
  return result;
}

static bool option_is_true(const char *opts, const char *key) {
  cJSON *tree = NULL;
  if (opts == NULL || lj_json_parse(opts, strlen(opts), &tree) != LJ_OK) return false;
  bool is_true = lj_json_bool(tree, key, false);
  cJSON_Delete(tree);
  return is_true;
}

static bool option_is(const char *opts, const char *key, const char *value) {
  cJSON *tree = NULL;
  if (opts == NULL || lj_json_parse(opts, strlen(opts), &tree) != LJ_OK) return false;
  const char *text = lj_json_string(tree, key);
  bool equal = text != NULL && strcmp(text, value) == 0;
  cJSON_Delete(tree);
  return equal;
}

static int cancel_children(lj_follow *follow, const char *id) {
  sqlite3_stmt *statement = NULL;
  int changes = 0;
  int64_t revision = 0;
  int code = lj_store_revision(follow->store, &revision);
  if (code == LJ_OK) code = lj_store_statement(follow->store, LJ_SQL_CANCEL_CHILDREN, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 2, revision);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(follow->store, rc);
  }
  code = lj_store_run(follow->store, statement, &changes);
  if (code == LJ_OK && changes > 0) follow->cancels = true;
  return code;
}

static int unpark(lj_follow *follow, int64_t seq, const ended_row *parent) {
  int64_t numbers[] = {seq, follow->now, 0};
  int code = lj_store_revision(follow->store, &numbers[2]);
  if (code == LJ_OK) code = lj_store_run_numbers(follow->store, LJ_SQL_UNPARK, numbers, 3);
  if (code == LJ_OK) tell(follow, parent, parent->run_at > follow->now ? LJ_STATUS_DELAYED : LJ_STATUS_WAITING, LJ_OK);
  return code;
}

static int park(lj_follow *follow, int64_t seq) {
  if (follow->store->shape.lacks_waiting_children) return LJ_OK;
  int64_t numbers[] = {seq, 0};
  int code = lj_store_revision(follow->store, &numbers[1]);
  return code == LJ_OK ? lj_store_run_numbers(follow->store, LJ_SQL_PARK, numbers, 2) : code;
}

/* Fails a parent because of this child. */
static int fail_parent(lj_follow *follow, int64_t seq, const ended_row *parent, const char *child_id, const char *child_name,
                       const char *how, worklist *list) {
  char message[512];
  bool ended = false;
  (void)snprintf(message, sizeof message, "its child %.100s (%.64s) %s; opts.onFailure \"ignore\" of the child would let this job run",
                 child_name, child_id, how);
  int code = end_row(follow, seq, LJ_STATUS_FAILED, LJ_CHILD_FAILED, message, &ended);
  if (code != LJ_OK || !ended) return code;
  tell(follow, parent, LJ_STATUS_FAILED, LJ_CHILD_FAILED);
  if (option_is_true(parent->opts, "cancelSiblings")) code = cancel_children(follow, parent->id);
  return code == LJ_OK ? push(list, seq) : code;
}

static int find_parent(lj_follow *follow, const char *id, int64_t *seq, bool *found) {
  sqlite3_stmt *statement = NULL;
  *found = false;
  int code = lj_store_statement(follow->store, LJ_SQL_READ_PARENT, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(follow->store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    *found = true;
    *seq = sqlite3_column_int64(statement, 0);
  }
  lj_store_release(statement);
  return code;
}

static int child_ended(lj_follow *follow, const ended_row *child, worklist *list) {
  int64_t seq = 0;
  bool waits = false;
  bool unfinished = false;
  ended_row parent = {0};
  int code = find_parent(follow, child->parent, &seq, &waits);
  if (code != LJ_OK || !waits) return code;
  code = read_end(follow, seq, &parent, &waits);
  if (code != LJ_OK || !waits) goto cleanup;
  if (strcmp(child->status, "completed") != 0 && !option_is(child->opts, "onFailure", "ignore")) {
    code = fail_parent(follow, seq, &parent, child->id, child->name, was_cancelled(child) ? "was cancelled" : "failed", list);
    goto cleanup;
  }
  code = exists(follow->store, LJ_SQL_HAS_UNFINISHED, parent.id, &unfinished);
  if (code == LJ_OK)
    code = unfinished ? lj_store_run_numbers(follow->store, LJ_SQL_COUNT_DOWN, &seq, 1) : unpark(follow, seq, &parent);

cleanup:
  ended_row_free(&parent);
  return code;
}

/* Inserts the next occurrence of a job that repeats. Stops by itself when the job was cancelled, or when what it says of its
 * repetition can't be read (it ran once, and its row says what was written). */
static int repeat(lj_follow *follow, int64_t seq, const ended_row *row) {
  cJSON *opts = NULL;
  lj_repeat every;
  int64_t next = 0;
  if (row->opts == NULL || strstr(row->opts, "\"repeat\"") == NULL || was_cancelled(row)) return LJ_OK;
  int code = lj_json_parse(row->opts, strlen(row->opts), &opts);
  if (code == LJ_OK && lj_json_get(opts, "repeat") != NULL) {
    code = lj_repeat_parse(opts, &every, NULL);
    if (code == LJ_OK) code = lj_repeat_next(&every, follow->zones, row->run_at, follow->now, &next, NULL);
    int64_t numbers[] = {seq, next, follow->now};
    if (code == LJ_OK) code = lj_store_run_numbers(follow->store, LJ_SQL_REPEAT, numbers, 3);
  }
  cJSON_Delete(opts);
  if (code == LJ_BAD_JOB || code == LJ_INVALID || code == LJ_NOT_FOUND)
    lj_log_write(follow->store->log, LJ_LOG_WARN, "job %s: repeats no more: its opts.repeat can't be followed (%s)", row->id,
                 lj_code_name(code));
  return code == LJ_NOMEM || code == LJ_DB_ERROR || code == LJ_BUSY ? code : LJ_OK;
}

static int follow_all(lj_follow *follow, worklist *list) {
  int code = LJ_OK;
  while (code == LJ_OK && list->count > 0) {
    int64_t seq = list->items[--list->count];
    ended_row row = {0};
    bool found = false;
    code = read_end(follow, seq, &row, &found);
    if (code == LJ_OK && found && was_cancelled(&row)) code = cancel_children(follow, row.id);
    if (code == LJ_OK && found && row.parent != NULL) code = child_ended(follow, &row, list);
    if (code == LJ_OK && found) code = repeat(follow, seq, &row);
    /* A trigger of the app refuses what follows: the end itself stands, and the repair pass tries the rest again. */
    if (code == LJ_REFUSED) code = LJ_OK;
    ended_row_free(&row);
  }
  lj_free(list->items);
  return code;
}

int lj_follow_end(lj_follow *follow, int64_t seq) {
  worklist list = {0};
  int code = push(&list, seq);
  return code == LJ_OK ? follow_all(follow, &list) : code;
}

int lj_follow_end_idle(lj_follow *follow, int64_t seq, lj_status status, int code, const char *message, bool *ended) {
  ended_row row = {0};
  bool found = false;
  int result = end_row(follow, seq, status, code, message, ended);
  if (result != LJ_OK || !*ended) return result;
  result = read_end(follow, seq, &row, &found);
  if (result == LJ_OK && found) tell(follow, &row, lj_shape_status(follow->store, status), code);
  ended_row_free(&row);
  return result == LJ_OK ? lj_follow_end(follow, seq) : result;
}

static int failed_child(lj_follow *follow, const char *id, ended_row *child, bool *found) {
  sqlite3_stmt *statement = NULL;
  *found = false;
  int code = lj_store_statement(follow->store, LJ_SQL_FAILED_CHILD, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(follow->store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    *found = true;
    code = lj_store_dup_text(statement, 0, &child->id);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 1, &child->name);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 2, &child->status);
  }
  lj_store_release(statement);
  return code;
}

int lj_follow_examine(lj_follow *follow, int64_t seq, const char *id) {
  ended_row child = {0};
  ended_row parent = {0};
  worklist list = {0};
  bool failed = false;
  bool unfinished = false;
  bool found = false;
  int code = failed_child(follow, id, &child, &failed);
  if (code == LJ_OK) code = exists(follow->store, LJ_SQL_HAS_UNFINISHED, id, &unfinished);
  if (code == LJ_OK) code = read_end(follow, seq, &parent, &found);
  if (code == LJ_OK && found && failed)
    code = fail_parent(follow, seq, &parent, child.id, child.name,
                       strcmp(child.status, "failed") == 0 ? "failed" : "was cancelled", &list);
  else if (code == LJ_OK && found && unfinished)
    code = park(follow, seq);
  else if (code == LJ_OK && found)
    code = unpark(follow, seq, &parent);
  ended_row_free(&child);
  ended_row_free(&parent);
  if (code != LJ_OK) {
    lj_free(list.items);
    return code;
  }
  return follow_all(follow, &list);
}

/* Runs a statement that lists parents behind `pass`, moves it, and examines each. *count is how many there were. */
static int examine_list(lj_follow *follow, lj_sql which, lj_repair *pass, size_t *count) {
  struct {
    int64_t seq;
    char *id;
  } listed[MAX_LISTED];
  sqlite3_stmt *statement = NULL;
  int rc = SQLITE_OK;
  *count = 0;
  int code = lj_store_statement(follow->store, which, &statement);
  if (code != LJ_OK) return code;
  if (pass != NULL) rc = sqlite3_bind_int64(statement, 1, pass->count);
  if (rc == SQLITE_OK && pass != NULL) rc = sqlite3_bind_int64(statement, 2, pass->seq);
  code = lj_store_code(follow->store, rc);
  while (code == LJ_OK && *count < MAX_LISTED) {
    rc = sqlite3_step(statement);
    code = lj_store_code(follow->store, rc);
    if (code != LJ_OK || rc != SQLITE_ROW) break;
    listed[*count].seq = sqlite3_column_int64(statement, 0);
    code = lj_store_dup_text(statement, 1, &listed[*count].id);
    if (code != LJ_OK) break;
    if (pass != NULL) *pass = (lj_repair){sqlite3_column_int64(statement, 2), listed[*count].seq};
    (*count)++;
  }
  lj_store_release(statement);
  for (size_t i = 0; i < *count; i++) {
    if (code == LJ_OK) code = lj_follow_examine(follow, listed[i].seq, listed[i].id);
    if (code == LJ_REFUSED) code = LJ_OK;
    lj_free(listed[i].id);
  }
  return code;
}

int lj_follow_asked(lj_follow *follow, bool *more) {
  size_t count = 0;
  int code = examine_list(follow, LJ_SQL_EXAMINE_LIST, NULL, &count);
  *more = count == MAX_LISTED;
  return code;
}

int lj_follow_any_blocked(lj_store *store, bool *found) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_ANY_BLOCKED, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  *found = code == LJ_OK && rc == SQLITE_ROW;
  lj_store_release(statement);
  return code;
}

int lj_follow_repair(lj_follow *follow, lj_repair *pass) {
  size_t count = 0;
  int code = examine_list(follow, LJ_SQL_BLOCKED_LIST, pass, &count);
  if (count < MAX_LISTED) *pass = (lj_repair){0, 0};
  return code;
}

int lj_follow_schedule(lj_follow *follow, int64_t seq) {
  ended_row row = {0};
  cJSON *opts = NULL;
  lj_repeat every;
  lj_fault fault;
  int64_t numbers[] = {seq, 0, 0};
  bool found = false;
  lj_fault_clear(&fault);
  int code = read_end(follow, seq, &row, &found);
  if (code == LJ_OK && found && row.opts != NULL) {
    code = lj_json_parse(row.opts, strlen(row.opts), &opts);
    if (code == LJ_OK) code = lj_repeat_parse(opts, &every, &fault);
    if (code == LJ_OK) code = lj_repeat_next(&every, follow->zones, 0, follow->now, &numbers[1], &fault);
    if (code == LJ_OK) code = lj_store_revision(follow->store, &numbers[2]);
    if (code == LJ_OK) code = lj_store_run_numbers(follow->store, LJ_SQL_POSTPONE, numbers, 3);
    if (code == LJ_BAD_JOB || code == LJ_INVALID || code == LJ_NOT_FOUND) {
      bool ended = false;
      code = lj_follow_end_idle(follow, seq, LJ_STATUS_FAILED, LJ_BAD_JOB,
                                fault.message[0] != '\0' ? fault.message : "opts.repeat never comes due", &ended);
    }
  }
  cJSON_Delete(opts);
  ended_row_free(&row);
  return code;
}
