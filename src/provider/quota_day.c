/* SPDX-License-Identifier: MIT */
#include "provider/quota_day.h"

#include "policy/calendar.h"

enum { MARCH = 3, NOVEMBER = 11, HOUR = 3600, STANDARD = -8 * HOUR, DAYLIGHT = -7 * HOUR };

/* The first Sunday at or after this date, in days since 1970. */
static int64_t sunday_from(int64_t year, int month, int day) {
  int64_t days = lj_days_of(year, month, day);
  lj_date date;
  lj_date_of(days, &date);
  return days + (7 - date.weekday) % 7;
}

/* Clocks change at two in the morning: on the second Sunday of March to daylight saving, on the first of November back. */
static int64_t offset_at(int64_t utc) {
  lj_date date;
  int64_t begin;
  int64_t end;
  lj_date_of(lj_floor_div(utc, LJ_DAY_SECONDS), &date);
  begin = sunday_from(date.year, MARCH, 8) * LJ_DAY_SECONDS + 2 * HOUR - STANDARD;
  end = sunday_from(date.year, NOVEMBER, 1) * LJ_DAY_SECONDS + 2 * HOUR - DAYLIGHT;
  return utc >= begin && utc < end ? DAYLIGHT : STANDARD;
}

int64_t lj_quota_day_left_ms(int64_t now_ms) {
  int64_t now = lj_floor_div(now_ms, 1000);
  int64_t offset = offset_at(now);
  int64_t midnight = (lj_floor_div(now + offset, LJ_DAY_SECONDS) + 1) * LJ_DAY_SECONDS;
  /* Clocks may change between now and then, but not at midnight itself. */
  return (midnight - offset_at(midnight - offset)) * 1000 - now_ms;
}
