/* SPDX-License-Identifier: MIT
 *
 * Time zones: names, rules, the folder of zones, and what is kept of them.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/timezone.h"
#include "policy/timezone_data.h"
#include "support/zone_file.h"

static char folder[] = "/tmp/llm-jobs-zones-XXXXXX";

static void write_zone(const char *name, const void *data, size_t length) {
  char path[256];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, length, file), length);
  assert_int_equal(fclose(file), 0);
}

static void names_have_a_form(void **state) {
  static const char *const good[] = {"", "UTC", "Z", "GMT", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5",
                                     "America/Port-au-Prince", "+05:30", "-0800", "+02", "-23:59"};
  static const char *const bad[] = {"../etc/passwd", "/etc/passwd", "Europe/../x", ".", "Europe/Berlin.bak", "a b", " UTC", "a\\b", "C:x",
                                    "_a", "-x", "+5", "+24", "+05:60", "+05-30", "+05:3", "+0530x", "Europe/K\xC3\xB6ln", "a\nb", "%s", "+",
                                    "A234567890123456789012345678901234567890123456789012345678901234"};
  lj_fault fault;
  lj_zone *zone = NULL;
  (void)state;
  assert_code(lj_zone_check_name(NULL, NULL), LJ_OK);
  for (size_t i = 0; i < COUNT_OF(good); i++) assert_code(lj_zone_check_name(good[i], NULL), LJ_OK);
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    if (lj_zone_check_name(bad[i], &fault) != LJ_BAD_JOB) fail_msg("accepted: %s", bad[i]);
    assert_non_null(strstr(fault.message, "must be a name such as"));
    assert_code(lj_zone_load(bad[i], &zone, NULL), LJ_BAD_JOB);
    assert_null(zone);
  }
}

static int32_t offset_in(const char *name, int64_t utc) {
  lj_zone *zone = NULL;
  assert_code(lj_zone_load(name, &zone, NULL), LJ_OK);
  int32_t offset = lj_zone_offset(zone, utc);
  lj_zone_free(zone);
  return offset;
}

static void offsets_need_no_file(void **state) {
  (void)state;
  assert_int_equal(offset_in("UTC", 0), 0);
  assert_int_equal(offset_in("Z", 0), 0);
  assert_int_equal(offset_in("+05:30", 0), 19800);
  assert_int_equal(offset_in("-0800", 0), -28800);
  assert_int_equal(offset_in("+14", 0), 50400);
}

static void rules_are_read(void **state) {
  static const struct {
    const char *rule;
    const char *at;
    int32_t offset;
    const char *until; /* NULL: for ever */
  } rows[] = {
      {"UTC0", "2050-01-01T00:00:00Z", 0, NULL},
      {"IST-5:30", "2050-01-01T00:00:00Z", 19800, NULL},
      {"<+0330>-3:30", "2050-01-01T00:00:00Z", 12600, NULL},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27T00:59:59Z", 3600, "2050-03-27T01:00:00Z"},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27T01:00:00Z", 7200, "2050-10-30T01:00:00Z"},
      {"CET-1CEST,M3.5.0,M10.5.0/3", "2050-12-31T23:59:59Z", 3600, "2051-03-26T01:00:00Z"},
      {"EST5EDT", "2050-07-01T00:00:00Z", -14400, "2050-11-06T06:00:00Z"},
      {"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-01-01T00:00:00Z", 0, "2050-03-27T01:00:00Z"},
      {"IST-1GMT0,M10.5.0,M3.5.0/1", "2050-07-01T00:00:00Z", 3600, "2050-10-30T01:00:00Z"},
      {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2050-12-01T00:00:00Z", 39600, "2051-04-01T15:00:00Z"},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2050-03-27T00:59:59Z", -7200, "2050-03-27T01:00:00Z"},
      {"AAA0BBB,J60/0,J61/0", "2048-03-01T00:00:00Z", 3600, "2048-03-01T23:00:00Z"},
      {"AAA0BBB,59/0,60/0", "2048-02-29T00:00:00Z", 3600, "2048-02-29T23:00:00Z"},
      {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2050-03-25T23:59:59Z", 7200, "2050-03-26T00:00:00Z"}, /* two days after a Thursday */
      {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2050-03-26T00:00:00Z", 10800, "2050-10-28T23:00:00Z"},
      {"AAA0BBB,0/-167,J365/167", "2049-12-25T01:00:00Z", 3600, "2050-01-06T22:00:00Z"}, /* both beyond their year */
      {"XXX3EDT4,0/0,J365/23", "2050-07-01T00:00:00Z", -14400, "2051-01-01T03:00:00Z"},
  };
  static const char *const bad[] = {"", "CE", "CET", "CET-25", "CET-1:60", "CET-1CEST,", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
                                    "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
                                    "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,J0,J365", "CET-1CEST,J1,J366", "CET-1CEST,0,366",
                                    "CET-1CEST,M3.5.0,M10.5.0/3x", "<CET-1", "CET-0001", "CET-1 "};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    lj_zone_rule rule;
    lj_zone_period period;
    if (lj_zone_rule_parse(rows[i].rule, strlen(rows[i].rule), &rule) != LJ_OK) fail_msg("refused: %s", rows[i].rule);
    lj_zone_rule_period_at(&rule, seconds_of(rows[i].at), &period);
    int64_t until = rows[i].until != NULL ? seconds_of(rows[i].until) : INT64_MAX;
    if (period.offset != rows[i].offset || period.until != until)
      fail_msg("%s at %s: %d until %lld", rows[i].rule, rows[i].at, (int)period.offset, (long long)period.until);
  }
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    lj_zone_rule rule;
    if (lj_zone_rule_parse(bad[i], strlen(bad[i]), &rule) != LJ_INVALID) fail_msg("accepted: %s", bad[i]);
  }
}

/* Only instants in the past, which no new edition of the files changes. The values are those of Python's zoneinfo. */
static void system_files_agree_with_history(void **state) {
  static const struct {
    const char *zone;
    const char *at;
    int32_t offset;
  } rows[] = {
    {"Europe/Berlin", "1890-01-01T00:00:00Z", 3208},
    {"Europe/Berlin", "1945-07-01T00:00:00Z", 10800},
    {"Europe/Berlin", "1970-01-01T00:00:00Z", 3600},
    {"Europe/Berlin", "2011-12-30T09:59:59Z", 3600},
    {"Europe/Berlin", "2011-12-30T10:00:00Z", 3600},
    {"Europe/Berlin", "2026-01-15T00:00:00Z", 3600},
    {"Europe/Berlin", "2026-07-15T00:00:00Z", 7200},
    {"America/New_York", "1890-01-01T00:00:00Z", -18000},
    {"America/New_York", "1945-07-01T00:00:00Z", -14400},
    {"America/New_York", "1970-01-01T00:00:00Z", -18000},
    {"America/New_York", "2011-12-30T09:59:59Z", -18000},
    {"America/New_York", "2011-12-30T10:00:00Z", -18000},
    {"America/New_York", "2026-01-15T00:00:00Z", -18000},
    {"America/New_York", "2026-07-15T00:00:00Z", -14400},
    {"Australia/Lord_Howe", "1890-01-01T00:00:00Z", 38180},
    {"Australia/Lord_Howe", "1945-07-01T00:00:00Z", 36000},
    {"Australia/Lord_Howe", "1970-01-01T00:00:00Z", 36000},
    {"Australia/Lord_Howe", "2011-12-30T09:59:59Z", 39600},
    {"Australia/Lord_Howe", "2011-12-30T10:00:00Z", 39600},
    {"Australia/Lord_Howe", "2026-01-15T00:00:00Z", 39600},
    {"Australia/Lord_Howe", "2026-07-15T00:00:00Z", 37800},
    {"Pacific/Apia", "1890-01-01T00:00:00Z", 45184},
    {"Pacific/Apia", "1945-07-01T00:00:00Z", -41400},
    {"Pacific/Apia", "1970-01-01T00:00:00Z", -39600},
    {"Pacific/Apia", "2011-12-30T09:59:59Z", -36000},
    {"Pacific/Apia", "2011-12-30T10:00:00Z", 50400},
    {"Pacific/Apia", "2026-01-15T00:00:00Z", 46800},
    {"Pacific/Apia", "2026-07-15T00:00:00Z", 46800},
    {"Asia/Kolkata", "1890-01-01T00:00:00Z", 19270},
    {"Asia/Kolkata", "1945-07-01T00:00:00Z", 23400},
    {"Asia/Kolkata", "1970-01-01T00:00:00Z", 19800},
    {"Asia/Kolkata", "2011-12-30T09:59:59Z", 19800},
    {"Asia/Kolkata", "2011-12-30T10:00:00Z", 19800},
    {"Asia/Kolkata", "2026-01-15T00:00:00Z", 19800},
    {"Asia/Kolkata", "2026-07-15T00:00:00Z", 19800},
    {"Europe/Dublin", "1890-01-01T00:00:00Z", -1521},
    {"Europe/Dublin", "1945-07-01T00:00:00Z", 3600},
    {"Europe/Dublin", "1970-01-01T00:00:00Z", 3600},
    {"Europe/Dublin", "2011-12-30T09:59:59Z", 0},
    {"Europe/Dublin", "2011-12-30T10:00:00Z", 0},
    {"Europe/Dublin", "2026-01-15T00:00:00Z", 0},
    {"Europe/Dublin", "2026-07-15T00:00:00Z", 3600},
    {"Africa/Casablanca", "1890-01-01T00:00:00Z", -1820},
    {"Africa/Casablanca", "1945-07-01T00:00:00Z", 3600},
    {"Africa/Casablanca", "1970-01-01T00:00:00Z", 0},
    {"Africa/Casablanca", "2011-12-30T09:59:59Z", 0},
    {"Africa/Casablanca", "2011-12-30T10:00:00Z", 0},
    {"Africa/Casablanca", "2026-01-15T00:00:00Z", 3600},
    {"Africa/Casablanca", "2026-07-15T00:00:00Z", 3600},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    lj_zone *zone = NULL;
    if (lj_zone_load(rows[i].zone, &zone, NULL) == LJ_BAD_JOB) skip(); /* this machine has no tzdata */
    int32_t offset = lj_zone_offset(zone, seconds_of(rows[i].at));
    lj_zone_free(zone);
    if (offset != rows[i].offset) fail_msg("%s at %s: %d, should be %d", rows[i].zone, rows[i].at, (int)offset, (int)rows[i].offset);
  }
}

static void folder_of_zones_may_hold_anything(void **state) {
  zone_file file;
  lj_fault fault;
  lj_zone *zone = NULL;
  char path[256];
  char *big = calloc(1, LJ_MAX_ZONE_BYTES + 1);
  (void)state;
  assert_non_null(big);
  make_file(&file, '2', "\nCET-1\n");
  write_zone("Test_Good", file.data, file.length);
  write_zone("Test_Text", "no zone", 7);
  write_zone("Test_Empty", "", 0);
  memcpy(big, file.data, file.length);
  write_zone("Test_Big", big, LJ_MAX_ZONE_BYTES + 1);
  free(big);
  (void)snprintf(path, sizeof path, "%s/Test_Pipe", folder);
  (void)mkfifo(path, 0600);
  (void)snprintf(path, sizeof path, "%s/Test_Folder", folder);
  (void)mkdir(path, 0700);
  assert_int_equal(offset_in("Test_Good", 1500000), 7200);
  static const char *const damaged[] = {"Test_Text", "Test_Empty", "Test_Big"};
  for (size_t i = 0; i < COUNT_OF(damaged); i++) {
    assert_code(lj_zone_load(damaged[i], &zone, &fault), LJ_BAD_JOB);
    assert_non_null(strstr(fault.message, "is damaged or no time zone"));
  }
  static const char *const missing[] = {"Test_Pipe", "Test_Folder", "Test_None"};
  for (size_t i = 0; i < COUNT_OF(missing); i++) {
    assert_code(lj_zone_load(missing[i], &zone, &fault), LJ_BAD_JOB);
    assert_non_null(strstr(fault.message, "has no file of this name"));
    assert_null(zone);
  }
}

static void local_zone_is_what_tz_says(void **state) {
  static const struct {
    const char *tz;
    int32_t offset;
  } rows[] = {{"", 0}, {"CET-1", 3600}, {"<+0330>-3:30", 12600}, {"Test_Good", 7200}, {":Test_Good", 7200}, {"nonsense", 0}, {":", 0}};
  char path[256];
  zone_file file;
  (void)state;
  make_file(&file, '2', "\n\n");
  write_zone("Test_Good", file.data, file.length);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    setenv("TZ", rows[i].tz, 1);
    assert_int_equal(offset_in("", 1500000), rows[i].offset);
  }
  (void)snprintf(path, sizeof path, "%s/Test_Good", folder);
  setenv("TZ", path, 1);
  assert_int_equal(offset_in(NULL, 1500000), 7200);
  unsetenv("TZ");
  (void)offset_in(NULL, 0);
}

static void zones_are_kept_and_the_idlest_goes(void **state) {
  lj_zones zones;
  const lj_zone *zone = NULL;
  const lj_zone *again = NULL;
  char name[16];
  (void)state;
  lj_clock_virtual(0, 1000000);
  lj_zones_init(&zones);
  assert_code(lj_zones_get(&zones, "+01", &zone, NULL), LJ_OK);
  for (int i = 0; i < 3 * LJ_MAX_ZONES; i++) {
    (void)snprintf(name, sizeof name, "-01:%02d", i);
    assert_code(lj_zones_get(&zones, name, &again, NULL), LJ_OK);
    assert_int_equal(lj_zone_offset(again, 0), -(3600 + i * 60));
    assert_code(lj_zones_get(&zones, "+01", &again, NULL), LJ_OK);
    assert_ptr_equal(again, zone); /* asked for all the time, so it stays */
  }
  assert_int_equal(zones.count, LJ_MAX_ZONES);
  assert_code(lj_zones_get(&zones, "../x", &again, NULL), LJ_BAD_JOB);
  assert_int_equal(zones.count, LJ_MAX_ZONES);
  lj_zones_free(&zones);
  lj_clock_real();
}

static void kept_zones_are_read_again(void **state) {
  lj_zones zones;
  const lj_zone *zone = NULL;
  (void)state;
  lj_clock_virtual(0, 1000000);
  lj_zones_init(&zones);
  setenv("TZ", "AAA-1", 1);
  assert_code(lj_zones_get(&zones, NULL, &zone, NULL), LJ_OK);
  setenv("TZ", "BBB-2", 1);
  lj_clock_advance(0, INT64_C(59999) * 1000);
  assert_code(lj_zones_get(&zones, "", &zone, NULL), LJ_OK);
  assert_int_equal(lj_zone_offset(zone, 0), 3600);
  lj_clock_advance(0, 1000);
  lj_memory_fail_at(1, 0); /* the old one stays when there is no memory for the new one */
  assert_code(lj_zones_get(&zones, "", &zone, NULL), LJ_OK);
  lj_memory_fail_at(0, 0);
  assert_int_equal(lj_zone_offset(zone, 0), 3600);
  lj_clock_advance(0, INT64_C(60000) * 1000);
  assert_code(lj_zones_get(&zones, "", &zone, NULL), LJ_OK);
  assert_int_equal(lj_zone_offset(zone, 0), 7200);
  unsetenv("TZ");
  lj_zones_free(&zones);
  lj_clock_real();
}

static void changed_files_are_noticed_after_a_day(void **state) {
  static const char rule_1[] = "\nAAA-1\n";
  static const char rule_2[] = "\nBBB-2\n";
  static const int64_t day_us = INT64_C(86400) * 1000000;
  const int64_t later = 4000000;
  lj_zones zones;
  const lj_zone *zone = NULL;
  zone_file file;
  char path[256];
  (void)state;
  (void)snprintf(path, sizeof path, "%s/Test_Good", folder);
  lj_clock_virtual(0, 1000000);
  lj_zones_init(&zones);
  make_file(&file, '2', rule_1);
  write_zone("Test_Good", file.data, file.length);
  assert_code(lj_zones_get(&zones, "Test_Good", &zone, NULL), LJ_OK);
  make_file(&file, '2', rule_2);
  write_zone("Test_Good", file.data, file.length);
  lj_clock_advance(0, day_us - 1000);
  assert_code(lj_zones_get(&zones, "Test_Good", &zone, NULL), LJ_OK);
  assert_int_equal(lj_zone_offset(zone, later), 3600);
  lj_clock_advance(0, 1000);
  assert_code(lj_zones_get(&zones, "Test_Good", &zone, NULL), LJ_OK);
  assert_int_equal(lj_zone_offset(zone, later), 7200);
  assert_int_equal(remove(path), 0); /* an upgrade is under way, say */
  lj_clock_advance(0, day_us);
  assert_code(lj_zones_get(&zones, "Test_Good", &zone, NULL), LJ_OK);
  assert_int_equal(lj_zone_offset(zone, later), 7200);
  lj_zones_free(&zones);
  assert_code(lj_zones_get(&zones, "Test_Good", &zone, NULL), LJ_BAD_JOB);
  assert_null(zone);
  lj_zones_free(&zones);
  lj_clock_real();
}

static void every_allocation_may_fail(void **state) {
  static const char *const names[] = {"UTC", "+05:30", "Test_Good", ""};
  zone_file file;
  (void)state;
  make_file(&file, '2', "\nCET-1\n");
  write_zone("Test_Good", file.data, file.length);
  setenv("TZ", "Test_Good", 1);
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    int code = LJ_NOMEM;
    long nth = 0;
    while (code == LJ_NOMEM && ++nth < 100) {
      lj_zone *zone = NULL;
      lj_fault fault;
      lj_fault_clear(&fault);
      long before = lj_memory_live();
      lj_memory_fail_at(nth, 0);
      code = lj_zone_load(names[i], &zone, &fault);
      lj_memory_fail_at(0, 0);
      assert_code(fault.code, code);
      assert_true((zone != NULL) == (code == LJ_OK));
      lj_zone_free(zone);
      assert_int_equal(lj_memory_live(), before);
    }
    assert_code(code, LJ_OK);
    assert_int_equal(nth, i < 2 ? 2 : 3);
  }
  unsetenv("TZ");
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) != NULL && setenv("TZDIR", folder, 1) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
  static const char *const names[] = {"Test_Good", "Test_Text", "Test_Empty", "Test_Big", "Test_Pipe", "Test_Folder"};
  char path[256];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    (void)remove(path);
  }
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(names_have_a_form),
      tidy_test(offsets_need_no_file),
      tidy_test(rules_are_read),
      tidy_test(system_files_agree_with_history),
      tidy_test(folder_of_zones_may_hold_anything),
      tidy_test(local_zone_is_what_tz_says),
      tidy_test(zones_are_kept_and_the_idlest_goes),
      tidy_test(kept_zones_are_read_again),
      tidy_test(changed_files_are_noticed_after_a_day),
      tidy_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
