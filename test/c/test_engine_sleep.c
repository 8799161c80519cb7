/* SPDX-License-Identifier: MIT
 *
 * The machine sleeps, or somebody sets its clock: wall time jumps while monotonic time stands still. Both clocks are virtual
 * here, so that a night takes no time.
 */
#include <time.h>

#include "base/clock.h"
#include "support/engine_fixture.h"

enum { NIGHT_MS = 8 * 3600 * 1000, WALL = 1795230000 };
#define NOW_MS "1795230000000"       /* WALL */
#define NIGHT_BEFORE "1795201201000" /* WALL − NIGHT_MS, and a second */

static int setup(void **state) {
  lj_clock_virtual((int64_t)WALL * 1000, 5000000);
  return engine_setup(state);
}

static int teardown(void **state) {
  int code = engine_teardown(state);
  lj_clock_real();
  return code;
}

/* Waits until a number in the row is what it should be; at most 20 seconds. */
static void wait_number(engine_fixture *fixture, const char *sql, int64_t at_least) {
  const struct timespec pause = {0, 5000000};
  for (int i = 0; i < 4000; i++) {
    if (app_number(&fixture->queue, sql) >= at_least) return;
    (void)nanosleep(&pause, NULL);
  }
  fail_msg("%s never became %lld", sql, (long long)at_least);
}

static void lease_is_renewed_after_a_night_and_nobodys_is_taken(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "ours", "p/x", HELLO);
  app_run(&fixture->queue,
          "INSERT INTO llm_jobs (id, name, model, data, status, lease_owner, lease_token, lease_until) "
          "VALUES ('theirs', 'n', 'p/x', '{}', 'active', 'other@elsewhere:1:aa', 't', %lld)",
          (long long)WALL * 1000 + 20000);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  lj_clock_advance(NIGHT_MS, 10000);
  wait_number(fixture, "SELECT lease_until FROM llm_jobs WHERE id = 'ours'", (int64_t)WALL * 1000 + NIGHT_MS);
  assert_rows(&fixture->queue, "active|0 active|0", "SELECT status, stalls FROM llm_jobs ORDER BY id");
  assert_int_equal(loopback_requests(fixture->server), 1);
}

static void call_that_brings_nothing_after_a_night_is_made_again_and_costs_no_attempt(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.times = 1, .bytes = "HTTP/1.1 200 OK\r\n\r\n" SSE_TEXT("Half"), .then = LOOPBACK_SILENT});
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture)});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  lj_clock_advance(300, 300000); /* partial texts are written from a quarter of a second on */
  wait_number(fixture, "SELECT length(partial) FROM llm_jobs", 4);
  lj_clock_advance(NIGHT_MS, 10000);
  wait_number(fixture, "SELECT lease_until FROM llm_jobs", (int64_t)WALL * 1000 + NIGHT_MS);
  assert_int_equal(loopback_requests(fixture->server), 1);
  lj_clock_advance(3100, 3100000);
  wait_job(fixture, "a", "completed");
  assert_int_equal(loopback_requests(fixture->server), 2);
  assert_rows(&fixture->queue, "1|0", "SELECT attempts, stalls FROM llm_jobs");
}

/* A sleep of some seconds shows in no clock; whoever hears of it tells. */
static void call_that_brings_nothing_after_resume_is_made_again_and_costs_no_attempt(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.times = 1, .bytes = "HTTP/1.1 200 OK\r\n\r\n" SSE_TEXT("Half"), .then = LOOPBACK_SILENT});
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture)});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  lj_clock_advance(300, 300000);
  wait_number(fixture, "SELECT length(partial) FROM llm_jobs", 4);
  (void)ask(fixture, "worker:power", "{\"event\":\"suspend\"}");
  (void)ask(fixture, "worker:power", "{\"event\":\"resume\"}");
  assert_int_equal(loopback_requests(fixture->server), 1);
  lj_clock_advance(3100, 3100000);
  wait_job(fixture, "a", "completed");
  assert_int_equal(loopback_requests(fixture->server), 2);
  assert_rows(&fixture->queue, "1|0", "SELECT attempts, stalls FROM llm_jobs");
}

static void no_call_begins_between_suspend_and_resume(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  (void)ask(fixture, "worker:power", "{\"event\":\"suspend\"}");
  add_job(fixture, "a", "p/x", HELLO);
  for (int i = 0; i < 10; i++) {
    lj_clock_advance(1000, 1000000);
    (void)ask(fixture, "worker:stats", NULL);
  }
  assert_int_equal(loopback_requests(fixture->server), 0);
  (void)ask(fixture, "worker:power", "{\"event\":\"resume\"}");
  wait_job(fixture, "a", "completed");
}

static void sleep_that_was_announced_and_did_not_come_keeps_no_job_for_long(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  (void)ask(fixture, "worker:power", "{\"event\":\"suspend\"}");
  add_job(fixture, "a", "p/x", HELLO);
  lj_clock_advance(19000, 19000000);
  (void)ask(fixture, "worker:stats", NULL);
  assert_int_equal(loopback_requests(fixture->server), 0);
  lj_clock_advance(1500, 1500000);
  wait_job(fixture, "a", "completed");
}

static void call_that_began_after_the_sleep_is_not_taken_for_dead(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 1});
  add_job(fixture, "before", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  (void)ask(fixture, "worker:power", "{\"event\":\"resume\"}");
  add_job(fixture, "after", "p/x", HELLO);
  lj_clock_advance(200, 200000);
  assert_true(loopback_wait_requests(fixture->server, 2));
  lj_clock_advance(3100, 3100000);
  assert_true(loopback_wait_requests(fixture->server, 3)); /* "before" again */
  loopback_open_gate(fixture->server);
  wait_job(fixture, "before", "completed");
  wait_job(fixture, "after", "completed");
  assert_int_equal(stat_of(fixture, "interrupted"), 1);
}

static void call_that_goes_on_after_a_night_is_kept(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 300});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  lj_clock_advance(NIGHT_MS, 10000);
  wait_number(fixture, "SELECT lease_until FROM llm_jobs", (int64_t)WALL * 1000 + NIGHT_MS);
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  lj_clock_advance(3100, 3100000);
  assert_int_equal(stat_of(fixture, "interrupted"), 0);
  assert_int_equal(loopback_requests(fixture->server), 1);
}

static void delayed_job_that_came_due_in_the_night_runs_once(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'delayed', run_at = %lld", (long long)WALL * 1000 + 60000);
  engine_start(fixture, "", "");
  lj_clock_advance(NIGHT_MS, 200000);
  wait_job(fixture, "a", "completed");
  assert_int_equal(loopback_requests(fixture->server), 1);
}

static void clock_that_is_set_back_neither_runs_a_job_twice_nor_parks_it(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 300});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  lj_clock_advance(-NIGHT_MS, 200000);
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  add_job(fixture, "b", "p/x", HELLO);
  lj_clock_advance(200, 200000);
  wait_job(fixture, "b", "completed");
  assert_int_equal(loopback_requests(fixture->server), 2);
}

static void retry_that_waits_while_the_clock_is_set_back_waits_no_longer_than_it_would_have(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.times = 1, .bytes = http_reply(fixture, 500, "text/plain", "", "no")});
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture)});
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":5000}}'");
  engine_start(fixture, "", "");
  wait_number(fixture, "SELECT status = 'delayed' FROM llm_jobs", 1);
  lj_clock_advance(-NIGHT_MS, 200000);
  wait_number(fixture, "SELECT run_at < 5000 + " NIGHT_BEFORE " FROM llm_jobs", 1);
  assert_int_equal(loopback_requests(fixture->server), 1);
  lj_clock_advance(6000, 6000000);
  wait_job(fixture, "a", "completed");
  assert_int_equal(loopback_requests(fixture->server), 2);
}

static void retry_left_by_a_worker_whose_clock_was_ahead_is_taken_up_at_the_start(void **state) {
  engine_fixture *fixture = *state;
  long long ahead = (long long)WALL * 1000 + NIGHT_MS;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue,
          "UPDATE llm_jobs SET status = 'delayed', attempts = 1, run_at = %lld, error = json_object('code', 'SERVER_ERROR', 'at', %lld), revision = %lld",
          ahead + 1, ahead, ahead * 1000);
  engine_start(fixture, "", "");
  wait_number(fixture, "SELECT run_at < 1000 + " NOW_MS " FROM llm_jobs", 1);
  lj_clock_advance(200, 200000);
  wait_job(fixture, "a", "completed");
}

#define sleep_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      sleep_test(lease_is_renewed_after_a_night_and_nobodys_is_taken),
      sleep_test(call_that_brings_nothing_after_a_night_is_made_again_and_costs_no_attempt),
      sleep_test(call_that_brings_nothing_after_resume_is_made_again_and_costs_no_attempt),
      sleep_test(no_call_begins_between_suspend_and_resume),
      sleep_test(sleep_that_was_announced_and_did_not_come_keeps_no_job_for_long),
      sleep_test(call_that_began_after_the_sleep_is_not_taken_for_dead),
      sleep_test(call_that_goes_on_after_a_night_is_kept),
      sleep_test(delayed_job_that_came_due_in_the_night_runs_once),
      sleep_test(clock_that_is_set_back_neither_runs_a_job_twice_nor_parks_it),
      sleep_test(retry_that_waits_while_the_clock_is_set_back_waits_no_longer_than_it_would_have),
      sleep_test(retry_left_by_a_worker_whose_clock_was_ahead_is_taken_up_at_the_start),
  };
  return cmocka_run_group_tests_name("engine and sleep", tests, NULL, NULL);
}
