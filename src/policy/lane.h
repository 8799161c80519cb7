/* SPDX-License-Identifier: MIT
 *
 * A lane is one provider with one model and one key: what has limits, and what pauses as a whole when the provider says "too many", can't be
 * reached, or fails again and again. Jobs wait for their lane in the table, not in memory.
 *
 *            threshold failures in a row, RATE_LIMITED, UNREACHABLE
 *   closed ────────────────────────────────────────────────────────► open
 *     ▲                                                              │ ▲
 *     │ the probe went well                    the pause is over     │ │ it did not
 *     └───────────────────────────── half-open ◄─────────────────────┘ │
 *                                    one probe ────────────────────────┘
 *
 * `active` counts the calls of this engine; `others` those of the other workers of the database, as the engine last read them
 * under the write lock (engine/share.c). Together they stay within the limits.
 *
 * Times ending in _ms are monotonic; those of rows, in Unix milliseconds, have `wall` in their names.
 */
#ifndef LJ_POLICY_LANE_H
#define LJ_POLICY_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/config.h"
#include "policy/window.h"
#include "provider/rate_head.h"

#define LJ_LANE_NAME_SIZE 256

typedef enum lj_lane_state { LJ_LANE_CLOSED, LJ_LANE_OPEN, LJ_LANE_HALF_OPEN } lj_lane_state;

typedef struct lj_lane {
  char name[LJ_LANE_NAME_SIZE]; /* provider/model, and "#2" behind it for the second key. Must be first: claims hand it around as text (lj_lane_of) */
  const lj_provider_config *provider;
  size_t key;                   /* in provider->keys */
  size_t active;
  size_t others;
  size_t fresh;                 /* of `active`, those that began after the last pause did */
  size_t others_fresh;
  int64_t paused_at_ms;         /* when the last pause began */
  int64_t paused_until_ms;      /* 0: no pause */
  int trouble;                  /* pauses in a row without a success */
  int failures;                 /* in a row, of the kind that feeds the breaker */
  int code;                     /* why the last pause began */
  int64_t avoid_until_ms;       /* AUTH and the like: routes prefer their other targets until then */
  int64_t healed_wall_ms;       /* what other workers tell of earlier troubles is out of date */
  lj_window window;             /* calls of all workers, when the provider has a limit per minute */
  int64_t wanted;               /* tokens of a job that found no room in the window: nothing passes it by */
  int64_t room_at_ms;           /* when a limit that is reached lets the next call in; 0: none is */
  uint64_t starts;              /* calls of this engine since the lane was made */
  uint64_t spent;               /* tokens of those that were weighed, by estimate */
  uint64_t starts_cap;          /* what the provider's headers allow, … */
  int64_t starts_cap_until_ms;  /* … until then */
  uint64_t spent_cap;
  int64_t spent_cap_until_ms;
  lj_lane_state told;           /* by worker:lane, */
  int told_code;                /* with this code … */
  int64_t told_until_ms;        /* … and time */
  int64_t used_ms;              /* to drop the idlest first */
} lj_lane;

typedef struct lj_lanes {
  lj_lane *items[LJ_MAX_LANES];
  size_t count;
  size_t provider_active[LJ_MAX_PROVIDERS];
  size_t provider_others[LJ_MAX_PROVIDERS];
  int64_t parked_until_wall_ms[LJ_MAX_PROVIDERS]; /* the budget of the day is used up; 0: it is not. lj_lanes_park sets it */
  bool parked; /* one of these may not be 0 */
  bool behind; /* rows of other workers have not been read to the end: lanes with a limit per minute or a budget wait */
  bool news;   /* a lane may have another state than was told */
} lj_lanes;

void lj_lanes_init(lj_lanes *lanes);
void lj_lanes_free(lj_lanes *lanes);

/* No call of the provider with that index begins until then. */
void lj_lanes_park(lj_lanes *lanes, size_t provider, int64_t until_wall_ms);

/* Finds or makes the lane of a target; NULL when memory is short or LJ_MAX_LANES are all in use. */
lj_lane *lj_lanes_get(lj_lanes *lanes, const lj_target *target, int64_t now_ms);
/* The lane whose name was handed out as text; NULL for "". */
lj_lane *lj_lane_of(const char *name);

/* How many more calls the lane takes now. */
size_t lj_lane_capacity(const lj_lanes *lanes, lj_lane *lane, int64_t now_ms);
/* Whether a call's tokens must be known before it may begin. */
bool lj_lane_weighs(const lj_lane *lane, int64_t now_ms);
/* Whether there is room for so many tokens. A job that finds none is noted in `wanted`, so that the lane takes nothing until
 * there is: else small jobs would pass a large one by for ever. */
bool lj_lane_fits(lj_lane *lane, int64_t tokens, int64_t now_ms);
/* A call begins; `tokens` as weighed, 0 when nobody asked. */
void lj_lane_enter(lj_lanes *lanes, lj_lane *lane, int64_t tokens, int64_t now_ms);
void lj_lane_leave(lj_lanes *lanes, lj_lane *lane, int64_t entered_ms);

/* A call that began at `begun_ms` was answered. What began before a pause proves nothing about its end. True when that ended
 * the trouble. */
bool lj_lane_success(lj_lanes *lanes, lj_lane *lane, int64_t begun_ms);
/* The first bytes of any answer: a lane that could not be reached is all right again. */
bool lj_lane_reached(lj_lanes *lanes, lj_lane *lane, int64_t begun_ms);
/* A failure that feeds the breaker. Returns how long the lane is open for, 0 when it stays closed. */
int64_t lj_lane_failure(lj_lanes *lanes, lj_lane *lane, int code, int64_t begun_ms, int64_t now_ms);
/* Pauses it for `wait_ms`, or, when that is negative, for a time that doubles with each pause in a row: 1 s to 30 s. Calls
 * that fail while it is paused already change nothing but a longer wait. Returns how long it pauses. */
int64_t lj_lane_pause(lj_lanes *lanes, lj_lane *lane, int code, int64_t wait_ms, int64_t now_ms);
/* Another worker has paused it until then; `ended_wall_ms` is when its call ended. */
void lj_lane_hear_pause(lj_lanes *lanes, lj_lane *lane, int code, int64_t ended_wall_ms, int64_t until_wall_ms, int64_t now_ms);
/* What the headers of an answer say. The calls that run beside it may or may not be counted there: they are taken as not. */
void lj_lane_learn(lj_lane *lane, const lj_rate rates[LJ_RATE_KINDS], int64_t now_ms);
/* The network may be back: lanes that could not be reached, of one provider or (NULL) of all, probe now, if their last probe
 * began at least `gap_ms` ago. A gap of 0 says that there is a good reason: the waits between probes begin anew. */
void lj_lanes_nudge(lj_lanes *lanes, const lj_provider_config *provider, int64_t gap_ms, int64_t now_ms);

/* What worker:lane and worker:stats say. *code is why (LJ_OK while closed), *until_ms when it may change, 0: not by time. */
lj_lane_state lj_lane_state_of(const lj_lanes *lanes, const lj_lane *lane, int64_t now_ms, int *code, int64_t *until_ms);
const char *lj_lane_state_name(lj_lane_state state);

/* Whether a lane has trouble, so that its probes must be arranged with the other workers. */
bool lj_lanes_troubled(const lj_lanes *lanes);

/* Whether a pause or a limit has ended since the last call: jobs that waited for it may run. */
bool lj_lanes_opened(lj_lanes *lanes, int64_t now_ms);

/* Monotonic time at which the next lane opens, INT64_MAX when none is shut. */
int64_t lj_lanes_next_open(const lj_lanes *lanes, int64_t now_ms);

#endif
