/* SPDX-License-Identifier: MIT
 *
 * What a time zone is made of. Only the files timezone*.c and their test know it.
 */
#ifndef LJ_POLICY_TIMEZONE_DATA_H
#define LJ_POLICY_TIMEZONE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "policy/timezone.h"

/* The day and time of a year at which a rule changes the offset. */
typedef struct lj_zone_day {
  char kind;    /* 'M': weekday `day` (0 is Sunday) of `week` (5: the last) of `month`; 'J': day 1 to 365, 29 February is not
                   counted; 'n': day 0 to 365, it is counted */
  int month;
  int week;
  int day;
  int32_t time; /* seconds from that day's midnight by the offset before the change; may be negative or beyond a day */
} lj_zone_day;

/* A POSIX TZ rule: one offset for ever, or two that alternate every year. Summer time may be behind standard time, as in
 * Dublin, and may last all year. */
typedef struct lj_zone_rule {
  int32_t standard;
  int32_t summer;
  bool has_summer;
  lj_zone_day start; /* of summer time */
  lj_zone_day end;
} lj_zone_rule;

typedef struct lj_zone_change {
  int64_t at;     /* Unix seconds */
  int32_t offset; /* from then on */
} lj_zone_change;

struct lj_zone {
  int32_t offset;           /* before the first change */
  bool has_rule;
  lj_zone_rule rule;        /* from the last change on; without one that change's offset stays */
  size_t count;
  lj_zone_change changes[]; /* ascending */
};

/* Memory for so many changes, all zero and none of them counted yet; NULL when it is short. */
lj_zone *lj_zone_new(size_t changes);

/* Reads "CET-1CEST,M3.5.0,M10.5.0/3". LJ_OK or LJ_INVALID. */
int lj_zone_rule_parse(const char *text, size_t length, lj_zone_rule *rule) LJ_MUST_CHECK;
void lj_zone_rule_period_at(const lj_zone_rule *rule, int64_t utc, lj_zone_period *period);

/* Makes a zone of the bytes of a TZif file (RFC 9636, versions 1 to 4). LJ_OK, LJ_NOMEM, or LJ_INVALID for anything that is no
 * such file. Leap seconds are passed over: Unix time does not count them. */
int lj_zone_read(const unsigned char *bytes, size_t length, lj_zone **zone) LJ_MUST_CHECK;

/* The system's part: LJ_OK, LJ_NOMEM (without a fault) or LJ_BAD_JOB. `name` has passed lj_zone_check_name and is neither empty
 * nor an offset. */
int lj_zone_load_named(const char *name, lj_zone **zone, lj_fault *fault) LJ_MUST_CHECK;
int lj_zone_load_local(lj_zone **zone, lj_fault *fault) LJ_MUST_CHECK;

#endif
