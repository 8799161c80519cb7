/* SPDX-License-Identifier: MIT
 *
 * When cron expressions match while clocks change.
 */
#include "support/cron.h"

/* Changes of the clock by rules that are written here: exact whatever the machine has installed. All instants are UTC. */
static void clock_changes(void **state) {
  static const struct {
    const char *rule;
    const char *text;
    const char *after;
    const char *expected;
  } cases[] = {
      /* Berlin, spring: 2026-03-29 01:00 UTC the clock goes from 02:00 to 03:00 */
      {BERLIN, "30 1 * * *", "2026-03-28 12:00", "2026-03-29 00:30"},
      {BERLIN, "30 2 * * *", "2026-03-28 01:30", "2026-03-29 01:00"}, /* left out: made up for */
      {BERLIN, "30 2 * * *", "2026-03-29 00:59:59.999", "2026-03-29 01:00"},
      {BERLIN, "30 2 * * *", "2026-03-29 01:00", "2026-03-30 00:30"},
      {BERLIN, "0 2 * * *", "2026-03-28 12:00", "2026-03-29 01:00"},
      {BERLIN, "59 2 * * *", "2026-03-28 12:00", "2026-03-29 01:00"},
      {BERLIN, "0 3 * * *", "2026-03-28 12:00", "2026-03-29 01:00"}, /* 03:00 is there */
      {BERLIN, "0 2,3 * * *", "2026-03-28 12:00", "2026-03-29 01:00"}, /* and both are one run */
      {BERLIN, "0 2,3 * * *", "2026-03-29 01:00", "2026-03-30 00:00"},
      {BERLIN, "0,20,40 2 * * *", "2026-03-28 12:00", "2026-03-29 01:00"}, /* so are three */
      {BERLIN, "0,20,40 2 * * *", "2026-03-29 01:00", "2026-03-30 00:00"},
      {BERLIN, "5/15 2 * * *", "2026-03-28 12:00", "2026-03-29 01:00"},
      {BERLIN, "30 2 29 3 *", "2026-01-01 00:00", "2026-03-29 01:00"},
      {BERLIN, "30 2 * * sun", "2026-03-26 00:00", "2026-03-29 01:00"},
      {BERLIN, "30 2 28 * *", "2026-03-28 12:00", "2026-04-28 00:30"}, /* another day is left out */
      {BERLIN, "30 2 * * mon", "2026-03-28 12:00", "2026-03-30 00:30"},
      /* … expressions that follow real time */
      {BERLIN, "0 * * * *", "2026-03-29 00:00", "2026-03-29 01:00"},
      {BERLIN, "0 * * * *", "2026-03-29 01:00", "2026-03-29 02:00"},
      {BERLIN, "30 * * * *", "2026-03-29 00:30", "2026-03-29 01:30"},
      {BERLIN, "*/30 2 * * *", "2026-03-28 12:00", "2026-03-30 00:00"}, /* there is no 02 */
      {BERLIN, "* 2 * * *", "2026-03-28 12:00", "2026-03-30 00:00"},
      {BERLIN, "0 */2 * * *", "2026-03-29 00:00", "2026-03-29 02:00"}, /* 04:00 follows 00:00 */
      {BERLIN, "@hourly", "2026-03-29 00:00", "2026-03-29 01:00"},
      /* Berlin, autumn: 2026-10-25 01:00 UTC the clock goes from 03:00 to 02:00 */
      {BERLIN, "30 2 * * *", "2026-10-24 12:00", "2026-10-25 00:30"}, /* the first 02:30 */
      {BERLIN, "30 2 * * *", "2026-10-25 00:30", "2026-10-26 01:30"},
      {BERLIN, "30 2 * * *", "2026-10-25 01:00", "2026-10-26 01:30"}, /* not the second */
      {BERLIN, "30 2 * * *", "2026-10-25 01:29:59", "2026-10-26 01:30"},
      {BERLIN, "30 2 25 10 *", "2026-10-25 01:10", "2027-10-25 00:30"},
      {BERLIN, "0 3 * * *", "2026-10-25 00:30", "2026-10-25 02:00"}, /* 03:00 was announced, not shown, at 01:00 UTC */
      {BERLIN, "59 2 * * *", "2026-10-25 00:30", "2026-10-25 00:59"},
      {BERLIN, "0 2-4 * * *", "2026-10-25 00:00", "2026-10-25 02:00"},
      {BERLIN, "30 * * * *", "2026-10-25 00:30", "2026-10-25 01:30"}, /* follows real time: both */
      {BERLIN, "*/30 2 * * *", "2026-10-25 00:30", "2026-10-25 01:00"},
      {BERLIN, "*/30 2 * * *", "2026-10-25 01:30", "2026-10-26 01:00"},
      {BERLIN, "0 */2 * * *", "2026-10-25 00:00", "2026-10-25 01:00"}, /* 02:00 twice */
      /* other days, and years beyond any table */
      {BERLIN, "0 9 * * 1-5", "2026-06-05 07:00", "2026-06-08 07:00"},
      {BERLIN, "0 9 1 * *", "2026-10-01 07:00", "2026-11-01 08:00"},
      {BERLIN, "0 0 1 1 *", "2049-06-01 00:00", "2049-12-31 23:00"},
      {BERLIN, "30 2 27 3 *", "2050-01-01 00:00", "2050-03-27 01:00"},
      {BERLIN, "0 12 29 2 *", "2097-01-01 00:00", "2104-02-29 11:00"},
      /* New York: 2026-03-08 07:00 UTC 02:00 → 03:00, 2026-11-01 06:00 UTC 02:00 → 01:00 */
      {NEW_YORK, "15 2 * * *", "2026-03-07 12:00", "2026-03-08 07:00"},
      {NEW_YORK, "15 2 * * *", "2026-03-08 07:00", "2026-03-09 06:15"},
      {NEW_YORK, "15 1 * * *", "2026-10-31 12:00", "2026-11-01 05:15"},
      {NEW_YORK, "15 1 * * *", "2026-11-01 05:15", "2026-11-02 06:15"},
      {NEW_YORK, "15 * * * *", "2026-11-01 05:15", "2026-11-01 06:15"},
      {NEW_YORK, "0 0 * * *", "2050-03-13 00:00", "2050-03-13 05:00"},
      {NEW_YORK, "0 0 * * *", "2050-03-13 05:00", "2050-03-14 04:00"},
      /* Lord Howe, half an hour: 2026-04-04 15:00 UTC 02:00 → 01:30, 2026-10-03 15:30 UTC 02:00 → 02:30 */
      {LORD_HOWE, "45 1 * * *", "2026-04-03 20:00", "2026-04-04 14:45"},
      {LORD_HOWE, "45 1 * * *", "2026-04-04 14:45", "2026-04-05 15:15"},
      {LORD_HOWE, "45 * * * *", "2026-04-04 14:45", "2026-04-04 15:15"},
      {LORD_HOWE, "15 1 * * *", "2026-04-04 14:15", "2026-04-05 14:45"},
      {LORD_HOWE, "0 * * * *", "2026-04-04 14:00", "2026-04-04 15:30"}, /* 01:00, and 02:00 only half an hour later */
      {LORD_HOWE, "15 2 * * *", "2026-10-02 20:00", "2026-10-03 15:30"},
      {LORD_HOWE, "15 2 * * *", "2026-10-03 15:30", "2026-10-04 15:15"},
      {LORD_HOWE, "15 * * * *", "2026-10-03 14:45", "2026-10-03 16:15"},
      /* an offset that is no whole hour, and none that changes */
      {KOLKATA, "0 9 * * *", "2026-01-01 00:00", "2026-01-01 03:30"},
      {KOLKATA, "*/30 * * * *", "2026-01-01 00:15", "2026-01-01 00:30"},
      {KOLKATA, "0 0 1 1 *", "2026-01-01 00:00", "2026-12-31 18:30"},
      /* summer time that begins at midnight: the day's first minute is left out (as in Lebanon) */
      {"EET-2EEST,M3.5.0/0,M10.5.0/0", "@daily", "2026-03-28 12:00", "2026-03-28 22:00"},
      {"EET-2EEST,M3.5.0/0,M10.5.0/0", "@daily", "2026-03-28 22:00", "2026-03-29 21:00"},
      {"EET-2EEST,M3.5.0/0,M10.5.0/0", "0 23 * * *", "2026-10-24 20:00", "2026-10-25 21:00"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    lj_zone *zone = zone_of_rule(cases[i].rule);
    check_next(cases[i].text, zone, cases[i].after, cases[i].expected);
    lj_zone_free(zone);
  }
}

/* Samoa left out the whole 30 December 2011; Morocco is at UTC in Ramadan and one hour ahead otherwise. */
static void changes_that_follow_no_rule(void **state) {
  static const lj_zone_change samoa_changes[] = {{1325239200, 50400}, {1333202400, 46800}};
  static const lj_zone_change morocco_changes[] = {{1679191200, 0}, {1682215200, 3600}};
  lj_zone *samoa = zone_of_changes(-36000, samoa_changes, COUNT_OF(samoa_changes));
  lj_zone *morocco = zone_of_changes(3600, morocco_changes, COUNT_OF(morocco_changes));
  (void)state;
  check_next("0 12 * * *", samoa, "2011-12-29 00:00", "2011-12-29 22:00"); /* the 29th */
  check_next("0 12 * * *", samoa, "2011-12-29 22:00", "2011-12-30 10:00"); /* made up for the 30th */
  check_next("0 12 * * *", samoa, "2011-12-30 10:00", "2011-12-30 22:00"); /* the 31st */
  check_next("0 0 30 12 *", samoa, "2011-12-01 00:00", "2011-12-30 10:00");
  check_next("0 9 * * fri", samoa, "2011-12-29 00:00", "2011-12-30 10:00");
  check_next("0 * 30 * *", samoa, "2011-12-29 00:00", "2012-01-29 10:00"); /* follows real time: no such day */
  check_next("0 0 * * *", samoa, "2011-12-30 09:59", "2011-12-30 10:00");
  check_next("0 0 * * *", samoa, "2011-12-30 10:00", "2011-12-31 10:00");
  check_next("0 * * * *", samoa, "2011-12-30 09:00", "2011-12-30 10:00");
  check_next("30 3 * * *", samoa, "2012-03-31 13:00", "2012-03-31 13:30"); /* 04:00 → 03:00 */
  check_next("30 3 * * *", samoa, "2012-03-31 13:30", "2012-04-01 14:30");

  check_next("30 2 * * *", morocco, "2023-03-18 12:00", "2023-03-19 01:30"); /* 03:00 → 02:00 */
  check_next("30 2 * * *", morocco, "2023-03-19 01:30", "2023-03-20 02:30");
  check_next("30 2 * * *", morocco, "2023-04-22 12:00", "2023-04-23 02:00"); /* 02:00 → 03:00 */
  check_next("30 2 * * *", morocco, "2023-04-23 02:00", "2023-04-24 01:30");
  check_next("0 9 * * *", morocco, "2023-03-30 00:00", "2023-03-30 09:00");
  check_next("0 9 * * *", morocco, "2023-05-01 00:00", "2023-05-01 08:00");
  lj_zone_free(samoa);
  lj_zone_free(morocco);
}

/* Clocks that no country has: offsets with seconds, changes every few minutes, a jump there and back. */
static void odd_clocks(void **state) {
  static const lj_zone_change mean_time[] = {{1000000000, 3208}};
  static const lj_zone_change restless[] = {{1000000020, 3600}, {1000000080, 0}, {1000000140, 3600}, {1000000200, 0}};
  lj_zone *zone = zone_of_changes(3208, mean_time, COUNT_OF(mean_time));
  (void)state;
  check_next("* * * * *", zone, "2020-01-01 00:00", "2020-01-01 00:00:32"); /* 53:28 ahead */
  check_next("0 12 * * *", zone, "2020-01-01 00:00", "2020-01-01 11:06:32");
  lj_zone_free(zone);
  /* 2001-09-09 01:46:40 is 1000000000: the clock shows 01:46 … 02:47 … 01:48 … 02:49 … 01:50 */
  zone = zone_of_changes(0, restless, COUNT_OF(restless));
  check_next("0 2 * * *", zone, "2001-09-09 01:00", "2001-09-09 01:47"); /* left out by the first jump */
  check_next("48 2 * * *", zone, "2001-09-09 01:47", "2001-09-09 01:49"); /* left out by the second one */
  check_next("49 2 * * *", zone, "2001-09-09 01:47", "2001-09-09 01:49");
  check_next("50 1 * * *", zone, "2001-09-09 01:47", "2001-09-10 01:50"); /* was made up for at 01:47 */
  check_next("50 * * * *", zone, "2001-09-09 01:47", "2001-09-09 01:50");
  lj_zone_free(zone);
}

/* What the header promises, done the slow way: minute by minute of real time, with a note of what the clock has shown. */
static bool shows_match(const lj_cron *cron, int64_t wall) {
  struct tm when;
  time_t seconds = (time_t)wall;
  assert_non_null(gmtime_r(&seconds, &when));
  bool day = (cron->days >> when.tm_mday & 1) != 0;
  bool weekday = (cron->weekdays >> when.tm_wday & 1) != 0;
  return (cron->minutes >> when.tm_min & 1) != 0 && (cron->hours >> when.tm_hour & 1) != 0 &&
         (cron->months >> (when.tm_mon + 1) & 1) != 0 && (cron->both_days ? day && weekday : day || weekday);
}

static int64_t walk(const lj_cron *cron, const lj_zone *zone, int64_t from, int64_t after, int64_t end) {
  int64_t shown = from + lj_zone_offset(zone, from);
  for (int64_t now = from; now < end; now += 60) {
    int64_t wall = now + lj_zone_offset(zone, now);
    bool matches = false;
    if (cron->follows_real_time)
      matches = shows_match(cron, wall);
    else
      for (; shown <= wall; shown += 60) matches = matches || shows_match(cron, shown);
    if (matches && now > after) return now;
  }
  return INT64_MAX;
}

static void agrees_with_a_walk_through_every_minute(void **state) {
  static const char *const rules[] = {BERLIN, NEW_YORK, LORD_HOWE, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "IST-1GMT0,M10.5.0,M3.5.0/1"};
  static const char *const minutes[] = {"*", "*/7", "0", "30", "0,15,45", "20-40/5", "5/20"};
  static const char *const hours[] = {"*", "*/3", "0", "1", "2", "3", "1-3", "23", "0,2"};
  static const char *const days[] = {"*", "*/2", "29-31", "1"};
  static const char *const weekdays[] = {"*", "sun", "*/3", "6"};
  uint32_t seed = 5;
  (void)state;
  for (int round = 0; round < 400; round++) {
    lj_zone *zone = zone_of_rule(rules[next_random(&seed) % COUNT_OF(rules)]);
    lj_zone_period period;
    char text[64];
    lj_cron cron;
    int64_t next = 0;
    (void)snprintf(text, sizeof text, "%s %s %s * %s", minutes[next_random(&seed) % COUNT_OF(minutes)],
                   hours[next_random(&seed) % COUNT_OF(hours)], days[next_random(&seed) % COUNT_OF(days)],
                   weekdays[next_random(&seed) % COUNT_OF(weekdays)]);
    parse_or_fail(text, &cron);
    lj_zone_period_at(zone, 1700000000 + (int64_t)(next_random(&seed) % 50) * 15000000, &period);
    int64_t after = period.until - 6 * 3600 + (int64_t)(next_random(&seed) % (9 * 3600));
    int64_t from = period.until - 2 * 86400;
    int64_t end = period.until + 3 * 86400;
    int64_t expected = walk(&cron, zone, from, after, end);
    int code = lj_cron_next(&cron, zone, after * 1000, &next);
    if (expected == INT64_MAX ? code == LJ_OK && next < end * 1000 : code != LJ_OK || next != expected * 1000)
      fail_msg("round %d: \"%s\" after %lld is %lld, by the walk %lld", round, text, (long long)after, (long long)next / 1000,
               (long long)expected);
    lj_zone_free(zone);
  }
}

/* The same over the files of the machine; only instants in the past, which no new edition of the files changes. */
static void zones_of_this_machine(void **state) {
  static const struct {
    const char *zone;
    const char *text;
    const char *after;
    const char *expected;
  } cases[] = {
      {"Europe/Berlin", "30 2 * * *", "2023-03-25 12:00", "2023-03-26 01:00"},
      {"Europe/Berlin", "30 2 * * *", "2023-10-29 00:30", "2023-10-30 01:30"},
      {"Europe/Berlin", "*/30 2 * * *", "2023-10-29 00:30", "2023-10-29 01:00"},
      {"America/New_York", "15 2 * * *", "2023-03-11 12:00", "2023-03-12 07:00"},
      {"America/New_York", "15 1 * * *", "2023-11-05 05:15", "2023-11-06 06:15"},
      {"Australia/Lord_Howe", "45 1 * * *", "2023-04-01 14:45", "2023-04-02 15:15"},
      {"Australia/Lord_Howe", "15 2 * * *", "2023-09-29 20:00", "2023-09-30 15:30"},
      {"Africa/Casablanca", "30 2 * * *", "2023-03-18 12:00", "2023-03-19 01:30"},
      {"Africa/Casablanca", "30 2 * * *", "2023-04-22 12:00", "2023-04-23 02:00"},
      {"Pacific/Apia", "0 12 * * *", "2011-12-29 22:00", "2011-12-30 10:00"},
      {"Pacific/Apia", "0 12 * * *", "2011-12-30 10:00", "2011-12-30 22:00"},
      {"Asia/Kolkata", "0 9 * * *", "2023-01-01 00:00", "2023-01-01 03:30"},
      {"America/Sao_Paulo", "@daily", "2018-11-03 12:00", "2018-11-04 03:00"}, /* 00:00 → 01:00 */
      {"America/Sao_Paulo", "@daily", "2018-11-04 03:00", "2018-11-05 02:00"},
      {"Asia/Pyongyang", "45 23 * * *", "2015-08-14 14:45", "2015-08-15 15:15"}, /* 24:00 → 23:30 */
      {"Asia/Pyongyang", "45 23 * * *", "2018-05-04 12:00", "2018-05-04 15:00"}, /* 23:30 → 24:00 */
      {"UTC", "30 2 * * *", "2023-03-25 12:00", "2023-03-26 02:30"},
  };
  (void)state;
  if (!has_zone_files()) skip();
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    lj_zone *zone = NULL;
    lj_fault fault;
    if (lj_zone_load(cases[i].zone, &zone, &fault) != LJ_OK) fail_msg("%s", fault.message);
    check_next(cases[i].text, zone, cases[i].after, cases[i].expected);
    lj_zone_free(zone);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(clock_changes),
      tidy_test(changes_that_follow_no_rule),
      tidy_test(odd_clocks),
      tidy_test(agrees_with_a_walk_through_every_minute),
      tidy_test(zones_of_this_machine),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("cron: clocks", tests, NULL, NULL);
}
