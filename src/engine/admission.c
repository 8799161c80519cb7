/* SPDX-License-Identifier: MIT
 *
 * What a claim asks of the engine: which queues it serves, and which lane a job would run in.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/state.h"
#include "queue/calls.h"

/* Jobs that no route serves are claimed too, so that they fail with a reason; this many at a time. */
enum {
  HOPELESS_CAPACITY = 16,
  BYTES_PER_TOKEN = 4,
  UNSAID_TOKENS = 1024, /* of an answer whose maxTokens nobody has said */
  EXCLUSION_MS = 10000 /* a row that the app's triggers refuse to have claimed is left alone for so long */
};

static bool serves(void *owner, const char *queue) {
  const lj_engine *engine = owner;
  const cJSON *item = NULL;
  if (lj_names_have(&engine->paused_queues, queue)) return false;
  if (engine->config.queues == NULL) return true;
  cJSON_ArrayForEach(item, engine->config.queues) if (strcmp(item->valuestring, queue) == 0) return true;
  return false;
}

/* An app holds provider/model for itself, whatever the key, or the whole provider. */
static bool is_held(const lj_engine *engine, const lj_lane *lane) {
  const lj_names *held = &engine->held_lanes;
  if (held->count == 0) return false;
  if (lj_names_have(held, lane->name) || lj_names_have(held, lane->provider->name)) return true;
  char name[LJ_LANE_NAME_SIZE];
  memcpy(name, lane->name, sizeof name);
  char *key = lane->key > 0 ? strrchr(name, '#') : NULL;
  if (key != NULL) *key = '\0';
  return key != NULL && lj_names_have(held, name);
}

size_t lj_admission_room(lj_engine *engine, lj_lane *lane, int64_t now) {
  if (is_held(engine, lane) || !lj_secrets_ready(engine, lane->provider, lane->key)) return 0;
  return lj_lane_capacity(&engine->lanes, lane, now);
}

/* Targets that have just refused their key or model, or ran out of money, are used only when there are no others. */
static bool all_avoided(lj_engine *engine, const lj_route *route, int64_t now) {
  for (size_t i = 0; i < route->count; i++) {
    const lj_lane *lane = lj_lanes_get(&engine->lanes, &route->targets[i], now);
    if (lane != NULL && lane->avoid_until_ms <= now) return false;
  }
  return true;
}

static size_t capacity(void *owner, const char *model, const char *name) {
  lj_engine *engine = owner;
  lj_route route;
  int64_t now = lj_mono_ms();
  if (lj_route_find(&engine->config, model, name, &route, NULL) != LJ_OK) return HOPELESS_CAPACITY;
  size_t total = 0;
  bool avoided = all_avoided(engine, &route, now);
  for (size_t i = 0; i < route.count; i++) {
    lj_lane *lane = lj_lanes_get(&engine->lanes, &route.targets[i], now);
    if (lane != NULL && (lane->avoid_until_ms > now) == avoided) total += lj_admission_room(engine, lane, now);
  }
  return total;
}

int64_t lj_admission_estimate(const lj_config *config, const char *name, int64_t bytes, int64_t max_tokens) {
  if (max_tokens < 0) max_tokens = lj_json_int(lj_json_object(config->types, name), "maxTokens", UNSAID_TOKENS);
  return bytes / BYTES_PER_TOKEN + max_tokens;
}

int lj_admission_note(lj_lane *lane, int64_t seq, int64_t begun_wall, int64_t tokens) {
  const lj_provider_config *provider = lane->provider;
  if (provider->requests_per_minute == 0 && provider->tokens_per_minute == 0) return LJ_OK;
  return lj_window_note(&lane->window, seq, begun_wall, tokens, lj_wall_ms());
}

/* Takes a place in the lane for the job, if its tokens fit too. */
static bool enter(lj_engine *engine, lj_lane *lane, const char *name, int64_t seq, int64_t now) {
  int64_t tokens = 0;
  if (lj_admission_room(engine, lane, now) == 0) return false;
  if (lj_lane_weighs(lane, now)) {
    int64_t bytes = 0;
    int64_t max_tokens = -1;
    if (lj_calls_weigh(engine->store, seq, &bytes, &max_tokens) != LJ_OK) return false;
    tokens = lj_admission_estimate(&engine->config, name, bytes, max_tokens);
    if (!lj_lane_fits(lane, tokens, now)) {
      lane->wanted = tokens;
      return false;
    }
  }
  if (lj_admission_note(lane, seq, engine->claim_wall_ms, tokens) != LJ_OK) return false;
  lj_lane_enter(&engine->lanes, lane, tokens, now);
  return true;
}

static const char *admit(void *owner, const char *model, const char *name, int64_t seq) {
  lj_engine *engine = owner;
  lj_route route;
  int64_t now = lj_mono_ms();
  if (lj_route_find(&engine->config, model, name, &route, NULL) != LJ_OK) return "";
  bool avoided = all_avoided(engine, &route, now);
  for (size_t i = 0; i < route.count; i++) {
    lj_lane *lane = lj_lanes_get(&engine->lanes, &route.targets[i], now);
    if (lane == NULL || (lane->avoid_until_ms > now) != avoided) continue;
    if (enter(engine, lane, name, seq, now)) return lane->name;
  }
  engine->passed_over = true; /* another group has just filled the lane */
  return NULL;
}

static void dismiss(void *owner, const char *lane_name, int64_t seq) {
  lj_engine *engine = owner;
  lj_lane *lane = lj_lane_of(lane_name);
  if (lane == NULL) return;
  lj_window_drop(&lane->window, seq, engine->claim_wall_ms);
  lj_lane_leave(&engine->lanes, lane, lj_mono_ms());
}

/* Forgets rows whose time is over. */
static void forget(lj_engine *engine) {
  int64_t now = lj_mono_ms();
  for (size_t i = 0; i < engine->excluded_count;)
    if (engine->excluded[i].until_ms <= now)
      engine->excluded[i] = engine->excluded[--engine->excluded_count];
    else
      i++;
}

static void refused(void *owner, int64_t seq) {
  lj_engine *engine = owner;
  if (engine->excluded_count == LJ_MAX_REFUSED) return; /* then it is met again at once, and refused again */
  engine->passed_over = true;
  engine->excluded[engine->excluded_count].seq = seq;
  engine->excluded[engine->excluded_count++].until_ms = lj_mono_ms() + EXCLUSION_MS;
}

static bool excludes(void *owner, int64_t seq) {
  const lj_engine *engine = owner;
  for (size_t i = 0; i < engine->excluded_count; i++)
    if (engine->excluded[i].seq == seq) return true;
  return false;
}

static size_t excluded(void *owner) {
  forget(owner);
  return ((const lj_engine *)owner)->excluded_count;
}

void lj_admission_init(lj_engine *engine, int64_t now_wall, lj_claim_source *source) {
  engine->claim_wall_ms = now_wall;
  source->owner = engine;
  source->serves = serves;
  source->capacity = capacity;
  source->admit = admit;
  source->gathers = lj_batch_gathers;
  source->refused = refused;
  source->excludes = excludes;
  source->excluded = excluded;
  source->dismiss = dismiss;
}
