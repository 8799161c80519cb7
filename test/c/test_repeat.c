/* SPDX-License-Identifier: MIT
 *
 * When a job that repeats runs next.
 */
#include "policy/calendar.h"
#include "policy/repeat.h"
#include "support/test.h"

static const int64_t NOW = INT64_C(1768386030000); /* 2026-01-14T10:20:30Z */

static int parse(const char *text, lj_repeat *repeat, lj_fault *fault) {
  cJSON *opts = json_of(text);
  lj_fault_clear(fault);
  int code = lj_repeat_parse(opts, repeat, fault);
  cJSON_Delete(opts);
  return code;
}

static lj_repeat repeat_of(const char *text) {
  lj_repeat repeat;
  lj_fault fault;
  if (parse(text, &repeat, &fault) != LJ_OK) fail_msg("%s: %s", text, fault.message);
  return repeat;
}

static void kinds_are_told_apart(void **state) {
  (void)state;
  lj_repeat repeat = repeat_of("{}");
  assert_int_equal(repeat.kind, LJ_REPEAT_NEVER);
  repeat = repeat_of("{\"repeat\":null}");
  assert_int_equal(repeat.kind, LJ_REPEAT_NEVER);
  repeat = repeat_of("{\"repeat\":{\"everyMs\":1000}}");
  assert_int_equal(repeat.kind, LJ_REPEAT_EVERY);
  assert_int_equal(repeat.every_ms, 1000);
  repeat = repeat_of("{\"repeat\":{\"everyMs\":31622400000,\"cron\":null}}");
  assert_int_equal(repeat.every_ms, INT64_C(31622400000));
  repeat = repeat_of("{\"repeat\":{\"cron\":\"0 9 * * *\",\"tz\":\"Europe/Berlin\"}}");
  assert_int_equal(repeat.kind, LJ_REPEAT_CRON);
  assert_string_equal(repeat.zone, "Europe/Berlin");
  assert_int_equal(repeat.cron.hours, 1 << 9);
  repeat = repeat_of("{\"repeat\":{\"cron\":\"@daily\",\"tz\":null}}");
  assert_string_equal(repeat.zone, "");
  assert_code(lj_repeat_parse(NULL, &repeat, NULL), LJ_OK);
  assert_int_equal(repeat.kind, LJ_REPEAT_NEVER);
}

static void bad_options_are_refused_with_the_field(void **state) {
  static const struct {
    const char *text;
    const char *says;
  } rows[] = {
      {"{\"repeat\":5}", "opts.repeat: must be {everyMs} or {cron, tz}"},
      {"{\"repeat\":\"daily\"}", "opts.repeat: must be"},
      {"{\"repeat\":[]}", "opts.repeat: must be"},
      {"{\"repeat\":[1000]}", "opts.repeat: must be"},
      {"{\"repeat\":true}", "opts.repeat: must be"},
      {"{\"repeat\":{}}", "opts.repeat: must be"},
      {"{\"repeat\":{\"tz\":\"UTC\"}}", "opts.repeat: must be"},
      {"{\"repeat\":{\"everyMs\":1000,\"tz\":\"UTC\"}}", "opts.repeat: must be"},
      {"{\"repeat\":{\"everyMs\":1000,\"cron\":\"* * * * *\"}}", "opts.repeat: must be"},
      {"{\"repeat\":{\"every\":1000}}", "opts.repeat.every: unknown key"},
      {"{\"repeat\":{\"everyMs\":999}}", "opts.repeat.everyMs: must be a whole number from 1000 to 31622400000"},
      {"{\"repeat\":{\"everyMs\":31622400001}}", "opts.repeat.everyMs"},
      {"{\"repeat\":{\"everyMs\":1000.5}}", "opts.repeat.everyMs"},
      {"{\"repeat\":{\"everyMs\":-1000}}", "opts.repeat.everyMs"},
      {"{\"repeat\":{\"everyMs\":1e300}}", "opts.repeat.everyMs"},
      {"{\"repeat\":{\"everyMs\":\"1000\"}}", "opts.repeat.everyMs"},
      {"{\"repeat\":{\"cron\":5}}", "opts.repeat.cron: must be a text"},
      {"{\"repeat\":{\"cron\":\"60 * * * *\"}}", "opts.repeat.cron: minute \"60\""},
      {"{\"repeat\":{\"cron\":\"@daily\",\"tz\":1}}", "opts.repeat.tz: must be the name"},
      {"{\"repeat\":{\"cron\":\"@daily\",\"tz\":\"../etc/passwd\"}}", "opts.repeat.tz: time zone \"../etc/passwd\""},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    lj_repeat repeat;
    lj_fault fault;
    assert_code(parse(rows[i].text, &repeat, &fault), LJ_BAD_JOB);
    assert_code(fault.code, LJ_BAD_JOB);
    if (strstr(fault.message, rows[i].says) == NULL) fail_msg("%s: %s", rows[i].text, fault.message);
  }
}

static void intervals_keep_their_phase(void **state) {
  static const struct {
    int64_t every;
    int64_t scheduled; /* from NOW on; INT64_MIN: it was not scheduled */
    int64_t next;      /* from NOW on */
  } rows[] = {
      {60000, INT64_MIN, 60000},  /* nothing to keep */
      {60000, 0, 60000},          /* at the second: strictly after */
      {60000, -1, 59999},         /* ran on time */
      {60000, -59999, 1},
      {60000, -60000, 60000},     /* an occurrence right now counts as missed */
      {60000, -60001, 59999},
      {60000, -86400000, 60000},  /* a day closed: one run stands for 1440 */
      {60000, -86400007, 59993},
      {3600000, -5000, 3595000},
      {60000, 30000, 90000},      /* the clock was set back a little */
      {1000, 60000, 61000},
      {60000, 60001, 1},          /* further: in the phase, from now on */
      {60000, 86400000, 60000},
      {31622400000, -1, 31622399999},
  };
  lj_zones zones;
  (void)state;
  lj_zones_init(&zones);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    lj_repeat repeat = {.kind = LJ_REPEAT_EVERY, .every_ms = rows[i].every};
    int64_t scheduled = rows[i].scheduled == INT64_MIN ? 0 : NOW + rows[i].scheduled;
    int64_t next = 0;
    assert_code(lj_repeat_next(&repeat, &zones, scheduled, NOW, &next, NULL), LJ_OK);
    if (next - NOW != rows[i].next) fail_msg("row %zu: %lld", i, (long long)(next - NOW));
  }
  lj_zones_free(&zones);
}

static void odd_numbers_in_a_row_do_no_harm(void **state) {
  static const int64_t odd[] = {INT64_MIN, -1, 0, 1, LJ_MAX_TIME_MS, LJ_MAX_TIME_MS + 1, INT64_MAX};
  lj_repeat every = {.kind = LJ_REPEAT_EVERY, .every_ms = 1000};
  lj_repeat cron = repeat_of("{\"repeat\":{\"cron\":\"* * * * *\",\"tz\":\"UTC\"}}");
  lj_repeat never = {.kind = LJ_REPEAT_NEVER};
  lj_zones zones;
  int64_t next = 0;
  (void)state;
  lj_zones_init(&zones);
  for (size_t i = 0; i < COUNT_OF(odd); i++) {
    assert_code(lj_repeat_next(&every, &zones, odd[i], NOW, &next, NULL), LJ_OK);
    assert_true(next > NOW && next <= NOW + 1000);
    assert_code(lj_repeat_next(&cron, &zones, odd[i], NOW, &next, NULL), LJ_OK);
    assert_int_equal(next, NOW + 30000);
    assert_code(lj_repeat_next(&never, &zones, odd[i], NOW, &next, NULL), LJ_NOT_FOUND);
  }
  assert_code(lj_repeat_next(&every, &zones, 0, INT64_MAX, &next, NULL), LJ_NOT_FOUND);
  assert_code(lj_repeat_next(&every, &zones, 0, INT64_MIN, &next, NULL), LJ_NOT_FOUND);
  assert_code(lj_repeat_next(&every, &zones, 0, LJ_MAX_TIME_MS, &next, NULL), LJ_NOT_FOUND);
  assert_code(lj_repeat_next(&cron, &zones, 0, LJ_MAX_TIME_MS, &next, NULL), LJ_NOT_FOUND);
  lj_zones_free(&zones);
}

static void dates_come_after_now_and_none_twice(void **state) {
  static const struct {
    const char *text;
    int64_t scheduled; /* from NOW on */
    int64_t next;
  } rows[] = {
      {"{\"repeat\":{\"cron\":\"*/5 * * * *\",\"tz\":\"UTC\"}}", -30000, 270000},
      {"{\"repeat\":{\"cron\":\"*/5 * * * *\",\"tz\":\"UTC\"}}", -86430000, 270000},  /* missed ones collapse */
      {"{\"repeat\":{\"cron\":\"* * * * *\",\"tz\":\"UTC\"}}", 30000, 90000},         /* set back by half a minute */
      {"{\"repeat\":{\"cron\":\"* * * * *\",\"tz\":\"UTC\"}}", 90000, 30000},         /* set back by more */
      {"{\"repeat\":{\"cron\":\"0 16 * * *\",\"tz\":\"+05:30\"}}", -1000, 570000},
  };
  lj_zones zones;
  (void)state;
  lj_zones_init(&zones);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    lj_repeat repeat = repeat_of(rows[i].text);
    int64_t next = 0;
    assert_code(lj_repeat_next(&repeat, &zones, NOW + rows[i].scheduled, NOW, &next, NULL), LJ_OK);
    if (next - NOW != rows[i].next) fail_msg("row %zu: %lld", i, (long long)(next - NOW));
  }
  lj_zones_free(&zones);
}

static void unknown_zones_and_impossible_dates_are_told(void **state) {
  lj_zones zones;
  lj_fault fault;
  int64_t next = 0;
  (void)state;
  lj_zones_init(&zones);
  lj_fault_clear(&fault);
  lj_repeat repeat = repeat_of("{\"repeat\":{\"cron\":\"@daily\",\"tz\":\"Mars/Olympus\"}}");
  assert_code(lj_repeat_next(&repeat, &zones, 0, NOW, &next, &fault), LJ_BAD_JOB);
  assert_non_null(strstr(fault.message, "opts.repeat.tz: time zone \"Mars/Olympus\""));
  assert_code(lj_repeat_next(&repeat, &zones, 0, NOW, &next, NULL), LJ_BAD_JOB);
  repeat = repeat_of("{\"repeat\":{\"cron\":\"0 0 30 2 *\",\"tz\":\"UTC\"}}");
  assert_code(lj_repeat_next(&repeat, &zones, 0, NOW, &next, &fault), LJ_NOT_FOUND);
  lj_zones_free(&zones);
}

static void every_allocation_may_fail(void **state) {
  lj_repeat repeat = repeat_of("{\"repeat\":{\"cron\":\"@daily\",\"tz\":\"UTC\"}}");
  int64_t next = 0;
  int code = LJ_NOMEM;
  long nth = 0;
  (void)state;
  while (code == LJ_NOMEM && ++nth < 100) {
    lj_zones zones;
    lj_fault fault;
    lj_zones_init(&zones);
    lj_fault_clear(&fault);
    lj_memory_fail_at(nth, 0);
    code = lj_repeat_next(&repeat, &zones, 0, NOW, &next, &fault);
    lj_memory_fail_at(0, 0);
    assert_code(fault.code, code);
    assert_int_equal(zones.count, code == LJ_OK ? 1 : 0);
    lj_zones_free(&zones);
  }
  assert_code(code, LJ_OK);
  assert_int_equal(nth, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(kinds_are_told_apart),
      tidy_test(bad_options_are_refused_with_the_field),
      tidy_test(intervals_keep_their_phase),
      tidy_test(odd_numbers_in_a_row_do_no_harm),
      tidy_test(dates_come_after_now_and_none_twice),
      tidy_test(unknown_zones_and_impossible_dates_are_told),
      tidy_test(every_allocation_may_fail),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
