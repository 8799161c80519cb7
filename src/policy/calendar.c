/* SPDX-License-Identifier: MIT */
#include "policy/calendar.h"

/* Both directions count from 1 March of the year 0, so that the leap day is a year's last, in cycles of 400 years. */
enum { CYCLE_YEARS = 400, CYCLE_DAYS = 146097, EPOCH = 719468 /* 1970-01-01 */ };

int64_t lj_floor_div(int64_t number, int64_t by) { return number / by - (number % by < 0 ? 1 : 0); }

int lj_is_leap_year(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int64_t lj_days_of(int64_t year, int month, int day) {
  int64_t march_year = month > 2 ? year : year - 1;
  int64_t cycle = lj_floor_div(march_year, CYCLE_YEARS);
  int64_t year_of_cycle = march_year - cycle * CYCLE_YEARS;
  int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return cycle * CYCLE_DAYS + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - EPOCH;
}

void lj_date_of(int64_t days, lj_date *date) {
  int64_t since = days + EPOCH;
  int64_t cycle = lj_floor_div(since, CYCLE_DAYS);
  int64_t day_of_cycle = since - cycle * CYCLE_DAYS;
  int64_t year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / 146096) / 365;
  int64_t day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
  int month = (int)((5 * day_of_year + 2) / 153);
  date->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
  date->month = month < 10 ? month + 3 : month - 9;
  date->year = cycle * CYCLE_YEARS + year_of_cycle + (date->month <= 2 ? 1 : 0);
  int64_t weeks = lj_floor_div(days + 4, 7); /* 1970-01-01 was a Thursday */
  date->weekday = (int)(days + 4 - weeks * 7);
}
