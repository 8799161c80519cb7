/* SPDX-License-Identifier: MIT
 *
 * Cron expressions: what they say, what is refused, and when they match in plain time and at the edges of the calendar.
 */
#include "support/cron.h"

static void plain_time(void **state) {
  static const struct {
    const char *text;
    const char *after;
    const char *expected;
  } cases[] = {
      /* values, stars, and "after" means strictly after */
      {"* * * * *", "2026-01-01 00:00", "2026-01-01 00:01"},
      {"* * * * *", "2026-01-01 00:00:59.999", "2026-01-01 00:01"},
      {"* * * * *", "2025-12-31 23:59:30", "2026-01-01 00:00"},
      {"? ? ? ? ?", "2026-01-01 00:00", "2026-01-01 00:01"},
      {"30 12 * * *", "2026-01-01 12:29:59.999", "2026-01-01 12:30"},
      {"30 12 * * *", "2026-01-01 12:30", "2026-01-02 12:30"},
      {"30 12 * * *", "2026-01-01 12:30:00.001", "2026-01-02 12:30"},
      {"00 05 01 01 *", "2026-01-01 05:00", "2027-01-01 05:00"},
      {"59 23 31 12 *", "2026-01-01 00:00", "2026-12-31 23:59"},
      {"  0\t9 *  * 1-5  ", "2026-01-01 00:00", "2026-01-01 09:00"},
      {"* * * * *", "1969-12-31 23:59:59.999", "1970-01-01 00:00"},
      {"* * * * *", "1960-02-29 10:00:00.001", "1960-02-29 10:01"},
      /* lists and ranges */
      {"0,15,45 * * * *", "2026-01-01 00:15", "2026-01-01 00:45"},
      {"45,15,0 * * * *", "2026-01-01 00:45", "2026-01-01 01:00"},
      {"10-12 8 * * *", "2026-01-01 08:12", "2026-01-02 08:10"},
      {"0 8-10,20 * * *", "2026-01-01 10:00", "2026-01-01 20:00"},
      {"0 0 1-7,15,28-31 * *", "2026-02-15 00:00", "2026-02-28 00:00"},
      {"5-5 * * * *", "2026-01-01 00:05", "2026-01-01 01:05"},
      /* steps */
      {"*/5 * * * *", "2026-01-01 00:56", "2026-01-01 01:00"},
      {"*/7 * * * *", "2026-01-01 00:49", "2026-01-01 00:56"},
      {"*/7 * * * *", "2026-01-01 00:56", "2026-01-01 01:00"},
      {"*/60 * * * *", "2026-01-01 00:00", "2026-01-01 01:00"},
      {"1-30/2 * * * *", "2026-01-01 00:29", "2026-01-01 01:01"},
      {"5/15 * * * *", "2026-01-01 00:35", "2026-01-01 00:50"},
      {"5/15 * * * *", "2026-01-01 00:50", "2026-01-01 01:05"},
      {"0 */6 * * *", "2026-01-01 18:00", "2026-01-02 00:00"},
      {"0 22/1 * * *", "2026-01-01 23:00", "2026-01-02 22:00"},
      {"0 0 1/10 * *", "2026-02-21 00:00", "2026-03-01 00:00"},
      {"0 0 1 */3 *", "2026-01-01 00:00", "2026-04-01 00:00"},
      {"0 0 1 2/5 *", "2026-07-01 00:00", "2026-12-01 00:00"},
      /* names */
      {"0 0 1 JAN *", "2026-01-01 00:00", "2027-01-01 00:00"},
      {"0 0 1 jan,Jul *", "2026-01-01 00:00", "2026-07-01 00:00"},
      {"0 0 1 oct-dec *", "2026-10-01 00:00", "2026-11-01 00:00"},
      {"0 0 1 sep-dec/3 *", "2026-09-01 00:00", "2026-12-01 00:00"},
      {"0 0 * * Mon", "2026-01-01 00:00", "2026-01-05 00:00"},
      {"0 0 * * fri-SAT", "2026-01-01 00:00", "2026-01-02 00:00"},
      {"0 0 * * sun", "2026-01-01 00:00", "2026-01-04 00:00"},
      /* days of the week: both 0 and 7 are Sunday */
      {"0 0 * * 0", "2026-01-01 00:00", "2026-01-04 00:00"},
      {"0 0 * * 7", "2026-01-01 00:00", "2026-01-04 00:00"},
      {"0 0 * * 7/2", "2026-01-04 00:00", "2026-01-11 00:00"},
      {"0 0 * * 5-7", "2026-01-03 00:00", "2026-01-04 00:00"},
      {"0 0 * * 5-7", "2026-01-04 00:00", "2026-01-09 00:00"},
      {"0 0 * * 0-7", "2026-01-04 00:00", "2026-01-05 00:00"},
      {"0 0 * * 1/2", "2026-01-09 00:00", "2026-01-12 00:00"}, /* Friday the last */
      {"0 0 * * */2", "2026-01-03 00:00", "2026-01-04 00:00"},
      /* days: either field when both are restricted */
      {"0 0 13 * 5", "2026-01-01 00:00", "2026-01-02 00:00"},
      {"0 0 13 * 5", "2026-01-09 00:00", "2026-01-13 00:00"},
      {"0 0 13 * *", "2026-01-09 00:00", "2026-01-13 00:00"},
      {"0 0 * * 5", "2026-01-09 00:00", "2026-01-16 00:00"},
      {"0 0 1,15 * sun", "2026-01-12 00:00", "2026-01-15 00:00"},
      {"0 0 31 2 1", "2026-02-01 00:00", "2026-02-02 00:00"}, /* no 31 February, but Mondays */
      /* … both when one begins with a star, a step behind it or not */
      {"0 0 */2 * 1", "2026-01-01 00:00", "2026-01-05 00:00"},
      {"0 0 */2 * 1", "2026-01-05 00:00", "2026-01-19 00:00"},
      {"0 0 13 * */5", "2026-01-01 00:00", "2026-02-13 00:00"},
      {"0 0 13 * */5", "2026-03-13 00:00", "2026-09-13 00:00"},
      {"0 0 ? * 5", "2026-01-01 00:00", "2026-01-02 00:00"},
      /* … and the first character alone decides */
      {"0 0 */30,2 * 1", "2026-01-01 00:00", "2026-02-02 00:00"},
      {"0 0 2,*/30 * 1", "2026-01-01 00:00", "2026-01-02 00:00"},
      /* ends of months, leap years */
      {"0 0 31 * *", "2026-01-31 00:00", "2026-03-31 00:00"},
      {"0 0 30 * *", "2026-01-30 00:00", "2026-03-30 00:00"},
      {"0 0 28 2 *", "2024-02-28 00:00", "2025-02-28 00:00"},
      {"0 0 29 2 *", "2024-02-29 00:00", "2028-02-29 00:00"},
      {"0 0 29 2 *", "2025-01-01 00:00", "2028-02-29 00:00"},
      {"0 0 29 2 *", "1999-12-31 23:59", "2000-02-29 00:00"},
      {"0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"},
      {"59 23 29 2 *", "2096-02-29 23:59", "2104-02-29 23:59"},
      {"* * 29 2 *", "2096-02-29 23:59", "2104-02-29 00:00"},
      {"0 0 1 3 *", "2100-02-28 00:00", "2100-03-01 00:00"},
      {"30 4 1 1 *", "2026-12-31 23:59", "2027-01-01 04:30"},
      /* never, or too rarely */
      {"0 0 30 2 *", "2026-01-01 00:00", NULL},
      {"0 0 31 4,6,9,11 *", "2026-01-01 00:00", NULL},
      {"0 0 */28 2 1", "2030-02-01 00:00", "2038-02-01 00:00"}, /* Monday, 1 February: eight years away, … */
      {"0 0 */28 2 1", "2030-01-01 00:00", NULL},               /* … and a month more */
      /* nicknames */
      {"@hourly", "2026-01-01 00:00", "2026-01-01 01:00"},
      {"@daily", "2026-01-01 00:00", "2026-01-02 00:00"},
      {"@midnight", "2026-01-01 00:00", "2026-01-02 00:00"},
      {"@weekly", "2026-01-01 00:00", "2026-01-04 00:00"},
      {"@monthly", "2026-01-01 00:00", "2026-02-01 00:00"},
      {"@yearly", "2026-01-01 00:00", "2027-01-01 00:00"},
      {" @Annually ", "2026-01-01 00:00", "2027-01-01 00:00"},
  };
  lj_zone *utc = NULL;
  (void)state;
  assert_code(lj_zone_load("UTC", &utc, NULL), LJ_OK);
  for (size_t i = 0; i < COUNT_OF(cases); i++) check_next(cases[i].text, utc, cases[i].after, cases[i].expected);
  lj_zone_free(utc);
}

static void values_are_bits(void **state) {
  lj_cron cron;
  (void)state;
  parse_or_fail("*/15 9-17/4 1,31 jan-mar 7", &cron);
  assert_int_equal(cron.minutes, UINT64_C(1) | UINT64_C(1) << 15 | UINT64_C(1) << 30 | UINT64_C(1) << 45);
  assert_int_equal(cron.hours, 1 << 9 | 1 << 13 | 1 << 17);
  assert_int_equal(cron.days, UINT64_C(1) << 1 | UINT64_C(1) << 31);
  assert_int_equal(cron.months, 1 << 1 | 1 << 2 | 1 << 3);
  assert_int_equal(cron.weekdays, 1);
  assert_true(cron.follows_real_time);
  assert_false(cron.both_days);
  parse_or_fail("* * * * *", &cron);
  assert_int_equal(cron.minutes, (UINT64_C(1) << 60) - 1);
  assert_int_equal(cron.hours, (1 << 24) - 1);
  assert_int_equal(cron.days, (UINT64_C(1) << 32) - 2);
  assert_int_equal(cron.months, (1 << 13) - 2);
  assert_int_equal(cron.weekdays, 0x7F);
  assert_true(cron.both_days);
  parse_or_fail("5/15 0-23 1 1 1", &cron);
  assert_false(cron.follows_real_time);
  parse_or_fail("5 */2 1 1 1", &cron);
  assert_true(cron.follows_real_time);
  parse_or_fail("@hourly", &cron);
  assert_true(cron.follows_real_time);
  parse_or_fail("@daily", &cron);
  assert_false(cron.follows_real_time);
}

static void bad_expressions_name_the_field(void **state) {
  static const struct {
    const char *text;
    const char *told;
  } bad[] = {
      {"", "has 0 fields"},
      {"   ", "has 0 fields"},
      {"*", "has 1 fields"},
      {"* * * *", "has 4 fields"},
      {"0 * * * * *", "has 6 fields"},
      {"@reboot", "@hourly"},
      {"@", "@hourly"},
      {"@daily *", "has 2 fields"},
      {"@daily * * * *", "minute \"@daily\""},
      {"60 * * * *", "minute \"60\": must be 0 to 59"},
      {"-1 * * * *", "minute \"-1\""},
      {"99999999999999999999 * * * *", "minute"},
      {"4294967296 * * * *", "minute"},
      {"1,,2 * * * *", "minute \"1,,2\""},
      {",1 * * * *", "minute"},
      {"1, * * * *", "minute"},
      {", * * * *", "minute"},
      {"1-2-3 * * * *", "minute"},
      {"5-1 * * * *", "minute \"5-1\""},
      {"5- * * * *", "minute"},
      {"* 24 * * *", "hour \"24\": must be 0 to 23"},
      {"* 1.5 * * *", "hour"},
      {"* one * * *", "hour"},
      {"* mon * * *", "hour"},
      {"* 0x1 * * *", "hour"},
      {"* +1 * * *", "hour"},
      {"*/0 * * * *", "minute \"*/0\""},
      {"*/61 * * * *", "a step is 1 to 60"},
      {"*/ * * * *", "minute"},
      {"*/-5 * * * *", "minute"},
      {"*/5/5 * * * *", "minute"},
      {"*5 * * * *", "minute"},
      {"*-5 * * * *", "minute"},
      {"** * * * *", "minute"},
      {"* */25 * * *", "hour"},
      {"* * 0 * *", "day of month \"0\": must be 1 to 31"},
      {"* * 32 * *", "day of month"},
      {"* * L * *", "day of month \"L\""},
      {"* * 15W * *", "day of month"},
      {"* * * 0 *", "month \"0\": must be 1 to 12 or jan to dec"},
      {"* * * 13 *", "month"},
      {"* * * foo *", "month"},
      {"* * * january *", "month"},
      {"* * * ja *", "month"},
      {"* * * mar-jan *", "month"},
      {"* * * * 8", "day of week \"8\": must be 0 to 7"},
      {"* * * * fri-sun", "day of week"},
      {"* * * * jan", "day of week"},
      {"* * * * 5#3", "day of week"},
      {"* * * * 5L", "day of week"},
      {"* * * * *\n", "day of week"},
      {"*\n* * * *", "has 4 fields"},
      {"\xC3\xA4 * * * *", "minute"},
      {"\xFF * * * *", "minute"},
  };
  lj_cron cron;
  lj_fault fault;
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    lj_fault_clear(&fault);
    if (lj_cron_parse(bad[i].text, &cron, &fault) != LJ_BAD_JOB) fail_msg("was taken: \"%s\"", bad[i].text);
    assert_code(fault.code, LJ_BAD_JOB);
    if (strstr(fault.message, bad[i].told) == NULL) fail_msg("\"%s\": %s", bad[i].text, fault.message);
    assert_code(lj_cron_parse(bad[i].text, &cron, NULL), LJ_BAD_JOB);
  }
  assert_code(lj_cron_parse(NULL, &cron, &fault), LJ_BAD_JOB);
}

static void length_has_a_ceiling(void **state) {
  char text[LJ_MAX_CRON_TEXT + 2];
  lj_cron cron;
  (void)state;
  memset(text, ' ', sizeof text);
  memcpy(text, "* * * * *", 9);
  text[LJ_MAX_CRON_TEXT] = '\0';
  assert_code(lj_cron_parse(text, &cron, NULL), LJ_OK);
  text[LJ_MAX_CRON_TEXT] = ' ';
  text[LJ_MAX_CRON_TEXT + 1] = '\0';
  assert_code(lj_cron_parse(text, &cron, NULL), LJ_BAD_JOB);
}

/* Any bytes: a result or an error, nothing read beyond the end. */
static void random_texts_do_no_harm(void **state) {
  static const char alphabet[] = "0123456789**//--,,   ?@janfebsunMON\t#L";
  uint32_t seed = 20260101;
  (void)state;
  for (int round = 0; round < 20000; round++) {
    size_t length = next_random(&seed) % 24;
    char *text = malloc(length + 1);
    lj_cron cron;
    assert_non_null(text);
    for (size_t i = 0; i < length; i++) text[i] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
    text[length] = '\0';
    int code = lj_cron_parse(text, &cron, NULL);
    assert_true(code == LJ_OK || code == LJ_BAD_JOB);
    if (code == LJ_OK) {
      assert_true(cron.minutes != 0 && cron.hours != 0 && cron.days != 0 && cron.months != 0 && cron.weekdays != 0);
      assert_true(cron.minutes >> 60 == 0 && cron.hours >> 24 == 0 && cron.days >> 32 == 0 && cron.months >> 13 == 0);
      assert_true(cron.weekdays >> 7 == 0 && (cron.days & 1) == 0 && (cron.months & 1) == 0);
    }
    free(text);
  }
}

static void times_have_limits(void **state) {
  lj_cron cron;
  lj_zone *zone = zone_of_rule(BERLIN);
  int64_t next = 0;
  (void)state;
  parse_or_fail("0 0 1 1 *", &cron);
  assert_code(lj_cron_next(&cron, zone, LJ_MAX_TIME_MS - INT64_C(366) * 86400000, &next), LJ_OK);
  assert_true(next <= LJ_MAX_TIME_MS);
  assert_code(lj_cron_next(&cron, zone, LJ_MAX_TIME_MS, &next), LJ_NOT_FOUND);
  assert_code(lj_cron_next(&cron, zone, -LJ_MAX_TIME_MS, &next), LJ_OK);
  assert_true(next > -LJ_MAX_TIME_MS && next < -LJ_MAX_TIME_MS + INT64_C(367) * 86400000);
  assert_code(lj_cron_next(&cron, zone, LJ_MAX_TIME_MS + 1, &next), LJ_NOT_FOUND);
  assert_code(lj_cron_next(&cron, zone, -LJ_MAX_TIME_MS - 1, &next), LJ_NOT_FOUND);
  assert_code(lj_cron_next(&cron, zone, INT64_MAX, &next), LJ_NOT_FOUND);
  assert_code(lj_cron_next(&cron, zone, INT64_MIN, &next), LJ_NOT_FOUND);
  lj_zone_free(zone);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(plain_time),
      cmocka_unit_test(values_are_bits),
      cmocka_unit_test(bad_expressions_name_the_field),
      cmocka_unit_test(length_has_a_ceiling),
      cmocka_unit_test(random_texts_do_no_harm),
      tidy_test(times_have_limits),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
