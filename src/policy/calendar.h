/* SPDX-License-Identifier: MIT
 *
 * The Gregorian calendar, extended to the years before it, as plain arithmetic: the C library's functions depend on the time
 * zone of the process, which the host may change at any moment.
 */
#ifndef LJ_POLICY_CALENDAR_H
#define LJ_POLICY_CALENDAR_H

#include <stdint.h>

/* What JavaScript's Date can hold, in either direction; beyond it there is no time. Sums of such times and of years never
 * overflow. */
#define LJ_MAX_TIME_MS INT64_C(8640000000000000)

#define LJ_DAY_SECONDS INT64_C(86400)

typedef struct lj_date {
  int64_t year;
  int month;   /* 1 to 12 */
  int day;     /* 1 to 31 */
  int weekday; /* 0 is Sunday */
} lj_date;

/* Days since 1970-01-01. */
int64_t lj_days_of(int64_t year, int month, int day);
void lj_date_of(int64_t days, lj_date *date);
int lj_is_leap_year(int64_t year);

/* Division that rounds down, also below zero. `by` is positive. */
int64_t lj_floor_div(int64_t number, int64_t by);

#endif
