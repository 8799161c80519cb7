/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "provider/object_schema.h"

enum { MAX_NAME = 256, MAX_LEVELS = 128 };

static size_t put(char *out, size_t used, char byte) {
  if (used + 1 < LJ_SPOT_SIZE) out[used++] = byte;
  return used;
}

const char *lj_spot_text(const lj_spot *spot, char out[LJ_SPOT_SIZE]) {
  const lj_spot *path[MAX_LEVELS];
  size_t levels = 0;
  size_t used = 0;
  for (; spot != NULL && spot->up != NULL && levels < MAX_LEVELS; spot = spot->up) path[levels++] = spot;
  if (levels == 0) {
    (void)snprintf(out, LJ_SPOT_SIZE, "the root");
    return out;
  }
  while (levels-- > 0) {
    char number[16];
    const char *name = path[levels]->name;
    if (name == NULL) {
      (void)snprintf(number, sizeof number, "%d", path[levels]->index);
      name = number;
    }
    used = put(out, used, '/');
    for (; *name != '\0'; name++) {
      if (*name == '~' || *name == '/') {
        used = put(out, used, '~');
        used = put(out, used, *name == '~' ? '0' : '1');
      } else {
        used = put(out, used, *name);
      }
    }
  }
  out[used] = '\0';
  return out;
}

static int hex(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* One name of a pointer in a URI: "~1" is "/", "~0" is "~", "%41" is "A". Returns what follows, or NULL when it is malformed. */
static const char *read_name(const char *at, char *name) {
  size_t length = 0;
  while (*at != '\0' && *at != '/') {
    char byte = *at++;
    if (byte == '%') {
      int high = hex(at[0]);
      int low = high >= 0 ? hex(at[1]) : -1;
      if (low < 0 || high + low == 0) return NULL;
      byte = (char)(high * 16 + low);
      at += 2;
    }
    if (byte == '~') {
      if (*at != '0' && *at != '1') return NULL;
      byte = *at++ == '0' ? '~' : '/';
    }
    if (length + 1 == MAX_NAME) return NULL;
    name[length++] = byte;
  }
  name[length] = '\0';
  return at;
}

static const cJSON *entry(const cJSON *array, const char *name, int64_t *steps) {
  int index = 0;
  if (*name == '\0' || strspn(name, "0123456789") != strlen(name) || strlen(name) > 6) return NULL;
  for (; *name != '\0'; name++) index = index * 10 + (*name - '0');
  return lj_spend(steps, (size_t)index) ? cJSON_GetArrayItem(array, index) : NULL;
}

/* What a keyword leads to. Only these are looked at when the schema is opened, so only they may be referred to. */
static bool holds_schema(const char *keyword) {
  static const char *const names[] = {"additionalProperties", "additionalItems", "not", "if", "then", "else"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], keyword) == 0) return true;
  return false;
}

static bool holds_schemas(const char *keyword) {
  static const char *const names[] = {"$defs",       "definitions", "properties", "patternProperties",
                                      "prefixItems", "anyOf",       "oneOf",      "allOf"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], keyword) == 0) return true;
  return false;
}

const cJSON *lj_schema_resolve(const cJSON *root, const char *ref, int64_t *steps) {
  const cJSON *at = root;
  char name[MAX_NAME];
  bool among = false; /* `at` is not a schema but holds some */
  if (*ref++ != '#') return NULL;
  while (at != NULL && *ref == '/') {
    ref = read_name(ref + 1, name);
    if (ref == NULL) return NULL;
    at = cJSON_IsArray(at) ? entry(at, name, steps) : cJSON_IsObject(at) ? lj_schema_member(at, name, steps) : NULL;
    if (among)
      among = false;
    else if (strcmp(name, "items") == 0)
      among = cJSON_IsArray(at);
    else if (holds_schemas(name))
      among = true;
    else if (!holds_schema(name))
      return NULL;
  }
  return *ref == '\0' && !among && (cJSON_IsObject(at) || cJSON_IsBool(at)) ? at : NULL;
}

const cJSON *lj_schema_member(const cJSON *object, const char *name, int64_t *steps) {
  const cJSON *member;
  cJSON_ArrayForEach(member, object) {
    if (!lj_spend(steps, 1)) return NULL;
    if (strcmp(member->string, name) == 0) return member;
  }
  return NULL;
}
