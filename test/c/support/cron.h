/* SPDX-License-Identifier: MIT
 *
 * When a cron expression matches, in zones whose rules are written here and so the same on every machine.
 */
#ifndef LJ_TEST_SUPPORT_CRON_H
#define LJ_TEST_SUPPORT_CRON_H

#include "policy/calendar.h"
#include "policy/cron.h"
#include "support/zone.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
#define KOLKATA "IST-5:30"

static inline void parse_or_fail(const char *text, lj_cron *cron) {
  lj_fault fault;
  lj_fault_clear(&fault);
  if (lj_cron_parse(text, cron, &fault) != LJ_OK) fail_msg("\"%s\" was refused: %s", text, fault.message);
}

/* `expected` NULL: never. */
static inline void check_next(const char *text, const lj_zone *zone, const char *after, const char *expected) {
  lj_cron cron;
  int64_t next = 0;
  parse_or_fail(text, &cron);
  int code = lj_cron_next(&cron, zone, instant(after), &next);
  if (expected == NULL) {
    if (code != LJ_NOT_FOUND) fail_msg("\"%s\" after %s: %s instead of never", text, after, text_of_instant(next));
  } else if (code != LJ_OK || next != instant(expected)) {
    fail_msg("\"%s\" after %s: %s instead of %s", text, after, code == LJ_OK ? text_of_instant(next) : lj_code_name(code),
             expected);
  }
}

#endif
