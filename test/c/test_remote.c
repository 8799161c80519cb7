/* SPDX-License-Identifier: MIT */
#include "engine/remote.h"
#include "support/test.h"

static void polls_come_at_half_of_their_former_pace_until_one_in_thirty_seconds(void **state) {
  static const int64_t expected[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
  (void)state;
  for (int polls = 0; polls < (int)(sizeof expected / sizeof expected[0]); polls++) assert_int_equal(lj_remote_pace(polls), expected[polls]);
  assert_int_equal(lj_remote_pace(100000), 30000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(polls_come_at_half_of_their_former_pace_until_one_in_thirty_seconds)};
  return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
