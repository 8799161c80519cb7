/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/json.h"
#include "base/limits.h"
#include "engine/batch.h"
#include "engine/fields.h"

enum { DAY_MS = 86400000, PATH_SIZE = 176 };

static const lj_field fields[] = {
    {"maxJobs", LJ_FIELD_WHOLE, false, 1, LJ_MAX_BATCH_JOBS},
    {"maxWaitMs", LJ_FIELD_WHOLE, false, 0, DAY_MS},
    {"pollMs", LJ_FIELD_WHOLE, false, 100, 3600000},
    {"fallback", LJ_FIELD_FLAG, false, 0, 0},
};

int lj_config_batch_parse(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) {
  const cJSON *batch = lj_json_object(source, "batch");
  char inner[PATH_SIZE];
  provider->batch.on = provider->format->batch != NULL && (batch != NULL || !provider->format->batch_is_asked_for);
  provider->batch.max_jobs = (size_t)lj_json_int(batch, "maxJobs", 100);
  provider->batch.max_wait_ms = lj_json_int(batch, "maxWaitMs", 60000);
  provider->batch.poll_ms = lj_json_int(batch, "pollMs", 60000);
  provider->batch.fallback = lj_json_bool(batch, "fallback", true);
  if (batch == NULL) return LJ_OK;
  if (provider->format->batch == NULL)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.batch: kind %s has no batches; leave it out", path, provider->format->kind);
  (void)snprintf(inner, sizeof inner, "%s.batch", path);
  return lj_fields_check(batch, inner, fields, sizeof fields / sizeof fields[0], fault);
}
