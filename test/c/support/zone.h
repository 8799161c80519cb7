/* SPDX-License-Identifier: MIT
 *
 * Instants as people write them, and time zones that do not depend on what the machine has installed.
 */
#ifndef LJ_TEST_SUPPORT_ZONE_H
#define LJ_TEST_SUPPORT_ZONE_H

#include <time.h>

#include "policy/timezone_data.h"
#include "support/test.h"

/* "2026-03-29 01:00" or "2026-03-29 01:00:30.250", UTC, in Unix milliseconds. */
static inline int64_t instant(const char *text) {
  struct tm when = {0};
  int second = 0;
  int millisecond = 0;
  if (sscanf(text, "%d-%d-%d %d:%d:%d.%3d", &when.tm_year, &when.tm_mon, &when.tm_mday, &when.tm_hour, &when.tm_min, &second,
             &millisecond) < 5)
    fail_msg("the test's own instant is bad: %s", text);
  when.tm_year -= 1900;
  when.tm_mon -= 1;
  when.tm_sec = second;
  return (int64_t)timegm(&when) * 1000 + millisecond;
}

/* The other way, for messages; the text is valid until the next call. */
static inline const char *text_of_instant(int64_t milliseconds) {
  static char text[64];
  time_t seconds = (time_t)(milliseconds / 1000);
  struct tm when;
  if (gmtime_r(&seconds, &when) == NULL || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &when) == 0) return "?";
  return text;
}

/* Caller frees. */
static inline lj_zone *zone_of_rule(const char *rule) {
  lj_zone *zone = lj_zone_new(0);
  assert_non_null(zone);
  zone->has_rule = true;
  if (lj_zone_rule_parse(rule, strlen(rule), &zone->rule) != LJ_OK) fail_msg("the test's own rule is bad: %s", rule);
  return zone;
}

static inline lj_zone *zone_of_changes(int32_t offset, const lj_zone_change *changes, size_t count) {
  lj_zone *zone = lj_zone_new(count);
  assert_non_null(zone);
  zone->offset = offset;
  zone->count = count;
  memcpy(zone->changes, changes, count * sizeof *changes);
  return zone;
}

/* Whether this machine has the files of named zones. */
static inline bool has_zone_files(void) {
  lj_zone *zone = NULL;
  bool has = lj_zone_load("Europe/Berlin", &zone, NULL) == LJ_OK;
  lj_zone_free(zone);
  return has;
}

#endif
