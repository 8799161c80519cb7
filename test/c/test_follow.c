/* SPDX-License-Identifier: MIT
 *
 * What follows from the end of a job: its parent, its children, its next occurrence; and what others asked of rows that nobody
 * holds.
 */
#include "queue/follow.h"

#include "queue/retention.h"
#include "queue/settle.h"
#include "queue/sweep.h"
#include "support/queue_fixture.h"

#define NOW 1700000000000LL

static lj_zones zones;

static lj_follow at_now(queue_fixture *queue) { return (lj_follow){.store = queue->store, .now = NOW, .zones = &zones}; }

static void add(queue_fixture *queue, const char *id, const char *parent, const char *status, const char *opts) {
  app_run(queue,
          "INSERT INTO llm_jobs (id, name, data, parent_job_id, status, opts, finished_on, dependency_count) "
          "VALUES (%Q, 'n', '{}', %Q, %Q, %Q, iif(%Q IN ('completed', 'failed', 'cancelled'), 1, NULL), 9)",
          id, parent, status, opts, status);
}

static int64_t seq_of(queue_fixture *queue, const char *id) {
  return app_number(queue, "SELECT seq FROM llm_jobs WHERE id = %Q", id);
}

/* As if the engine had ended the row in this transaction. */
static void end(queue_fixture *queue, const char *id, const char *status) {
  lj_follow follow = at_now(queue);
  app_run(queue, "UPDATE llm_jobs SET status = %Q, finished_on = 1 WHERE id = %Q", status, id);
  int64_t seq = seq_of(queue, id);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_follow_end(&follow, seq), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
}

static bool sweep(queue_fixture *queue) {
  lj_follow follow = at_now(queue);
  bool more = false;
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_sweep(&follow, &more), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  return more;
}

#define STATUS_OF(id) "SELECT status FROM llm_jobs WHERE id = '" id "'"

static void last_child_lets_its_parent_run(void **state) {
  queue_fixture *queue = *state;
  add(queue, "p", NULL, "waiting-children", NULL);
  add(queue, "a", "p", "active", NULL);
  add(queue, "b", "p", "active", NULL);
  end(queue, "a", "completed");
  assert_rows(queue, "waiting-children|8", "SELECT status, dependency_count FROM llm_jobs WHERE id = 'p'");
  end(queue, "b", "completed");
  assert_rows(queue, "waiting|0", "SELECT status, dependency_count FROM llm_jobs WHERE id = 'p'");
}

static void parent_with_a_time_of_its_own_waits_for_that(void **state) {
  queue_fixture *queue = *state;
  add(queue, "p", NULL, "waiting-children", NULL);
  app_run(queue, "UPDATE llm_jobs SET run_at = %lld WHERE id = 'p'", NOW + 1);
  add(queue, "a", "p", "active", NULL);
  end(queue, "a", "completed");
  assert_rows(queue, "delayed", STATUS_OF("p"));
}

static void failed_child_fails_all_above_it_unless_it_may(void **state) {
  queue_fixture *queue = *state;
  add(queue, "root", NULL, "waiting-children", NULL);
  add(queue, "p", "root", "waiting-children", NULL);
  add(queue, "bad", "p", "active", NULL);
  add(queue, "other", "p", "active", NULL);
  end(queue, "bad", "failed");
  assert_rows(queue, "failed|CHILD_FAILED failed|CHILD_FAILED",
              "SELECT status, json_extract(error, '$.code') FROM llm_jobs WHERE id IN ('root', 'p') ORDER BY id");
  assert_rows(queue, "active|0", "SELECT status, cancel_requested FROM llm_jobs WHERE id = 'other'");
  add(queue, "q", NULL, "waiting-children", NULL);
  add(queue, "may", "q", "active", "{\"onFailure\":\"ignore\"}");
  end(queue, "may", "failed");
  assert_rows(queue, "waiting", STATUS_OF("q"));
}

static void siblings_are_cancelled_when_the_parent_says_so(void **state) {
  queue_fixture *queue = *state;
  add(queue, "p", NULL, "waiting-children", "{\"cancelSiblings\":true}");
  add(queue, "bad", "p", "active", NULL);
  add(queue, "runs", "p", "active", NULL);
  add(queue, "waits", "p", "waiting", NULL);
  end(queue, "bad", "failed");
  assert_rows(queue, "1|1", "SELECT min(cancel_requested), count(*) / 2 FROM llm_jobs WHERE id IN ('runs', 'waits')");
  (void)sweep(queue);
  assert_rows(queue, "cancelled|CANCELLED", "SELECT status, json_extract(error, '$.code') FROM llm_jobs WHERE id = 'waits'");
  assert_rows(queue, "active", STATUS_OF("runs"));
}

static void cancelled_tree_is_cancelled_to_its_leaves(void **state) {
  queue_fixture *queue = *state;
  add(queue, "r", NULL, "waiting-children", NULL);
  add(queue, "m", "r", "waiting-children", NULL);
  add(queue, "l", "m", "delayed", NULL);
  app_run(queue, "UPDATE llm_jobs SET cancel_requested = 1 WHERE id = 'r'");
  for (int i = 0; i < 5 && sweep(queue); i++) {
  }
  assert_rows(queue, "3", "SELECT count(*) FROM llm_jobs WHERE status = 'cancelled'");
}

static void examination_follows_the_rows_and_not_the_counter(void **state) {
  queue_fixture *queue = *state;
  lj_follow follow = at_now(queue);
  lj_repair pass = {0, 0};
  add(queue, "done", NULL, "waiting-children", NULL);
  add(queue, "d", "done", "completed", NULL);
  add(queue, "bad", NULL, "waiting-children", NULL);
  add(queue, "b", "bad", "cancelled", NULL);
  add(queue, "wait", NULL, "waiting-children", NULL);
  add(queue, "w", "wait", "delayed", NULL);
  add(queue, "none", NULL, "waiting-children", NULL);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_follow_repair(&follow, &pass), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_int_equal(pass.seq, 0);
  assert_rows(queue, "bad|failed|9 done|waiting|0 none|waiting|0 wait|waiting-children|1",
              "SELECT id, status, dependency_count FROM llm_jobs WHERE parent_job_id IS NULL ORDER BY id");
}

static void repair_takes_two_hundred_at_a_time_and_writes_only_what_is_wrong(void **state) {
  queue_fixture *queue = *state;
  lj_follow follow = at_now(queue);
  lj_repair pass = {0, 0};
  int passes = 0;
  app_run(queue,
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) "
          "INSERT INTO llm_jobs (id, name, data, status, dependency_count) SELECT 'p' || i, 'n', '{}', 'waiting-children', 1 FROM n");
  app_run(queue, "INSERT INTO llm_jobs (name, data, parent_job_id, status) SELECT 'n', '{}', id, 'delayed' FROM llm_jobs");
  do {
    assert_code(lj_store_begin(queue->store, true), LJ_OK);
    assert_code(lj_follow_repair(&follow, &pass), LJ_OK);
    assert_code(lj_store_commit(queue->store), LJ_OK);
    passes++;
  } while (pass.seq != 0 && passes < 10);
  assert_int_equal(passes, 3);
  assert_rows(queue, "0", "SELECT max(revision) FROM llm_jobs");
}

static void what_has_expired_is_cancelled_and_its_parent_told(void **state) {
  queue_fixture *queue = *state;
  int64_t expiry = 0;
  add(queue, "p", NULL, "waiting-children", NULL);
  add(queue, "late", "p", "delayed", NULL);
  add(queue, "runs", NULL, "active", NULL);
  app_run(queue, "UPDATE llm_jobs SET expires_at = %lld WHERE id IN ('late', 'runs')", NOW);
  add(queue, "later", NULL, "waiting", NULL);
  app_run(queue, "UPDATE llm_jobs SET expires_at = %lld WHERE id = 'later'", NOW + 5);
  assert_false(sweep(queue));
  assert_rows(queue, "EXPIRED", "SELECT json_extract(error, '$.code') FROM llm_jobs WHERE id = 'late'");
  assert_rows(queue, "failed", STATUS_OF("p"));
  assert_rows(queue, "active", STATUS_OF("runs"));
  assert_rows(queue, "waiting", STATUS_OF("later"));
  assert_code(lj_sweep_next_expiry(queue->store, &expiry), LJ_OK);
  assert_int_equal(expiry, NOW + 5);
}

static void parent_that_a_trigger_guards_does_not_undo_its_childs_end(void **state) {
  queue_fixture *queue = *state;
  lj_follow follow = at_now(queue);
  bool more = true;
  add(queue, "p", NULL, "waiting-children", NULL);
  add(queue, "a", "p", "active", NULL);
  app_run(queue, "CREATE TRIGGER guard BEFORE UPDATE ON llm_jobs WHEN old.id = 'p' BEGIN SELECT raise(ABORT, 'no'); END");
  end(queue, "a", "completed");
  assert_rows(queue, "completed waiting-children", "SELECT status FROM llm_jobs ORDER BY id");
  app_run(queue, "DROP TRIGGER guard; UPDATE llm_jobs SET dependency_count = 0 WHERE id = 'p'");
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_follow_asked(&follow, &more), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "waiting", STATUS_OF("p"));
}

static void next_occurrence_is_one_row_however_often_its_end_is_seen(void **state) {
  queue_fixture *queue = *state;
  add(queue, "r", NULL, "active", "{\"repeat\":{\"everyMs\":60000}}");
  app_run(queue, "UPDATE llm_jobs SET dedup_key = 'k', run_at = %lld, priority = 4 WHERE id = 'r'", NOW - 150000);
  end(queue, "r", "completed");
  end(queue, "r", "completed");
  assert_rows(queue, "delayed|4|k|1700000030000", "SELECT status, priority, dedup_key, run_at FROM llm_jobs WHERE id <> 'r'");
  add(queue, "c", NULL, "active", "{\"repeat\":{\"everyMs\":60000}}");
  end(queue, "c", "cancelled");
  assert_rows(queue, "3", "SELECT count(*) FROM llm_jobs");
}

static void job_that_ended_before_its_cancellation_was_seen_comes_no_more(void **state) {
  queue_fixture *queue = *state;
  add(queue, "r", NULL, "active", "{\"repeat\":{\"everyMs\":60000}}");
  app_run(queue, "UPDATE llm_jobs SET cancel_requested = 1");
  end(queue, "r", "completed");
  assert_rows(queue, "r|completed", "SELECT id, status FROM llm_jobs");
}

static void released_job_whose_key_is_taken_is_refused_by_the_index(void **state) {
  queue_fixture *queue = *state;
  bool stale = false;
  add(queue, "old", NULL, "active", NULL);
  add(queue, "new", NULL, "waiting", NULL);
  app_run(queue, "UPDATE llm_jobs SET supersede_key = 'k', lease_token = 't'");
  lj_settlement settlement = {.end = LJ_END_RELEASE, .seq = seq_of(queue, "old"), .token = "t"};
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_settle(queue->store, &settlement, &stale), LJ_REFUSED);
  settlement.end = LJ_END_CANCEL;
  assert_code(lj_settle(queue->store, &settlement, &stale), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "cancelled", STATUS_OF("old"));
}

static void retention_keeps_the_newest_and_what_a_parent_needs(void **state) {
  queue_fixture *queue = *state;
  const lj_keep two = {.age_ms = -1, .count = 2};
  const lj_keep all = {.age_ms = -1, .count = -1};
  int64_t before = 0;
  int removed = 0;
  bool any = false;
  app_run(queue,
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) "
          "INSERT INTO llm_jobs (id, name, data, status, finished_on) SELECT 'j' || i, 'n', '{}', 'failed', i FROM n");
  add(queue, "p", NULL, "waiting-children", NULL);
  app_run(queue, "UPDATE llm_jobs SET parent_job_id = 'p' WHERE id = 'j3'");
  assert_code(lj_retention_look(queue->store, LJ_STATUS_FAILED, &all, NOW, &before, &any), LJ_OK);
  assert_false(any);
  assert_code(lj_retention_look(queue->store, LJ_STATUS_FAILED, &two, NOW, &before, &any), LJ_OK);
  assert_true(any);
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  assert_code(lj_retention_remove(queue->store, LJ_STATUS_FAILED, before, NOW, &removed), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_int_equal(removed, 7);
  assert_rows(queue, "j3 j9 j10", "SELECT id FROM llm_jobs WHERE status = 'failed' ORDER BY finished_on");
}

static void children_are_told_in_order_with_what_they_answered(void **state) {
  queue_fixture *queue = *state;
  cJSON *children = NULL;
  lj_buffer text;
  add(queue, "p", NULL, "waiting", NULL);
  add(queue, "a", "p", "completed", NULL);
  add(queue, "b", "p", "failed", NULL);
  app_run(queue, "UPDATE llm_jobs SET result = '{\"text\":\"x\"}' WHERE id = 'a'; UPDATE llm_jobs SET error = '{\"code\":\"AUTH\"}' WHERE id = 'b'");
  assert_code(lj_children_json(queue->store, "p", &children), LJ_OK);
  lj_buffer_init(&text, 1000);
  assert_code(lj_json_print(children, &text), LJ_OK);
  assert_string_equal(text.data,
                      "[{\"id\":\"a\",\"name\":\"n\",\"status\":\"completed\",\"result\":{\"text\":\"x\"}},"
                      "{\"id\":\"b\",\"name\":\"n\",\"status\":\"failed\",\"error\":{\"code\":\"AUTH\"}}]");
  lj_buffer_free(&text);
  cJSON_Delete(children);
}

/* A tree, an expiry and a repetition at once, with every allocation failing in turn: all of it or nothing. */
static void consequences_survive_every_failed_allocation(void **state) {
  queue_fixture *queue = *state;
  int code = LJ_NOMEM;
  long nth = 0;
  add(queue, "p", NULL, "waiting-children", "{\"cancelSiblings\":true}");
  add(queue, "bad", "p", "failed", "{\"repeat\":{\"everyMs\":60000}}");
  add(queue, "late", "p", "delayed", NULL);
  app_run(queue, "UPDATE llm_jobs SET expires_at = 1 WHERE id = 'late'; UPDATE llm_jobs SET dedup_key = 'k' WHERE id = 'bad'");
  int64_t seq = seq_of(queue, "bad");
  while (code != LJ_OK) {
    lj_follow follow = at_now(queue);
    bool more = false;
    assert_true(++nth < 1000);
    assert_code(lj_store_begin(queue->store, true), LJ_OK);
    long live = lj_memory_live();
    lj_memory_fail_at(nth, 0);
    code = lj_follow_end(&follow, seq);
    if (code == LJ_OK) code = lj_sweep(&follow, &more);
    lj_memory_fail_at(0, 0);
    assert_int_equal(lj_memory_live(), live);
    if (code == LJ_OK) {
      assert_code(lj_store_commit(queue->store), LJ_OK);
    } else {
      assert_code(code, LJ_NOMEM);
      lj_store_rollback(queue->store);
      assert_rows(queue, "3", "SELECT count(*) FROM llm_jobs");
    }
  }
  assert_true(nth > 5);
  assert_rows(queue, "failed failed cancelled delayed", "SELECT status FROM llm_jobs ORDER BY seq");
}

static void children_that_are_asked_to_end_have_changed(void **state) {
  queue_fixture *queue = *state;
  add(queue, "p", NULL, "waiting-children", "{\"cancelSiblings\":true}");
  add(queue, "bad", "p", "active", NULL);
  add(queue, "runs", "p", "active", NULL);
  end(queue, "bad", "failed");
  assert_rows(queue, "1|1", "SELECT cancel_requested, revision > 0 FROM llm_jobs WHERE id = 'runs'");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      queue_test(last_child_lets_its_parent_run),
      queue_test(parent_with_a_time_of_its_own_waits_for_that),
      queue_test(failed_child_fails_all_above_it_unless_it_may),
      queue_test(siblings_are_cancelled_when_the_parent_says_so),
      queue_test(cancelled_tree_is_cancelled_to_its_leaves),
      queue_test(examination_follows_the_rows_and_not_the_counter),
      queue_test(repair_takes_two_hundred_at_a_time_and_writes_only_what_is_wrong),
      queue_test(what_has_expired_is_cancelled_and_its_parent_told),
      queue_test(parent_that_a_trigger_guards_does_not_undo_its_childs_end),
      queue_test(next_occurrence_is_one_row_however_often_its_end_is_seen),
      queue_test(job_that_ended_before_its_cancellation_was_seen_comes_no_more),
      queue_test(released_job_whose_key_is_taken_is_refused_by_the_index),
      queue_test(retention_keeps_the_newest_and_what_a_parent_needs),
      queue_test(children_are_told_in_order_with_what_they_answered),
      queue_test(children_that_are_asked_to_end_have_changed),
      queue_test(consequences_survive_every_failed_allocation),
  };
  lj_zones_init(&zones);
  int failed = cmocka_run_group_tests_name("follow", tests, NULL, NULL);
  lj_zones_free(&zones);
  return failed;
}
