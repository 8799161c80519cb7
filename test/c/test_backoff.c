/* SPDX-License-Identifier: MIT
 *
 * How long a job waits between two tries.
 */
#include "policy/backoff.h"
#include "support/test.h"

static lj_backoff a_backoff(int fixed, int64_t delay, int64_t most) {
  return (lj_backoff){.fixed = fixed, .delay_ms = delay, .max_delay_ms = most};
}

static void default_is_exponential_from_one_second_to_thirty(void **state) {
  lj_backoff backoff;
  (void)state;
  lj_backoff_default(&backoff);
  assert_int_equal(backoff.fixed, 0);
  assert_int_equal(backoff.delay_ms, 1000);
  assert_int_equal(backoff.max_delay_ms, 30000);
}

static void ceiling_of_the_wait_doubles_up_to_the_cap(void **state) {
  static const int64_t ceilings[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
  lj_backoff backoff = a_backoff(0, 1000, 30000);
  (void)state;
  for (size_t i = 0; i < COUNT_OF(ceilings); i++) {
    assert_int_equal(lj_backoff_wait(&backoff, (int64_t)i + 1, 0.0), 0);
    assert_int_equal(lj_backoff_wait(&backoff, (int64_t)i + 1, 0.5), ceilings[i] / 2);
    assert_in_range(lj_backoff_wait(&backoff, (int64_t)i + 1, 0.9999999), ceilings[i] - 1, ceilings[i]);
  }
}

static void huge_attempts_and_delays_stay_at_the_cap(void **state) {
  lj_backoff backoff = a_backoff(0, 86400000, 86400000);
  (void)state;
  assert_int_equal(lj_backoff_wait(&backoff, INT64_MAX, 0.5), 43200000);
  backoff = a_backoff(0, 1, 86400000);
  assert_int_equal(lj_backoff_wait(&backoff, 1000000, 0.5), 43200000);
  backoff = a_backoff(0, 5000, 1000); /* a cap below the first delay */
  assert_int_equal(lj_backoff_wait(&backoff, 1, 0.5), 500);
}

static void odd_attempts_are_the_first(void **state) {
  lj_backoff backoff = a_backoff(0, 1000, 30000);
  (void)state;
  assert_int_equal(lj_backoff_wait(&backoff, 0, 0.5), 500);
  assert_int_equal(lj_backoff_wait(&backoff, -7, 0.5), 500);
}

static void no_delay_never_waits(void **state) {
  lj_backoff backoff = a_backoff(0, 0, 30000);
  (void)state;
  assert_int_equal(lj_backoff_wait(&backoff, 1, 0.9), 0);
  assert_int_equal(lj_backoff_wait(&backoff, INT32_MAX, 0.9), 0);
}

static void fixed_has_no_jitter_and_does_not_grow(void **state) {
  lj_backoff backoff = a_backoff(1, 700, 30000);
  (void)state;
  assert_int_equal(lj_backoff_wait(&backoff, 1, 0.0), 700);
  assert_int_equal(lj_backoff_wait(&backoff, 9, 0.9), 700);
}

static int parse(const char *text, lj_backoff *backoff, lj_fault *fault) {
  cJSON *opts = json_of(text);
  lj_fault_clear(fault);
  int code = lj_backoff_parse(opts, backoff, fault);
  cJSON_Delete(opts);
  return code;
}

static void options_that_are_given_win_and_others_keep_the_default(void **state) {
  static const struct {
    const char *opts;
    int fixed;
    int64_t delay;
    int64_t most;
  } good[] = {
      {"{}", 0, 1000, 30000},
      {"{\"backoff\":null}", 0, 1000, 30000},
      {"{\"backoff\":{}}", 0, 1000, 30000},
      {"{\"backoff\":{\"type\":\"exponential\",\"delayMs\":5}}", 0, 5, 30000},
      {"{\"backoff\":{\"type\":\"fixed\"}}", 1, 1000, 30000},
      {"{\"backoff\":{\"type\":\"fixed\",\"delayMs\":0,\"maxDelayMs\":0}}", 1, 0, 0},
      {"{\"backoff\":{\"delayMs\":86400000,\"maxDelayMs\":86400000}}", 0, 86400000, 86400000},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(good); i++) {
    lj_backoff backoff;
    lj_fault fault;
    assert_code(parse(good[i].opts, &backoff, &fault), LJ_OK);
    assert_int_equal(backoff.fixed, good[i].fixed);
    assert_int_equal(backoff.delay_ms, good[i].delay);
    assert_int_equal(backoff.max_delay_ms, good[i].most);
  }
}

static void bad_options_are_the_jobs_fault(void **state) {
  static const char *const bad[] = {
      "{\"backoff\":5}",
      "{\"backoff\":\"fixed\"}",
      "{\"backoff\":[]}",
      "{\"backoff\":{\"type\":\"linear\"}}",
      "{\"backoff\":{\"delayMs\":-1}}",
      "{\"backoff\":{\"delayMs\":86400001}}",
      "{\"backoff\":{\"maxDelayMs\":-5}}",
      "{\"backoff\":{\"maxDelayMs\":1e12}}",
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    lj_backoff backoff;
    lj_fault fault;
    if (parse(bad[i], &backoff, &fault) != LJ_BAD_JOB) fail_msg("was taken: %s", bad[i]);
    assert_code(fault.code, LJ_BAD_JOB);
    assert_non_null(strstr(fault.message, "opts.backoff"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(default_is_exponential_from_one_second_to_thirty),
      cmocka_unit_test(ceiling_of_the_wait_doubles_up_to_the_cap),
      cmocka_unit_test(huge_attempts_and_delays_stay_at_the_cap),
      cmocka_unit_test(odd_attempts_are_the_first),
      cmocka_unit_test(no_delay_never_waits),
      cmocka_unit_test(fixed_has_no_jitter_and_does_not_grow),
      tidy_test(options_that_are_given_win_and_others_keep_the_default),
      tidy_test(bad_options_are_the_jobs_fault),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
