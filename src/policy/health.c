/* SPDX-License-Identifier: MIT */
#include "policy/health.h"

#include <string.h>

#include "base/result.h"

enum {
  FIRST_PROBE_MS = 1000, /* after the first failure; doubles up to the interval */
  RESTART_MS = 3000,     /* what a server may take to start, before it is asked … */
  MAX_RESTART_MS = 300000,
  FEW = 10 /* of fewer calls a rate says nothing */
};

static int64_t next_idle_probe(const lj_health *health, int64_t now_ms) {
  return health->rules.idle && health->rules.interval_ms > 0 ? now_ms + health->rules.interval_ms : INT64_MAX;
}

void lj_health_init(lj_health *health, lj_health_rules rules, int64_t now_ms) {
  memset(health, 0, sizeof *health);
  health->rules = rules;
  health->response_ms = -1;
  health->heard_ms = now_ms;
  health->probe_at_ms = next_idle_probe(health, now_ms);
}

static bool is_failure(int code) {
  switch (code) {
    case LJ_SERVER_ERROR:
    case LJ_OVERLOADED:
    case LJ_UNREACHABLE:
    case LJ_TLS:
    case LJ_PROTOCOL:
    case LJ_TIMEOUT_CONNECT:
    case LJ_TIMEOUT_FIRST_BYTE:
    case LJ_TIMEOUT_IDLE:
    case LJ_TIMEOUT_TOTAL:
      return true;
    default:
      return false;
  }
}

static int64_t doubled(int64_t first, int times, int64_t most) {
  while (times-- > 0 && first < most) first *= 2;
  return first < most ? first : most;
}

void lj_health_hear(lj_health *health, int code, int64_t took_ms, bool probe, int64_t now_ms) {
  bool failed = is_failure(code);
  health->known = true;
  health->heard_ms = now_ms;
  health->reachable = code != LJ_UNREACHABLE && code != LJ_TIMEOUT_CONNECT && code != LJ_TLS;
  health->code = failed ? code : LJ_OK;
  if (!probe) {
    health->outcomes[health->outcome_at] = failed;
    health->outcome_at = (health->outcome_at + 1) % LJ_HEALTH_OUTCOMES;
    if (health->outcome_count < LJ_HEALTH_OUTCOMES) health->outcome_count++;
  }
  if (!failed) {
    health->failures = 0;
    health->waits = 0;
    health->restarts = 0;
    if (code == LJ_OK)
      health->response_ms = health->response_ms < 0 ? (double)took_ms : 0.7 * health->response_ms + 0.3 * (double)took_ms;
    health->probe_at_ms = next_idle_probe(health, now_ms);
    return;
  }
  health->failures++;
  /* Jobs that wait for the provider try it too, and each of their failures puts the probe off: it is for when nobody asks. */
  health->probe_at_ms = INT64_MAX;
  if (health->rules.interval_ms > 0) health->probe_at_ms = now_ms + doubled(FIRST_PROBE_MS, health->waits, health->rules.interval_ms);
  health->waits++;
}

bool lj_health_restarts(lj_health *health, int64_t now_ms) {
  if (health->failures < health->rules.failures || now_ms < health->restart_at_ms) return false;
  health->restart_at_ms = now_ms + doubled(RESTART_MS * 2, health->restarts, MAX_RESTART_MS);
  health->restarts++;
  health->failures = health->rules.failures - 1; /* one more, after the wait, for the next */
  health->waits = 0;
  if (health->rules.interval_ms > 0) health->probe_at_ms = now_ms + RESTART_MS;
  return true;
}

double lj_health_error_rate(const lj_health *health) {
  size_t failed = 0;
  for (size_t i = 0; i < health->outcome_count; i++) failed += health->outcomes[i] ? 1 : 0;
  return health->outcome_count > 0 ? (double)failed / (double)health->outcome_count : 0;
}

lj_health_status lj_health_status_of(const lj_health *health) {
  if (!health->known) return LJ_HEALTHY;
  if (!health->reachable || health->failures >= health->rules.failures || health->restarts > 0) return LJ_UNHEALTHY;
  bool often = health->outcome_count >= FEW && lj_health_error_rate(health) > 0.1;
  return health->failures > 0 || often ? LJ_DEGRADED : LJ_HEALTHY;
}

const char *lj_health_status_name(lj_health_status status) {
  static const char *const names[] = {"healthy", "degraded", "unhealthy"};
  return names[status];
}
