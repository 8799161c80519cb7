/* SPDX-License-Identifier: MIT
 *
 * Cron expressions as Vixie cron and Debian read them: minute (0–59), hour (0–23), day of month (1–31), month (1–12 or jan–dec)
 * and day of week (0–7 or sun–sat; 0 and 7 are Sunday), separated by blanks.
 *
 * A field is a list of: a value, a range (mon-fri), or a star for all (a question mark is the same). Behind a range or star a
 * step may stand: 1-30/2, or star and /5. Behind a single value it runs to the field's end: 5/15 is 5, 20, 35, 50; weekdays end
 * with 6, Saturday. @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually stand for whole expressions.
 *
 * Days: when both day fields are restricted, a day matches that matches either. A field that begins with a star is not
 * restricted in this sense, also with a step behind it; then both must match.
 *
 * Changes of the clock, for summer time above all:
 * - An expression whose minute or hour field begins with a star follows real time: it runs at every instant whose wall time
 *   matches, also in an hour that happens twice, and never at a wall time that is left out.
 * - Every other expression means fixed times of the day. A wall time that happens twice counts when it happens first. Wall
 *   times that are left out are made up for by one run at the instant the clock has jumped.
 * Vixie cron takes a jump of more than three hours for a correction of the clock and makes up for nothing; we do not know such
 * corrections, only jumps that a time zone prescribes, so there is no such limit.
 */
#ifndef LJ_POLICY_CRON_H
#define LJ_POLICY_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "policy/timezone.h"

/* Bit n stands for the value n. */
typedef struct lj_cron {
  uint64_t minutes;
  uint64_t hours;
  uint64_t days;
  uint64_t months;
  uint64_t weekdays;      /* 0 to 6 */
  bool both_days;         /* a day must match both day fields, not either */
  bool follows_real_time; /* the minute or hour field begins with a star */
} lj_cron;

/* LJ_OK, or LJ_BAD_JOB with the field and what is allowed there in `fault`. `text` may be NULL, which is bad. Allocates
 * nothing. */
int lj_cron_parse(const char *text, lj_cron *cron, lj_fault *fault) LJ_MUST_CHECK;

/* The first matching instant after `after_ms`, in Unix milliseconds. LJ_OK, or LJ_NOT_FOUND when there is none within eight
 * years and a day, or none before LJ_MAX_TIME_MS: 30 February never comes, 29 February at most eight years later. */
int lj_cron_next(const lj_cron *cron, const lj_zone *zone, int64_t after_ms, int64_t *next_ms) LJ_MUST_CHECK;

#endif
