/* SPDX-License-Identifier: MIT
 *
 * What the configuration lets the engine do at all (allowedAPIs), and names in lists of models that name nothing.
 */
#include <string.h>

#include "base/json.h"
#include "engine/config.h"

int lj_config_policy_parse(lj_config *config, lj_fault *fault) {
  const cJSON *apis = lj_json_array(config->tree, "allowedAPIs");
  const cJSON *item = NULL;
  int index = 0;
  config->allows_llm = config->allows_ipc = config->allows_files = apis == NULL;
  cJSON_ArrayForEach(item, apis) {
    if (strcmp(item->valuestring, "llm") == 0)
      config->allows_llm = true;
    else if (strcmp(item->valuestring, "ipc") == 0)
      config->allows_ipc = true;
    else if (strcmp(item->valuestring, "fs:read") == 0)
      config->allows_files = true;
    else
      return lj_fault_set(fault, LJ_BAD_CONFIG, "allowedAPIs[%d]: \"%.60s\" is not known; known are llm, ipc and fs:read", index, item->valuestring);
    index++;
  }
  return LJ_OK;
}

/* Whether an entry, "provider/model", an alias or the beginning of either with an asterisk behind it, can name any model. */
static bool names_something(const lj_config *config, const char *entry) {
  size_t length = strlen(entry);
  bool open = entry[length - 1] == '*';
  if (open) length--;
  for (size_t i = 0; i < config->alias_count; i++) {
    const char *alias = config->aliases[i].name;
    if (strncmp(alias, entry, length) == 0 && (open || alias[length] == '\0')) return true;
  }
  const char *slash = memchr(entry, '/', length);
  for (size_t i = 0; i < config->provider_count; i++) {
    const char *provider = config->providers[i].name;
    size_t head = slash != NULL ? (size_t)(slash - entry) : length;
    if (strncmp(provider, entry, head) != 0) continue;
    if (slash != NULL ? provider[head] == '\0' : open) return true;
  }
  return false;
}

static void warn_of(const lj_config *config, const cJSON *list, const char *key, const lj_log *log) {
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, list)
    if (!names_something(config, item->valuestring))
      lj_log_write(log, LJ_LOG_WARN, "%s: \"%.100s\" names neither an alias nor a configured provider's model, so it has no effect", key, item->valuestring);
}

void lj_config_policy_warn(const lj_config *config, const lj_log *log) {
  warn_of(config, config->allowed_models, "allowedModels", log);
  warn_of(config, config->refused_models, "refusedModels", log);
}
