/* SPDX-License-Identifier: MIT */
#include "queue/store.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "queue/confine.h"
#include "queue/schema.h"
#include "queue/shape.h"
#include "queue/statements.h"
#include "queue/unusable.h"

#if SQLITE_VERSION_NUMBER < 3051003
#error "SQLite 3.51.3 or newer is needed: older ones can corrupt a WAL database that two processes write (see docs/architecture.md)"
#endif

int lj_store_code(lj_store *store, int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return LJ_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return LJ_BUSY;
    case SQLITE_NOMEM:
      return LJ_NOMEM;
    case SQLITE_CONSTRAINT:
      lj_log_write(store->log, LJ_LOG_WARN, "database: a row was refused: %s", sqlite3_errmsg(store->db));
      /* RAISE(ROLLBACK) in an app's trigger takes the whole transaction with it, not only the row. */
      return store->in_transaction && sqlite3_get_autocommit(store->db) != 0 ? LJ_DB_ERROR : LJ_REFUSED;
    default:
      store->trouble = sqlite_code;
      lj_text_copy(store->trouble_words, sizeof store->trouble_words, sqlite3_errmsg(store->db), strlen(sqlite3_errmsg(store->db)));
      lj_log_write(store->log, LJ_LOG_ERROR, "database: %s (SQLite code %d)", store->trouble_words, sqlite_code);
      return LJ_DB_ERROR;
  }
}

int lj_store_statement(lj_store *store, lj_sql which, sqlite3_stmt **out) {
  sqlite3_stmt *statement = store->statements[which];
  if (statement == NULL) {
    int rc = sqlite3_prepare_v3(store->db, lj_statement_text(which), -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (rc == SQLITE_ERROR) {
      lj_store_refresh(store);
      rc = sqlite3_prepare_v3(store->db, lj_statement_text(which), -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    }
    if (rc != SQLITE_OK) return lj_store_code(store, rc);
    store->statements[which] = statement;
  }
  *out = statement;
  return LJ_OK;
}

void lj_store_release(sqlite3_stmt *statement) {
  if (statement == NULL) return;
  /* Both repeat the code of the last step, which its caller has already looked at. */
  (void)sqlite3_reset(statement);
  (void)sqlite3_clear_bindings(statement);
}

int lj_store_run(lj_store *store, sqlite3_stmt *statement, int *changes) {
  int rc = sqlite3_step(statement);
  int code = lj_store_code(store, rc);
  if (code == LJ_OK && changes != NULL) *changes = sqlite3_changes(store->db);
  lj_store_release(statement);
  return code;
}

int lj_store_run_numbers(lj_store *store, lj_sql which, const int64_t *numbers, int count) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, which, &statement);
  if (code != LJ_OK) return code;
  int rc = SQLITE_OK;
  for (int i = 0; rc == SQLITE_OK && i < count; i++)
    rc = numbers[i] == LJ_SQL_NULL ? sqlite3_bind_null(statement, i + 1) : sqlite3_bind_int64(statement, i + 1, numbers[i]);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  return lj_store_run(store, statement, NULL);
}

int lj_store_revision(lj_store *store, int64_t *revision) {
  if (store->revision < 0) {
    sqlite3_stmt *statement = NULL;
    int code = lj_store_statement(store, LJ_SQL_REVISION, &statement);
    if (code != LJ_OK) return code;
    int rc = sqlite3_step(statement);
    code = lj_store_code(store, rc);
    int64_t last = code == LJ_OK && rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    lj_store_release(statement);
    if (code != LJ_OK) return code;
    /* Microseconds of the wall clock, or the next number when the clock lags behind: so the numbers go on growing also when the
     * row with the largest one has been deleted. Queue does the same. */
    int64_t now = lj_wall_ms() * 1000;
    store->revision = last > now ? last : now;
  }
  *revision = ++store->revision;
  store->own_revision = *revision;
  return LJ_OK;
}

int lj_store_dup_text(sqlite3_stmt *statement, int column, char **out) {
  *out = NULL;
  if (sqlite3_column_type(statement, column) == SQLITE_NULL) return LJ_OK;
  const char *text = (const char *)sqlite3_column_text(statement, column);
  if (text == NULL) return LJ_NOMEM;
  *out = lj_strndup(text, (size_t)sqlite3_column_bytes(statement, column));
  return *out != NULL ? LJ_OK : LJ_NOMEM;
}

/* The level takes effect when `PRAGMA synchronous` is compiled, so a kept statement would silently do nothing: it is
 * compiled each time, and only when the level changes. */
static int set_synchronous(lj_store *store, int level) {
  if (store->synchronous == level) return LJ_OK;
  int rc = sqlite3_exec(store->db, level == 2 ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
  if (rc != SQLITE_OK) return lj_store_code(store, rc);
  store->synchronous = level;
  return LJ_OK;
}

static int run_simple(lj_store *store, lj_sql which) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, which, &statement);
  return code == LJ_OK ? lj_store_run(store, statement, NULL) : code;
}

int lj_store_begin(lj_store *store, bool durable) {
  int code = set_synchronous(store, durable ? 2 : 1);
  if (code == LJ_OK) code = run_simple(store, LJ_SQL_BEGIN);
  store->revision = -1; /* others may have written since the last transaction */
  store->in_transaction = code == LJ_OK;
  if (code == LJ_OK && !store->defining) {
    code = lj_shape_renew(store);
    if (code != LJ_OK) lj_store_rollback(store);
  }
  return code;
}

void lj_store_rollback(lj_store *store) {
  /* SQLite may have rolled back by itself (full disk, I/O error). */
  if (store->in_transaction && sqlite3_get_autocommit(store->db) == 0) {
    int code = run_simple(store, LJ_SQL_ROLLBACK);
    if (code != LJ_OK) lj_log_write(store->log, LJ_LOG_ERROR, "database: rollback failed (%s)", lj_code_name(code));
  }
  store->in_transaction = false;
}

int lj_store_commit(lj_store *store) {
  int code = run_simple(store, LJ_SQL_COMMIT);
  if (code != LJ_OK) lj_store_rollback(store);
  store->in_transaction = false;
  return code;
}

int lj_store_moved(lj_store *store, bool *moved) {
  int answer = 0;
  int rc = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &answer);
  *moved = rc == SQLITE_OK && answer != 0;
  return rc == SQLITE_NOTFOUND ? LJ_OK : lj_store_code(store, rc); /* a file system layer that can't tell */
}

void lj_store_refresh(lj_store *store) {
  /* Its own result does not matter: only that a statement has run. */
  (void)sqlite3_exec(store->db, "SELECT 1 FROM llm_jobs LIMIT 0", NULL, NULL, NULL);
}

int lj_store_changed(lj_store *store, bool *changed) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_DATA_VERSION, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    int64_t version = sqlite3_column_int64(statement, 0);
    *changed = version != store->data_version;
    store->data_version = version;
  }
  lj_store_release(statement);
  return code;
}

static int require_wal(lj_store *store, const char *path, lj_fault *fault) {
  sqlite3_stmt *statement = NULL;
  char mode[16] = "";
  int rc = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode", -1, &statement, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  if (rc == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    if (text != NULL) lj_text_copy(mode, sizeof mode, text, strlen(text));
  }
  char words[200];
  const char *said = sqlite3_errmsg(store->db);
  lj_text_copy(words, sizeof words, said, strlen(said)); /* finalize may replace them */
  (void)sqlite3_finalize(statement);
  if (rc != SQLITE_ROW) return lj_unusable_explain(path, rc, words, fault);
  if (strcmp(mode, "wal") != 0)
    return lj_fault_set(fault, LJ_DB_NOT_WAL,
                        "database: %s has journal_mode %s, but the app and the worker can share it only in WAL mode; run "
                        "\"PRAGMA journal_mode = WAL\" once in the app",
                        path, mode);
  return LJ_OK;
}

static int configure(lj_store *store) {
  int unused = 0;
  int rc = sqlite3_extended_result_codes(store->db, 1);
  if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(store->db, 0);
  if (rc == SQLITE_OK) rc = sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &unused);
  if (rc == SQLITE_OK) rc = sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &unused);
  /* Plans depend on no bound value. Without it SQLite compares them with the conditions of partial indexes, and prepares such a
   * statement anew each time that a value is bound. */
  if (rc == SQLITE_OK) rc = sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, &unused);
  if (rc == SQLITE_OK) (void)sqlite3_limit(store->db, SQLITE_LIMIT_ATTACHED, 0);
  return lj_store_code(store, rc);
}

/* Reads the file's schema, so it comes after require_wal, which explains a file that can't be read. */
static int set_sizes(lj_store *store) {
  /* 512 KiB of cache: a claim touches some pages of one index, and the worker's memory is counted. */
  return lj_store_code(store, sqlite3_exec(store->db, "PRAGMA cache_size=-512; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY",
                                           NULL, NULL, NULL));
}

int lj_store_open(const char *path, const lj_log *log, lj_store **out, lj_fault *fault) {
  *out = NULL;
  lj_fault_clear(fault);
  int code = lj_unusable_path(path, log, fault);
  if (code != LJ_OK) return code;
  lj_store *store = lj_calloc(1, sizeof *store);
  if (store == NULL) return lj_fault_set(fault, LJ_NOMEM, "database: memory is short");
  store->log = log;
  store->synchronous = -1;

  int rc = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  if (rc == SQLITE_OK && sqlite3_db_readonly(store->db, "main") == 1)
    rc = SQLITE_READONLY; /* SQLite's second choice when it may not write */
  if (rc != SQLITE_OK) {
    code = lj_unusable_explain(path, rc, store->db != NULL && rc != SQLITE_READONLY ? sqlite3_errmsg(store->db) : NULL, fault);
    goto cleanup;
  }
  code = configure(store);
  if (code == LJ_OK) code = require_wal(store, path, fault);
  if (code == LJ_OK) code = set_sizes(store);
  if (code == LJ_OK) code = lj_confine(store);
  if (code == LJ_OK) code = lj_schema_ensure(store, fault);
  if (code == LJ_OK) code = lj_shape_read(store);
  if (code == LJ_OK) code = set_synchronous(store, 1);
  bool changed = false;
  if (code == LJ_OK) code = lj_store_changed(store, &changed);
  if (code == LJ_DB_ERROR && fault->code == LJ_OK && store->trouble != SQLITE_OK)
    code = lj_unusable_explain(path, store->trouble, store->trouble_words, fault);
  if (code != LJ_OK && fault->code == LJ_OK)
    lj_fault_set(fault, code, "database: %s can't be used: %s", path, sqlite3_errmsg(store->db));

cleanup:
  if (code != LJ_OK) {
    lj_store_close(store);
    return code;
  }
  *out = store;
  return LJ_OK;
}

void lj_store_close(lj_store *store) {
  if (store == NULL) return;
  lj_store_rollback(store);
  for (int i = 0; i < LJ_SQL_END; i++) (void)sqlite3_finalize(store->statements[i]);
  int rc = sqlite3_close(store->db);
  if (rc != SQLITE_OK) lj_log_write(store->log, LJ_LOG_ERROR, "database: close failed (SQLite code %d)", rc);
  lj_free(store);
}
