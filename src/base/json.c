/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

/* cJSON's own depth limit is a constant of its build and its parser recurses, so the depth is measured before. What the
 * scan also refuses: a NUL byte and the escape \u0000, at which a C string would end and the rest would silently be lost. */
static bool is_safe(const char *text, size_t length) {
  bool in_string = false;
  int depth = 0;
  size_t at;
  for (at = 0; at < length; at++) {
    char byte = text[at];
    if (byte == '\0') {
      return false;
    }
    if (in_string) {
      if (byte == '\\') {
        if (length - at >= 6 && memcmp(text + at, "\\u0000", 6) == 0) {
          return false;
        }
        at++;
        if (at < length && text[at] == '\0') {
          return false;
        }
      } else if (byte == '"') {
        in_string = false;
      }
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '{' || byte == '[') {
      if (++depth > LJ_MAX_JSON_DEPTH) {
        return false;
      }
    } else if (byte == '}' || byte == ']') {
      depth--;
    }
  }
  return true;
}

static bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

int lj_json_parse(const char *text, size_t length, cJSON **out) {
  unsigned long failures = lj_memory_failures();
  const char *end = NULL;
  cJSON *value;
  *out = NULL;
  if (length == 0 || !is_safe(text, length)) {
    return LJ_INVALID;
  }
  value = cJSON_ParseWithLengthOpts(text, length, &end, 0);
  if (value == NULL) {
    return lj_memory_failures() != failures ? LJ_NOMEM : LJ_INVALID;
  }
  while (end < text + length && is_blank(*end)) {
    end++;
  }
  if (end < text + length) {
    cJSON_Delete(value);
    return LJ_INVALID;
  }
  *out = value;
  return LJ_OK;
}

int lj_json_print(const cJSON *value, lj_buffer *out) {
  char *text = cJSON_PrintUnformatted(value);
  int rc;
  if (text == NULL) {
    return LJ_NOMEM;
  }
  rc = lj_buffer_append_text(out, text);
  cJSON_free(text);
  return rc;
}

const cJSON *lj_json_get(const cJSON *object, const char *key) {
  const cJSON *member = cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
  return cJSON_IsNull(member) ? NULL : member;
}

const char *lj_json_string(const cJSON *object, const char *key) {
  const cJSON *member = lj_json_get(object, key);
  return cJSON_IsString(member) ? member->valuestring : NULL;
}

const cJSON *lj_json_object(const cJSON *object, const char *key) {
  const cJSON *member = lj_json_get(object, key);
  return cJSON_IsObject(member) ? member : NULL;
}

const cJSON *lj_json_array(const cJSON *object, const char *key) {
  const cJSON *member = lj_json_get(object, key);
  return cJSON_IsArray(member) ? member : NULL;
}

bool lj_json_bool(const cJSON *object, const char *key, bool otherwise) {
  const cJSON *member = lj_json_get(object, key);
  return cJSON_IsBool(member) ? cJSON_IsTrue(member) != 0 : otherwise;
}

double lj_json_number(const cJSON *object, const char *key, double otherwise) {
  const cJSON *member = lj_json_get(object, key);
  return cJSON_IsNumber(member) ? member->valuedouble : otherwise;
}

int64_t lj_json_int(const cJSON *object, const char *key, int64_t otherwise) {
  const cJSON *member = lj_json_get(object, key);
  double number;
  if (!cJSON_IsNumber(member)) {
    return otherwise;
  }
  number = member->valuedouble;
  if (!(fabs(number) <= 9007199254740992.0) || floor(number) < number) {
    return otherwise;
  }
  return (int64_t)number;
}

int lj_json_put_value(cJSON *object, const char *key, cJSON *value) {
  if (value == NULL) {
    return LJ_NOMEM;
  }
  if (!cJSON_AddItemToObject(object, key, value)) {
    cJSON_Delete(value);
    return LJ_NOMEM;
  }
  return LJ_OK;
}

int lj_json_put_string(cJSON *object, const char *key, const char *text) {
  return lj_json_put_value(object, key, cJSON_CreateString(text));
}

int lj_json_put_number(cJSON *object, const char *key, double number) {
  return lj_json_put_value(object, key, cJSON_CreateNumber(number));
}

int lj_json_put_bool(cJSON *object, const char *key, bool flag) {
  return lj_json_put_value(object, key, cJSON_CreateBool(flag));
}

int lj_json_push_value(cJSON *array, cJSON *value) {
  if (value == NULL) {
    return LJ_NOMEM;
  }
  if (!cJSON_AddItemToArray(array, value)) {
    cJSON_Delete(value);
    return LJ_NOMEM;
  }
  return LJ_OK;
}
