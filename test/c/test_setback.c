/* SPDX-License-Identifier: MIT
 *
 * Times in rows after the clock was set back by some hours: what the engine reckoned is reckoned anew, what the app chose stays.
 */
#include "queue/setback.h"

#include "support/queue_fixture.h"

static const int64_t NOW = INT64_C(1795200000000); /* a whole hour */
static const int64_t AHEAD = INT64_C(1795210800000); /* three hours later */

static lj_zones zones;

static void mend(queue_fixture *queue) {
  lj_follow follow = {.store = queue->store, .now = NOW, .zones = &zones};
  lj_zones_init(&zones);
  assert_code(lj_store_begin(queue->store, true), LJ_OK);
  assert_code(lj_setback_mend(&follow), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  lj_zones_free(&zones);
}

/* As if a worker whose clock showed `changed` had written the row; 0: it was only added. */
static void add(queue_fixture *queue, const char *id, const char *status, const char *error, const char *opts, int64_t created, int64_t run_at,
                int64_t changed) {
  app_run(queue,
          "INSERT INTO llm_jobs (id, name, data, status, attempts, error, opts, created_at, run_at, revision) "
          "VALUES (%Q, 'n', '{}', %Q, 1, %Q, %Q, %lld, %lld, %lld * 1000)",
          id, status, error, opts, (long long)created, (long long)run_at, (long long)changed);
}

static bool looks_wrong(queue_fixture *queue) {
  bool found = false;
  assert_code(lj_setback_look(queue->store, NOW, &found), LJ_OK);
  return found;
}

static void change_at_a_time_to_come_is_noticed(void **state) {
  queue_fixture *queue = *state;
  assert_false(looks_wrong(queue));
  add(queue, "a", "delayed", NULL, NULL, NOW, NOW + 5000, NOW + 1);
  assert_false(looks_wrong(queue));
  add(queue, "b", "completed", NULL, NULL, NOW, NOW, AHEAD);
  assert_true(looks_wrong(queue));
}

static void retry_waits_as_long_as_it_was_to_wait_and_is_mended_once(void **state) {
  queue_fixture *queue = *state;
  const char *rows = "SELECT id, run_at, json_extract(error, '$.at'), json_extract(error, '$.code') FROM llm_jobs ORDER BY seq";
  char *error = sqlite3_mprintf("{\"code\":\"SERVER_ERROR\",\"at\":%lld}", (long long)AHEAD);
  add(queue, "retry", "delayed", error, NULL, NOW, AHEAD + 7000, AHEAD);
  add(queue, "due", "waiting", error, NULL, NOW, AHEAD - 5, AHEAD);
  sqlite3_free(error);
  mend(queue);
  assert_rows(queue, "retry|1795200007000|1795200000000|SERVER_ERROR due|1795200000000|1795200000000|SERVER_ERROR", rows);
  mend(queue);
  assert_rows(queue, "retry|1795200007000|1795200000000|SERVER_ERROR due|1795200000000|1795200000000|SERVER_ERROR", rows);
}

static void next_occurrence_keeps_its_phase_and_comes_within_the_interval(void **state) {
  queue_fixture *queue = *state;
  add(queue, "fresh", "delayed", NULL, "{\"repeat\":{\"everyMs\":90000}}", AHEAD, AHEAD + 30000, 0);
  add(queue, "claimed", "active", NULL, "{\"repeat\":{\"everyMs\":90000}}", NOW, AHEAD + 30000, AHEAD);
  app_run(queue, "UPDATE llm_jobs SET lease_token = 't', lease_owner = 'o', lease_until = 1 WHERE id = 'claimed'");
  mend(queue);
  /* Three hours are 120 intervals. */
  assert_rows(queue, "fresh|1795200030000|1795200000000 claimed|1795200030000|1795200000000", "SELECT id, run_at, created_at FROM llm_jobs ORDER BY seq");
}

static void cron_comes_at_its_next_time_by_the_clock_as_it_is(void **state) {
  queue_fixture *queue = *state;
  add(queue, "c", "delayed", NULL, "{\"repeat\":{\"cron\":\"* * * * *\",\"tz\":\"UTC\"}}", AHEAD, AHEAD + 70000, 0);
  mend(queue);
  assert_rows(queue, "1795200060000", "SELECT run_at FROM llm_jobs");
}

static void many_occurrences_are_all_mended(void **state) {
  queue_fixture *queue = *state;
  app_run(queue,
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) "
          "INSERT INTO llm_jobs (name, data, status, opts, created_at, run_at) SELECT 'n', '{}', 'delayed', '{\"repeat\":{\"everyMs\":1000}}', %lld, %lld FROM n",
          (long long)AHEAD, (long long)AHEAD + 1000);
  mend(queue);
  assert_rows(queue, "450", "SELECT count(*) FROM llm_jobs WHERE run_at <= %lld", (long long)NOW + 1000);
}

static void times_of_the_app_and_times_that_are_right_stay(void **state) {
  queue_fixture *queue = *state;
  const char *broken = "{\"repeat\":{\"cron\":\"no\"}}";
  add(queue, "chosen", "delayed", NULL, NULL, AHEAD, AHEAD + 5, 0);
  add(queue, "promoted", "waiting", NULL, NULL, NOW, AHEAD + 5, AHEAD);
  add(queue, "past", "waiting", "{\"code\":\"X\",\"at\":7}", NULL, NOW, NOW - 5, AHEAD);
  add(queue, "right", "delayed", "{\"code\":\"X\",\"at\":1795199999999}", NULL, NOW, NOW + 30000, NOW - 1);
  add(queue, "noJson", "delayed", "trouble", NULL, NOW, AHEAD + 5, AHEAD);
  add(queue, "unreadable", "delayed", NULL, broken, AHEAD, AHEAD + 70000, AHEAD);
  add(queue, "ended", "failed", "{\"code\":\"X\",\"at\":1795210800000}", NULL, NOW, AHEAD + 5, AHEAD);
  const char *sum = "SELECT group_concat(id || run_at || error || created_at || revision) FROM llm_jobs";
  char before[4096];
  (void)snprintf(before, sizeof before, "%s", app_text(queue, sum));
  mend(queue);
  assert_rows(queue, before, sum);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      queue_test(change_at_a_time_to_come_is_noticed),
      queue_test(retry_waits_as_long_as_it_was_to_wait_and_is_mended_once),
      queue_test(next_occurrence_keeps_its_phase_and_comes_within_the_interval),
      queue_test(cron_comes_at_its_next_time_by_the_clock_as_it_is),
      queue_test(many_occurrences_are_all_mended),
      queue_test(times_of_the_app_and_times_that_are_right_stay),
  };
  return cmocka_run_group_tests_name("clock that was set back", tests, NULL, NULL);
}
