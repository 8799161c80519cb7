/* SPDX-License-Identifier: MIT
 *
 * The breaker of a lane: when it opens, when it lets a probe through, when it closes (the picture is in lane.h).
 */
#include "base/clock.h"
#include "base/random.h"
#include "policy/backoff.h"
#include "policy/lane.h"

static bool is_paused(const lj_lane *lane, int64_t now_ms) { return lane->paused_until_ms > now_ms; }

bool lj_lane_success(lj_lanes *lanes, lj_lane *lane, int64_t begun_ms) {
  if (lane->trouble == 0) {
    lane->failures = 0;
    return false;
  }
  if (begun_ms < lane->paused_at_ms) return false;
  lane->trouble = 0;
  lane->failures = 0;
  lane->paused_until_ms = 0;
  lane->code = LJ_OK;
  lane->healed_wall_ms = lj_wall_ms();
  lanes->news = true;
  return true;
}

bool lj_lane_reached(lj_lanes *lanes, lj_lane *lane, int64_t begun_ms) {
  return lane->code == LJ_UNREACHABLE && lane->trouble > 0 && lj_lane_success(lanes, lane, begun_ms);
}

int64_t lj_lane_failure(lj_lanes *lanes, lj_lane *lane, int code, int64_t begun_ms, int64_t now_ms) {
  if (is_paused(lane, now_ms) || (lane->trouble > 0 && begun_ms < lane->paused_at_ms)) return 0;
  bool counts_apart = lane->code == LJ_RATE_LIMITED || lane->code == LJ_UNREACHABLE; /* the breaker counts for itself */
  bool answered = code == LJ_SERVER_ERROR || code == LJ_OVERLOADED;
  if (counts_apart && answered) {
    int failures = lane->failures;
    (void)lj_lane_success(lanes, lane, begun_ms);
    lane->failures = failures;
  }
  lane->failures++;
  bool opens = lane->failures >= lane->provider->breaker_threshold;
  if (lane->trouble == 0 && !opens) return 0;
  /* A probe that brought no answer at all has told nothing new. */
  if (lane->trouble > 0 && counts_apart && !opens) return lj_lane_pause(lanes, lane, lane->code, -1, now_ms);
  return lj_lane_pause(lanes, lane, code, lane->provider->breaker_open_ms, now_ms);
}

int64_t lj_lane_pause(lj_lanes *lanes, lj_lane *lane, int code, int64_t wait_ms, int64_t now_ms) {
  bool paused = is_paused(lane, now_ms);
  if (!paused) {
    lane->trouble++;
    lane->code = code;
    lane->paused_at_ms = now_ms;
    lane->fresh = 0;
    lane->others_fresh = 0;
  }
  if (wait_ms < 0 && paused) return lane->paused_until_ms - now_ms;
  if (wait_ms < 0) {
    lj_backoff backoff;
    lj_backoff_default(&backoff);
    /* Half of it is sure: a probe that follows at once would only find the same trouble. */
    wait_ms = lj_backoff_wait(&backoff, lane->trouble, 0.5 + lj_random_unit() / 2);
  }
  if (now_ms + wait_ms > lane->paused_until_ms) lane->paused_until_ms = now_ms + wait_ms;
  lanes->news = true;
  return lane->paused_until_ms - now_ms;
}

void lj_lane_hear_pause(lj_lanes *lanes, lj_lane *lane, int code, int64_t ended_wall_ms, int64_t until_wall_ms, int64_t now_ms) {
  int64_t left = until_wall_ms - lj_wall_ms();
  /* However the clocks were set meanwhile, it is no longer than it was meant to be. */
  if (left > until_wall_ms - ended_wall_ms) left = until_wall_ms - ended_wall_ms;
  if (left <= 0 || ended_wall_ms <= lane->healed_wall_ms) return;
  (void)lj_lane_pause(lanes, lane, code, left, now_ms);
}

void lj_lanes_nudge(lj_lanes *lanes, const lj_provider_config *provider, int64_t gap_ms, int64_t now_ms) {
  for (size_t i = 0; i < lanes->count; i++) {
    lj_lane *lane = lanes->items[i];
    bool meant = provider == NULL || lane->provider == provider;
    if (!meant || lane->code != LJ_UNREACHABLE || !is_paused(lane, now_ms) || now_ms - lane->paused_at_ms < gap_ms) continue;
    if (gap_ms == 0) lane->trouble = 1; /* the next waits are short again */
    lane->paused_until_ms = now_ms; /* from now on half-open, which lj_lanes_opened notices */
    lane->healed_wall_ms = lj_wall_ms();
  }
}

lj_lane_state lj_lane_state_of(const lj_lanes *lanes, const lj_lane *lane, int64_t now_ms, int *code, int64_t *until_ms) {
  int64_t parked = lanes->parked_until_wall_ms[lane->provider->index] - lj_wall_ms();
  *code = lane->trouble > 0 ? lane->code : LJ_OK;
  *until_ms = 0;
  if (parked > 0) {
    *code = LJ_BUDGET_EXCEEDED;
    *until_ms = now_ms + parked;
    return LJ_LANE_OPEN;
  }
  if (is_paused(lane, now_ms)) {
    *until_ms = lane->paused_until_ms;
    return LJ_LANE_OPEN;
  }
  return lane->trouble > 0 ? LJ_LANE_HALF_OPEN : LJ_LANE_CLOSED;
}

const char *lj_lane_state_name(lj_lane_state state) {
  static const char *const names[] = {[LJ_LANE_CLOSED] = "closed", [LJ_LANE_OPEN] = "open", [LJ_LANE_HALF_OPEN] = "half-open"};
  return names[state];
}

bool lj_lanes_troubled(const lj_lanes *lanes) {
  for (size_t i = 0; i < lanes->count; i++)
    if (lanes->items[i]->trouble > 0) return true;
  return false;
}
