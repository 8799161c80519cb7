/* SPDX-License-Identifier: MIT */
#include "engine/beat.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"
#include "engine/state.h"

enum {
  LATE_MS = 500,  /* a loop that heard nothing for so long is late: a turn takes some milliseconds */
  SPAN_MS = 100,  /* processor time is counted in ticks of up to 16 ms: a shorter span says nothing */
  MEGABYTE = 1048576
};

static const double response_weight = 0.2; /* of the newest call in the mean */

void lj_beat_init(lj_beat *beat, int64_t now_ms) {
  int64_t bytes = 0;
  *beat = (lj_beat){.at_ms = now_ms, .response_ms = -1};
  lj_process_usage(&beat->cpu_ms, &bytes);
}

void lj_beat_turn(lj_beat *beat, int64_t took_ms) {
  if (took_ms > beat->longest_turn_ms) beat->longest_turn_ms = took_ms;
}

void lj_beat_response(lj_beat *beat, int64_t took_ms) {
  double took = (double)took_ms;
  beat->response_ms = beat->response_ms < 0 ? took : beat->response_ms + response_weight * (took - beat->response_ms);
}

size_t lj_beat_slots(const lj_engine *engine) {
  return engine->throttle < engine->config.concurrency ? engine->throttle : engine->config.concurrency;
}

static void reckon_cpu(lj_beat *beat, int64_t now_ms, int64_t cpu_ms) {
  int64_t span = now_ms - beat->at_ms;
  if (span < SPAN_MS) return;
  if (cpu_ms >= 0 && beat->cpu_ms >= 0) beat->cpu_percent = (double)(cpu_ms - beat->cpu_ms) * 100 / (double)span;
  beat->at_ms = now_ms;
  beat->cpu_ms = cpu_ms;
}

/* All slots are taken, and there are jobs that could run in more of them: what other workers are good for. */
static bool has_backlog(lj_engine *engine) {
  lj_claim_source source;
  bool possible = false;
  int64_t now_wall = lj_wall_ms();
  bool idle = !engine->opened || engine->suspended != LJ_SUSPENDED_NOT || engine->paused || engine->draining;
  if (idle || engine->calling.count + engine->ended.count < lj_beat_slots(engine)) return false;
  lj_admission_init(engine, now_wall, &source);
  return lj_claim_possible(engine->store, &source, now_wall, &possible) == LJ_OK && possible;
}

static void tell_health(lj_engine *engine, int64_t resident_bytes) {
  const lj_beat *beat = &engine->beat;
  bool throttled = lj_beat_slots(engine) < engine->config.concurrency;
  bool late = beat->longest_turn_ms >= LATE_MS;
  cJSON *payload = cJSON_CreateObject();
  cJSON *metrics = cJSON_CreateObject();
  int code = payload != NULL && metrics != NULL ? LJ_OK : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(payload, "status", throttled || late ? "degraded" : "healthy");
  if (code == LJ_OK) code = lj_json_put_number(metrics, "cpuUsage", beat->cpu_percent);
  if (code == LJ_OK) code = lj_json_put_number(metrics, "memoryUsage", (double)(resident_bytes < 0 ? 0 : resident_bytes) / MEGABYTE);
  if (code == LJ_OK) code = lj_json_put_number(metrics, "avgResponseTime", beat->response_ms < 0 ? 0 : beat->response_ms);
  if (code == LJ_OK) {
    code = lj_json_put_value(payload, "metrics", metrics);
    metrics = NULL;
  }
  if (code != LJ_OK) {
    cJSON_Delete(metrics);
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_outbox_post(&engine->outbox, NULL, "worker:health-status", payload);
}

void lj_beat_answer(lj_engine *engine, const lj_asked *asked) {
  lj_beat *beat = &engine->beat;
  int64_t now = lj_mono_ms();
  int64_t cpu = -1;
  int64_t resident = -1;
  lj_process_usage(&cpu, &resident);
  reckon_cpu(beat, now, cpu);
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? LJ_OK : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_number(payload, "pid", (double)lj_process_id());
  if (code == LJ_OK) code = lj_json_put_number(payload, "uptimeMs", (double)(now - engine->started_ms));
  if (code == LJ_OK) code = lj_json_put_number(payload, "turns", (double)engine->counters.turns);
  if (code == LJ_OK) code = lj_json_put_number(payload, "active", (double)engine->calling.count);
  if (code == LJ_OK) code = lj_json_put_number(payload, "concurrency", (double)lj_beat_slots(engine));
  if (code == LJ_OK) code = lj_json_put_bool(payload, "backlog", has_backlog(engine));
  if (code == LJ_OK) code = lj_json_put_number(payload, "sinceLastTurnMs", (double)(now - engine->last_turn_us / 1000));
  if (code == LJ_OK) code = lj_json_put_number(payload, "longestTurnMs", (double)beat->longest_turn_ms);
  if (code == LJ_OK && cpu >= 0) code = lj_json_put_number(payload, "cpuMs", (double)cpu);
  if (code == LJ_OK && resident >= 0) code = lj_json_put_number(payload, "rssBytes", (double)resident);
  if (code == LJ_OK && beat->response_ms >= 0) code = lj_json_put_number(payload, "responseMs", beat->response_ms);
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_asked_answer(engine, asked, payload);
  tell_health(engine, resident);
  beat->longest_turn_ms = 0;
}

void lj_beat_throttle(lj_engine *engine, const lj_asked *asked) {
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(asked->payload, "concurrency");
  int64_t slots = lj_json_int(asked->payload, "concurrency", -1);
  bool lifted = cJSON_IsNull(value);
  if (!lifted && (slots < 0 || slots > LJ_MAX_CONCURRENCY)) {
    lj_asked_refuse(engine, asked, LJ_INVALID, "concurrency must be a whole number from 0 to 2000, or null to end the throttling");
    return;
  }
  engine->throttle = lifted ? LJ_MAX_CONCURRENCY : (size_t)slots;
  engine->look = true;
  cJSON *payload = cJSON_CreateObject();
  if (payload != NULL && lj_json_put_number(payload, "concurrency", (double)lj_beat_slots(engine)) != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_asked_answer(engine, asked, payload);
}
