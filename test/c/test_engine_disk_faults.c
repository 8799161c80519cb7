/* SPDX-License-Identifier: MIT
 *
 * Twenty jobs on a disk whose Nth operation fails, for every N of the run and each way to fail: no job is lost, none is
 * completed twice, no finished call is made again, and the file stays sound.
 */
#include <unistd.h>

#include "support/engine_fixture.h"
#include "support/fault_vfs.h"

enum {
  JOBS = 20,
  FRAMES = 960, /* of the WAL before a run: SQLite's checkpoint, at 1000, comes in the middle of it */
  SETTLE = 3,   /* looks at an engine that must not change any more */
  PATIENCE = 20000 /* milliseconds, for what must come */
};

static const char *const kind_names[FAULT_KINDS] = {"disk full", "I/O error", "short write", "failed sync"};

static int setup(void **state) {
  (void)engine_setup(state);
  engine_fixture *fixture = *state;
  app_run(&fixture->queue, "PRAGMA wal_autocheckpoint = 0; CREATE TABLE filler (n INTEGER); INSERT INTO filler VALUES (0); CREATE TABLE ends (id TEXT); CREATE TRIGGER count_ends AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'completed' "
                           "BEGIN INSERT INTO ends VALUES (new.id); END");
  fault_vfs_install();
  return 0;
}

static int teardown(void **state) {
  engine_fixture *fixture = *state;
  fault_vfs_disarm();
  engine_stop(fixture);
  fault_vfs_remove();
  return engine_teardown(state);
}

#define disk_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static int64_t completed(engine_fixture *fixture) {
  return app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE status = 'completed'");
}

/* A fresh server, so that its count of requests is that of one run, and fresh jobs. Returns the configuration. */
static const char *begin_run(engine_fixture *fixture) {
  loopback_stop(fixture->server);
  fixture->server = loopback_start();
  assert_non_null(fixture->server);
  script(fixture, fixture->kept[0]);
  app_run(&fixture->queue, "BEGIN IMMEDIATE; DELETE FROM llm_jobs; DELETE FROM ends; "
                           "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                           "INSERT INTO llm_jobs (id, name, model, data) "
                           "SELECT printf('job-%%02d', i), 'job', 'p/x', json_object('prompt', printf('job-%%02d', i)) FROM n; COMMIT", JOBS - 1);
  (void)app_text(&fixture->queue, "PRAGMA wal_checkpoint(TRUNCATE)");
  for (int i = 0; i < FRAMES; i++)
    if (sqlite3_exec(fixture->queue.app, "UPDATE filler SET n = n + 1", NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(fixture->queue.app));
  return engine_config(fixture, "w", ",\"concurrency\":2,\"maxStalls\":0", "");
}

static void begin_engine(engine_fixture *fixture, const char *config) {
  cJSON_Delete(fixture->events.seen);
  fixture->events.seen = cJSON_CreateArray();
  event_log_start(&fixture->events, config);
}

static bool has_failed(engine_fixture *fixture) {
  const cJSON *message = NULL;
  event_log_collect(&fixture->events);
  cJSON_ArrayForEach(message, fixture->events.seen)
    if (strcmp(lj_json_string(message, "channel"), "worker:failed") == 0) return true;
  return false;
}

/* Waits until all is done, or the fault has left the engine with nothing that it can do: no call runs, none is begun. */
static void wait_standstill(engine_fixture *fixture) {
  int still = 0;
  size_t requests = 0;
  for (int i = 0; i < PATIENCE; i++) {
    if (completed(fixture) == JOBS) return;
    if (fault_vfs_hits() > 0) {
      if (has_failed(fixture)) return;
      bool same = loopback_requests(fixture->server) == requests && stat_of(fixture, "active") <= 0;
      requests = loopback_requests(fixture->server);
      still = same ? still + 1 : 0;
      if (still == SETTLE) return;
    }
    (void)usleep(1000);
  }
  fail_msg("the run neither ends nor fails: %s", app_text(&fixture->queue, "SELECT status, count(*) FROM llm_jobs GROUP BY 1"));
}

static void finish_jobs(engine_fixture *fixture, const char *what, long nth) {
  for (int i = 0; completed(fixture) < JOBS; i++) {
    if (i == PATIENCE)
      fail_msg("%s at operation %ld: %s", what, nth, app_text(&fixture->queue, "SELECT id, status, attempts, stalls, error FROM llm_jobs WHERE status <> 'completed'"));
    (void)usleep(1000);
  }
}

static void check_run(engine_fixture *fixture, const char *what, long nth) {
  char at[64];
  (void)snprintf(at, sizeof at, "%s at operation %ld", what, nth);
  if (strcmp(app_text(&fixture->queue, "SELECT count(*), count(DISTINCT id) FROM ends"), "20|20") != 0) fail_msg("%s: ends %s", at, fixture->queue.text);
  if (strcmp(app_text(&fixture->queue, "SELECT count(*), sum(attempts), sum(stalls), sum(json_extract(result, '$.text') = 'Hello world') FROM llm_jobs"), "20|20|0|20") != 0)
    fail_msg("%s: rows, attempts, stalls, answers: %s", at, fixture->queue.text);
  for (int i = 0; i < JOBS; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "job-%02d", i);
    if (loopback_count(fixture->server, id) != 1) fail_msg("%s: %s was called %zu times", at, id, loopback_count(fixture->server, id));
  }
  if (strcmp(app_text(&fixture->queue, "PRAGMA integrity_check"), "ok") != 0) fail_msg("%s: %s", at, fixture->queue.text);
}

/* The disk fails from operation `nth` on until the engine stands still. Then it works again, and the engine is stopped, which
 * makes it write what it has at once instead of at its next try; the next engine does the rest. False: there was no such
 * operation. */
static bool fail_one(engine_fixture *fixture, fault_kind kind, long nth) {
  const char *config = begin_run(fixture);
  fault_vfs_arm(kind, nth, 0);
  begin_engine(fixture, config);
  wait_standstill(fixture);
  bool failed = has_failed(fixture);
  if (!failed) (void)ask(fixture, "worker:pause", NULL); /* no claim between the next two lines */
  fault_vfs_disarm();
  engine_stop(fixture);
  bool hit = fault_vfs_hits() > 0;
  if (completed(fixture) != (int64_t)loopback_requests(fixture->server))
    fail_msg("%s at operation %ld: %zu calls, but %lld answers in rows", kind_names[kind], nth, loopback_requests(fixture->server), (long long)completed(fixture));
  if (completed(fixture) < JOBS) {
    begin_engine(fixture, config);
    finish_jobs(fixture, kind_names[kind], nth);
    engine_stop(fixture);
  }
  check_run(fixture, kind_names[kind], nth);
  return hit;
}

static void fail_all(engine_fixture *fixture, fault_kind kind) {
  long nth = 1;
  (void)sse_reply(fixture);
  while (fail_one(fixture, kind, nth)) nth++;
  print_message("%s: a run has %ld operations that can fail\n", kind_names[kind], fault_vfs_count());
  assert_true(nth >= 8); /* else the shim sees nothing of the run */
}

static void full_disk(void **state) { fail_all(*state, FAULT_FULL); }
static void input_output_error(void **state) { fail_all(*state, FAULT_IO); }
static void short_write(void **state) { fail_all(*state, FAULT_SHORT_WRITE); }
static void failed_sync(void **state) { fail_all(*state, FAULT_SYNC); }

/* The same engine gets over it: one operation fails, or two tries in a row do, and the next one writes everything. */
static void same_engine_goes_on(void **state) {
  engine_fixture *fixture = *state;
  (void)sse_reply(fixture);
  for (fault_kind kind = FAULT_FULL; kind < FAULT_KINDS; kind++) {
    static const long operations[] = {1, 6, 19};
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
      const char *config = begin_run(fixture);
      fault_vfs_arm(kind, 0, 0);
      begin_engine(fixture, config);
      (void)wait_event(&fixture->events, "worker:ready");
      fault_vfs_arm(kind, operations[i], (long)i % 2 + 1);
      finish_jobs(fixture, kind_names[kind], operations[i]);
      fault_vfs_disarm();
      engine_stop(fixture);
      check_run(fixture, kind_names[kind], operations[i]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      disk_test(full_disk),
      disk_test(input_output_error),
      disk_test(short_write),
      disk_test(failed_sync),
      disk_test(same_engine_goes_on),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine disk faults", tests, NULL, NULL);
}
