/* SPDX-License-Identifier: MIT */
#include "engine/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "engine/fields.h"

enum { REFUSED_MS = 600000, PATH_SIZE = 200 };

static const lj_field key_fields[] = {{"env", LJ_FIELD_TEXT, false, 0, 0}, {"secret", LJ_FIELD_TEXT, false, 0, 0}};

/* A header's value: nothing that could end its line. */
static bool is_plain(const char *value) {
  for (; *value != '\0'; value++)
    if ((unsigned char)*value <= ' ' || *value == 0x7f) return false;
  return true;
}

static int parse_key(const cJSON *source, const char *path, lj_key *key, lj_fault *fault) {
  int code = lj_fields_check(source, path, key_fields, sizeof key_fields / sizeof key_fields[0], fault);
  if (code != LJ_OK) return code;
  key->variable = lj_json_string(source, "env");
  key->secret = lj_json_string(source, "secret");
  if ((key->variable != NULL) == (key->secret != NULL))
    return lj_fault_set(fault, LJ_BAD_CONFIG,
                        "%s: must be {\"env\": the variable that holds the key} or {\"secret\": the name under which the app gives it}",
                        path);
  if (key->variable == NULL) return LJ_OK;
  const char *value = getenv(key->variable);
  if (value == NULL || *value == '\0') return LJ_OK; /* the jobs that need it fail with AUTH and name the variable */
  if (!is_plain(value))
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.env: the value of %s has a space or a line end in it; set the bare key", path,
                        key->variable);
  key->value = lj_strdup(value);
  return key->value != NULL ? LJ_OK : LJ_NOMEM;
}

int lj_keys_parse(const cJSON *source, const char *path, lj_keys *keys, lj_fault *fault) {
  bool is_list = cJSON_IsArray(source);
  int size = is_list ? cJSON_GetArraySize(source) : 1;
  keys->count = 0;
  if (size < 1 || size > LJ_MAX_KEYS)
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s: must be one key or an array of 1 to %d", path, LJ_MAX_KEYS);
  const cJSON *item = is_list ? source->child : source;
  for (int i = 0; i < size; i++) {
    char item_path[PATH_SIZE];
    (void)snprintf(item_path, sizeof item_path, is_list ? "%s[%d]" : "%s", path, i);
    memset(&keys->items[i], 0, sizeof keys->items[i]);
    keys->count++;
    int code = parse_key(item, item_path, &keys->items[i], fault);
    if (code != LJ_OK) return code;
    item = item->next;
  }
  return LJ_OK;
}

static void drop(char **value) {
  if (*value != NULL) lj_wipe(*value, strlen(*value));
  lj_free(*value);
  *value = NULL;
}

void lj_keys_free(lj_keys *keys) {
  for (size_t i = 0; i < keys->count; i++) {
    drop(&keys->items[i].value);
    drop(&keys->items[i].previous);
  }
  keys->count = 0;
}

lj_key_state lj_keys_state(const lj_keys *keys, size_t index, int64_t now_ms) {
  if (index >= keys->count) return LJ_KEY_READY;
  const lj_key *key = &keys->items[index];
  if (key->secret != NULL && (key->asked || !key->answered)) return LJ_KEY_AWAITED;
  if (key->value == NULL) return LJ_KEY_MISSING;
  return key->refused_until_ms > now_ms ? LJ_KEY_REFUSED : LJ_KEY_READY;
}

bool lj_keys_usable(const lj_keys *keys, size_t index, int64_t now_ms) {
  lj_key_state state = lj_keys_state(keys, index, now_ms);
  if (state == LJ_KEY_READY || state == LJ_KEY_AWAITED) return state == LJ_KEY_READY;
  for (size_t i = 0; i < keys->count; i++) {
    lj_key_state other = lj_keys_state(keys, i, now_ms);
    if (other == LJ_KEY_READY || other == LJ_KEY_AWAITED) return false;
  }
  return true;
}

void lj_keys_refuse(lj_keys *keys, size_t index, int64_t now_ms) {
  if (index >= keys->count) return;
  keys->items[index].refused_until_ms = now_ms + REFUSED_MS;
}

int lj_keys_give(lj_keys *keys, const char *name, const char *value, bool *known) {
  if (value != NULL && *value == '\0') value = NULL;
  if (value != NULL && !is_plain(value)) return LJ_INVALID;
  for (size_t i = 0; i < keys->count; i++) {
    lj_key *key = &keys->items[i];
    if (key->secret == NULL || strcmp(key->secret, name) != 0) continue;
    *known = true;
    bool same = key->value != NULL && value != NULL && strcmp(key->value, value) == 0;
    if (!same) {
      char *copy = lj_strdup(value);
      if (copy == NULL && value != NULL) return LJ_NOMEM;
      drop(&key->previous);
      key->previous = key->value;
      key->value = copy;
      key->refused_until_ms = 0;
    }
    key->asked = false;
    key->answered = true;
  }
  return LJ_OK;
}

int lj_keys_explain(const lj_keys *keys, size_t index, const char *provider, lj_fault *fault) {
  const lj_key *key = index < keys->count ? &keys->items[index] : NULL;
  if (key == NULL) return lj_fault_set(fault, LJ_AUTH, "provider %s has no key: its apiKey is not configured", provider);
  if (key->secret != NULL)
    return lj_fault_set(fault, LJ_AUTH, "provider %s has no key: the app gave nothing for the secret %s", provider, key->secret);
  return lj_fault_set(fault, LJ_AUTH, "provider %s has no key: the environment variable %s of the worker is not set", provider,
                      key->variable);
}
