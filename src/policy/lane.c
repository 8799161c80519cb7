/* SPDX-License-Identifier: MIT */
#include "policy/lane.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/memory.h"

void lj_lanes_init(lj_lanes *lanes) { memset(lanes, 0, sizeof *lanes); }

static void lane_free(lj_lane *lane) {
  lj_window_free(&lane->window);
  lj_free(lane);
}

void lj_lanes_free(lj_lanes *lanes) {
  for (size_t i = 0; i < lanes->count; i++) lane_free(lanes->items[i]);
  lanes->count = 0;
}

lj_lane *lj_lane_of(const char *name) {
  /* The name is the first member of a lane that lj_lanes_get made writable. */
  return *name == '\0' ? NULL : (lj_lane *)(uintptr_t)name;
}

/* Nothing would be forgotten with it. */
static bool is_idle(lj_lane *lane, int64_t now_ms) {
  if (lane->active > 0 || lane->others > 0 || lane->trouble > 0 || lane->told != LJ_LANE_CLOSED) return false;
  lj_window_slide(&lane->window, lj_wall_ms());
  return lane->window.count == 0 && lane->paused_until_ms <= now_ms && lane->starts_cap_until_ms <= now_ms;
}

static bool drop_idlest(lj_lanes *lanes, int64_t now_ms) {
  size_t found = lanes->count;
  for (size_t i = 0; i < lanes->count; i++)
    if (is_idle(lanes->items[i], now_ms) && (found == lanes->count || lanes->items[i]->used_ms < lanes->items[found]->used_ms))
      found = i;
  if (found == lanes->count) return false;
  lane_free(lanes->items[found]);
  lanes->items[found] = lanes->items[--lanes->count];
  return true;
}

static void write_name(const lj_target *target, char name[LJ_LANE_NAME_SIZE]) {
  size_t end = lj_text_add(name, LJ_LANE_NAME_SIZE, 0, target->provider->name);
  end = lj_text_add(name, LJ_LANE_NAME_SIZE, end, "/");
  end = lj_text_add(name, LJ_LANE_NAME_SIZE, end, target->model);
  if (target->key > 0) (void)snprintf(name + end, LJ_LANE_NAME_SIZE - end, "#%zu", target->key + 1);
}

lj_lane *lj_lanes_get(lj_lanes *lanes, const lj_target *target, int64_t now_ms) {
  char name[LJ_LANE_NAME_SIZE];
  write_name(target, name);
  for (size_t i = 0; i < lanes->count; i++)
    if (strcmp(lanes->items[i]->name, name) == 0) {
      lanes->items[i]->used_ms = now_ms;
      return lanes->items[i];
    }
  if (lanes->count == LJ_MAX_LANES && !drop_idlest(lanes, now_ms)) return NULL;
  lj_lane *lane = lj_calloc(1, sizeof *lane);
  if (lane == NULL) return NULL;
  memcpy(lane->name, name, strlen(name) + 1);
  lane->provider = target->provider;
  lane->key = target->key;
  lane->used_ms = now_ms;
  lanes->items[lanes->count++] = lane;
  return lane;
}

static size_t smaller(size_t first, size_t second) { return first < second ? first : second; }

/* Notes when a limit that is reached lets the next call in. */
static size_t shut(lj_lane *lane, int64_t until_ms) {
  lane->room_at_ms = until_ms;
  return 0;
}

/* Room within requestsPerMinute and tokensPerMinute. */
static size_t window_room(lj_lane *lane, int64_t now_ms) {
  const lj_provider_config *provider = lane->provider;
  int64_t now_wall = lj_wall_ms();
  int64_t wanted = lane->wanted > 0 ? lane->wanted : 1;
  lj_window_slide(&lane->window, now_wall);
  size_t room = lj_window_room(&lane->window, provider->requests_per_minute);
  if (room > 0 && lj_window_fits(&lane->window, provider->tokens_per_minute, wanted)) return room;
  int64_t opens =
      lj_window_opens(&lane->window, provider->requests_per_minute, provider->tokens_per_minute, wanted, now_wall);
  return shut(lane, now_ms + (opens > now_wall ? opens - now_wall : 1));
}

/* Room within what the provider's headers have said. */
static size_t learned_room(lj_lane *lane, int64_t now_ms) {
  size_t room = LJ_MAX_CONCURRENCY;
  uint64_t wanted = lane->wanted > 0 ? (uint64_t)lane->wanted : 1;
  if (lane->starts_cap_until_ms > now_ms) {
    if (lane->starts >= lane->starts_cap) return shut(lane, lane->starts_cap_until_ms);
    if (lane->starts_cap - lane->starts < room) room = (size_t)(lane->starts_cap - lane->starts);
  }
  if (lane->spent_cap_until_ms > now_ms && lane->spent + wanted > lane->spent_cap) return shut(lane, lane->spent_cap_until_ms);
  return room;
}

size_t lj_lane_capacity(const lj_lanes *lanes, lj_lane *lane, int64_t now_ms) {
  const lj_provider_config *provider = lane->provider;
  bool windowed = provider->requests_per_minute > 0 || provider->tokens_per_minute > 0;
  bool budgeted = provider->max_tokens_per_day > 0 || provider->max_cost_per_day > 0;
  size_t room = LJ_MAX_CONCURRENCY;
  lane->room_at_ms = 0;
  if (lane->paused_until_ms > now_ms) return 0;
  if (budgeted && lanes->parked_until_wall_ms[provider->index] > lj_wall_ms()) return 0;
  if ((windowed || budgeted) && lanes->behind) return 0;
  if (lane->trouble > 0) {
    if (lane->fresh + lane->others_fresh > 0) return 0;
    room = 1;
  }
  if (provider->max_concurrent > 0) {
    size_t active = lanes->provider_active[provider->index] + lanes->provider_others[provider->index];
    if (active >= provider->max_concurrent) return 0;
    room = smaller(room, provider->max_concurrent - active);
  }
  if (windowed) room = smaller(room, window_room(lane, now_ms));
  return room > 0 ? smaller(room, learned_room(lane, now_ms)) : 0;
}

bool lj_lane_weighs(const lj_lane *lane, int64_t now_ms) {
  return lane->provider->tokens_per_minute > 0 || lane->spent_cap_until_ms > now_ms;
}

bool lj_lane_fits(lj_lane *lane, int64_t tokens, int64_t now_ms) {
  lj_window_slide(&lane->window, lj_wall_ms());
  bool learned = lane->spent_cap_until_ms <= now_ms || lane->spent + (uint64_t)tokens <= lane->spent_cap;
  if (learned && lj_window_fits(&lane->window, lane->provider->tokens_per_minute, tokens)) return true;
  return false;
}

void lj_lane_enter(lj_lanes *lanes, lj_lane *lane, int64_t tokens, int64_t now_ms) {
  lane->active++;
  lane->fresh++;
  lane->starts++;
  lane->spent += (uint64_t)tokens;
  lane->wanted = 0;
  lane->used_ms = now_ms;
  lanes->provider_active[lane->provider->index]++;
}

void lj_lane_leave(lj_lanes *lanes, lj_lane *lane, int64_t entered_ms) {
  lane->active--;
  if (lane->fresh > 0 && entered_ms >= lane->paused_at_ms) lane->fresh--;
  if (lane->fresh > lane->active) lane->fresh = lane->active;
  lanes->provider_active[lane->provider->index]--;
}

void lj_lane_learn(lj_lane *lane, const lj_rate rates[LJ_RATE_KINDS], int64_t now_ms) {
  const lj_rate *requests = &rates[LJ_RATE_REQUESTS];
  const lj_rate *tokens = NULL;
  uint64_t beside = lane->active > 0 ? lane->active - 1 : 0;
  if (requests->remaining >= 0 && requests->reset_ms >= 0) {
    uint64_t left = (uint64_t)requests->remaining > beside ? (uint64_t)requests->remaining - beside : 0;
    lane->starts_cap = lane->starts + left;
    lane->starts_cap_until_ms = now_ms + requests->reset_ms;
  }
  for (int kind = LJ_RATE_TOKENS; kind < LJ_RATE_KINDS; kind++)
    if (rates[kind].remaining >= 0 && rates[kind].reset_ms >= 0 && (tokens == NULL || rates[kind].remaining < tokens->remaining))
      tokens = &rates[kind];
  if (tokens == NULL) return;
  /* While there are plenty nothing is weighed: that would cost a statement per job. */
  bool scarce = tokens->limit < 0 || tokens->remaining < tokens->limit / 4;
  lane->spent_cap = lane->spent + (uint64_t)tokens->remaining;
  lane->spent_cap_until_ms = scarce ? now_ms + tokens->reset_ms : 0;
}

void lj_lanes_park(lj_lanes *lanes, size_t provider, int64_t until_wall_ms) {
  lanes->parked_until_wall_ms[provider] = until_wall_ms;
  lanes->parked = true;
  lanes->news = true;
}

bool lj_lanes_opened(lj_lanes *lanes, int64_t now_ms) {
  bool opened = false;
  for (size_t i = 0; i < lanes->count; i++) {
    lj_lane *lane = lanes->items[i];
    if (lane->paused_until_ms != 0 && lane->paused_until_ms <= now_ms) {
      lane->paused_until_ms = 0;
      lanes->news = true;
      opened = true;
    }
    if (lane->room_at_ms != 0 && lane->room_at_ms <= now_ms) {
      lane->room_at_ms = 0;
      opened = true;
    }
  }
  bool parked = false;
  for (size_t i = 0; lanes->parked && i < LJ_MAX_PROVIDERS; i++) {
    if (lanes->parked_until_wall_ms[i] != 0 && lanes->parked_until_wall_ms[i] <= lj_wall_ms()) {
      lanes->parked_until_wall_ms[i] = 0;
      lanes->news = true;
      opened = true;
    }
    parked = parked || lanes->parked_until_wall_ms[i] != 0;
  }
  lanes->parked = parked;
  return opened;
}

int64_t lj_lanes_next_open(const lj_lanes *lanes, int64_t now_ms) {
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < lanes->count; i++) {
    const lj_lane *lane = lanes->items[i];
    if (lane->paused_until_ms > now_ms && lane->paused_until_ms < next) next = lane->paused_until_ms;
    if (lane->room_at_ms > now_ms && lane->room_at_ms < next) next = lane->room_at_ms;
  }
  for (size_t i = 0; lanes->parked && i < LJ_MAX_PROVIDERS; i++) {
    int64_t left = lanes->parked_until_wall_ms[i] != 0 ? lanes->parked_until_wall_ms[i] - lj_wall_ms() : 0;
    if (left > 0 && now_ms + left < next) next = now_ms + left;
  }
  return next;
}
