/* SPDX-License-Identifier: MIT
 *
 * Tables of the original schema: opened by the worker before any Queue has seen them, then used by every part of queue/.
 */
#include "queue/claim.h"
#include "queue/follow.h"
#include "queue/recovery.h"
#include "queue/retention.h"
#include "queue/settle.h"
#include "queue/shape.h"
#include "queue/statements.h"
#include "queue/sweep.h"
#include "support/queue_fixture.h"

#define NOW 1700000000000LL
#define SECONDS "1700000000"
#define DAY 86400000LL

#define ORIGINAL_STATES "'waiting', 'active', 'completed', 'failed', 'delayed', 'paused'"
#define CHECK_OF(states) "CHECK (status IN (" states "))"

static void make_older(queue_fixture *queue, const char *check, const char *created, const char *more) {
  app_run(queue,
          "CREATE TABLE llm_jobs (id TEXT PRIMARY KEY, name TEXT NOT NULL CHECK (length(name) > 0), data TEXT NOT NULL, opts TEXT, "
          "priority INTEGER DEFAULT 0, status TEXT NOT NULL DEFAULT 'waiting' %s, progress INTEGER DEFAULT 0, attempts INTEGER DEFAULT 0, "
          "max_attempts INTEGER DEFAULT 3, delay INTEGER DEFAULT 0, parent_job_id TEXT REFERENCES llm_jobs (id) ON DELETE SET NULL, "
          "dependency_count INTEGER DEFAULT 0, result TEXT, failure_reason TEXT, stacktrace TEXT, "
          "created_at INTEGER NOT NULL DEFAULT (%s), processed_on INTEGER, finished_on INTEGER, user_id INTEGER DEFAULT 7)%s",
          check, created, more);
  app_run(queue, "CREATE INDEX idx_llm_jobs_status ON llm_jobs (status, priority DESC, created_at)");
}

static void open_older(queue_fixture *queue, const char *check) {
  make_older(queue, check, "unixepoch('subsec')", "");
  queue_open_store(queue);
}

static void add(queue_fixture *queue, const char *id, const char *status, const char *columns, const char *values) {
  app_run(queue, "INSERT INTO llm_jobs (id, name, data, status%s%s) VALUES (%Q, 'n', '{}', %Q%s%s)", *columns != '\0' ? ", " : "", columns,
          id, status, *values != '\0' ? ", " : "", values);
}

/* --- Claiming, for tests that need no lanes --- */

static bool serves(void *owner, const char *name) { return owner == NULL && name != NULL; }
static size_t capacity(void *owner, const char *model, const char *name) { return owner == NULL && (model != NULL || name != NULL) ? 64 : 0; }
static const char *admit(void *owner, const char *model, const char *name, int64_t seq) { return seq > 0 && capacity(owner, model, name) > 0 ? "lane" : NULL; }
static void dismiss(void *owner, const char *lane, int64_t seq) {
  assert_true(seq > 0);
  assert_null(owner);
  assert_non_null(lane);
}
static const lj_claim_source any = {.serves = serves, .capacity = capacity, .admit = admit, .dismiss = dismiss};
static lj_zones zones; /* none is asked for */

static lj_follow at_now(queue_fixture *queue) { return (lj_follow){.store = queue->store, .now = NOW, .zones = &zones}; }

static size_t claim(queue_fixture *queue, lj_claimed taken[64]) {
  const lj_claim_terms terms = {.lease_owner = "w@h:1:aa", .lease_until = NOW + 30000, .now = NOW};
  lj_follow follow = at_now(queue);
  size_t count = 0;
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_claim(&follow, &any, &terms, 64, taken, &count), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  return count;
}

static void free_taken(lj_claimed *taken, size_t count) {
  for (size_t i = 0; i < count; i++) lj_job_free(&taken[i].job);
}

static size_t claim_and_forget(queue_fixture *queue) {
  lj_claimed taken[64];
  size_t count = claim(queue, taken);
  free_taken(taken, count);
  return count;
}

static bool settle(queue_fixture *queue, lj_settlement *settlement) {
  bool stale = false;
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_settle(queue->store, settlement, &stale), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  return !stale;
}

/* --- Opening --- */

static void older_tables_are_completed_and_no_value_changes(void **state) {
  static const char *const checks[] = {"", CHECK_OF(ORIGINAL_STATES), CHECK_OF(ORIGINAL_STATES ", 'waiting-children'")};
  static const char *const clocks[] = {"unixepoch('subsec')", "unixepoch()", "CAST(unixepoch('subsec') * 1000 AS INTEGER)"};
  static const char *const old = "SELECT id, name, data, opts, priority, status, progress, attempts, max_attempts, delay, parent_job_id, "
                                 "dependency_count, result, failure_reason, stacktrace, created_at, typeof(created_at), processed_on, "
                                 "finished_on, user_id, rowid FROM llm_jobs ORDER BY rowid";
  queue_fixture *queue = *state;
  for (size_t check = 0; check < COUNT_OF(checks); check++)
    for (size_t clock = 0; clock < COUNT_OF(clocks); clock++) {
      static char before[sizeof queue->text];
      make_older(queue, checks[check], clocks[clock], "");
      add(queue, "w", "waiting", "", "");
      add(queue, "d", "delayed", "delay", "5000");
      add(queue, "c", "completed", "finished_on, result", SECONDS ".25, '{}'");
      add(queue, "p", "paused", "", "");
      (void)snprintf(before, sizeof before, "%s", app_text(queue, old));
      queue_open_store(queue);
      assert_rows(queue, before, old);
      assert_rows(queue, "ok", "PRAGMA integrity_check");
      assert_int_equal(queue->store->shape.renumbers, 1);
      assert_int_equal(queue->store->shape.has_delay, 1);
      assert_int_equal(queue->store->shape.lacks_cancelled, check > 0);
      assert_int_equal(queue->store->shape.lacks_waiting_children, check == 1);
      queue_close_store(queue);
      app_run(queue, "DROP TABLE llm_jobs");
    }
}

static void table_without_rowid_is_refused_with_a_remedy(void **state) {
  queue_fixture *queue = *state;
  lj_fault fault;
  make_older(queue, "", "1", " WITHOUT ROWID");
  assert_code(lj_store_open(queue->path, &queue->log, &queue->store, &fault), LJ_DB_SCHEMA);
  assert_non_null(strstr(fault.message, "WITHOUT ROWID"));
  assert_non_null(strstr(fault.message, "docs/table.md"));
  assert_rows(queue, "0", "SELECT count(*) FROM pragma_table_info('llm_jobs') WHERE name = 'run_at'");
}

static void checks_are_told_from_other_text(void **state) {
  static const struct {
    const char *sql;
    bool cancelled;
    bool children;
  } tables[] = {
      {"CREATE TABLE llm_jobs (status TEXT)", true, true},
      {"create table t (\"status\" text check(\"t\".\"status\" in ('completed','failed')))", false, false},
      {"CREATE TABLE t (status TEXT CHECK ([status] IN ('completed', 'cancelled', 'waiting-children')))", true, true},
      {"CREATE TABLE t (a CHECK (a IN ('completed')), status TEXT /* CHECK (status IN ('completed')) */)", true, true},
      {"CREATE TABLE t (status TEXT -- don't CHECK (status = 'completed'\n CHECK ((status) IN (('completed'), 'cancelled')))", true, false},
      {"CREATE TABLE t (status TEXT CHECK (status <> 'it''s completed'), b DEFAULT 'check (status = ''completed'')')", true, true},
      {"CREATE TABLE t (status TEXT CHECK (status IN ('completed', 'cancelled'", true, false},
      {"CREATE TABLE t (status TEXT CHECK (status IN ('completed", false, false},
      {"", true, true},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(tables); i++) {
    lj_shape shape = {0};
    lj_shape_read_checks(tables[i].sql, &shape);
    if (shape.lacks_cancelled == tables[i].cancelled || shape.lacks_waiting_children == tables[i].children) fail_msg("%s", tables[i].sql);
  }
}

static void shape_follows_a_table_that_is_rebuilt(void **state) {
  queue_fixture *queue = *state;
  open_older(queue, CHECK_OF(ORIGINAL_STATES));
  assert_true(queue->store->shape.lacks_cancelled);
  app_run(queue, "DROP TABLE llm_jobs");
  make_older(queue, "", "1", "");
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  lj_store_rollback(queue->store);
  assert_false(queue->store->shape.lacks_cancelled);
}

/* --- Times --- */

static void delayed_rows_wait_as_their_old_columns_say(void **state) {
  queue_fixture *queue = *state;
  int64_t due = 0;
  make_older(queue, "", SECONDS, "");
  add(queue, "past", "delayed", "processed_on", SECONDS " - 1");
  add(queue, "later", "delayed", "processed_on", SECONDS ".5 + 60");
  add(queue, "counted", "delayed", "delay", "60000");
  add(queue, "over", "delayed", "created_at, delay", SECONDS " - 61.5, 60000");
  queue_open_store(queue);
  assert_rows(queue, "past|1699999999000 later|1700000060500 counted|1700000060000 over|1699999998500",
              "SELECT id, run_at FROM llm_jobs ORDER BY rowid");
  /* What the app's old code adds later. */
  add(queue, "new", "delayed", "delay", "70000");
  add(queue, "now", "delayed", "", "");
  assert_int_equal(claim_and_forget(queue), 3);
  assert_rows(queue, "counted|delayed later|delayed new|delayed now|active over|active past|active",
              "SELECT id, status FROM llm_jobs ORDER BY id");
  assert_code(lj_claim_next_due(queue->store, &due), LJ_OK);
  assert_int_equal(due, NOW + 60000);
  assert_rows(queue, "1700000070000", "SELECT run_at FROM llm_jobs WHERE id = 'new'");
}

static void more_delayed_rows_than_one_transaction_looks_at_do_not_start_early(void **state) {
  queue_fixture *queue = *state;
  open_older(queue, "");
  app_run(queue, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO llm_jobs (id, name, data, status, "
                 "created_at, delay) SELECT i, 'n', '{}', 'delayed', " SECONDS ", 9000 FROM n");
  for (int turn = 0; turn < 4; turn++) assert_int_equal(claim_and_forget(queue), 0);
  assert_rows(queue, "500", "SELECT count(*) FROM llm_jobs WHERE status = 'delayed' AND run_at = 1700000009000");
}

static void times_in_seconds_are_compared_as_milliseconds(void **state) {
  queue_fixture *queue = *state;
  int64_t expiry = 0;
  bool more = false;
  open_older(queue, "");
  add(queue, "early", "waiting", "run_at", SECONDS " + 5");
  add(queue, "late", "waiting", "expires_at", SECONDS " - 5");
  add(queue, "fits", "waiting", "expires_at, run_at", SECONDS ".5, " SECONDS " - 5");
  add(queue, "ms", "delayed", "expires_at, run_at", "1700000000100, 1700000009000");
  lj_follow follow = at_now(queue);
  assert_code(lj_sweep_next_expiry(queue->store, &expiry), LJ_OK);
  assert_int_equal(expiry, NOW - 5000);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_sweep(&follow, &more), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "EXPIRED", "SELECT json_extract(error, '$.code') FROM llm_jobs WHERE id = 'late'");
  assert_code(lj_sweep_next_expiry(queue->store, &expiry), LJ_OK);
  assert_int_equal(expiry, NOW + 100);
  assert_int_equal(claim_and_forget(queue), 1);
  assert_rows(queue, "early|delayed fits|active late|cancelled ms|delayed", "SELECT id, status FROM llm_jobs ORDER BY id");
}

static void retention_counts_seconds_and_milliseconds_alike(void **state) {
  queue_fixture *queue = *state;
  const lj_keep week = {.age_ms = 7 * DAY, .count = -1};
  const lj_keep three = {.age_ms = -1, .count = 3};
  int64_t before = 0;
  bool found = false;
  int removed = 0;
  open_older(queue, "");
  add(queue, "s-old", "completed", "finished_on", SECONDS " - 8 * 86400");
  add(queue, "s-new", "completed", "finished_on", SECONDS " - 6 * 86400");
  add(queue, "s-kept", "completed", "finished_on, opts", SECONDS " - 9 * 86400.5, '{\"keep\":{\"ageMs\":864000000}}'");
  add(queue, "m-old", "completed", "finished_on", "1700000000000 - 8 * 86400000");
  add(queue, "m-new", "completed", "finished_on", "1700000000000 - 5 * 86400000");
  assert_code(lj_retention_look(queue->store, LJ_STATUS_COMPLETED, &week, NOW, &before, &found), LJ_OK);
  assert_true(found);
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  assert_code(lj_retention_remove(queue->store, LJ_STATUS_COMPLETED, before, NOW, &removed), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_int_equal(removed, 2);
  assert_rows(queue, "s-new s-kept m-new", "SELECT id FROM llm_jobs ORDER BY rowid");
  add(queue, "newest", "completed", "finished_on", SECONDS);
  assert_code(lj_retention_look(queue->store, LJ_STATUS_COMPLETED, &three, NOW, &before, &found), LJ_OK);
  assert_int_equal(before, NOW - 6 * DAY);
  assert_true(found);
  assert_code(lj_retention_look(queue->store, LJ_STATUS_FAILED, &three, NOW, &before, &found), LJ_OK);
  assert_false(found);
}

/* --- Rows --- */

static void row_without_an_id_gets_one_before_it_runs(void **state) {
  queue_fixture *queue = *state;
  lj_claimed taken[64];
  open_older(queue, "");
  app_run(queue, "INSERT INTO llm_jobs (name, data, attempts, max_attempts) VALUES ('n', '{}', NULL, NULL)");
  assert_int_equal(claim(queue, taken), 1);
  assert_int_equal(strlen(taken[0].job.id), 32);
  assert_int_equal(taken[0].job.attempts, 1);
  assert_int_equal(taken[0].job.max_attempts, 3);
  assert_rows(queue, taken[0].job.id, "SELECT id FROM llm_jobs");
  free_taken(taken, 1);
}

static void end_finds_its_row_after_vacuum_and_a_rebuild(void **state) {
  queue_fixture *queue = *state;
  lj_claimed taken[64];
  open_older(queue, "");
  add(queue, "gone", "failed", "", "");
  add(queue, "a", "waiting", "", "");
  add(queue, "b", "waiting", "", "");
  assert_int_equal(claim(queue, taken), 2);
  lj_settlement first = {.end = LJ_END_COMPLETE, .seq = taken[0].job.seq, .token = taken[0].job.token, .json = "{}", .at = NOW};
  lj_settlement second = {.end = LJ_END_COMPLETE, .seq = taken[1].job.seq, .token = taken[1].job.token, .json = "{}", .at = NOW};
  /* VACUUM keeps the numbers of a table that has an index, but need not; a rebuild does not. */
  app_run(queue, "DELETE FROM llm_jobs WHERE id = 'gone'; VACUUM; UPDATE llm_jobs SET rowid = rowid - 1");
  assert_rows(queue, "a|1 b|2", "SELECT id, rowid FROM llm_jobs ORDER BY rowid");
  assert_true(settle(queue, &first));
  assert_int_equal(first.seq, 1);
  app_run(queue, "UPDATE llm_jobs SET rowid = 77 WHERE id = 'b'");
  assert_true(settle(queue, &second));
  assert_int_equal(second.seq, 77);
  assert_false(settle(queue, &second));
  assert_rows(queue, "a|completed b|completed", "SELECT id, status FROM llm_jobs ORDER BY id");
  free_taken(taken, 2);
}

static void repeating_row_comes_again_with_an_id(void **state) {
  queue_fixture *queue = *state;
  open_older(queue, "");
  add(queue, "r", "completed", "opts, finished_on", "'{\"repeat\":{\"everyMs\":60000}}', 1");
  lj_follow follow = at_now(queue);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_follow_end(&follow, 1), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "delayed|32", "SELECT status, length(id) FROM llm_jobs WHERE id IS NOT 'r'");
}

static void old_active_rows_come_back_and_paused_ones_stay(void **state) {
  queue_fixture *queue = *state;
  lj_recovery recovery = {.owner = "w@h:1:aa", .now = NOW, .max_stalls = 1};
  open_older(queue, CHECK_OF(ORIGINAL_STATES));
  add(queue, "a", "active", "processed_on, attempts", SECONDS ", 1");
  add(queue, "p", "paused", "", "");
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_recover_expired(queue->store, &recovery), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "a|waiting|0 p|paused|0", "SELECT id, status, attempts FROM llm_jobs ORDER BY id");
}

/* --- States that the CHECK does not know --- */

static void cancelled_is_failed_with_its_code(void **state) {
  queue_fixture *queue = *state;
  lj_claimed taken[64];
  bool ended = false;
  open_older(queue, CHECK_OF(ORIGINAL_STATES));
  add(queue, "runs", "waiting", "", "");
  assert_int_equal(claim(queue, taken), 1);
  lj_settlement end = {.end = LJ_END_CANCEL, .seq = taken[0].job.seq, .token = taken[0].job.token, .json = "{\"code\":\"CANCELLED\"}", .at = NOW};
  assert_int_equal(lj_end_status(queue->store, LJ_END_CANCEL), LJ_STATUS_FAILED);
  assert_true(settle(queue, &end));
  free_taken(taken, 1);
  /* It still takes its children with it, and does not come again. */
  add(queue, "idle", "waiting", "opts", "'{\"repeat\":{\"everyMs\":60000}}'");
  add(queue, "child", "waiting", "parent_job_id", "'idle'");
  lj_follow follow = at_now(queue);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_follow_end_idle(&follow, 2, LJ_STATUS_CANCELLED, LJ_CANCELLED, "cancelled", &ended), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_true(ended);
  assert_rows(queue, "runs|failed|CANCELLED|0 idle|failed|CANCELLED|0 child|waiting|-|1",
              "SELECT id, status, json_extract(error, '$.code'), cancel_requested FROM llm_jobs ORDER BY rowid");
  /* A row whose supersede_key is taken, when its worker died. */
  app_run(queue, "UPDATE llm_jobs SET status = 'completed' WHERE id = 'child'");
  add(queue, "ousted", "active", "supersede_key", "'k'");
  add(queue, "newer", "waiting", "supersede_key", "'k'");
  lj_recovery recovery = {.owner = "w@h:1:aa", .now = NOW, .max_stalls = 1};
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_recover_expired(queue->store, &recovery), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "failed|SUPERSEDED", "SELECT status, json_extract(error, '$.code') FROM llm_jobs WHERE id = 'ousted'");
}

static void parent_waits_as_waiting_where_there_is_no_other_state(void **state) {
  queue_fixture *queue = *state;
  lj_claimed taken[64];
  open_older(queue, CHECK_OF(ORIGINAL_STATES));
  add(queue, "parent", "waiting", "priority", "5");
  add(queue, "child", "waiting", "parent_job_id", "'parent'");
  add(queue, "sad", "waiting", "priority", "9");
  add(queue, "broken", "failed", "parent_job_id, finished_on", "'sad', 1");
  assert_int_equal(claim(queue, taken), 1);
  assert_string_equal(taken[0].job.id, "child");
  assert_rows(queue, "failed|CHILD_FAILED", "SELECT status, json_extract(error, '$.code') FROM llm_jobs WHERE id = 'sad'");
  lj_settlement end = {.end = LJ_END_COMPLETE, .seq = taken[0].job.seq, .token = taken[0].job.token, .json = "{}", .at = NOW};
  assert_true(settle(queue, &end));
  free_taken(taken, 1);
  assert_int_equal(claim(queue, taken), 1);
  assert_string_equal(taken[0].job.id, "parent");
  assert_true(taken[0].job.has_children);
  free_taken(taken, 1);
}

static void opening_survives_every_failed_allocation(void **state) {
  queue_fixture *queue = *state;
  int code = LJ_NOMEM;
  make_older(queue, CHECK_OF(ORIGINAL_STATES), "unixepoch('subsec')", "");
  add(queue, "d", "delayed", "delay", "5000");
  for (long nth = 1; code != LJ_OK; nth++) {
    lj_fault fault;
    assert_true(nth < 3000);
    lj_memory_fail_at(nth, 0);
    code = lj_store_open(queue->path, &queue->log, &queue->store, &fault);
    lj_memory_fail_at(0, 0);
    if (code != LJ_OK) {
      assert_code(code, LJ_NOMEM);
      assert_null(queue->store);
    }
  }
  assert_true(queue->store->shape.lacks_cancelled);
  assert_rows(queue, "ok", "PRAGMA integrity_check");
}

static void indexes_of_the_app_do_not_slow_the_look_for_work(void **state) {
  static const struct {
    lj_sql which;
    const char *index;
  } hot[] = {
      {LJ_SQL_NEXT_QUEUE, "llm_jobs_ready"},   {LJ_SQL_NEXT_ROUTE, "llm_jobs_ready"},  {LJ_SQL_CANDIDATES, "llm_jobs_ready"},
      {LJ_SQL_PROMOTE, "llm_jobs_due"},        {LJ_SQL_NEXT_DUE, "llm_jobs_due"},      {LJ_SQL_FIRST_RUN, "llm_jobs_due"},
      {LJ_SQL_EXPIRE_LIST, "llm_jobs_expiry"}, {LJ_SQL_NEXT_EXPIRY, "llm_jobs_expiry"}, {LJ_SQL_EXAMINE_LIST, "llm_jobs_blocked"},
      {LJ_SQL_BLOCKED_LIST, "llm_jobs_blocked"}, {LJ_SQL_OTHER_CALLS, "llm_jobs_leases"}, {LJ_SQL_CHANGED_CALLS, "llm_jobs_revision"},
  };
  queue_fixture *queue = *state;
  open_older(queue, "");
  app_run(queue, "CREATE INDEX by_status ON llm_jobs (status); CREATE INDEX by_name ON llm_jobs (name); CREATE INDEX by_time ON llm_jobs (created_at)");
  for (size_t i = 0; i < COUNT_OF(hot); i++) {
    char sql[4096];
    (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", lj_statement_text(hot[i].which));
    assert_int_equal(query_text(queue->app, sql, queue->text, sizeof queue->text), SQLITE_OK);
    bool sorts = strstr(queue->text, "TEMP B-TREE") != NULL;
    if (sorts || strstr(queue->text, hot[i].index) == NULL) fail_msg("%s: %s", sql, queue->text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      empty_database_test(older_tables_are_completed_and_no_value_changes),
      empty_database_test(table_without_rowid_is_refused_with_a_remedy),
      cmocka_unit_test(checks_are_told_from_other_text),
      empty_database_test(shape_follows_a_table_that_is_rebuilt),
      empty_database_test(delayed_rows_wait_as_their_old_columns_say),
      empty_database_test(more_delayed_rows_than_one_transaction_looks_at_do_not_start_early),
      empty_database_test(times_in_seconds_are_compared_as_milliseconds),
      empty_database_test(retention_counts_seconds_and_milliseconds_alike),
      empty_database_test(row_without_an_id_gets_one_before_it_runs),
      empty_database_test(end_finds_its_row_after_vacuum_and_a_rebuild),
      empty_database_test(repeating_row_comes_again_with_an_id),
      empty_database_test(old_active_rows_come_back_and_paused_ones_stay),
      empty_database_test(cancelled_is_failed_with_its_code),
      empty_database_test(parent_waits_as_waiting_where_there_is_no_other_state),
      empty_database_test(indexes_of_the_app_do_not_slow_the_look_for_work),
      empty_database_test(opening_survives_every_failed_allocation),
  };
  return cmocka_run_group_tests_name("older", tests, NULL, NULL);
}
