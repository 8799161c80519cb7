/* SPDX-License-Identifier: MIT */
#include "support/queue_fixture.h"

#include <unistd.h>

static void remember_line(void *owner, lj_log_level level, const char *line) {
  queue_fixture *queue = owner;
  (void)level;
  queue->log_lines++;
  (void)snprintf(queue->last_line, sizeof queue->last_line, "%s", line);
}

sqlite3 *queue_connect(const queue_fixture *queue) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(queue->path, &db), SQLITE_OK);
  return db;
}

void queue_fixture_open(queue_fixture *queue) {
  const char *base = getenv("TMPDIR");
  memset(queue, 0, sizeof *queue);
  lj_memory_init();
  queue->live = lj_memory_live();
  queue->log = (lj_log){.level = LJ_LOG_DEBUG, .write = remember_line, .owner = queue};
  (void)snprintf(queue->folder, sizeof queue->folder, "%s/llm-jobs-test-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
  assert_non_null(mkdtemp(queue->folder));
  (void)snprintf(queue->path, sizeof queue->path, "%s/app.db", queue->folder);
  queue->app = queue_connect(queue);
  assert_rows(queue, "wal", "PRAGMA journal_mode = WAL");
  app_run(queue, "PRAGMA synchronous = OFF");
}

bool queue_fixture_close(queue_fixture *queue) {
  static const char *const names[] = {"app.db", "app.db-wal", "app.db-shm", "app.db-journal", "other.db", "other.db-wal", "other.db-shm"};
  char path[300];
  lj_memory_fail_at(0, 0);
  queue_close_store(queue);
  bool closed = sqlite3_close(queue->app) == SQLITE_OK;
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    (void)snprintf(path, sizeof path, "%s/%s", queue->folder, names[i]);
    (void)unlink(path);
  }
  (void)rmdir(queue->folder);
  bool tidy = lj_memory_live() == queue->live;
  if (!tidy) print_error("%ld blocks are left\n", lj_memory_live() - queue->live);
  if (!closed) print_error("a statement of the test was left open\n");
  return tidy && closed;
}

int queue_setup_empty(void **state) {
  queue_fixture *queue = malloc(sizeof *queue);
  assert_non_null(queue);
  *state = queue;
  queue_fixture_open(queue);
  return 0;
}

int queue_setup(void **state) {
  (void)queue_setup_empty(state);
  queue_open_store(*state);
  return 0;
}

int queue_teardown(void **state) {
  bool tidy = queue_fixture_close(*state);
  free(*state);
  return tidy ? 0 : -1;
}

void queue_open_store(queue_fixture *queue) {
  lj_fault fault;
  int code = lj_store_open(queue->path, &queue->log, &queue->store, &fault);
  if (code != LJ_OK) fail_msg("%s: %s (%s)", lj_code_name(code), fault.message, queue->last_line);
}

void queue_close_store(queue_fixture *queue) {
  lj_store_close(queue->store);
  queue->store = NULL;
}

int query_text(sqlite3 *db, const char *sql, char *out, size_t size) {
  sqlite3_stmt *statement = NULL;
  size_t used = 0;
  out[0] = '\0';
  int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    for (int column = 0; column < sqlite3_column_count(statement) && used < size; column++) {
      const char *text = (const char *)sqlite3_column_text(statement, column);
      const char *before = column > 0 ? "|" : used > 0 ? " " : "";
      used += (size_t)snprintf(out + used, size - used, "%s%s", before, text != NULL ? text : "-");
    }
  }
  (void)sqlite3_finalize(statement);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void query_format(queue_fixture *queue, const char *format, va_list arguments) {
  char *sql = sqlite3_vmprintf(format, arguments);
  assert_non_null(sql);
  if (query_text(queue->app, sql, queue->text, sizeof queue->text) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(queue->app));
  sqlite3_free(sql);
}

void app_run(queue_fixture *queue, const char *sql, ...) {
  va_list arguments;
  va_start(arguments, sql);
  char *text = sqlite3_vmprintf(sql, arguments);
  va_end(arguments);
  assert_non_null(text);
  if (sqlite3_exec(queue->app, text, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", text, sqlite3_errmsg(queue->app));
  sqlite3_free(text);
}

const char *app_text(queue_fixture *queue, const char *sql, ...) {
  va_list arguments;
  va_start(arguments, sql);
  query_format(queue, sql, arguments);
  va_end(arguments);
  return queue->text;
}

int64_t app_number(queue_fixture *queue, const char *sql, ...) {
  va_list arguments;
  va_start(arguments, sql);
  query_format(queue, sql, arguments);
  va_end(arguments);
  return strtoll(queue->text, NULL, 10);
}
