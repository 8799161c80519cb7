/* SPDX-License-Identifier: MIT
 *
 * Opening the app's database: what is made in it, what is refused, and what the confined connection may do.
 */
#include <unistd.h>

#include "queue/schema.h"
#include "queue/statements.h"
#include "schema_ddl.h"
#include "support/queue_fixture.h"

static int open_fails(queue_fixture *queue, const char *path, lj_fault *fault) {
  lj_store *store = NULL;
  int code = lj_store_open(path, &queue->log, &store, fault);
  assert_null(store);
  assert_code(fault->code, code);
  assert_string_not_equal(fault->message, "");
  return code;
}

/* What is defined in the file, without the generated names of automatic indexes. */
static const char *definitions(queue_fixture *queue) {
  return app_text(queue, "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%%' ORDER BY type, name");
}

/* Asserts that every index of the schema is there, and `others` (their definitions as above) beside them. */
static void assert_indexes(queue_fixture *queue, const char *others) {
  for (size_t i = 0; i < LJ_SCHEMA_INDEX_COUNT; i++)
    assert_int_equal(app_number(queue, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = '%s'", lj_schema_indexes[i].name), 1);
  assert_int_equal(app_number(queue, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name LIKE 'llm_jobs~_%%' ESCAPE '~' "
                                     "AND name <> 'llm_jobs_mine'"),
                   LJ_SCHEMA_INDEX_COUNT);
  assert_string_equal(app_text(queue, "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%%' "
                                      "AND (name NOT LIKE 'llm_jobs~_%%' ESCAPE '~' OR name = 'llm_jobs_mine') ORDER BY type, name"),
                      others);
}

/* --- Making the table --- */

static void makes_table_and_indexes_in_an_empty_database(void **state) {
  queue_fixture *queue = *state;
  queue_open_store(queue);
  assert_indexes(queue, "table|llm_jobs");
  assert_int_equal(app_number(queue, "SELECT count(*) FROM pragma_table_info('llm_jobs')"), LJ_SCHEMA_COLUMN_COUNT);
  assert_rows(queue, "wal", "PRAGMA journal_mode");
  assert_rows(queue, "0", "PRAGMA user_version");
}

static void row_with_name_and_data_gets_all_defaults(void **state) {
  queue_fixture *queue = *state;
  int64_t before = app_number(queue, "SELECT CAST(strftime('%%s', 'now') AS INTEGER) * 1000");
  app_run(queue, "INSERT INTO llm_jobs (name, data) VALUES ('summarize', '{\"prompt\":\"Hello\"}')");
  assert_rows(queue, "1|default|-|0|waiting|0|0|3|0|0|0|-|-|-",
              "SELECT seq, queue, model, priority, status, progress, attempts, max_attempts, stalls, dependency_count, "
              "cancel_requested, lease_owner, run_at, result FROM llm_jobs");
  assert_rows(queue, "32|1", "SELECT length(id), id NOT GLOB '*[^0-9a-f]*' FROM llm_jobs");
  assert_true(app_number(queue, "SELECT created_at FROM llm_jobs") >= before);
  assert_true(app_number(queue, "SELECT created_at FROM llm_jobs") < before + 3600000);
}

static void second_opening_writes_nothing(void **state) {
  queue_fixture *queue = *state;
  bool changed = false;
  int64_t version = app_number(queue, "PRAGMA data_version");
  queue_close_store(queue);
  queue_open_store(queue);
  assert_int_equal(app_number(queue, "PRAGMA data_version"), version);
  assert_code(lj_store_changed(queue->store, &changed), LJ_OK);
  assert_false(changed);
}

static void older_table_gets_what_it_lacks_and_nothing_else_changes(void **state) {
  queue_fixture *queue = *state;
  app_run(queue,
          "PRAGMA user_version = 42; CREATE TABLE notes (a); CREATE INDEX notes_a ON notes (a); INSERT INTO notes VALUES (7);"
          "CREATE TABLE llm_jobs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE DEFAULT (lower(hex(randomblob(16)))), "
          "queue TEXT NOT NULL DEFAULT 'default', name TEXT NOT NULL, mine TEXT DEFAULT 'kept', data TEXT NOT NULL, "
          "status TEXT NOT NULL DEFAULT 'waiting'); CREATE INDEX llm_jobs_mine ON llm_jobs (mine);"
          "INSERT INTO llm_jobs (id, name, data) VALUES ('old', 'n', '{}')");
  queue_open_store(queue);
  assert_indexes(queue, "index|llm_jobs_mine index|notes_a table|llm_jobs table|notes");
  assert_rows(queue, "42", "PRAGMA user_version");
  assert_rows(queue, "7", "SELECT a FROM notes");
  assert_int_equal(app_number(queue, "SELECT count(*) FROM pragma_table_info('llm_jobs')"), LJ_SCHEMA_COLUMN_COUNT + 1);
  assert_rows(queue, "old|kept|waiting|3|0|-|-", "SELECT id, mine, status, max_attempts, stalls, lane, created_at FROM llm_jobs");
}

static void lost_index_comes_back(void **state) {
  queue_fixture *queue = *state;
  queue_close_store(queue);
  app_run(queue, "DROP INDEX llm_jobs_ready");
  queue_open_store(queue);
  assert_indexes(queue, "table|llm_jobs");
}

/* --- What is refused at the start --- */

static void missing_file_is_bad_config_and_is_not_made(void **state) {
  queue_fixture *queue = *state;
  lj_fault fault;
  char path[400];
  (void)snprintf(path, sizeof path, "%s/none.db", queue->folder);
  assert_code(open_fails(queue, path, &fault), LJ_BAD_CONFIG);
  assert_non_null(strstr(fault.message, path));
  assert_int_not_equal(access(path, F_OK), 0);
  assert_code(open_fails(queue, queue->folder, &fault), LJ_BAD_CONFIG);
}

static void other_journal_mode_is_refused_and_kept(void **state) {
  queue_fixture *queue = *state;
  lj_fault fault;
  assert_rows(queue, "delete", "PRAGMA journal_mode = DELETE");
  assert_code(open_fails(queue, queue->path, &fault), LJ_DB_NOT_WAL);
  assert_non_null(strstr(fault.message, "journal_mode = WAL"));
  assert_rows(queue, "delete", "PRAGMA journal_mode");
  assert_string_equal(definitions(queue), "");
}

static void file_of_other_bytes_is_called_encrypted(void **state) {
  queue_fixture *queue = *state;
  lj_fault fault;
  char path[400];
  (void)snprintf(path, sizeof path, "%s/other.db", queue->folder);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  for (int i = 0; i < 8192; i++) (void)fputc((i * 37 + 11) & 0xff, file);
  assert_int_equal(fclose(file), 0);
  assert_code(open_fails(queue, path, &fault), LJ_DB_ENCRYPTED);
}

static void column_that_cannot_be_added_is_named_and_nothing_is_written(void **state) {
  queue_fixture *queue = *state;
  lj_fault fault;
  app_run(queue, "CREATE TABLE llm_jobs (seq INTEGER PRIMARY KEY, name TEXT NOT NULL, data TEXT NOT NULL)");
  assert_code(open_fails(queue, queue->path, &fault), LJ_DB_SCHEMA);
  assert_non_null(strstr(fault.message, "no column id"));
  assert_string_equal(definitions(queue), "table|llm_jobs");
  assert_int_equal(app_number(queue, "SELECT count(*) FROM pragma_table_info('llm_jobs')"), 3);
}

static void held_lock_makes_the_first_opening_busy(void **state) {
  queue_fixture *queue = *state;
  lj_fault fault;
  app_run(queue, "BEGIN IMMEDIATE");
  assert_code(open_fails(queue, queue->path, &fault), LJ_BUSY);
  app_run(queue, "COMMIT");
  queue_open_store(queue);
}

static void held_lock_does_not_matter_once_the_table_is_there(void **state) {
  queue_fixture *queue = *state;
  queue_close_store(queue);
  app_run(queue, "BEGIN IMMEDIATE");
  queue_open_store(queue);
  app_run(queue, "COMMIT");
}

/* --- Confinement --- */

static void everything_but_the_own_table_is_refused(void **state) {
  static const char *const refused[] = {
      "SELECT a FROM secrets",
      "SELECT count(*) FROM secrets",
      "SELECT 1 FROM llm_jobs WHERE EXISTS (SELECT a FROM secrets)",
      "UPDATE secrets SET a = 1",
      "DELETE FROM secrets",
      "INSERT INTO secrets VALUES (1)",
      "INSERT INTO llm_jobs (name, data) SELECT a, '{}' FROM secrets",
      "UPDATE llm_jobs SET result = (SELECT a FROM secrets)",
      "ATTACH ':memory:' AS other",
      "DETACH main",
      "PRAGMA journal_mode = DELETE",
      "PRAGMA user_version = 9",
      "PRAGMA writable_schema = 1",
      "PRAGMA wal_checkpoint",
      "DROP TABLE llm_jobs",
      "DROP TABLE secrets",
      "DROP INDEX llm_jobs_ready",
      "CREATE TABLE x (a)",
      "CREATE TABLE x AS SELECT 1",
      "CREATE TEMP TABLE x (a)",
      "CREATE VIEW v AS SELECT 1",
      "CREATE TRIGGER t AFTER UPDATE ON llm_jobs BEGIN SELECT 1; END",
      "CREATE INDEX i ON llm_jobs (name)",
      "ALTER TABLE llm_jobs ADD COLUMN x",
      "ALTER TABLE llm_jobs RENAME TO x",
      "ALTER TABLE secrets RENAME TO x",
      "VACUUM",
      "REINDEX",
      "ANALYZE",
      "SELECT load_extension('x')",
      "SELECT readfile('x')",
      "SELECT name FROM sqlite_schema",
      "UPDATE sqlite_schema SET sql = ''",
  };
  queue_fixture *queue = *state;
  app_run(queue, "CREATE TABLE secrets (a); INSERT INTO secrets VALUES ('hidden')");
  const char *before = app_text(queue, "SELECT group_concat(name || ifnull(sql, '')) FROM sqlite_schema");
  char *kept = strdup(before);
  assert_non_null(kept);
  for (size_t i = 0; i < COUNT_OF(refused); i++) {
    int lines = queue->log_lines;
    int rc = sqlite3_exec(queue->store->db, refused[i], NULL, NULL, NULL);
    if (rc == SQLITE_OK) fail_msg("was allowed: %s", refused[i]);
    if (rc == SQLITE_AUTH && queue->log_lines == lines) fail_msg("was refused without a word: %s", refused[i]);
  }
  assert_rows(queue, "hidden", "SELECT a FROM secrets");
  assert_rows(queue, "wal", "PRAGMA journal_mode");
  assert_string_equal(app_text(queue, "SELECT group_concat(name || ifnull(sql, '')) FROM sqlite_schema"), kept);
  free(kept);
}

static void trigger_of_the_app_may_write_another_table(void **state) {
  queue_fixture *queue = *state;
  app_run(queue,
          "CREATE TABLE notes (job TEXT, status TEXT); CREATE TRIGGER follow AFTER UPDATE OF status ON llm_jobs "
          "BEGIN INSERT INTO notes VALUES (new.id, upper(new.status)); END;"
          "INSERT INTO llm_jobs (id, name, data) VALUES ('a', 'n', '{}')");
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  sqlite3_stmt *statement = NULL;
  assert_code(lj_store_statement(queue->store, LJ_SQL_POSTPONE, &statement), LJ_OK);
  assert_int_equal(sqlite3_bind_int64(statement, 1, 1), SQLITE_OK);
  assert_int_equal(sqlite3_bind_int64(statement, 3, 1), SQLITE_OK);
  int changes = 0;
  assert_code(lj_store_run(queue->store, statement, &changes), LJ_OK);
  assert_int_equal(changes, 1);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "a|DELAYED", "SELECT * FROM notes");
}

static void every_statement_is_allowed(void **state) {
  queue_fixture *queue = *state;
  app_run(queue, "ALTER TABLE llm_jobs ADD COLUMN delay INTEGER"); /* of the original schema; one statement reads it */
  for (int which = 0; which < LJ_SQL_END; which++) {
    sqlite3_stmt *statement = NULL;
    assert_non_null(lj_statement_text((lj_sql)which));
    int code = lj_store_statement(queue->store, (lj_sql)which, &statement);
    if (code != LJ_OK) fail_msg("%s: %s", lj_statement_text((lj_sql)which), queue->last_line);
    assert_non_null(statement);
  }
  assert_int_equal(queue->log_lines, 0);
}

/* SQLite would prepare one anew whose values it compares with the condition of a partial index. */
static void no_statement_is_prepared_anew_for_its_values(void **state) {
  static const char *const values[] = {"default", "other", "waiting"};
  queue_fixture *queue = *state;
  app_run(queue, "ALTER TABLE llm_jobs ADD COLUMN delay INTEGER");
  for (int which = 0; which < LJ_SQL_END; which++) {
    sqlite3_stmt *statement = NULL;
    assert_code(lj_store_statement(queue->store, (lj_sql)which, &statement), LJ_OK);
    if (!sqlite3_stmt_readonly(statement) || sqlite3_bind_parameter_count(statement) == 0) continue;
    (void)sqlite3_step(statement); /* the table has changed since */
    (void)sqlite3_reset(statement);
    (void)sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 1);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
      for (int at = sqlite3_bind_parameter_count(statement); at > 0; at--)
        assert_int_equal(sqlite3_bind_text(statement, at, values[i], -1, SQLITE_STATIC), SQLITE_OK);
      (void)sqlite3_step(statement); /* what it finds, or that a text is no number, is beside the point */
      (void)sqlite3_reset(statement);
    }
    int anew = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_REPREPARE, 0);
    if (anew != 0) fail_msg("prepared anew %d times: %s", anew, lj_statement_text((lj_sql)which));
  }
}

/* --- Transactions --- */

static const char *level(queue_fixture *queue) {
  assert_int_equal(query_text(queue->store->db, "PRAGMA synchronous", queue->text, sizeof queue->text), SQLITE_OK);
  return queue->text;
}

static void durable_transactions_are_full_and_others_normal(void **state) {
  static const bool durable[] = {false, true, true, false, true};
  queue_fixture *queue = *state;
  assert_string_equal(level(queue), "1");
  for (size_t i = 0; i < COUNT_OF(durable); i++) {
    assert_code(lj_store_begin(queue->store, durable[i]), LJ_OK);
    assert_string_equal(level(queue), durable[i] ? "2" : "1");
    assert_code(lj_store_commit(queue->store), LJ_OK);
  }
}

static void begin_says_busy_at_once_and_works_afterwards(void **state) {
  queue_fixture *queue = *state;
  app_run(queue, "BEGIN IMMEDIATE");
  /* Without a busy handler there is nothing to wait in; a wait would end in the same BUSY, so this is what can be asked. */
  assert_int_equal(sqlite3_busy_timeout(queue->app, 0), SQLITE_OK);
  assert_int_equal(query_text(queue->store->db, "PRAGMA synchronous", queue->text, sizeof queue->text), SQLITE_OK);
  for (int i = 0; i < 3; i++) {
    assert_code(lj_store_begin(queue->store, i == 1), LJ_BUSY);
    assert_false(queue->store->in_transaction);
    assert_int_not_equal(sqlite3_get_autocommit(queue->store->db), 0);
  }
  app_run(queue, "COMMIT");
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_int_equal(sqlite3_exec(queue->app, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  app_run(queue, "BEGIN IMMEDIATE; COMMIT");
}

static void rollback_undoes_and_may_be_called_without_a_transaction(void **state) {
  queue_fixture *queue = *state;
  app_run(queue, "INSERT INTO llm_jobs (id, name, data) VALUES ('a', 'n', '{}')");
  lj_store_rollback(queue->store);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  sqlite3_stmt *statement = NULL;
  assert_code(lj_store_statement(queue->store, LJ_SQL_POSTPONE, &statement), LJ_OK);
  assert_int_equal(sqlite3_bind_int64(statement, 1, 1), SQLITE_OK);
  assert_int_equal(sqlite3_bind_int64(statement, 3, 1), SQLITE_OK);
  assert_code(lj_store_run(queue->store, statement, NULL), LJ_OK);
  lj_store_rollback(queue->store);
  assert_rows(queue, "waiting", "SELECT status FROM llm_jobs");
  lj_store_rollback(queue->store);
  app_run(queue, "BEGIN IMMEDIATE; COMMIT");
}

static void closing_inside_a_transaction_lets_the_lock_go(void **state) {
  queue_fixture *queue = *state;
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  queue_close_store(queue);
  app_run(queue, "BEGIN IMMEDIATE; COMMIT");
  assert_int_equal(queue->log_lines, 0);
}

static void commits_of_others_are_seen_and_own_are_not(void **state) {
  queue_fixture *queue = *state;
  bool changed = true;
  assert_code(lj_store_changed(queue->store, &changed), LJ_OK);
  assert_false(changed);
  app_run(queue, "INSERT INTO llm_jobs (name, data) VALUES ('n', '{}')");
  assert_code(lj_store_changed(queue->store, &changed), LJ_OK);
  assert_true(changed);
  assert_code(lj_store_changed(queue->store, &changed), LJ_OK);
  assert_false(changed);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_code(lj_store_changed(queue->store, &changed), LJ_OK);
  assert_false(changed);
  app_run(queue, "BEGIN; INSERT INTO llm_jobs (name, data) VALUES ('n', '{}')");
  assert_code(lj_store_changed(queue->store, &changed), LJ_OK);
  assert_false(changed);
  app_run(queue, "COMMIT");
  assert_code(lj_store_changed(queue->store, &changed), LJ_OK);
  assert_true(changed);
}

/* --- The rules of the table itself --- */

static void table_refuses_what_makes_no_sense(void **state) {
  static const char *const refused[] = {
      "INSERT INTO llm_jobs (name, data) VALUES ('n', 'no json')",
      "INSERT INTO llm_jobs (name, data) VALUES ('n', NULL)",
      "INSERT INTO llm_jobs (name, data) VALUES (NULL, '{}')",
      "INSERT INTO llm_jobs (name, data, opts) VALUES ('n', '{}', '{')",
      "INSERT INTO llm_jobs (name, data, status) VALUES ('n', '{}', 'done')",
      "INSERT INTO llm_jobs (name, data, progress) VALUES ('n', '{}', 101)",
      "INSERT INTO llm_jobs (name, data, id) VALUES ('n', '{}', 'a')",
      "INSERT INTO llm_jobs (name, data, dedup_key) VALUES ('n', '{}', 'k')",
  };
  queue_fixture *queue = *state;
  app_run(queue, "INSERT INTO llm_jobs (id, name, data, dedup_key) VALUES ('a', 'n', '{}', 'k')");
  for (size_t i = 0; i < COUNT_OF(refused); i++)
    if (sqlite3_exec(queue->app, refused[i], NULL, NULL, NULL) != SQLITE_CONSTRAINT) fail_msg("not refused: %s", refused[i]);
  app_run(queue, "UPDATE llm_jobs SET status = 'completed'; INSERT INTO llm_jobs (name, data, dedup_key) VALUES ('n', '{}', 'k')");
  assert_rows(queue, "2", "SELECT count(*) FROM llm_jobs");
}

/* --- Every hot statement finds its rows by its own partial index --- */

static void hot_statements_use_their_index(void **state) {
  static const struct {
    lj_sql which;
    const char *index;
  } hot[] = {
      {LJ_SQL_NEXT_QUEUE, "llm_jobs_ready"},       {LJ_SQL_NEXT_ROUTE, "llm_jobs_ready"}, {LJ_SQL_CANDIDATES, "llm_jobs_ready"},
      {LJ_SQL_PROMOTE, "llm_jobs_due"},            {LJ_SQL_NEXT_DUE, "llm_jobs_due"},     {LJ_SQL_RENEW, "llm_jobs_leases"},
      {LJ_SQL_HELD, "llm_jobs_leases"},            {LJ_SQL_EXPIRED, "llm_jobs_leases"},   {LJ_SQL_OWNERS, "llm_jobs_leases"},
      {LJ_SQL_RECOVER_EXPIRED, "llm_jobs_leases"}, {LJ_SQL_RECOVER_OWNER, "llm_jobs_leases"},
      {LJ_SQL_CANCEL_REQUESTS, "llm_jobs_cancel"}, {LJ_SQL_EXPIRE_LIST, "llm_jobs_expiry"},
      {LJ_SQL_NEXT_EXPIRY, "llm_jobs_expiry"},     {LJ_SQL_HAS_UNFINISHED, "llm_jobs_children"},
      {LJ_SQL_FAILED_CHILD, "llm_jobs_children"},  {LJ_SQL_CANCEL_CHILDREN, "llm_jobs_children"},
      {LJ_SQL_EXAMINE_LIST, "llm_jobs_blocked"},   {LJ_SQL_BLOCKED_LIST, "llm_jobs_blocked"},
      {LJ_SQL_ANY_BLOCKED, "llm_jobs_blocked"},    {LJ_SQL_NEWER, "llm_jobs_supersede"},
      {LJ_SQL_OUST, "llm_jobs_leases"},            {LJ_SQL_REVISION, "llm_jobs_revision"},
      {LJ_SQL_NTH_NEWEST, "llm_jobs_finished"},    {LJ_SQL_ANY_END, "llm_jobs_finished"},
      {LJ_SQL_REMOVE, "llm_jobs_finished"},         {LJ_SQL_ANY_SECONDS, "llm_jobs_finished"},
      {LJ_SQL_FIND_HELD, "llm_jobs_leases"},        {LJ_SQL_OTHER_CALLS, "llm_jobs_leases"},
      {LJ_SQL_CHANGED_CALLS, "llm_jobs_revision"},
  };
  queue_fixture *queue = *state;
  char sql[4096];
  app_run(queue,
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO llm_jobs (name, data, status, run_at) "
          "SELECT 'n', '{}', CASE i %% 4 WHEN 0 THEN 'waiting' WHEN 1 THEN 'delayed' WHEN 2 THEN 'active' ELSE 'completed' END, i FROM n");
  for (size_t i = 0; i < COUNT_OF(hot); i++) {
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", lj_statement_text(hot[i].which));
    assert_int_equal(query_text(queue->app, sql, queue->text, sizeof queue->text), SQLITE_OK);
    if (strstr(queue->text, hot[i].index) == NULL) fail_msg("%s does not use %s: %s", sql, hot[i].index, queue->text);
    if (hot[i].which != LJ_SQL_OWNERS && strstr(queue->text, "TEMP B-TREE") != NULL) fail_msg("%s sorts: %s", sql, queue->text);
    /* A scan of the partial index is one of the few rows it holds; a scan of the table is one of a million. */
    for (const char *scan = strstr(queue->text, "SCAN llm_jobs"); scan != NULL; scan = strstr(scan + 1, "SCAN llm_jobs"))
      if (strncmp(scan, "SCAN llm_jobs USING", 19) != 0) fail_msg("%s scans the table: %s", sql, queue->text);
  }
}

static void requests_find_their_row_by_its_id(void **state) {
  static const lj_sql by_id[] = {LJ_SQL_COMPARE_JOB, LJ_SQL_READ_JOB};
  queue_fixture *queue = *state;
  char sql[4096];
  for (size_t i = 0; i < COUNT_OF(by_id); i++) {
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", lj_statement_text(by_id[i]));
    assert_int_equal(query_text(queue->app, sql, queue->text, sizeof queue->text), SQLITE_OK);
    assert_non_null(strstr(queue->text, "SEARCH llm_jobs USING INDEX sqlite_autoindex_llm_jobs_1 (id=?)"));
    assert_null(strstr(queue->text, "SCAN"));
  }
}

static void ends_find_their_row_by_its_number(void **state) {
  static const lj_sql by_row[] = {LJ_SQL_CLAIM, LJ_SQL_POSTPONE, LJ_SQL_COMPLETE, LJ_SQL_RETRY, LJ_SQL_FAIL, LJ_SQL_RELEASE,
                                 LJ_SQL_MOVE,  LJ_SQL_WEIGH};
  queue_fixture *queue = *state;
  char sql[4096];
  for (size_t i = 0; i < COUNT_OF(by_row); i++) {
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", lj_statement_text(by_row[i]));
    assert_int_equal(query_text(queue->app, sql, queue->text, sizeof queue->text), SQLITE_OK);
    assert_non_null(strstr(queue->text, "SEARCH llm_jobs USING INTEGER PRIMARY KEY (rowid=?)"));
    assert_null(strstr(queue->text, "SCAN"));
  }
}

/* --- Failing memory --- */

static void opening_survives_every_failed_allocation(void **state) {
  queue_fixture *queue = *state;
  int code = LJ_NOMEM;
  long nth = 0;
  while (code != LJ_OK) {
    lj_fault fault;
    assert_true(++nth < 1000);
    lj_memory_fail_at(nth, 0);
    code = lj_store_open(queue->path, &queue->log, &queue->store, &fault);
    lj_memory_fail_at(0, 0);
    if (code != LJ_OK) {
      assert_code(code, LJ_NOMEM);
      assert_null(queue->store);
      assert_int_equal(lj_memory_live(), queue->live);
    }
  }
  assert_true(nth > 1);
  assert_indexes(queue, "table|llm_jobs");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      empty_database_test(makes_table_and_indexes_in_an_empty_database),
      queue_test(row_with_name_and_data_gets_all_defaults),
      queue_test(second_opening_writes_nothing),
      empty_database_test(older_table_gets_what_it_lacks_and_nothing_else_changes),
      queue_test(lost_index_comes_back),
      empty_database_test(missing_file_is_bad_config_and_is_not_made),
      empty_database_test(other_journal_mode_is_refused_and_kept),
      empty_database_test(file_of_other_bytes_is_called_encrypted),
      empty_database_test(column_that_cannot_be_added_is_named_and_nothing_is_written),
      empty_database_test(held_lock_makes_the_first_opening_busy),
      queue_test(held_lock_does_not_matter_once_the_table_is_there),
      queue_test(everything_but_the_own_table_is_refused),
      queue_test(trigger_of_the_app_may_write_another_table),
      queue_test(every_statement_is_allowed),
      queue_test(no_statement_is_prepared_anew_for_its_values),
      queue_test(durable_transactions_are_full_and_others_normal),
      queue_test(begin_says_busy_at_once_and_works_afterwards),
      queue_test(rollback_undoes_and_may_be_called_without_a_transaction),
      queue_test(closing_inside_a_transaction_lets_the_lock_go),
      queue_test(commits_of_others_are_seen_and_own_are_not),
      queue_test(table_refuses_what_makes_no_sense),
      queue_test(hot_statements_use_their_index),
      queue_test(requests_find_their_row_by_its_id),
      queue_test(ends_find_their_row_by_its_number),
      empty_database_test(opening_survives_every_failed_allocation),
  };
  return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
