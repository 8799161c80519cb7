/* SPDX-License-Identifier: MIT
 *
 * Time zones: what a clock on the wall shows at an instant. Zones are read from the system's files (POSIX) or from its ICU
 * (Windows 10 1903 and newer), never by tzset or localtime: those belong to the whole process, and the host may change TZ.
 *
 * Named zones on Windows have been compiled and compared with Linux's files over another ICU, but not run on Windows yet. There
 * they know no change before 1970 and none after 2100.
 */
#ifndef LJ_POLICY_TIMEZONE_H
#define LJ_POLICY_TIMEZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

#define LJ_ZONE_NAME_SIZE 64 /* with the NUL; the longest name of the IANA list has 32 characters */

/* Never changes after it was made, so threads may share it. */
typedef struct lj_zone lj_zone;

typedef struct lj_zone_period {
  int32_t offset; /* seconds east of UTC: wall time is UTC plus this */
  int64_t until;  /* the first second, UTC, after which the offset may be another; INT64_MAX: it stays */
} lj_zone_period;

/* Whether `name` has the form of a zone's name: NULL or "" (the system's own zone), "UTC", an offset ("+05:30", "-0800", "+02")
 * or a name of the IANA list ("Europe/Berlin"). Such a name holds letters, digits, '_', '-', '+' and '/' and begins with a
 * letter, so that it leads nowhere but into the folder of zones. LJ_OK, or LJ_BAD_JOB with the name in `fault`. */
int lj_zone_check_name(const char *name, lj_fault *fault) LJ_MUST_CHECK;

/* Loads a zone; the caller frees it. LJ_OK, LJ_NOMEM, or LJ_BAD_JOB for a name that is not known here or whose file can't be
 * used.
 *
 * Named zones are looked for in $TZDIR, /usr/share/zoneinfo, /usr/lib/zoneinfo, /usr/share/lib/zoneinfo and /etc/zoneinfo.
 * The system's own is $TZ (a name, a path, or a POSIX rule such as "CET-1CEST,M3.5.0,M10.5.0/3"), else /etc/localtime; what of
 * these can't be used counts as UTC, as for every other program of that machine. */
int lj_zone_load(const char *name, lj_zone **zone, lj_fault *fault) LJ_MUST_CHECK;
void lj_zone_free(lj_zone *zone);

/* What holds at an instant, in Unix seconds within ±LJ_MAX_TIME_MS / 1000 and some years. */
void lj_zone_period_at(const lj_zone *zone, int64_t utc, lj_zone_period *period);
int32_t lj_zone_offset(const lj_zone *zone, int64_t utc);

/* The zones that one thread uses again and again, at most LJ_MAX_ZONES; the one not asked for the longest goes first. A named
 * zone is read again after a day, the system's own after a minute, because people travel. If that fails, the old one stays. */
typedef struct lj_zones {
  struct {
    char name[LJ_ZONE_NAME_SIZE];
    lj_zone *zone;
    int64_t loaded_ms; /* monotonic */
    int64_t used;      /* the number of the request */
  } items[LJ_MAX_ZONES];
  size_t count;
  int64_t requests;
} lj_zones;

void lj_zones_init(lj_zones *zones);
void lj_zones_free(lj_zones *zones);

/* As lj_zone_load, but the zone is borrowed: until the next call. */
int lj_zones_get(lj_zones *zones, const char *name, const lj_zone **zone, lj_fault *fault) LJ_MUST_CHECK;

#endif
