/* SPDX-License-Identifier: MIT
 *
 * Time zones: names, files, rules, and what is kept of them.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/calendar.h"
#include "policy/timezone.h"
#include "policy/timezone_data.h"
#include "support/test.h"

enum { FILE_SIZE = 2048 };

typedef struct bytes {
  unsigned char data[FILE_SIZE];
  size_t length;
} bytes;

static void put(bytes *out, int64_t number, size_t size) {
  for (size_t i = size; i-- > 0;) out->data[out->length++] = (unsigned char)((uint64_t)number >> (8 * i));
}

static void put_text(bytes *out, const char *text) {
  memcpy(out->data + out->length, text, strlen(text));
  out->length += strlen(text);
}

/* Two types: an hour east, and two hours; `times` alternate between them, with a leap second and both lists of flags. */
static void put_block(bytes *out, char version, size_t size, const int64_t *times, size_t count) {
  static const int32_t offsets[] = {3600, 7200};
  put_text(out, "TZif");
  put(out, version == '1' ? 0 : version, 1);
  for (size_t i = 0; i < 15; i++) put(out, 0, 1);
  put(out, 2, 4);
  put(out, 2, 4);
  put(out, 1, 4);
  put(out, (int64_t)count, 4);
  put(out, 2, 4);
  put(out, 4, 4);
  for (size_t i = 0; i < count; i++) put(out, times[i], size);
  for (size_t i = 0; i < count; i++) put(out, i % 2 == 0 ? 1 : 0, 1);
  for (size_t i = 0; i < 2; i++) {
    put(out, offsets[i], 4);
    put(out, (int64_t)i, 1);
    put(out, 0, 1);
  }
  put_text(out, "CET");
  put(out, 0, 1);
  put(out, 78796800, size);
  put(out, 1, 4);
  put(out, 0, 4);
}

static const int64_t table[] = {1000000, 2000000, 3000000};

/* From version 2 on the first block is empty of sense: its times must not be used. */
static void make_file(bytes *out, char version, const char *footer) {
  static const int64_t wrong[] = {5};
  out->length = 0;
  if (version == '1') {
    put_block(out, '1', 4, table, COUNT_OF(table));
    return;
  }
  put_block(out, version, 4, wrong, 1);
  put_block(out, version, 8, table, COUNT_OF(table));
  put_text(out, footer);
}

static int64_t seconds_of(const char *iso) {
  int year;
  int month;
  int day;
  int hour;
  int minute;
  int second;
  assert_int_equal(sscanf(iso, "%d-%d-%dT%d:%d:%dZ", &year, &month, &day, &hour, &minute, &second), 6);
  return lj_days_of(year, month, day) * LJ_DAY_SECONDS + (hour * 60 + minute) * 60 + second;
}

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

static void tables_of_every_version_are_read(void **state) {
  bytes file;
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
    bytes file = {.length = 0};
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
  bytes file;
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
  bytes file;
  (void)state;
  for (char version = '1'; version <= '4'; version++) {
    make_file(&file, version, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    for (size_t length = 0; length < file.length; length++) assert_code(read_copy(file.data, length), LJ_INVALID);
    assert_code(read_copy(file.data, file.length), LJ_OK);
  }
}

static void flipped_bits_give_a_zone_or_an_error(void **state) {
  uint32_t seed = 20260114;
  bytes file;
  (void)state;
  for (char version = '1'; version <= '2'; version++) {
    make_file(&file, version, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    for (size_t bit = 0; bit < file.length * 8; bit++) {
      file.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
      (void)read_copy(file.data, file.length);
      file.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (int round = 0; round < 20000; round++) {
      bytes bent = file;
      for (uint32_t flips = 1 + next_random(&seed) % 8; flips > 0; flips--)
        bent.data[next_random(&seed) % bent.length] ^= (unsigned char)(1u << next_random(&seed) % 8);
      (void)read_copy(bent.data, bent.length);
    }
  }
}

static void damaged_files_are_refused(void **state) {
  bytes file;
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
  bytes file;
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
  bytes file;
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
  bytes file;
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
  bytes file;
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
      tidy_test(tables_of_every_version_are_read),
      tidy_test(times_before_1970_are_negative),
      tidy_test(without_a_rule_the_last_offset_stays),
      tidy_test(every_cut_is_refused),
      tidy_test(flipped_bits_give_a_zone_or_an_error),
      tidy_test(damaged_files_are_refused),
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
