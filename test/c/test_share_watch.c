/* SPDX-License-Identifier: MIT
 *
 * How a worker that shares its database with others tells an app that writes from them.
 */
#include "engine/state.h"
#include "support/queue_fixture.h"

enum { LATER_MS = 10 };

typedef struct watch {
  queue_fixture *queue;
  lj_engine *engine;
  int64_t now_ms;
  int64_t revision;
} watch;

static void open_watch(watch *at, queue_fixture *queue, bool shared) {
  static lj_engine engine;
  memset(&engine, 0, sizeof engine);
  engine.store = queue->store;
  engine.share.companions_until_ms = shared ? INT64_MAX : 0;
  *at = (watch){.queue = queue, .engine = &engine, .now_ms = 5000, .revision = 100};
  app_run(queue, "CREATE TABLE notes (line TEXT); INSERT INTO llm_jobs (id, name, data) VALUES ('a', 'n', '{}'), ('b', 'n', '{}')");
  bool changed = false;
  assert_code(lj_store_changed(queue->store, &changed), LJ_OK);
  assert_true(changed);
}

/* A look of the engine, so long after the one before. */
static void look(watch *at, int64_t after_ms) {
  bool changed = false;
  at->now_ms += after_ms;
  assert_code(lj_store_changed(at->engine->store, &changed), LJ_OK);
  lj_share_watch(at->engine, changed, at->now_ms);
}

static void app_writes(watch *at) { app_run(at->queue, "INSERT INTO notes VALUES ('a line')"); }

static void app_changes(watch *at, const char *what) {
  app_run(at->queue, "UPDATE llm_jobs SET %s, revision = %lld WHERE id = 'a'", what, (long long)++at->revision);
}

static void worker_claims(watch *at) {
  app_run(at->queue, "UPDATE llm_jobs SET status = 'active', lease_owner = 'them', revision = %lld WHERE id = 'b'", (long long)++at->revision);
}

static void worker_completes(watch *at) {
  app_run(at->queue, "UPDATE llm_jobs SET status = 'completed', lease_owner = NULL, revision = %lld WHERE id = 'b'", (long long)++at->revision);
}

static int sightings(const watch *at) {
  int count = 0;
  for (int i = 0; i < 3; i++) count += at->engine->gap.seen_ms[i] > 0;
  return count;
}

static void worker_that_is_alone_takes_every_change_for_an_apps(void **state) {
  watch at;
  open_watch(&at, *state, false);
  worker_claims(&at);
  look(&at, 1);
  assert_int_equal(sightings(&at), 1);
  app_writes(&at);
  look(&at, 1);
  assert_int_equal(sightings(&at), 2);
  look(&at, 1);
  assert_int_equal(sightings(&at), 2);
  assert_false(at.engine->gap.shared);
}

static void claims_and_ends_of_other_workers_are_no_apps(void **state) {
  watch at;
  open_watch(&at, *state, true);
  for (int i = 0; i < 10; i++) {
    worker_claims(&at);
    look(&at, 1);
    worker_completes(&at);
    look(&at, LATER_MS);
  }
  look(&at, LATER_MS);
  assert_int_equal(sightings(&at), 0);
  assert_true(at.engine->gap.shared);
}

static void app_that_writes_beside_workers_is_seen(void **state) {
  watch at;
  open_watch(&at, *state, true);
  for (int i = 0; i < 3; i++) {
    worker_claims(&at);
    look(&at, LATER_MS);
    app_writes(&at);
    look(&at, LATER_MS);
    look(&at, LATER_MS);
    assert_int_equal(sightings(&at), i + 1);
  }
  assert_true(lj_gap_crowded(&at.engine->gap, at.now_ms));
}

static void app_that_writes_at_each_look_is_seen_each_time(void **state) {
  watch at;
  open_watch(&at, *state, true);
  for (int i = 0; i < 4; i++) {
    app_writes(&at);
    look(&at, 1);
    assert_int_equal(sightings(&at), i);
  }
}

static void change_that_a_workers_commit_follows_at_once_is_that_workers(void **state) {
  watch at;
  open_watch(&at, *state, true);
  app_writes(&at); /* as the beginning of a new log looks */
  look(&at, 1);
  worker_claims(&at);
  look(&at, 1);
  look(&at, LATER_MS);
  assert_int_equal(sightings(&at), 0);
}

static void what_an_app_changes_about_jobs_is_an_apps(void **state) {
  static const char *const changes[] = {"status = 'cancelled'", "status = 'waiting'", "status = 'waiting-children'",
                                        "status = 'active', cancel_requested = 1"};
  watch at;
  open_watch(&at, *state, true);
  for (size_t i = 0; i < COUNT_OF(changes); i++) {
    memset(at.engine->gap.seen_ms, 0, sizeof at.engine->gap.seen_ms);
    app_changes(&at, changes[i]);
    look(&at, LATER_MS);
    look(&at, LATER_MS);
    assert_int_equal(sightings(&at), 1);
  }
}

static void transaction_of_ours_explains_the_change_of_its_checkpoint(void **state) {
  watch at;
  int64_t ours = 0;
  open_watch(&at, *state, true);
  assert_code(lj_store_begin(at.engine->store, true), LJ_OK);
  assert_code(lj_store_revision(at.engine->store, &ours), LJ_OK);
  assert_code(lj_store_commit(at.engine->store), LJ_OK);
  app_run(at.queue, "UPDATE llm_jobs SET status = 'active', revision = %lld WHERE id = 'a'", (long long)ours);
  look(&at, 1);
  look(&at, LATER_MS);
  assert_int_equal(sightings(&at), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      queue_test(worker_that_is_alone_takes_every_change_for_an_apps),
      queue_test(claims_and_ends_of_other_workers_are_no_apps),
      queue_test(app_that_writes_beside_workers_is_seen),
      queue_test(app_that_writes_at_each_look_is_seen_each_time),
      queue_test(change_that_a_workers_commit_follows_at_once_is_that_workers),
      queue_test(what_an_app_changes_about_jobs_is_an_apps),
      queue_test(transaction_of_ours_explains_the_change_of_its_checkpoint),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("an app beside workers", tests, NULL, NULL);
}
