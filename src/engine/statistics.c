/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/json.h"
#include "engine/state.h"

static int put_lanes(cJSON *payload, const lj_engine *engine) {
  int64_t now = lj_mono_ms();
  cJSON *lanes = cJSON_CreateArray();
  int code = lanes != NULL ? LJ_OK : LJ_NOMEM;
  for (size_t i = 0; code == LJ_OK && i < engine->lanes.count; i++) {
    const lj_lane *lane = engine->lanes.items[i];
    bool paused = lane->paused_until_ms > now;
    int why = LJ_OK;
    int64_t until = 0;
    lj_lane_state state = lj_lane_state_of(&engine->lanes, lane, now, &why, &until);
    cJSON *item = cJSON_CreateObject();
    code = item != NULL ? LJ_OK : LJ_NOMEM;
    if (code == LJ_OK) code = lj_json_put_string(item, "lane", lane->name);
    if (code == LJ_OK) code = lj_json_put_number(item, "active", (double)lane->active);
    if (code == LJ_OK) code = lj_json_put_number(item, "others", (double)lane->others);
    if (code == LJ_OK) code = lj_json_put_string(item, "state", lj_lane_state_name(state));
    if (code == LJ_OK && why != LJ_OK) code = lj_json_put_string(item, "code", lj_code_name(why));
    if (code == LJ_OK && until > 0) code = lj_json_put_number(item, "until", (double)(lj_wall_ms() + until - now));
    if (code == LJ_OK) code = lj_json_put_bool(item, "paused", paused);
    if (code == LJ_OK) code = lj_json_put_number(item, "pausedForMs", paused ? (double)(lane->paused_until_ms - now) : 0);
    if (code == LJ_OK && lane->window.count > 0) code = lj_json_put_number(item, "requestsInMinute", (double)lane->window.count);
    if (code == LJ_OK && lane->window.count > 0) code = lj_json_put_number(item, "tokensInMinute", (double)lane->window.tokens);
    if (code == LJ_OK)
      code = lj_json_push_value(lanes, item);
    else
      cJSON_Delete(item);
  }
  if (code == LJ_OK) return lj_json_put_value(payload, "lanes", lanes);
  cJSON_Delete(lanes);
  return code;
}

cJSON *lj_statistics(const lj_engine *engine) {
  const lj_counters *counters = &engine->counters;
  const struct {
    const char *key;
    uint64_t value;
  } numbers[] = {
      {"uptimeMs", (uint64_t)(lj_mono_ms() - engine->started_ms)},
      {"active", engine->calling.count},
      {"unwritten", engine->ended.count},
      {"batches", engine->batches.count},
      {"claimed", counters->claimed},
      {"completed", counters->completed},
      {"failed", counters->failed},
      {"retried", counters->retried},
      {"cancelled", counters->cancelled},
      {"interrupted", counters->interrupted},
      {"stale", counters->stale},
      {"recovered", counters->recovered},
      {"removed", counters->removed},
      {"calls", counters->calls},
      {"bytesIn", lj_http_bytes(engine->http)},
      {"turns", counters->turns},
      {"writes", counters->writes},
      {"busy", counters->busy},
      {"droppedTokens", engine->outbox.dropped_tokens},
      {"droppedEvents", engine->outbox.dropped},
  };
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? lj_json_put_string(payload, "workerId", engine->config.worker_id) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_bool(payload, "paused", engine->paused);
  if (code == LJ_OK) code = lj_json_put_bool(payload, "draining", engine->draining);
  for (size_t i = 0; code == LJ_OK && i < sizeof numbers / sizeof numbers[0]; i++)
    code = lj_json_put_number(payload, numbers[i].key, (double)numbers[i].value);
  if (code == LJ_OK) code = put_lanes(payload, engine);
  if (code == LJ_OK) code = lj_json_put_value(payload, "budgets", lj_budget_json(engine));
  if (code == LJ_OK) code = lj_json_put_value(payload, "providers", lj_health_json(engine));
  if (code == LJ_OK) return payload;
  cJSON_Delete(payload);
  return NULL;
}
