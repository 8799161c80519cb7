/* SPDX-License-Identifier: MIT */
#include "policy/backoff.h"

#include <string.h>

#include "base/json.h"

enum { DAY_MS = 86400000 };

void lj_backoff_default(lj_backoff *backoff) {
  backoff->fixed = 0;
  backoff->delay_ms = 1000;
  backoff->max_delay_ms = 30000;
}

int lj_backoff_parse(const cJSON *opts, lj_backoff *backoff, lj_fault *fault) {
  lj_backoff_default(backoff);
  const cJSON *source = lj_json_get(opts, "backoff");
  if (source == NULL) return LJ_OK;
  const char *type = lj_json_string(source, "type");
  backoff->fixed = type != NULL && strcmp(type, "fixed") == 0;
  if (!cJSON_IsObject(source) || (type != NULL && !backoff->fixed && strcmp(type, "exponential") != 0))
    return lj_fault_set(fault, LJ_BAD_JOB, "opts.backoff: must be {type: \"exponential\" or \"fixed\", delayMs, maxDelayMs}");
  backoff->delay_ms = lj_json_int(source, "delayMs", backoff->delay_ms);
  backoff->max_delay_ms = lj_json_int(source, "maxDelayMs", backoff->max_delay_ms);
  if (backoff->delay_ms < 0 || backoff->delay_ms > DAY_MS || backoff->max_delay_ms < 0 || backoff->max_delay_ms > DAY_MS)
    return lj_fault_set(fault, LJ_BAD_JOB, "opts.backoff: delayMs and maxDelayMs must be whole numbers from 0 to %d", DAY_MS);
  return LJ_OK;
}

int64_t lj_backoff_wait(const lj_backoff *backoff, int64_t attempt, double unit) {
  int64_t wait = backoff->delay_ms;
  if (backoff->fixed) return wait;
  for (int64_t i = 1; i < attempt && wait < backoff->max_delay_ms; i++) wait *= 2;
  if (wait > backoff->max_delay_ms) wait = backoff->max_delay_ms;
  return (int64_t)((double)wait * unit);
}
