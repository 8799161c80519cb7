/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "support/test.h"

static void an_empty_buffer_reads_as_empty_text(void **state) {
  lj_buffer buffer;
  char *taken;
  (void)state;
  lj_buffer_init(&buffer, 10);
  assert_string_equal(buffer.data, "");
  lj_buffer_clear(&buffer);
  lj_buffer_shift(&buffer, 5);
  lj_buffer_truncate(&buffer, 0);
  assert_code(lj_buffer_append(&buffer, NULL, 0), LJ_OK);
  taken = lj_buffer_take(&buffer);
  assert_string_equal(taken, "");
  lj_free(taken);
  lj_buffer_free(&buffer);
  lj_buffer_free(&buffer);
}

static void it_grows_to_its_ceiling_and_keeps_what_it_held(void **state) {
  lj_buffer buffer;
  int at;
  (void)state;
  lj_buffer_init(&buffer, 1000);
  for (at = 0; at < 1000; at++) {
    assert_code(lj_buffer_append_char(&buffer, (char)('a' + at % 26)), LJ_OK);
    assert_int_equal(buffer.data[buffer.length], '\0');
  }
  assert_true(buffer.capacity <= 1001);
  assert_code(lj_buffer_append_char(&buffer, 'x'), LJ_TOO_BIG);
  assert_code(lj_buffer_printf(&buffer, "%d", 1), LJ_TOO_BIG);
  assert_code(lj_buffer_append(&buffer, "", SIZE_MAX), LJ_TOO_BIG);
  assert_int_equal(buffer.length, 1000);
  assert_int_equal(strlen(buffer.data), 1000);
  assert_int_equal(buffer.data[999], 'a' + 999 % 26);
  lj_buffer_free(&buffer);
  assert_int_equal(buffer.length, 0);
}

static void shift_truncate_printf_take(void **state) {
  lj_buffer buffer;
  char *taken;
  (void)state;
  lj_buffer_init(&buffer, 100);
  assert_code(lj_buffer_printf(&buffer, "%s-%d", "abc", 42), LJ_OK);
  assert_code(lj_buffer_append_text(&buffer, "xyz"), LJ_OK);
  assert_string_equal(buffer.data, "abc-42xyz");
  lj_buffer_shift(&buffer, 4);
  assert_string_equal(buffer.data, "42xyz");
  lj_buffer_truncate(&buffer, 3);
  lj_buffer_truncate(&buffer, 50);
  assert_string_equal(buffer.data, "42x");
  lj_buffer_shift(&buffer, 50);
  assert_string_equal(buffer.data, "");
  assert_code(lj_buffer_append(&buffer, "a\0b", 3), LJ_OK);
  assert_int_equal(buffer.length, 3);
  taken = lj_buffer_take(&buffer);
  assert_memory_equal(taken, "a\0b", 4);
  assert_int_equal(buffer.length, 0);
  assert_int_equal(buffer.ceiling, 100);
  lj_free(taken);
}

static void a_failed_append_changes_nothing(void **state) {
  lj_buffer buffer;
  (void)state;
  lj_buffer_init(&buffer, 1000);
  assert_code(lj_buffer_append_text(&buffer, "held"), LJ_OK);
  lj_memory_fail_at(1, 1);
  assert_code(lj_buffer_printf(&buffer, "%0200d", 1), LJ_NOMEM);
  assert_string_equal(buffer.data, "held");
  lj_memory_fail_at(0, 0);
  assert_code(lj_buffer_printf(&buffer, "%0200d", 1), LJ_OK);
  assert_int_equal(buffer.length, 204);
  lj_buffer_free(&buffer);
  lj_memory_fail_at(1, 0);
  assert_null(lj_buffer_take(&buffer));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(an_empty_buffer_reads_as_empty_text),
      tidy_test(it_grows_to_its_ceiling_and_keeps_what_it_held),
      tidy_test(shift_truncate_printf_take),
      tidy_test(a_failed_append_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
