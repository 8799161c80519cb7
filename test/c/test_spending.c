/* SPDX-License-Identifier: MIT
 *
 * What a day's calls have cost.
 */
#include "policy/spending.h"
#include "support/test.h"

enum { FROM = 1000000, UNTIL = 2000000 };

static int add(lj_spending *spending, int64_t job, int64_t begun, int64_t ended, int64_t tokens) {
  return lj_spending_add(spending, 3, job, begun, ended, tokens, (double)tokens / 2);
}

static void try_counts_once_and_only_on_its_day(void **state) {
  lj_spending day = {0};
  (void)state;
  lj_spending_begin(&day, FROM, UNTIL);
  assert_code(add(&day, 1, FROM - 5, FROM, 10), LJ_OK); /* begun before midnight, ended after it */
  assert_code(add(&day, 1, FROM - 5, FROM, 10), LJ_OK);
  assert_code(add(&day, 1, FROM + 7, FROM + 9, 1), LJ_OK);
  assert_code(add(&day, 2, FROM - 5, FROM - 1, 100), LJ_OK);
  assert_code(add(&day, 2, FROM, UNTIL, 1000), LJ_OK);
  assert_int_equal(day.tokens[3], 11);
  assert_true(day.cost[3] > 5.4 && day.cost[3] < 5.6);
  assert_int_equal(day.tokens[2], 0);
  lj_spending_begin(&day, UNTIL, UNTIL + 1);
  assert_int_equal(day.tokens[3], 0);
  assert_code(add(&day, 2, FROM, UNTIL, 1000), LJ_OK);
  assert_int_equal(day.tokens[3], 1000);
  lj_spending_free(&day);
}

static void many_tries_are_told_apart(void **state) {
  lj_spending day = {0};
  (void)state;
  lj_spending_begin(&day, FROM, UNTIL);
  for (int round = 0; round < 2; round++)
    for (int job = 0; job < 300; job++)
      for (int at = 0; at < 300; at++) assert_code(add(&day, job, FROM + at, FROM + at, 1), LJ_OK);
  assert_int_equal(day.tokens[3], 90000);
  lj_spending_free(&day);
}

static void memory_has_a_ceiling_and_its_shortage_counts_nothing(void **state) {
  lj_spending day = {0};
  (void)state;
  lj_spending_begin(&day, FROM, UNTIL);
  lj_memory_fail_at(1, 0);
  assert_code(add(&day, 1, FROM, FROM, 1), LJ_NOMEM);
  lj_memory_fail_at(0, 0);
  assert_int_equal(day.tokens[3], 0);
  for (int i = 0; i < LJ_MAX_SPENDING + 10; i++) assert_code(add(&day, i, FROM, FROM, 1), LJ_OK);
  assert_int_equal(day.tokens[3], LJ_MAX_SPENDING + 10);
  assert_in_range(day.count, 1, LJ_MAX_SPENDING);
  lj_spending_free(&day);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(try_counts_once_and_only_on_its_day),
      cmocka_unit_test(many_tries_are_told_apart),
      cmocka_unit_test(memory_has_a_ceiling_and_its_shortage_counts_nothing),
  };
  return cmocka_run_group_tests_name("spending", tests, NULL, NULL);
}
