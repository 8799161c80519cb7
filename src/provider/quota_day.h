/* SPDX-License-Identifier: MIT */
#ifndef LJ_PROVIDER_QUOTA_DAY_H
#define LJ_PROVIDER_QUOTA_DAY_H

#include <stdint.h>

/* Google counts its daily quotas from midnight to midnight of the Pacific time zone of the United States. Milliseconds from
 * `now_ms` (Unix, UTC) to the next one: above 0, at most 25 hours.
 *
 * By the rule of daylight saving that holds since 2007, and not by the system's time zones, because a provider's code does no
 * input, and because a machine without files of zones must know it too. Should the rule ever change, the first call after the
 * pause comes an hour too early or too late. */
int64_t lj_quota_day_left_ms(int64_t now_ms);

#endif
