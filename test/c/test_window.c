/* SPDX-License-Identifier: MIT
 *
 * The calls of a sliding minute: how many more may begin, and when. Time is a number here.
 */
#include "base/limits.h"
#include "policy/window.h"
#include "support/test.h"

enum { START = 1700000000 };
#define NOW ((int64_t)START * 1000)

static void note(lj_window *window, int64_t job, int64_t at, int64_t tokens) { assert_code(lj_window_note(window, job, at, tokens, at), LJ_OK); }

static void call_that_is_heard_of_twice_counts_once(void **state) {
  lj_window window = {0};
  (void)state;
  note(&window, 1, NOW, 100);
  note(&window, 1, NOW, 30); /* its real usage */
  note(&window, 1, NOW + 5, 10); /* the same job again */
  note(&window, 2, NOW, 10);
  assert_int_equal(window.count, 3);
  assert_int_equal(window.tokens, 50);
  lj_window_drop(&window, 2, NOW);
  lj_window_drop(&window, 2, NOW);
  lj_window_drop(&window, 1, NOW + 6);
  assert_int_equal(window.count, 2);
  assert_int_equal(window.tokens, 40);
  lj_window_free(&window);
}

static void never_more_than_the_limit_begin_within_a_minute_of_the_server(void **state) {
  enum { LIMIT = 7, CALLS = 500 };
  static int64_t begun[CALLS];
  lj_window window = {0};
  int count = 0;
  (void)state;
  /* A call begins whenever one may, looked at each 300 ms, and reaches the server up to a second later. */
  for (int64_t now = NOW; count < CALLS; now += 300) {
    lj_window_slide(&window, now);
    while (count < CALLS && lj_window_room(&window, LIMIT) > 0) {
      note(&window, count, now, 0);
      begun[count] = now + (count * 389) % 1000;
      count++;
    }
  }
  for (int i = 0; i < CALLS; i++) {
    int within = 0;
    for (int k = 0; k < CALLS; k++) within += begun[k] >= begun[i] && begun[k] < begun[i] + 60000;
    assert_in_range(within, 1, LIMIT);
  }
  lj_window_free(&window);
}

static void opens_when_enough_has_left(void **state) {
  lj_window window = {0};
  (void)state;
  note(&window, 1, NOW, 50);
  note(&window, 2, NOW + 1000, 40);
  assert_true(lj_window_opens(&window, 3, 0, 0, NOW + 1000) == NOW + 1000);
  assert_true(lj_window_opens(&window, 2, 0, 0, NOW + 1000) == NOW + LJ_WINDOW_MS);
  assert_true(lj_window_opens(&window, 1, 0, 0, NOW + 1000) == NOW + 1000 + LJ_WINDOW_MS);
  assert_true(lj_window_opens(&window, 0, 100, 10, NOW + 1000) == NOW + 1000);
  assert_true(lj_window_opens(&window, 0, 100, 60, NOW + 1000) == NOW + LJ_WINDOW_MS);
  assert_true(lj_window_opens(&window, 0, 100, 61, NOW + 1000) == NOW + 1000 + LJ_WINDOW_MS);
  lj_window_slide(&window, NOW + LJ_WINDOW_MS - 1);
  assert_int_equal(window.count, 2);
  lj_window_slide(&window, NOW + LJ_WINDOW_MS);
  assert_int_equal(window.count, 1);
  assert_int_equal(window.tokens, 40);
  lj_window_free(&window);
}

static void call_larger_than_the_limit_runs_alone(void **state) {
  lj_window window = {0};
  (void)state;
  assert_true(lj_window_fits(&window, 100, 5000));
  note(&window, 1, NOW, 1);
  assert_false(lj_window_fits(&window, 100, 5000));
  assert_false(lj_window_fits(&window, 100, 100));
  assert_true(lj_window_fits(&window, 100, 99));
  assert_true(lj_window_opens(&window, 0, 100, 5000, NOW) == NOW + LJ_WINDOW_MS);
  lj_window_free(&window);
}

static void order_of_hearing_does_not_matter(void **state) {
  lj_window window = {0};
  (void)state;
  for (int i = 0; i < 100; i++) assert_code(lj_window_note(&window, i, NOW + (i * 37) % 100, 1, NOW + 100), LJ_OK);
  for (size_t i = 1; i < window.count; i++) assert_true(window.calls[i - 1].at <= window.calls[i].at);
  assert_code(lj_window_note(&window, 7, NOW - LJ_WINDOW_MS, 1, NOW), LJ_OK); /* long ago */
  assert_int_equal(window.count, 100);
  lj_window_free(&window);
}

static void clock_that_is_set_back_holds_nothing_for_longer_than_a_minute(void **state) {
  lj_window window = {0};
  (void)state;
  note(&window, 1, NOW + 3600000, 1);
  lj_window_slide(&window, NOW);
  assert_true(lj_window_opens(&window, 1, 0, 0, NOW) == NOW + LJ_WINDOW_MS);
  assert_code(lj_window_note(&window, 2, NOW + 3600000, 1, NOW), LJ_OK);
  lj_window_slide(&window, NOW + LJ_WINDOW_MS);
  assert_int_equal(window.count, 0);
  lj_window_free(&window);
}

static void growth_ends_at_its_ceiling_and_a_shortage_of_memory_changes_nothing(void **state) {
  lj_window window = {0};
  (void)state;
  lj_memory_fail_at(1, 0);
  assert_code(lj_window_note(&window, 1, NOW, 5, NOW), LJ_NOMEM);
  lj_memory_fail_at(0, 0);
  assert_int_equal(window.count, 0);
  assert_int_equal(window.tokens, 0);
  for (int i = 0; i < LJ_MAX_WINDOW_CALLS; i++) note(&window, i, NOW, 1);
  assert_code(lj_window_note(&window, -1, NOW, 5, NOW), LJ_TOO_BIG);
  assert_int_equal(lj_window_room(&window, 0), 0);
  assert_int_equal(window.tokens, LJ_MAX_WINDOW_CALLS);
  lj_window_free(&window);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(call_that_is_heard_of_twice_counts_once),
      cmocka_unit_test(never_more_than_the_limit_begin_within_a_minute_of_the_server),
      cmocka_unit_test(opens_when_enough_has_left),
      cmocka_unit_test(call_larger_than_the_limit_runs_alone),
      cmocka_unit_test(order_of_hearing_does_not_matter),
      cmocka_unit_test(clock_that_is_set_back_holds_nothing_for_longer_than_a_minute),
      cmocka_unit_test(growth_ends_at_its_ceiling_and_a_shortage_of_memory_changes_nothing),
  };
  return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
