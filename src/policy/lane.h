/* SPDX-License-Identifier: MIT
 *
 * A lane is one provider with one model and one key: what has a concurrency limit and what pauses as a whole when the provider says
 * "too many" or can't be reached. Jobs wait for their lane in the table, not in memory.
 *
 * After trouble a lane opens for one probe at a time until one has gone well.
 */
#ifndef LJ_POLICY_LANE_H
#define LJ_POLICY_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/config.h"

#define LJ_LANE_NAME_SIZE 256

typedef struct lj_lane {
  char name[LJ_LANE_NAME_SIZE]; /* provider/model, and "#2" behind it for the second key. Must be first: claims hand it around as text (lj_lane_of) */
  const lj_provider_config *provider;
  size_t key;                   /* in provider->keys */
  size_t active;                /* calls of this engine in this lane */
  int64_t paused_until_ms;      /* monotonic; 0: open */
  int trouble;                  /* pauses in a row without a success */
  int64_t used_ms;              /* monotonic, to drop the idlest first */
} lj_lane;

typedef struct lj_lanes {
  lj_lane *items[LJ_MAX_LANES];
  size_t count;
  size_t provider_active[LJ_MAX_PROVIDERS];
} lj_lanes;

void lj_lanes_init(lj_lanes *lanes);
void lj_lanes_free(lj_lanes *lanes);

/* Finds or makes the lane of a target; NULL when memory is short or LJ_MAX_LANES are all in use. */
lj_lane *lj_lanes_get(lj_lanes *lanes, const lj_target *target, int64_t now_ms);
/* The lane whose name was handed out as text; NULL for "". */
lj_lane *lj_lane_of(const char *name);

/* How many more calls the lane takes now. */
size_t lj_lane_capacity(const lj_lanes *lanes, const lj_lane *lane, int64_t now_ms);
void lj_lane_enter(lj_lanes *lanes, lj_lane *lane, int64_t now_ms);
void lj_lane_leave(lj_lanes *lanes, lj_lane *lane);

/* The lane is all right. */
void lj_lane_success(lj_lane *lane);
/* Pauses it for `wait_ms`, or, when that is negative, for a time that doubles with each pause in a row: 1 s to 30 s. Calls
 * that fail while it is paused already change nothing but a longer wait. Returns how long it pauses. */
int64_t lj_lane_pause(lj_lane *lane, int64_t wait_ms, int64_t now_ms);

/* Whether a pause has ended since the last call: jobs that waited for it may run. */
bool lj_lanes_opened(lj_lanes *lanes, int64_t now_ms);

/* Monotonic time at which the next paused lane opens, INT64_MAX when none is paused. */
int64_t lj_lanes_next_open(const lj_lanes *lanes, int64_t now_ms);

#endif
