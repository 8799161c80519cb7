/* SPDX-License-Identifier: MIT
 *
 * When a job that repeats runs next.
 */
#ifndef LJ_POLICY_REPEAT_H
#define LJ_POLICY_REPEAT_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/fault.h"
#include "policy/cron.h"
#include "policy/timezone.h"

typedef enum lj_repeat_kind { LJ_REPEAT_NEVER, LJ_REPEAT_EVERY, LJ_REPEAT_CRON } lj_repeat_kind;

typedef struct lj_repeat {
  lj_repeat_kind kind;
  int64_t every_ms;             /* of EVERY */
  lj_cron cron;                 /* of CRON */
  char zone[LJ_ZONE_NAME_SIZE]; /* of CRON; "": the system's own */
} lj_repeat;

/* Reads opts.repeat: {everyMs}, a whole number from a second to 366 days, or {cron, tz}. Without it the kind is NEVER. LJ_OK, or
 * LJ_BAD_JOB with the field in `fault`. Whether the time zone exists is seen by lj_repeat_next only; a caller that wants to know
 * before the job runs asks that once. */
int lj_repeat_parse(const cJSON *opts, lj_repeat *repeat, lj_fault *fault) LJ_MUST_CHECK;

/* The next occurrence after that of `scheduled_ms` (0: it was not scheduled), which has just ended. What the app has missed
 * while it was closed is not made up for: the job that ended stood for all of it. So the next occurrence is always after
 * `now_ms`; with everyMs by a multiple of it after `scheduled_ms`, so that the phase stays.
 *
 * When the clock was set back by no more than a minute, so that `scheduled_ms` is in the future again, the next occurrence is
 * after that, and none happens twice.
 *
 * LJ_OK, LJ_NOT_FOUND (NEVER, or no date matches within eight years), LJ_BAD_JOB (no such time zone) or LJ_NOMEM; the latter two
 * with `fault`. */
int lj_repeat_next(const lj_repeat *repeat, lj_zones *zones, int64_t scheduled_ms, int64_t now_ms, int64_t *next_ms,
                   lj_fault *fault) LJ_MUST_CHECK;

#endif
