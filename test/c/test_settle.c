/* SPDX-License-Identifier: MIT
 *
 * Every way out of `active`: what the row holds afterwards, and that only the run that holds it can write it.
 */
#include "base/memory.h"
#include "queue/settle.h"
#include "support/queue_fixture.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define ROW                                                                                                       \
  "SELECT status, progress, partial, result, error, history, attempts, run_at, finished_on, lease_owner, lease_token, " \
  "lease_until FROM llm_jobs WHERE seq = 1"

static void add_active(queue_fixture *queue) {
  app_run(queue,
          "INSERT INTO llm_jobs (name, data, status, progress, partial, error, history, attempts, processed_on, lease_owner, "
          "lease_token, lease_until, lane) VALUES ('n', '{}', 'active', 40, 'half', 'old', '[0]', 2, 500, 'w@h:1:a', '" TOKEN
          "', 900, 'p/x')");
}

static int settle(queue_fixture *queue, lj_settlement settlement, bool *stale) {
  int code = lj_store_begin(queue->store, true);
  if (code != LJ_OK) return code;
  code = lj_settle(queue->store, &settlement, stale);
  if (code == LJ_OK) return lj_store_commit(queue->store);
  lj_store_rollback(queue->store);
  return code;
}

static lj_settlement an_end(lj_end end) {
  return (lj_settlement){.end = end, .seq = 1, .token = TOKEN, .lane = "p/y", .history = "[0,1]", .json = "{\"new\":1}", .at = 777};
}

static void complete_writes_the_result_and_clears_the_error(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  add_active(queue);
  assert_code(settle(queue, an_end(LJ_END_COMPLETE), &stale), LJ_OK);
  assert_false(stale);
  assert_rows(queue, "completed|100|-|{\"new\":1}|-|[0,1]|2|-|777|-|-|-", ROW);
  assert_rows(queue, "500|p/y", "SELECT processed_on, lane FROM llm_jobs");
}

static void retry_waits_until_its_time_and_keeps_the_attempt(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  add_active(queue);
  assert_code(settle(queue, an_end(LJ_END_RETRY), &stale), LJ_OK);
  assert_false(stale);
  assert_rows(queue, "delayed|0|-|-|{\"new\":1}|[0,1]|2|777|-|-|-|-", ROW);
}

static void fail_keeps_the_reason_and_the_progress(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  add_active(queue);
  assert_code(settle(queue, an_end(LJ_END_FAIL), &stale), LJ_OK);
  assert_false(stale);
  assert_rows(queue, "failed|40|-|-|{\"new\":1}|[0,1]|2|-|777|-|-|-", ROW);
}

static void release_gives_the_attempt_back(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  add_active(queue);
  assert_code(settle(queue, an_end(LJ_END_RELEASE), &stale), LJ_OK);
  assert_false(stale);
  assert_rows(queue, "waiting|0|-|-|{\"new\":1}|[0,1]|1|-|-|-|-|-", ROW);
}

static void release_without_an_error_keeps_the_last_one(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  lj_settlement settlement = an_end(LJ_END_RELEASE);
  add_active(queue);
  settlement.json = NULL;
  settlement.history = NULL;
  assert_code(settle(queue, settlement, &stale), LJ_OK);
  assert_rows(queue, "waiting|0|-|-|old|-|1|-|-|-|-|-", ROW);
}

static void release_never_makes_attempts_negative(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  add_active(queue);
  app_run(queue, "UPDATE llm_jobs SET attempts = 0");
  assert_code(settle(queue, an_end(LJ_END_RELEASE), &stale), LJ_OK);
  assert_rows(queue, "0", "SELECT attempts FROM llm_jobs");
}

static void each_end_names_its_status(void **state) {
  queue_fixture *queue = *state;
  assert_int_equal(lj_end_status(queue->store, LJ_END_COMPLETE), LJ_STATUS_COMPLETED);
  assert_int_equal(lj_end_status(queue->store, LJ_END_RETRY), LJ_STATUS_DELAYED);
  assert_int_equal(lj_end_status(queue->store, LJ_END_FAIL), LJ_STATUS_FAILED);
  assert_int_equal(lj_end_status(queue->store, LJ_END_RELEASE), LJ_STATUS_WAITING);
  assert_string_equal(lj_status_name(LJ_STATUS_WAITING_CHILDREN), "waiting-children");
  assert_string_equal(lj_status_name(LJ_STATUS_CANCELLED), "cancelled");
  assert_string_equal(lj_status_name(LJ_STATUS_END), "unknown");
}

/* --- The fence --- */

static void other_token_writes_nothing(void **state) {
  queue_fixture *queue = *state;
  char before[512];
  add_active(queue);
  (void)snprintf(before, sizeof before, "%s", app_text(queue, ROW));
  for (lj_end end = LJ_END_COMPLETE; end < LJ_END_LAST; end++) {
    bool stale = false;
    lj_settlement settlement = an_end(end);
    settlement.token = "ffffffffffffffffffffffffffffffff";
    assert_code(settle(queue, settlement, &stale), LJ_OK);
    assert_true(stale);
    assert_rows(queue, before, ROW);
  }
}

static void row_that_is_not_active_is_never_written(void **state) {
  static const char *const statuses[] = {"waiting", "delayed", "waiting-children", "completed", "failed", "cancelled"};
  queue_fixture *queue = *state;
  char before[512];
  add_active(queue);
  for (size_t i = 0; i < COUNT_OF(statuses); i++) {
    app_run(queue, "UPDATE llm_jobs SET status = %Q, result = 'kept'", statuses[i]); /* even with the right token */
    (void)snprintf(before, sizeof before, "%s", app_text(queue, ROW));
    for (lj_end end = LJ_END_COMPLETE; end < LJ_END_LAST; end++) {
      bool stale = false;
      assert_code(settle(queue, an_end(end), &stale), LJ_OK);
      assert_true(stale);
      assert_rows(queue, before, ROW);
    }
  }
}

static void second_end_of_the_same_run_is_stale(void **state) {
  queue_fixture *queue = *state;
  add_active(queue);
  for (lj_end first = LJ_END_COMPLETE; first < LJ_END_LAST; first++)
    for (lj_end second = LJ_END_COMPLETE; second < LJ_END_LAST; second++) {
      char before[512];
      bool stale = true;
      app_run(queue, "UPDATE llm_jobs SET status = 'active', lease_token = '" TOKEN "'");
      assert_code(settle(queue, an_end(first), &stale), LJ_OK);
      assert_false(stale);
      (void)snprintf(before, sizeof before, "%s", app_text(queue, ROW));
      assert_code(settle(queue, an_end(second), &stale), LJ_OK);
      assert_true(stale);
      assert_rows(queue, before, ROW);
    }
}

static void ends_of_one_transaction_are_written_together_or_not_at_all(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  lj_settlement first = an_end(LJ_END_COMPLETE);
  lj_settlement second = an_end(LJ_END_FAIL);
  second.seq = 2;
  add_active(queue);
  add_active(queue);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_settle(queue->store, &first, &stale), LJ_OK);
  assert_code(lj_settle(queue->store, &second, &stale), LJ_OK);
  lj_store_rollback(queue->store);
  assert_rows(queue, "active active", "SELECT status FROM llm_jobs");
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_settle(queue->store, &first, &stale), LJ_OK);
  assert_code(lj_settle(queue->store, &second, &stale), LJ_OK);
  assert_rows(queue, "active active", "SELECT status FROM llm_jobs"); /* others see nothing before the commit */
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "completed failed", "SELECT status FROM llm_jobs");
}

static void trigger_that_refuses_makes_the_end_fail_and_later_ends_work(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  add_active(queue);
  app_run(queue, "CREATE TRIGGER guard BEFORE UPDATE ON llm_jobs WHEN new.status = 'failed' BEGIN SELECT raise(ABORT, 'no'); END");
  assert_code(settle(queue, an_end(LJ_END_FAIL), &stale), LJ_REFUSED);
  assert_false(stale); /* nothing is known of the lease */
  assert_non_null(strstr(queue->last_line, "no"));
  assert_rows(queue, "active", "SELECT status FROM llm_jobs");
  assert_code(settle(queue, an_end(LJ_END_COMPLETE), &stale), LJ_OK);
  assert_rows(queue, "completed", "SELECT status FROM llm_jobs");
}

static void settle_survives_every_failed_allocation(void **state) {
  queue_fixture *queue = *state;
  int code = LJ_NOMEM;
  long nth = 0;
  add_active(queue);
  while (code != LJ_OK) {
    bool stale = false;
    assert_true(++nth < 100);
    lj_memory_fail_at(nth, 0);
    code = settle(queue, an_end(LJ_END_COMPLETE), &stale);
    lj_memory_fail_at(0, 0);
    if (code != LJ_OK) assert_code(code, LJ_NOMEM);
  }
  assert_rows(queue, "completed", "SELECT status FROM llm_jobs");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      queue_test(complete_writes_the_result_and_clears_the_error),
      queue_test(retry_waits_until_its_time_and_keeps_the_attempt),
      queue_test(fail_keeps_the_reason_and_the_progress),
      queue_test(release_gives_the_attempt_back),
      queue_test(release_without_an_error_keeps_the_last_one),
      queue_test(release_never_makes_attempts_negative),
      queue_test(each_end_names_its_status),
      queue_test(other_token_writes_nothing),
      queue_test(row_that_is_not_active_is_never_written),
      queue_test(second_end_of_the_same_run_is_stale),
      queue_test(ends_of_one_transaction_are_written_together_or_not_at_all),
      queue_test(trigger_that_refuses_makes_the_end_fail_and_later_ends_work),
      queue_test(settle_survives_every_failed_allocation),
  };
  return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
