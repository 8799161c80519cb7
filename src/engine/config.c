/* SPDX-License-Identifier: MIT */
#include "engine/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "engine/fields.h"

enum { DAY_MS = 86400000, PATH_SIZE = 160, SUBPATH_SIZE = PATH_SIZE + 16 };

static const lj_field root_fields[] = {
    {"database", LJ_FIELD_TEXT, true, 0, 0},
    {"workerId", LJ_FIELD_TEXT, false, 0, 0},
    {"queues", LJ_FIELD_TEXTS, false, 0, 0},
    {"concurrency", LJ_FIELD_WHOLE, false, 1, LJ_MAX_CONCURRENCY},
    {"pollIntervalMs", LJ_FIELD_WHOLE, false, 10, 60000},
    {"leaseMs", LJ_FIELD_WHOLE, false, 1000, 3600000},
    {"maxStalls", LJ_FIELD_WHOLE, false, 0, 1000000},
    {"jobTimeoutMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
    {"providers", LJ_FIELD_OBJECT, true, 0, 0},
    {"models", LJ_FIELD_OBJECT, false, 0, 0},
    {"allowedModels", LJ_FIELD_TEXTS, false, 0, 0},
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

static const lj_field provider_fields[] = {
    {"kind", LJ_FIELD_TEXT, true, 0, 0},
    {"baseUrl", LJ_FIELD_TEXT, false, 0, 0},
    {"apiKey", LJ_FIELD_OBJECT, false, 0, 0},
    {"headers", LJ_FIELD_OBJECT, false, 0, 0},
    {"maxConcurrent", LJ_FIELD_WHOLE, false, 1, LJ_MAX_CONCURRENCY},
    {"timeouts", LJ_FIELD_OBJECT, false, 0, 0},
    {"maxResponseBytes", LJ_FIELD_WHOLE, false, 1024, 1073741824},
    {"proxy", LJ_FIELD_TEXT, false, 0, 0},
    {"caFile", LJ_FIELD_TEXT, false, 0, 0},
    {"allowInsecure", LJ_FIELD_FLAG, false, 0, 0},
};

static const lj_field timeout_fields[] = {
    {"connectMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
    {"firstByteMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
    {"idleMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
    {"totalMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
};

static const lj_field key_fields[] = {{"env", LJ_FIELD_TEXT, true, 0, 0}};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* Only these names are sure to stay on this machine; what a name server says of others may change. */
static bool is_loopback(const char *host) {
  size_t length = strcspn(host, ":/?#");
  if (host[0] == '[') return starts_with(host, "[::1]") && (host[5] == '\0' || host[5] == ':' || host[5] == '/');
  if (length == 9 && strncmp(host, "localhost", 9) == 0) return true;
  if (!starts_with(host, "127.")) return false;
  return strspn(host, "0123456789.") == length;
}

static int check_base_url(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) {
  const char *url = lj_json_string(source, "baseUrl");
  if (url == NULL) {
    if (provider->format->default_base_url != NULL) return LJ_OK;
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.baseUrl: is required for kind %s", path, provider->format->kind);
  }
  bool secure = starts_with(url, "https://");
  bool plain = starts_with(url, "http://");
  const char *host = url + (secure ? 8 : 7);
  if ((!secure && !plain) || *host == '\0' || *host == '/' || strpbrk(url, " \t\r\n") != NULL)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.baseUrl: must be an address like https://host/v1", path);
  size_t authority = strcspn(host, "/?#");
  if (memchr(host, '@', authority) != NULL)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.baseUrl: must not hold a user name or password; use apiKey", path);
  if (strpbrk(host, "?#") != NULL)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.baseUrl: must end before any ? or #", path);
  if (plain && !is_loopback(host) && !lj_json_bool(source, "allowInsecure", false))
    return lj_fault_set(fault, LJ_BAD_CONFIG,
                        "%s.baseUrl: plain http would send keys and prompts in the clear to another machine; use https, or set "
                        "allowInsecure",
                        path);
  size_t length = strlen(url);
  while (url[length - 1] == '/') length--;
  provider->base_url = lj_strndup(url, length);
  return provider->base_url != NULL ? LJ_OK : LJ_NOMEM;
}

static int check_key(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) {
  const cJSON *key = lj_json_object(source, "apiKey");
  char key_path[SUBPATH_SIZE];
  if (key == NULL) {
    if (!provider->format->needs_key) return LJ_OK;
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.apiKey: is required for kind %s, like {\"env\": \"OPENAI_API_KEY\"}", path,
                        provider->format->kind);
  }
  (void)snprintf(key_path, sizeof key_path, "%s.apiKey", path);
  int code = lj_fields_check(key, key_path, key_fields, COUNT(key_fields), fault);
  if (code != LJ_OK) return code;
  provider->key_variable = lj_json_string(key, "env");
  const char *value = getenv(provider->key_variable);
  if (value == NULL || *value == '\0') return LJ_OK; /* the jobs that need it fail with AUTH and name the variable */
  for (const char *at = value; *at != '\0'; at++)
    if ((unsigned char)*at <= ' ' || *at == 0x7f)
      return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.env: the value of %s has a space or a line end in it; set the bare key",
                          key_path, provider->key_variable);
  provider->api_key = lj_strdup(value);
  return provider->api_key != NULL ? LJ_OK : LJ_NOMEM;
}

static int check_headers(const cJSON *headers, const char *path, lj_fault *fault) {
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, headers) {
    if (!cJSON_IsString(item) || item->string[0] == '\0' || strpbrk(item->string, ": \r\n") != NULL ||
        strpbrk(item->valuestring, "\r\n") != NULL)
      return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.headers: must be names with strings of one line", path);
  }
  return LJ_OK;
}

static int check_timeouts(const cJSON *source, const char *path, const lj_config *config, lj_provider_config *provider,
                          lj_fault *fault) {
  const cJSON *timeouts = lj_json_object(source, "timeouts");
  char timeouts_path[SUBPATH_SIZE];
  (void)snprintf(timeouts_path, sizeof timeouts_path, "%s.timeouts", path);
  if (timeouts != NULL) {
    int code = lj_fields_check(timeouts, timeouts_path, timeout_fields, COUNT(timeout_fields), fault);
    if (code != LJ_OK) return code;
  }
  /* A first byte may be minutes away while a local model loads or a large one thinks; the total is what bounds it then. */
  provider->timeouts.connect_ms = lj_json_int(timeouts, "connectMs", 10000);
  provider->timeouts.idle_ms = lj_json_int(timeouts, "idleMs", 120000);
  provider->timeouts.total_ms = lj_json_int(timeouts, "totalMs", config->job_timeout_ms);
  provider->timeouts.first_byte_ms = lj_json_int(timeouts, "firstByteMs", provider->timeouts.total_ms);
  return LJ_OK;
}

static int parse_provider(lj_config *config, const cJSON *source, lj_fault *fault) {
  lj_provider_config *provider = &config->providers[config->provider_count];
  char path[PATH_SIZE];
  (void)snprintf(path, sizeof path, "providers.%.64s", source->string);
  memset(provider, 0, sizeof *provider);
  provider->name = source->string;
  provider->index = config->provider_count;
  config->provider_count++; /* from here on lj_config_free sees it */

  if (source->string[0] == '\0' || strchr(source->string, '/') != NULL || strlen(source->string) > 60)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s: a provider's name has 1 to 60 characters and no slash", path);
  int code = lj_fields_check(source, path, provider_fields, COUNT(provider_fields), fault);
  if (code != LJ_OK) return code;
  provider->format = lj_provider_find(lj_json_string(source, "kind"));
  if (provider->format == NULL)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.kind: \"%.60s\" is not known; known are %s", path,
                        lj_json_string(source, "kind"), lj_provider_kinds());
  code = check_base_url(source, path, provider, fault);
  if (code == LJ_OK) code = check_key(source, path, provider, fault);
  provider->headers = lj_json_object(source, "headers");
  if (code == LJ_OK) code = check_headers(provider->headers, path, fault);
  if (code == LJ_OK) code = check_timeouts(source, path, config, provider, fault);
  provider->max_concurrent = (size_t)lj_json_int(source, "maxConcurrent", provider->format->default_max_concurrent);
  provider->max_response_bytes = (size_t)lj_json_int(source, "maxResponseBytes", LJ_MAX_RESPONSE_BYTES);
  provider->proxy = lj_json_string(source, "proxy");
  provider->ca_file = lj_json_string(source, "caFile");
  return code;
}

int lj_config_target(const lj_config *config, const char *text, lj_target *target, lj_fault *fault) {
  const char *slash = strchr(text, '/');
  size_t length = slash != NULL ? (size_t)(slash - text) : 0;
  for (size_t i = 0; slash != NULL && slash[1] != '\0' && i < config->provider_count; i++) {
    const lj_provider_config *provider = &config->providers[i];
    if (strlen(provider->name) == length && memcmp(provider->name, text, length) == 0) {
      target->provider = provider;
      target->model = slash + 1;
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

static int parse_alias(lj_config *config, const cJSON *source, lj_fault *fault) {
  lj_alias *alias = &config->aliases[config->alias_count++];
  alias->name = source->string;
  bool is_list = cJSON_IsArray(source) && cJSON_GetArraySize(source) > 0;
  if (source->string[0] == '\0' || (!is_list && !cJSON_IsString(source)) || cJSON_GetArraySize(source) > LJ_MAX_TARGETS)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "models.%.60s: must be \"provider/model\" or an array of 1 to %d of them",
                        source->string, LJ_MAX_TARGETS);
  const cJSON *item = is_list ? source->child : source;
  for (; item != NULL; item = is_list ? item->next : NULL) {
    lj_fault cause;
    lj_fault_clear(&cause);
    if (!cJSON_IsString(item) ||
        lj_config_target(config, item->valuestring, &alias->targets[alias->count], &cause) != LJ_OK)
      return lj_fault_set(fault, LJ_BAD_CONFIG, "models.%.60s: %s", source->string,
                          cJSON_IsString(item) ? cause.message : "must hold strings");
    alias->count++;
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
  config->concurrency = (size_t)lj_json_int(tree, "concurrency", 5);
  config->poll_interval_ms = lj_json_int(tree, "pollIntervalMs", 100);
  config->lease_ms = lj_json_int(tree, "leaseMs", 30000);
  config->max_stalls = lj_json_int(tree, "maxStalls", 1);
  config->job_timeout_ms = lj_json_int(tree, "jobTimeoutMs", 300000);
  config->allowed_models = lj_json_array(tree, "allowedModels");
  code = parse_log_level(config, fault);
  if (code == LJ_OK) code = parse_retention(config, fault);

  const cJSON *providers = lj_json_object(tree, "providers");
  int size = cJSON_GetArraySize(providers);
  if (code == LJ_OK && (size == 0 || size > LJ_MAX_PROVIDERS))
    code = lj_fault_set(fault, LJ_BAD_CONFIG, "providers: must name 1 to %d providers", LJ_MAX_PROVIDERS);
  if (code != LJ_OK) return code;
  cJSON_ArrayForEach(item, providers) {
    code = parse_provider(config, item, fault);
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
  for (size_t i = 0; i < config->provider_count; i++) {
    lj_provider_config *provider = &config->providers[i];
    lj_free(provider->base_url);
    if (provider->api_key != NULL) {
      /* Through a volatile pointer, so that the compiler does not drop the wiping of memory that is about to be freed. */
      volatile char *byte = provider->api_key;
      while (*byte != '\0') *byte++ = '\0';
      lj_free(provider->api_key);
    }
  }
  lj_free(config->aliases);
  cJSON_Delete(config->tree);
  memset(config, 0, sizeof *config);
}
