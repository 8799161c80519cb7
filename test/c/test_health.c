/* SPDX-License-Identifier: MIT
 *
 * What calls and probes say of a provider, when it is probed, and when it is restarted.
 */
#include "policy/health.h"
#include "support/test.h"

static const lj_health_rules local = {LJ_HEALTH_INTERVAL_MS, true, LJ_HEALTH_FAILURES};
static const lj_health_rules remote = {LJ_HEALTH_INTERVAL_MS, false, LJ_HEALTH_FAILURES};
static const lj_health_rules unprobed = {0, true, LJ_HEALTH_FAILURES};

static const char *status_of(const lj_health *health) { return lj_health_status_name(lj_health_status_of(health)); }

static void an_idle_provider_is_probed_each_interval_and_a_busy_one_is_not(void **state) {
  lj_health health;
  (void)state;
  lj_health_init(&health, local, 0);
  assert_int_equal(health.probe_at_ms, 30000);
  lj_health_hear(&health, LJ_OK, 100, false, 29000);
  assert_int_equal(health.probe_at_ms, 59000);
  lj_health_hear(&health, LJ_OK, 5, true, 59000);
  assert_int_equal(health.probe_at_ms, 89000);
  lj_health_init(&health, remote, 0);
  lj_health_hear(&health, LJ_OK, 100, false, 29000);
  assert_true(health.probe_at_ms == INT64_MAX);
  lj_health_init(&health, unprobed, 0);
  lj_health_hear(&health, LJ_OK, 100, false, 29000);
  assert_true(health.probe_at_ms == INT64_MAX);
  lj_health_hear(&health, LJ_SERVER_ERROR, 100, false, 29000);
  assert_true(health.probe_at_ms == INT64_MAX);
}

static void after_a_failure_it_is_probed_when_nobody_else_asks_ever_more_slowly(void **state) {
  static const int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
  lj_health health;
  int64_t now = 500;
  (void)state;
  lj_health_init(&health, remote, 0);
  for (size_t i = 0; i < COUNT_OF(waits); i++) {
    lj_health_hear(&health, LJ_UNREACHABLE, 10, i % 2 == 0, now);
    assert_int_equal(health.probe_at_ms, now + waits[i]);
    now += waits[i] / 2; /* a call fails before the probe is due, which puts it off */
  }
  lj_health_hear(&health, LJ_OK, 10, true, now);
  assert_true(health.probe_at_ms == INT64_MAX);
  assert_int_equal(health.failures, 0);
}

static void what_the_provider_refuses_by_itself_is_no_failure(void **state) {
  static const int codes[] = {LJ_AUTH, LJ_BAD_REQUEST, LJ_RATE_LIMITED, LJ_MODEL_NOT_FOUND, LJ_CONTEXT_LENGTH, LJ_QUOTA_EXCEEDED, LJ_CONTENT_FILTERED};
  lj_health health;
  (void)state;
  lj_health_init(&health, local, 0);
  for (size_t i = 0; i < COUNT_OF(codes); i++) {
    lj_health_hear(&health, codes[i], 10, false, 0);
    assert_string_equal(status_of(&health), "healthy");
    assert_int_equal(health.failures, 0);
  }
  assert_true(health.response_ms < 0); /* the time of a refusal says nothing of an answer's */
}

static void the_status_follows_what_is_heard(void **state) {
  lj_health health;
  (void)state;
  lj_health_init(&health, local, 0);
  assert_string_equal(status_of(&health), "healthy");
  lj_health_hear(&health, LJ_TIMEOUT_IDLE, 10, false, 0);
  assert_string_equal(status_of(&health), "degraded");
  lj_health_hear(&health, LJ_OVERLOADED, 10, false, 0);
  assert_string_equal(status_of(&health), "degraded");
  lj_health_hear(&health, LJ_SERVER_ERROR, 10, false, 0);
  assert_string_equal(status_of(&health), "unhealthy");
  lj_health_hear(&health, LJ_OK, 10, false, 0);
  assert_string_equal(status_of(&health), "healthy"); /* three of four failed, but four are few */
  for (int i = 0; i < 10; i++) lj_health_hear(&health, LJ_OK, 10, false, 0);
  assert_string_equal(status_of(&health), "degraded");
  for (int i = 0; i < 40; i++) lj_health_hear(&health, LJ_OK, 10, false, 0);
  assert_string_equal(status_of(&health), "healthy");
  lj_health_hear(&health, LJ_UNREACHABLE, 10, false, 0);
  assert_string_equal(status_of(&health), "unhealthy");
  assert_false(health.reachable);
}

static void the_error_rate_looks_back_on_a_hundred_calls(void **state) {
  lj_health health;
  (void)state;
  lj_health_init(&health, local, 0);
  for (int i = 0; i < 50; i++) lj_health_hear(&health, LJ_SERVER_ERROR, 10, false, 0);
  for (int i = 0; i < 50; i++) lj_health_hear(&health, LJ_OK, 10, false, 0);
  for (int i = 0; i < 50; i++) lj_health_hear(&health, LJ_SERVER_ERROR, 10, true, 0); /* probes are no calls */
  assert_true(lj_health_error_rate(&health) == 0.5);
  for (int i = 0; i < 25; i++) lj_health_hear(&health, LJ_OK, 10, false, 0);
  assert_true(lj_health_error_rate(&health) == 0.25);
}

static void three_failures_in_a_row_restart_once_and_then_ever_more_slowly(void **state) {
  static const int64_t waits[] = {6000, 12000, 24000, 48000, 96000, 192000, 300000, 300000};
  lj_health health;
  int64_t now = 1000;
  (void)state;
  lj_health_init(&health, local, 0);
  lj_health_hear(&health, LJ_SERVER_ERROR, 10, false, now);
  lj_health_hear(&health, LJ_SERVER_ERROR, 10, false, now);
  assert_false(lj_health_restarts(&health, now));
  lj_health_hear(&health, LJ_SERVER_ERROR, 10, false, now);
  for (size_t i = 0; i < COUNT_OF(waits); i++) {
    assert_true(lj_health_restarts(&health, now));
    assert_false(lj_health_restarts(&health, now));
    assert_int_equal(health.probe_at_ms, now + 3000);
    lj_health_hear(&health, LJ_UNREACHABLE, 10, true, now + 3000);
    assert_false(lj_health_restarts(&health, now + waits[i] - 1));
    now += waits[i];
  }
  lj_health_hear(&health, LJ_OK, 10, true, now);
  assert_false(lj_health_restarts(&health, now));
  assert_string_equal(status_of(&health), "healthy");
}

static void response_time_is_a_moving_average(void **state) {
  lj_health health;
  (void)state;
  lj_health_init(&health, local, 0);
  lj_health_hear(&health, LJ_OK, 100, false, 0);
  assert_true(health.response_ms == 100);
  lj_health_hear(&health, LJ_OK, 200, false, 0);
  assert_true(health.response_ms > 129.9 && health.response_ms < 130.1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(an_idle_provider_is_probed_each_interval_and_a_busy_one_is_not),
      tidy_test(after_a_failure_it_is_probed_when_nobody_else_asks_ever_more_slowly),
      tidy_test(what_the_provider_refuses_by_itself_is_no_failure),
      tidy_test(the_status_follows_what_is_heard),
      tidy_test(the_error_rate_looks_back_on_a_hundred_calls),
      tidy_test(three_failures_in_a_row_restart_once_and_then_ever_more_slowly),
      tidy_test(response_time_is_a_moving_average),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
