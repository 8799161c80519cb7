/* SPDX-License-Identifier: MIT
 *
 * What a provider's entry says of its health: when to probe, when to restart, and which local server is ours to start.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/memory.h"
#include "engine/config_provider.h"
#include "engine/fields.h"

enum { PATH_SIZE = 200, DAY_MS = 86400000, MAX_FAILURES = 1000, MAX_WORDS = 64 };

static const lj_field health_fields[] = {
    {"intervalMs", LJ_FIELD_WHOLE, false, 0, DAY_MS},
    {"idle", LJ_FIELD_FLAG, false, 0, 0},
    {"failures", LJ_FIELD_WHOLE, false, 1, MAX_FAILURES},
};

static int parse_command(const cJSON *words, const char *path, bool local, lj_provider_config *provider, lj_fault *fault) {
  int count = cJSON_GetArraySize(words);
  if (words == NULL) return LJ_OK;
  if (!local)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.command: starts a server on this machine, but baseUrl is not of this machine", path);
  if (count < 1 || count > MAX_WORDS)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.command: must be an array of 1 to %d strings, a program and its arguments",
                        path, MAX_WORDS);
  provider->command = lj_calloc((size_t)count + 1, sizeof *provider->command);
  if (provider->command == NULL) return LJ_NOMEM;
  const cJSON *word = words->child;
  for (int i = 0; i < count; i++, word = word->next) provider->command[i] = word->valuestring;
  return LJ_OK;
}

int lj_config_health_parse(const cJSON *source, const char *path, bool local, lj_provider_config *provider, lj_fault *fault) {
  const cJSON *health = lj_json_object(source, "health");
  char health_path[PATH_SIZE];
  int code = LJ_OK;
  (void)snprintf(health_path, sizeof health_path, "%s.health", path);
  if (health != NULL)
    code = lj_fields_check(health, health_path, health_fields, sizeof health_fields / sizeof health_fields[0], fault);
  if (code != LJ_OK) return code;
  /* Only a server on this machine is asked how it does while nobody needs it: others are not ours to bother. */
  provider->health.interval_ms = lj_json_int(health, "intervalMs", LJ_HEALTH_INTERVAL_MS);
  provider->health.idle = lj_json_bool(health, "idle", local);
  provider->health.failures = (int)lj_json_int(health, "failures", LJ_HEALTH_FAILURES);
  return parse_command(lj_json_array(source, "command"), path, local, provider, fault);
}
