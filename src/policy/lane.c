/* SPDX-License-Identifier: MIT */
#include "policy/lane.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "policy/backoff.h"

void lj_lanes_init(lj_lanes *lanes) { memset(lanes, 0, sizeof *lanes); }

void lj_lanes_free(lj_lanes *lanes) {
  for (size_t i = 0; i < lanes->count; i++) lj_free(lanes->items[i]);
  lanes->count = 0;
}

lj_lane *lj_lane_of(const char *name) {
  /* The name is the first member of a lane that lj_lanes_get made writable. */
  return *name == '\0' ? NULL : (lj_lane *)(uintptr_t)name;
}

static bool is_idle(const lj_lane *lane, int64_t now_ms) {
  return lane->active == 0 && lane->paused_until_ms <= now_ms && lane->trouble == 0;
}

static bool drop_idlest(lj_lanes *lanes, int64_t now_ms) {
  size_t found = lanes->count;
  for (size_t i = 0; i < lanes->count; i++)
    if (is_idle(lanes->items[i], now_ms) && (found == lanes->count || lanes->items[i]->used_ms < lanes->items[found]->used_ms))
      found = i;
  if (found == lanes->count) return false;
  lj_free(lanes->items[found]);
  lanes->items[found] = lanes->items[--lanes->count];
  return true;
}

lj_lane *lj_lanes_get(lj_lanes *lanes, const lj_target *target, int64_t now_ms) {
  char name[LJ_LANE_NAME_SIZE];
  if (target->key == 0)
    (void)snprintf(name, sizeof name, "%s/%s", target->provider->name, target->model);
  else
    (void)snprintf(name, sizeof name, "%s/%s#%zu", target->provider->name, target->model, target->key + 1);
  for (size_t i = 0; i < lanes->count; i++)
    if (strcmp(lanes->items[i]->name, name) == 0) {
      lanes->items[i]->used_ms = now_ms;
      return lanes->items[i];
    }
  if (lanes->count == LJ_MAX_LANES && !drop_idlest(lanes, now_ms)) return NULL;
  lj_lane *lane = lj_calloc(1, sizeof *lane);
  if (lane == NULL) return NULL;
  memcpy(lane->name, name, sizeof name);
  lane->provider = target->provider;
  lane->key = target->key;
  lane->used_ms = now_ms;
  lanes->items[lanes->count++] = lane;
  return lane;
}

size_t lj_lane_capacity(const lj_lanes *lanes, const lj_lane *lane, int64_t now_ms) {
  if (lane->paused_until_ms > now_ms) return 0;
  if (lane->trouble > 0) return lane->active == 0 ? 1 : 0;
  size_t limit = lane->provider->max_concurrent;
  size_t active = lanes->provider_active[lane->provider->index];
  if (limit == 0) return LJ_MAX_CONCURRENCY;
  return active < limit ? limit - active : 0;
}

void lj_lane_enter(lj_lanes *lanes, lj_lane *lane, int64_t now_ms) {
  lane->active++;
  lane->used_ms = now_ms;
  lanes->provider_active[lane->provider->index]++;
}

void lj_lane_leave(lj_lanes *lanes, lj_lane *lane) {
  lane->active--;
  lanes->provider_active[lane->provider->index]--;
}

void lj_lane_success(lj_lane *lane) {
  lane->trouble = 0;
  lane->paused_until_ms = 0;
}

int64_t lj_lane_pause(lj_lane *lane, int64_t wait_ms, int64_t now_ms) {
  bool paused = lane->paused_until_ms > now_ms;
  if (!paused) lane->trouble++;
  if (wait_ms < 0 && paused) return lane->paused_until_ms - now_ms;
  if (wait_ms < 0) {
    lj_backoff backoff;
    lj_backoff_default(&backoff);
    /* Half of it is sure: a probe that follows at once would only find the same trouble. */
    wait_ms = lj_backoff_wait(&backoff, lane->trouble, 0.5 + lj_random_unit() / 2);
  }
  if (now_ms + wait_ms > lane->paused_until_ms) lane->paused_until_ms = now_ms + wait_ms;
  return lane->paused_until_ms - now_ms;
}

bool lj_lanes_opened(lj_lanes *lanes, int64_t now_ms) {
  bool opened = false;
  for (size_t i = 0; i < lanes->count; i++) {
    lj_lane *lane = lanes->items[i];
    if (lane->paused_until_ms == 0 || lane->paused_until_ms > now_ms) continue;
    lane->paused_until_ms = 0;
    opened = true;
  }
  return opened;
}

int64_t lj_lanes_next_open(const lj_lanes *lanes, int64_t now_ms) {
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < lanes->count; i++) {
    int64_t until = lanes->items[i]->paused_until_ms;
    if (until > now_ms && until < next) next = until;
  }
  return next;
}
