/* SPDX-License-Identifier: MIT */
#include "engine/config.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "engine/config_provider.h"
#include "engine/fields.h"
#include "provider/request.h"

enum { DAY_MS = 86400000, PATH_SIZE = 160 };

static const lj_field root_fields[] = {
    {"$schema", LJ_FIELD_TEXT, false, 0, 0}, /* for editors */
    {"database", LJ_FIELD_TEXT, true, 0, 0},
    {"workerId", LJ_FIELD_TEXT, false, 0, 0},
    {"queues", LJ_FIELD_TEXTS, false, 0, 0},
    {"concurrency", LJ_FIELD_WHOLE, false, 1, LJ_MAX_CONCURRENCY},
    {"pollIntervalMs", LJ_FIELD_WHOLE, false, 10, 60000},
    {"leaseMs", LJ_FIELD_WHOLE, false, 1000, 3600000},
    {"maxStalls", LJ_FIELD_WHOLE, false, 0, 1000000},
    {"jobTimeoutMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
    {"maxQueue", LJ_FIELD_WHOLE, false, 1, LJ_MAX_QUEUE},
    {"providers", LJ_FIELD_OBJECT, true, 0, 0},
    {"models", LJ_FIELD_OBJECT, false, 0, 0},
    {"allowedModels", LJ_FIELD_TEXTS, false, 0, 0},
    {"refusedModels", LJ_FIELD_TEXTS, false, 0, 0},
    {"allowedAPIs", LJ_FIELD_TEXTS, false, 0, 0},
    {"maxPromptBytes", LJ_FIELD_WHOLE, false, 1, LJ_MAX_DATA_BYTES},
    {"filters", LJ_FIELD_LIST, false, 0, 0},
    {"types", LJ_FIELD_OBJECT, false, 0, 0},
    {"retention", LJ_FIELD_OBJECT, false, 0, 0},
    {"logLevel", LJ_FIELD_TEXT, false, 0, 0},
};

static const lj_field retention_fields[] = {
    {"completed", LJ_FIELD_OBJECT, false, 0, 0},
    {"failed", LJ_FIELD_OBJECT, false, 0, 0},
    {"cancelled", LJ_FIELD_OBJECT, false, 0, 0},
};

static const lj_field keep_fields[] = {
    {"ageMs", LJ_FIELD_WHOLE, false, 0, 3153600000000.0}, /* a hundred years */
    {"count", LJ_FIELD_WHOLE, false, 0, 1000000000},
};

static const lj_field target_fields[] = {
    {"model", LJ_FIELD_TEXT, true, 0, 0},
    {"contextTokens", LJ_FIELD_WHOLE, false, 1, 1e12},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

int lj_config_target(const lj_config *config, const char *text, lj_target *target, lj_fault *fault) {
  const char *slash = strchr(text, '/');
  size_t length = slash != NULL ? (size_t)(slash - text) : 0;
  for (size_t i = 0; slash != NULL && slash[1] != '\0' && i < config->provider_count; i++) {
    const lj_provider_config *provider = &config->providers[i];
    if (strlen(provider->name) == length && memcmp(provider->name, text, length) == 0) {
      target->provider = provider;
      target->model = slash + 1;
      target->key = 0;
      target->context_tokens = 0;
      return LJ_OK;
    }
  }
  char names[256] = "";
  size_t used = 0;
  for (size_t i = 0; i < config->provider_count && used + 64 < sizeof names; i++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%.60s", i > 0 ? ", " : "", config->providers[i].name);
  return lj_fault_set(fault, LJ_NO_PROVIDER,
                      "model \"%.100s\" is neither an alias in models nor provider/model with a configured provider (%s)", text,
                      names);
}

size_t lj_config_spread(const lj_target *target, lj_target *out, size_t room) {
  size_t count = target->provider->keys.count > 0 ? target->provider->keys.count : 1;
  if (count > room) return 0;
  for (size_t i = 0; i < count; i++) {
    out[i] = *target;
    out[i].key = i;
  }
  return count;
}

bool lj_target_same(const lj_target *one, const lj_target *other) {
  return one->provider == other->provider && strcmp(one->model, other->model) == 0;
}

/* "provider/model", or {model, contextTokens}. */
static int parse_target(const lj_config *config, const cJSON *source, const char *alias, lj_target *target, lj_fault *fault) {
  const char *text = cJSON_IsString(source) ? source->valuestring : NULL;
  char path[PATH_SIZE];
  lj_fault cause;
  lj_fault_clear(&cause);
  (void)snprintf(path, sizeof path, "models.%.60s", alias);
  if (cJSON_IsObject(source)) {
    int code = lj_fields_check(source, path, target_fields, COUNT(target_fields), fault);
    if (code != LJ_OK) return code;
    text = lj_json_string(source, "model");
  }
  if (text == NULL)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s: must hold strings, or objects like {\"model\": \"provider/model\"}", path);
  if (lj_config_target(config, text, target, &cause) != LJ_OK)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s: %s", path, cause.message);
  if (lj_content_lists(config->refused_models, text))
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s: \"%.100s\" is in refusedModels", path, text);
  target->context_tokens = lj_json_int(source, "contextTokens", 0);
  return LJ_OK;
}

static int parse_alias(lj_config *config, const cJSON *source, lj_fault *fault) {
  lj_alias *alias = &config->aliases[config->alias_count++];
  alias->name = source->string;
  bool is_list = cJSON_IsArray(source) && cJSON_GetArraySize(source) > 0;
  if (source->string[0] == '\0' || (!is_list && !cJSON_IsString(source) && !cJSON_IsObject(source)) ||
      cJSON_GetArraySize(source) > LJ_MAX_TARGETS)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "models.%.60s: must be \"provider/model\" or an array of 1 to %d of them",
                        source->string, LJ_MAX_TARGETS);
  const cJSON *item = is_list ? source->child : source;
  for (; item != NULL; item = is_list ? item->next : NULL) {
    lj_target target;
    int code = parse_target(config, item, source->string, &target, fault);
    if (code != LJ_OK) return code;
    size_t added = lj_config_spread(&target, &alias->targets[alias->count], LJ_MAX_TARGETS - alias->count);
    if (added == 0)
      return lj_fault_set(fault, LJ_BAD_CONFIG, "models.%.60s: more than %d targets, each counted once for each key of its provider",
                          source->string, LJ_MAX_TARGETS);
    alias->count += added;
  }
  return LJ_OK;
}

static int parse_aliases(lj_config *config, lj_fault *fault) {
  const cJSON *models = lj_json_object(config->tree, "models");
  const cJSON *item = NULL;
  int size = models != NULL ? cJSON_GetArraySize(models) : 0;
  if (size == 0) return LJ_OK;
  if (size > LJ_MAX_ALIASES) return lj_fault_set(fault, LJ_BAD_CONFIG, "models: more than %d aliases", LJ_MAX_ALIASES);
  config->aliases = lj_calloc((size_t)size, sizeof *config->aliases);
  if (config->aliases == NULL) return LJ_NOMEM;
  cJSON_ArrayForEach(item, models) {
    int code = parse_alias(config, item, fault);
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

/* What every job of this type would fail with is found now. */
static int check_type(const lj_config *config, const cJSON *type, lj_fault *fault) {
  const char *model = lj_json_string(type, "model");
  char path[PATH_SIZE];
  (void)snprintf(path, sizeof path, "types.%.60s", type->string);
  bool known = model == NULL;
  for (size_t i = 0; i < config->alias_count && !known; i++) known = strcmp(config->aliases[i].name, model) == 0;
  if (!known) {
    lj_target target;
    lj_fault cause;
    lj_fault_clear(&cause);
    if (lj_config_target(config, model, &target, &cause) != LJ_OK)
      return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.model: %s", path, cause.message);
  }
  return lj_request_check_type(type, path, fault);
}

static int parse_types(lj_config *config, lj_fault *fault) {
  const cJSON *item = NULL;
  config->types = lj_json_object(config->tree, "types");
  if (config->types != NULL && cJSON_GetArraySize(config->types) > LJ_MAX_TYPES)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "types: more than %d job types", LJ_MAX_TYPES);
  cJSON_ArrayForEach(item, config->types) {
    if (!cJSON_IsObject(item))
      return lj_fault_set(fault, LJ_BAD_CONFIG, "types.%.60s: must be an object of default fields", item->string);
    const cJSON *model = lj_json_get(item, "model");
    if (model != NULL && !cJSON_IsString(model))
      return lj_fault_set(fault, LJ_BAD_CONFIG, "types.%.60s.model: must be a string", item->string);
    int code = check_type(config, item, fault);
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

static int parse_keep(const cJSON *retention, const char *state, lj_keep *keep, lj_fault *fault) {
  const cJSON *source = lj_json_object(retention, state);
  char path[PATH_SIZE];
  keep->age_ms = -1;
  keep->count = -1;
  if (source == NULL) return LJ_OK;
  (void)snprintf(path, sizeof path, "retention.%s", state);
  int code = lj_fields_check(source, path, keep_fields, COUNT(keep_fields), fault);
  keep->age_ms = lj_json_int(source, "ageMs", -1);
  keep->count = lj_json_int(source, "count", -1);
  return code;
}

static int parse_retention(lj_config *config, lj_fault *fault) {
  const cJSON *retention = lj_json_object(config->tree, "retention");
  int code = LJ_OK;
  if (retention != NULL) code = lj_fields_check(retention, "retention", retention_fields, COUNT(retention_fields), fault);
  if (code == LJ_OK) code = parse_keep(retention, "completed", &config->keep_completed, fault);
  if (code == LJ_OK) code = parse_keep(retention, "failed", &config->keep_failed, fault);
  return code == LJ_OK ? parse_keep(retention, "cancelled", &config->keep_cancelled, fault) : code;
}

static int parse_log_level(lj_config *config, lj_fault *fault) {
  const char *name = lj_json_string(config->tree, "logLevel");
  config->log_level = LJ_LOG_INFO;
  if (name == NULL) return LJ_OK;
  if (strcmp(name, "silent") == 0) {
    config->log_level = LJ_LOG_SILENT;
    return LJ_OK;
  }
  for (lj_log_level level = LJ_LOG_ERROR; level <= LJ_LOG_DEBUG; level++)
    if (strcmp(name, lj_log_level_name(level)) == 0) {
      config->log_level = level;
      return LJ_OK;
    }
  return lj_fault_set(fault, LJ_BAD_CONFIG, "logLevel: must be silent, error, warn, info or debug");
}

static int parse_tree(lj_config *config, lj_fault *fault) {
  const cJSON *tree = config->tree;
  const cJSON *item = NULL;
  int code = lj_fields_check(tree, "", root_fields, COUNT(root_fields), fault);
  if (code != LJ_OK) return code;
  config->database = lj_json_string(tree, "database");
  config->worker_id = lj_json_string(tree, "workerId");
  if (config->worker_id == NULL) config->worker_id = "llm-worker-1";
  if (strpbrk(config->worker_id, "@:") != NULL || strlen(config->worker_id) > 80)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "workerId: must have 1 to 80 characters and no @ or :");
  config->queues = lj_json_array(tree, "queues");
  if (config->queues != NULL && cJSON_GetArraySize(config->queues) == 0)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "queues: must name at least one queue; leave it out to serve all");
  config->concurrency = (size_t)lj_json_int(tree, "concurrency", 5);
  config->poll_interval_ms = lj_json_int(tree, "pollIntervalMs", 100);
  config->lease_ms = lj_json_int(tree, "leaseMs", 30000);
  config->max_stalls = lj_json_int(tree, "maxStalls", 1);
  config->job_timeout_ms = lj_json_int(tree, "jobTimeoutMs", 300000);
  config->max_queue = (size_t)lj_json_int(tree, "maxQueue", 100);
  config->allowed_models = lj_json_array(tree, "allowedModels");
  config->refused_models = lj_json_array(tree, "refusedModels");
  code = parse_log_level(config, fault);
  if (code == LJ_OK) code = lj_config_policy_parse(config, fault);
  if (code == LJ_OK) code = parse_retention(config, fault);
  if (code == LJ_OK) code = lj_content_check_list(config->allowed_models, "allowedModels", fault);
  if (code == LJ_OK) code = lj_content_check_list(config->refused_models, "refusedModels", fault);
  if (code == LJ_OK) code = lj_content_parse(tree, &config->content, fault);

  const cJSON *providers = lj_json_object(tree, "providers");
  int size = cJSON_GetArraySize(providers);
  if (code == LJ_OK && (size == 0 || size > LJ_MAX_PROVIDERS))
    code = lj_fault_set(fault, LJ_BAD_CONFIG, "providers: must name 1 to %d providers", LJ_MAX_PROVIDERS);
  if (code != LJ_OK) return code;
  cJSON_ArrayForEach(item, providers) {
    code = lj_config_provider_parse(config, item, fault);
    if (code != LJ_OK) return code;
  }
  code = parse_aliases(config, fault);
  return code == LJ_OK ? parse_types(config, fault) : code;
}

int lj_config_parse(const char *text, lj_config *config, lj_fault *fault) {
  memset(config, 0, sizeof *config);
  lj_fault_clear(fault);
  size_t length = strlen(text);
  int code = LJ_INVALID;
  if (length <= LJ_MAX_CONFIG_BYTES) code = lj_json_parse(text, length, &config->tree);
  if (code == LJ_INVALID) code = lj_fault_set(fault, LJ_BAD_CONFIG, "the configuration is no JSON text of at most 4 MiB");
  if (code == LJ_OK) code = parse_tree(config, fault);
  if (code != LJ_OK) {
    if (fault->code == LJ_OK) lj_fault_set(fault, code, "memory is short");
    lj_config_free(config);
  }
  return code;
}

void lj_config_free(lj_config *config) {
  for (size_t i = 0; i < config->provider_count; i++) lj_config_provider_free(&config->providers[i]);
  lj_content_free(&config->content);
  lj_free(config->aliases);
  cJSON_Delete(config->tree);
  memset(config, 0, sizeof *config);
}
