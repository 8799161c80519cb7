/* SPDX-License-Identifier: MIT */
#include "queue/schema.h"

#include <string.h>

#include "base/buffer.h"
#include "schema_ddl.h"

enum { MAX_DDL_BYTES = 4096 };

static int execute(lj_store *store, const char *sql) {
  return lj_store_code(store, sqlite3_exec(store->db, sql, NULL, NULL, NULL));
}

/* Marks which of our columns the table has (optional ones always); *found is how many columns it has at all (0: there is no table). */
static int read_columns(lj_store *store, bool present[LJ_SCHEMA_COLUMN_COUNT], int *found) {
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(store->db, "SELECT name FROM pragma_table_info('llm_jobs')", -1, &statement, NULL);
  *found = 0;
  for (size_t i = 0; i < LJ_SCHEMA_COLUMN_COUNT; i++) present[i] = lj_schema_columns[i].optional;
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    for (size_t i = 0; name != NULL && i < LJ_SCHEMA_COLUMN_COUNT; i++)
      if (strcmp(lj_schema_columns[i].name, name) == 0) present[i] = true;
    (*found)++;
  }
  int code = lj_store_code(store, rc);
  (void)sqlite3_finalize(statement);
  return code;
}

static int has_column(lj_store *store, const char *name, bool *has) {
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(store->db, "SELECT 1 FROM pragma_table_info('llm_jobs') WHERE name = ?1", -1, &statement, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  *has = rc == SQLITE_ROW;
  (void)sqlite3_finalize(statement);
  return lj_store_code(store, rc);
}

static int count_indexes(lj_store *store, int *found) {
  sqlite3_stmt *statement = NULL;
  *found = 0;
  int rc = sqlite3_prepare_v2(store->db, "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'llm_jobs'", -1,
                              &statement, NULL);
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) break;
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    for (size_t i = 0; name != NULL && i < LJ_SCHEMA_INDEX_COUNT; i++)
      if (strcmp(lj_schema_indexes[i].name, name) == 0) (*found)++;
  }
  int code = lj_store_code(store, rc);
  (void)sqlite3_finalize(statement);
  return code;
}

static int add_column(lj_store *store, size_t index, lj_fault *fault) {
  if (lj_schema_columns[index].add == NULL)
    return lj_fault_set(fault, LJ_DB_SCHEMA,
                        "database: table llm_jobs has no column %s, and SQLite can't add it to an existing table; rename the "
                        "table and let new Queue(db) create it anew",
                        lj_schema_columns[index].name);
  lj_buffer sql;
  lj_buffer_init(&sql, MAX_DDL_BYTES);
  int code = lj_buffer_printf(&sql, "ALTER TABLE llm_jobs ADD COLUMN %s %s", lj_schema_columns[index].name,
                              lj_schema_columns[index].add);
  if (code == LJ_OK) code = execute(store, sql.data);
  lj_buffer_free(&sql);
  return code;
}

/* Rows are named by their rowid in every statement. */
static int require_rowid(lj_store *store, lj_fault *fault) {
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(store->db, "SELECT rowid FROM llm_jobs", -1, &statement, NULL);
  (void)sqlite3_finalize(statement);
  if (rc == SQLITE_ERROR)
    return lj_fault_set(fault, LJ_DB_SCHEMA,
                        "database: table llm_jobs is declared WITHOUT ROWID, and the queue needs the rowid as the order of arrival; "
                        "rebuild the table as docs/table.md tells");
  return lj_store_code(store, rc);
}

/* Delayed rows of the original schema get their run_at. What the app refuses is tried again by the claim. */
static int fill_run_at(lj_store *store) {
  int code = execute(store, LJ_SCHEMA_FILL);
  return code == LJ_REFUSED ? LJ_OK : code;
}

int lj_schema_ensure(lj_store *store, lj_fault *fault) {
  bool present[LJ_SCHEMA_COLUMN_COUNT] = {false};
  int columns = 0;
  int indexes = 0;
  bool has_delay = false;
  store->defining = true;
  int code = read_columns(store, present, &columns);
  if (code == LJ_OK && columns > 0) code = require_rowid(store, fault);
  if (code == LJ_OK) code = count_indexes(store, &indexes);
  bool complete = columns > 0 && indexes == LJ_SCHEMA_INDEX_COUNT;
  for (size_t i = 0; i < LJ_SCHEMA_COLUMN_COUNT; i++) complete = complete && present[i];
  if (code != LJ_OK || complete) goto cleanup;

  code = lj_store_begin(store, true);
  if (code != LJ_OK) goto cleanup;
  /* Read again under the lock: another process may have been quicker. */
  bool had_run_at = true;
  code = read_columns(store, present, &columns);
  if (code == LJ_OK && columns == 0) code = execute(store, lj_schema_create);
  for (size_t i = 0; code == LJ_OK && columns > 0 && i < LJ_SCHEMA_COLUMN_COUNT; i++)
    if (!present[i]) {
      code = add_column(store, i, fault);
      if (strcmp(lj_schema_columns[i].name, "run_at") == 0) had_run_at = false;
    }
  if (code == LJ_OK && !had_run_at) code = has_column(store, "delay", &has_delay);
  if (code == LJ_OK && has_delay) code = fill_run_at(store);
  for (size_t i = 0; code == LJ_OK && i < LJ_SCHEMA_INDEX_COUNT; i++) code = execute(store, lj_schema_indexes[i].sql);
  if (code == LJ_OK)
    code = lj_store_commit(store);
  else
    lj_store_rollback(store);

cleanup:
  store->defining = false;
  return code;
}

int lj_schema_missing(lj_store *store, const char **column) {
  bool present[LJ_SCHEMA_COLUMN_COUNT] = {false};
  int columns = 0;
  *column = NULL;
  int code = read_columns(store, present, &columns);
  if (code == LJ_OK && columns == 0) *column = "llm_jobs";
  for (size_t i = 0; code == LJ_OK && *column == NULL && i < LJ_SCHEMA_COLUMN_COUNT; i++)
    if (!present[i]) *column = lj_schema_columns[i].name;
  return code;
}
