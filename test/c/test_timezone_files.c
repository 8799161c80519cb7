/* SPDX-License-Identifier: MIT
 *
 * Files of time zones: every version is read, and a damaged one is refused.
 */
#include "policy/timezone.h"
#include "support/zone_file.h"

static void tables_of_every_version_are_read(void **state) {
  zone_file file;
  (void)state;
  for (char version = '1'; version <= '4'; version++) {
    lj_zone *zone = NULL;
    lj_zone_period period;
    make_file(&file, version, "\nEST5EDT,M3.2.0,M11.1.0\n");
    assert_code(lj_zone_read(file.data, file.length, &zone), LJ_OK);
    lj_zone_period_at(zone, 999999, &period);
    assert_int_equal(period.offset, 3600);
    assert_int_equal(period.until, 1000000);
    lj_zone_period_at(zone, 1000000, &period);
    assert_int_equal(period.offset, 7200);
    assert_int_equal(period.until, 2000000);
    assert_int_equal(lj_zone_offset(zone, 2999999), 3600);
    lj_zone_period_at(zone, seconds_of("2050-07-01T00:00:00Z"), &period);
    assert_int_equal(period.offset, version == '1' ? 7200 : -14400);
    assert_true(period.until == (version == '1' ? INT64_MAX : seconds_of("2050-11-06T06:00:00Z")));
    lj_zone_free(zone);
  }
}

static void times_before_1970_are_negative(void **state) {
  static const int64_t times[] = {-2000000000, -1000000};
  (void)state;
  for (size_t size = 4; size <= 8; size += 4) {
    zone_file file = {.length = 0};
    lj_zone *zone = NULL;
    lj_zone_period period;
    if (size == 8) put_block(&file, '2', 4, NULL, 0);
    put_block(&file, size == 4 ? '1' : '2', size, times, COUNT_OF(times));
    if (size == 8) put_text(&file, "\n\n");
    assert_code(lj_zone_read(file.data, file.length, &zone), LJ_OK);
    lj_zone_period_at(zone, -1000001, &period);
    assert_int_equal(period.offset, 7200);
    assert_true(period.until == -1000000);
    assert_int_equal(lj_zone_offset(zone, -2000000001), 3600);
    assert_int_equal(lj_zone_offset(zone, 0), 3600);
    lj_zone_free(zone);
  }
}

static void without_a_rule_the_last_offset_stays(void **state) {
  zone_file file;
  lj_zone *zone = NULL;
  lj_zone_period period;
  (void)state;
  make_file(&file, '2', "\n\n");
  assert_code(lj_zone_read(file.data, file.length, &zone), LJ_OK);
  lj_zone_period_at(zone, INT64_C(4000000000), &period);
  assert_int_equal(period.offset, 7200);
  assert_true(period.until == INT64_MAX);
  lj_zone_free(zone);
}

/* Each copy has just its own size, so that the sanitizer sees a byte read beyond it. */
static int read_copy(const unsigned char *data, size_t length) {
  lj_zone *zone = NULL;
  unsigned char *copy = malloc(length > 0 ? length : 1);
  assert_non_null(copy);
  if (length > 0) memcpy(copy, data, length);
  int code = lj_zone_read(copy, length, &zone);
  free(copy);
  if (code == LJ_OK) {
    static const int64_t instants[] = {-LJ_MAX_TIME_MS / 1000, -1, 0, 1500000, 2500000000, LJ_MAX_TIME_MS / 1000};
    for (size_t i = 0; i < COUNT_OF(instants); i++) {
      lj_zone_period period;
      lj_zone_period_at(zone, instants[i], &period);
      assert_true(period.until > instants[i]);
      assert_in_range(period.offset + 200000, 50000, 350000);
    }
  } else {
    assert_code(code, LJ_INVALID);
    assert_null(zone);
  }
  lj_zone_free(zone);
  return code;
}

static void every_cut_is_refused(void **state) {
  zone_file file;
  (void)state;
  for (char version = '1'; version <= '4'; version++) {
    make_file(&file, version, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    for (size_t length = 0; length < file.length; length++) assert_code(read_copy(file.data, length), LJ_INVALID);
    assert_code(read_copy(file.data, file.length), LJ_OK);
  }
}

static void flipped_bits_give_a_zone_or_an_error(void **state) {
  uint32_t seed = 20260114;
  zone_file file;
  (void)state;
  for (char version = '1'; version <= '2'; version++) {
    make_file(&file, version, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    for (size_t bit = 0; bit < file.length * 8; bit++) {
      file.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
      (void)read_copy(file.data, file.length);
      file.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (int round = 0; round < 20000; round++) {
      zone_file bent = file;
      for (uint32_t flips = 1 + next_random(&seed) % 8; flips > 0; flips--)
        bent.data[next_random(&seed) % bent.length] ^= (unsigned char)(1u << next_random(&seed) % 8);
      (void)read_copy(bent.data, bent.length);
    }
  }
}

static void damaged_files_are_refused(void **state) {
  zone_file file;
  static const int64_t backwards[] = {2000000, 1000000};
  (void)state;
  file.length = 0;
  put_block(&file, '1', 4, backwards, 2);
  assert_code(read_copy(file.data, file.length), LJ_INVALID);
  make_file(&file, '1', "");
  file.data[44 + 12] = 2; /* the third type of two */
  assert_code(read_copy(file.data, file.length), LJ_INVALID);
  make_file(&file, '1', "");
  file.data[44 + 15] = 0x7F; /* an offset of centuries */
  assert_code(read_copy(file.data, file.length), LJ_INVALID);
  make_file(&file, '1', "");
  memset(file.data + 32, 0xFF, 4); /* four milliards of times */
  assert_code(read_copy(file.data, file.length), LJ_INVALID);
  make_file(&file, '2', "\nnonsense\n");
  assert_code(read_copy(file.data, file.length), LJ_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(tables_of_every_version_are_read),
      tidy_test(times_before_1970_are_negative),
      tidy_test(without_a_rule_the_last_offset_stays),
      tidy_test(every_cut_is_refused),
      tidy_test(flipped_bits_give_a_zone_or_an_error),
      tidy_test(damaged_files_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
