/* SPDX-License-Identifier: MIT */
#include "engine/config_provider.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "engine/batch.h"
#include "engine/fields.h"

enum { DAY_MS = 86400000, PATH_SIZE = 160, SUBPATH_SIZE = PATH_SIZE + 16 };

static const lj_field provider_fields[] = {
    {"kind", LJ_FIELD_TEXT, true, 0, 0},
    {"api", LJ_FIELD_TEXT, false, 0, 0},
    {"background", LJ_FIELD_FLAG, false, 0, 0},
    {"batch", LJ_FIELD_OBJECT, false, 0, 0},
    {"baseUrl", LJ_FIELD_TEXT, false, 0, 0},
    {"apiKey", LJ_FIELD_KEYS, false, 0, 0},
    {"headers", LJ_FIELD_OBJECT, false, 0, 0},
    {"maxConcurrent", LJ_FIELD_WHOLE, false, 1, LJ_MAX_CONCURRENCY},
    {"requestsPerMinute", LJ_FIELD_WHOLE, false, 1, LJ_MAX_WINDOW_CALLS},
    {"tokensPerMinute", LJ_FIELD_WHOLE, false, 1, 1e12},
    {"breaker", LJ_FIELD_OBJECT, false, 0, 0},
    {"maxCostPerDay", LJ_FIELD_NUMBER, false, 0.000001, 1e9},
    {"maxTokensPerDay", LJ_FIELD_WHOLE, false, 1, 1e15},
    {"prices", LJ_FIELD_OBJECT, false, 0, 0},
    {"timeouts", LJ_FIELD_OBJECT, false, 0, 0},
    {"maxResponseBytes", LJ_FIELD_WHOLE, false, 1024, 1073741824},
    {"proxy", LJ_FIELD_TEXT, false, 0, 0},
    {"caFile", LJ_FIELD_TEXT, false, 0, 0},
    {"allowInsecure", LJ_FIELD_FLAG, false, 0, 0},
    {"health", LJ_FIELD_OBJECT, false, 0, 0},
    {"command", LJ_FIELD_TEXTS, false, 0, 0},
};

static const lj_field timeout_fields[] = {
    {"connectMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
    {"firstByteMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
    {"idleMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
    {"totalMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
};

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

static bool is_local(const lj_provider_config *provider) {
  const char *url = provider->base_url != NULL ? provider->base_url : provider->format->default_base_url;
  const char *host = url != NULL ? strstr(url, "://") : NULL;
  return host != NULL && is_loopback(host + 3);
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
  const cJSON *keys = lj_json_get(source, "apiKey");
  char keys_path[SUBPATH_SIZE];
  if (keys == NULL) {
    if (!provider->format->needs_key) return LJ_OK;
    char variable[32];
    size_t length = strlen(provider->format->kind);
    for (size_t i = 0; i <= length && i < sizeof variable; i++)
      variable[i] = (char)(provider->format->kind[i] >= 'a' && provider->format->kind[i] <= 'z' ? provider->format->kind[i] - 'a' + 'A' : provider->format->kind[i]);
    variable[sizeof variable - 1] = '\0';
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.apiKey: is required for kind %s, like {\"env\": \"%s_API_KEY\"}", path,
                        provider->format->kind, variable);
  }
  (void)snprintf(keys_path, sizeof keys_path, "%s.apiKey", path);
  return lj_keys_parse(keys, keys_path, &provider->keys, fault);
}

static int check_api(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) {
  const char *api = lj_json_string(source, "api");
  if (api == NULL) return LJ_OK;
  if (provider->format->responses == NULL)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.api: kind %s has only one; leave it out", path, provider->format->kind);
  const lj_provider *format = lj_provider_by_api(provider->format, api);
  if (format == NULL) return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.api: must be \"chat\" or \"responses\"", path);
  provider->format = format;
  return LJ_OK;
}

/* Headers that say where a request's body ends: a wrong one would make the server wait for bytes, or read them as another request. */
static bool is_framing(const char *name) {
  static const char *const framing[] = {"content-length", "transfer-encoding"};
  char lower[32];
  size_t length = strlen(name);
  if (length >= sizeof lower) return false;
  for (size_t i = 0; i <= length; i++) lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 'a' - 'A' : name[i]);
  for (size_t i = 0; i < COUNT(framing); i++)
    if (strcmp(lower, framing[i]) == 0) return true;
  return false;
}

static int check_headers(const cJSON *headers, const char *path, lj_fault *fault) {
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, headers) {
    if (!cJSON_IsString(item) || item->string[0] == '\0' || strpbrk(item->string, ": \r\n") != NULL ||
        strpbrk(item->valuestring, "\r\n") != NULL)
      return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.headers: must be names with strings of one line", path);
    if (is_framing(item->string))
      return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.headers.%s: is set for each request by its length; leave it out", path, item->string);
  }
  return LJ_OK;
}

static int check_proxy(const char *proxy, const char *path, lj_fault *fault) {
  static const char *const schemes[] = {"http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://"};
  if (proxy == NULL) return LJ_OK;
  bool known = strstr(proxy, "://") == NULL; /* host:port, which means http */
  for (size_t i = 0; i < COUNT(schemes) && !known; i++) known = starts_with(proxy, schemes[i]);
  if (known && strpbrk(proxy, " \t\r\n") == NULL) return LJ_OK;
  return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.proxy: must be an address like http://host:8080, also with https, socks4, socks4a, socks5 or socks5h",
                      path);
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

int lj_config_provider_parse(lj_config *config, const cJSON *source, lj_fault *fault) {
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
  code = check_api(source, path, provider, fault);
  provider->background = lj_json_bool(source, "background", false);
  if (code == LJ_OK && provider->background && provider->format->build_fetch == NULL)
    code = lj_fault_set(fault, LJ_BAD_CONFIG, "%s.background: needs api \"responses\"; leave it out, or set api", path);
  if (code == LJ_OK) code = lj_config_batch_parse(source, path, provider, fault);
  if (code == LJ_OK) code = check_base_url(source, path, provider, fault);
  if (code == LJ_OK) code = check_key(source, path, provider, fault);
  provider->headers = lj_json_object(source, "headers");
  if (code == LJ_OK) code = check_headers(provider->headers, path, fault);
  if (code == LJ_OK) code = check_timeouts(source, path, config, provider, fault);
  if (code == LJ_OK) code = lj_config_limits_parse(source, path, provider, fault);
  provider->max_concurrent = (size_t)lj_json_int(source, "maxConcurrent", provider->format->default_max_concurrent);
  provider->max_response_bytes = (size_t)lj_json_int(source, "maxResponseBytes", LJ_MAX_RESPONSE_BYTES);
  provider->proxy = lj_json_string(source, "proxy");
  if (code == LJ_OK) code = check_proxy(provider->proxy, path, fault);
  provider->ca_file = lj_json_string(source, "caFile");
  if (code == LJ_OK && provider->ca_file != NULL && !config->allows_files)
    code = lj_fault_set(fault, LJ_BAD_CONFIG, "%s.caFile: names a file, but allowedAPIs has no \"fs:read\"", path);
  provider->is_own = is_local(provider) || (provider->base_url != NULL && starts_with(provider->base_url, "http://"));
  if (code == LJ_OK) code = lj_config_health_parse(source, path, is_local(provider), provider, fault);
  return code;
}

void lj_config_provider_free(lj_provider_config *provider) {
  lj_free(provider->base_url);
  lj_keys_free(&provider->keys);
  lj_free(provider->command);
}
