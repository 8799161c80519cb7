/* SPDX-License-Identifier: MIT */
#include "policy/repeat.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "policy/calendar.h"

static const int64_t MIN_EVERY_MS = 1000;
static const int64_t MAX_EVERY_MS = INT64_C(366) * 24 * 60 * 60 * 1000;
static const int64_t SET_BACK_MS = 60 * 1000;

/* Puts the path before what a parser has said. */
static int refuse_at(const char *path, int code, lj_fault *fault) {
  return fault == NULL ? code : lj_fault_set(fault, code, "%s: %s", path, fault->message);
}

static int refuse_unknown(const cJSON *source, lj_fault *fault) {
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, source) {
    if (strcmp(item->string, "everyMs") == 0 || strcmp(item->string, "cron") == 0 || strcmp(item->string, "tz") == 0) continue;
    return lj_fault_set(fault, LJ_BAD_JOB, "opts.repeat.%.100s: unknown key; known here are everyMs, cron, tz", item->string);
  }
  return LJ_OK;
}

static int parse_every(const cJSON *source, lj_repeat *repeat, lj_fault *fault) {
  repeat->every_ms = lj_json_int(source, "everyMs", 0);
  if (repeat->every_ms < MIN_EVERY_MS || repeat->every_ms > MAX_EVERY_MS)
    return lj_fault_set(fault, LJ_BAD_JOB, "opts.repeat.everyMs: must be a whole number from %lld to %lld",
                        (long long)MIN_EVERY_MS, (long long)MAX_EVERY_MS);
  repeat->kind = LJ_REPEAT_EVERY;
  return LJ_OK;
}

static int parse_cron(const cJSON *source, lj_repeat *repeat, lj_fault *fault) {
  const cJSON *zone = lj_json_get(source, "tz");
  int code = lj_cron_parse(lj_json_string(source, "cron"), &repeat->cron, fault);
  if (code != LJ_OK) return refuse_at("opts.repeat.cron", code, fault);
  if (zone != NULL && !cJSON_IsString(zone))
    return lj_fault_set(fault, LJ_BAD_JOB, "opts.repeat.tz: must be the name of a time zone, such as \"Europe/Berlin\"");
  const char *name = zone != NULL ? zone->valuestring : "";
  code = lj_zone_check_name(name, fault);
  if (code != LJ_OK) return refuse_at("opts.repeat.tz", code, fault);
  (void)snprintf(repeat->zone, sizeof repeat->zone, "%s", name); /* what has the form of a name fits */
  repeat->kind = LJ_REPEAT_CRON;
  return LJ_OK;
}

int lj_repeat_parse(const cJSON *opts, lj_repeat *repeat, lj_fault *fault) {
  memset(repeat, 0, sizeof *repeat);
  repeat->kind = LJ_REPEAT_NEVER;
  const cJSON *source = lj_json_get(opts, "repeat");
  if (source == NULL) return LJ_OK;
  bool has_every = lj_json_get(source, "everyMs") != NULL;
  bool has_cron = lj_json_get(source, "cron") != NULL;
  bool has_zone = lj_json_get(source, "tz") != NULL;
  int code = cJSON_IsObject(source) ? refuse_unknown(source, fault) : LJ_OK;
  if (code != LJ_OK) return code;
  if (has_every == has_cron || (has_zone && !has_cron))
    return lj_fault_set(fault, LJ_BAD_JOB, "opts.repeat: must be {everyMs} or {cron, tz}");
  return has_every ? parse_every(source, repeat, fault) : parse_cron(source, repeat, fault);
}

/* The first `scheduled` + k·`every` after `after`, k being any whole number. */
static int64_t next_by_interval(int64_t scheduled, int64_t every, int64_t after) {
  return scheduled + (lj_floor_div(after - scheduled, every) + 1) * every;
}

int lj_repeat_next(const lj_repeat *repeat, lj_zones *zones, int64_t scheduled_ms, int64_t now_ms, int64_t *next_ms,
                   lj_fault *fault) {
  const lj_zone *zone = NULL;
  /* A row may hold any number. */
  bool has_schedule = scheduled_ms > 0 && scheduled_ms <= LJ_MAX_TIME_MS;
  if (now_ms < -LJ_MAX_TIME_MS || now_ms > LJ_MAX_TIME_MS || repeat->kind == LJ_REPEAT_NEVER) return LJ_NOT_FOUND;
  int64_t after = has_schedule && scheduled_ms > now_ms && scheduled_ms - now_ms <= SET_BACK_MS ? scheduled_ms : now_ms;
  if (repeat->kind == LJ_REPEAT_EVERY) {
    *next_ms = next_by_interval(has_schedule ? scheduled_ms : now_ms, repeat->every_ms, after);
    return *next_ms <= LJ_MAX_TIME_MS ? LJ_OK : LJ_NOT_FOUND;
  }
  int code = lj_zones_get(zones, repeat->zone, &zone, fault);
  if (code != LJ_OK) return refuse_at("opts.repeat.tz", code, fault);
  return lj_cron_next(&repeat->cron, zone, after, next_ms);
}
