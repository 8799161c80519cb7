/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

/* Up to here a double holds every whole number. */
#define MAX_WHOLE 9007199254740992.0

/* Behind the end of a string whose text begins at `at`; 0 when the string has \u0000 or no end. Most strings have no escape, and
 * memchr looks at many bytes at a time. */
static size_t skip_string(const char *text, size_t at, size_t length) {
  for (;;) {
    const char *quote = memchr(text + at, '"', length - at);
    size_t end = quote != NULL ? (size_t)(quote - text) : length;
    const char *escape = memchr(text + at, '\\', end - at);
    if (escape == NULL) return quote != NULL ? end + 1 : 0;
    at = (size_t)(escape - text);
    if (length - at >= 6 && memcmp(escape, "\\u0000", 6) == 0) return 0;
    at += 2;
    if (at > length) return 0;
  }
}

/* cJSON's own depth limit is a constant of its build and its parser recurses, so the depth is measured before. What the
 * scan also refuses: a NUL byte and the escape \u0000, at which a C string would end and the rest would silently be lost. */
static bool is_safe(const char *text, size_t length) {
  int depth = 0;
  if (memchr(text, '\0', length) != NULL) return false;
  for (size_t at = 0; at < length;) {
    char byte = text[at++];
    if (byte == '"') {
      at = skip_string(text, at, length);
      if (at == 0) return false;
    } else if (byte == '{' || byte == '[') {
      if (++depth > LJ_MAX_JSON_DEPTH) return false;
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

enum { BLOCK = 16 };

/* How many of the first `length` bytes stand in a JSON string as they are. Looks at whole blocks without a branch, which compilers turn
 * into few instructions: answers are long and have hardly an escape. */
static size_t plain_length(const char *text, size_t length) {
  size_t at = 0;
  while (length - at >= BLOCK) {
    unsigned char special = 0;
    for (size_t i = 0; i < BLOCK; i++) {
      unsigned char byte = (unsigned char)text[at + i];
      special |= (unsigned char)((byte < 0x20) | (byte == '"') | (byte == '\\'));
    }
    if (special != 0) break;
    at += BLOCK;
  }
  while (at < length && (unsigned char)text[at] >= 0x20 && text[at] != '"' && text[at] != '\\') at++;
  return at;
}

int lj_json_print_text(const char *text, lj_buffer *out) {
  static const char digits[] = "0123456789abcdef";
  size_t left = strlen(text);
  int code = lj_buffer_append_char(out, '"');
  while (code == LJ_OK && left > 0) {
    size_t plain = plain_length(text, left);
    if (plain > 0) code = lj_buffer_append(out, text, plain);
    text += plain;
    left -= plain;
    if (code != LJ_OK || left == 0) break;
    char escape[6] = {'\\', 'u', '0', '0', digits[(*text >> 4) & 15], digits[*text & 15]};
    const char *known = strchr("\"\"\\\\\bb\ff\nn\rr\tt", *text);
    if (known != NULL) escape[1] = known[1];
    code = lj_buffer_append(out, escape, known != NULL ? 2 : sizeof escape);
    text++;
    left--;
  }
  return code == LJ_OK ? lj_buffer_append_char(out, '"') : code;
}

int lj_json_print_number(double number, lj_buffer *out) {
  char text[32];
  if (!isfinite(number)) return lj_buffer_append_text(out, "null");
  if (number != floor(number) || fabs(number) > MAX_WHOLE) {
    (void)snprintf(text, sizeof text, "%.15g", number);
    if (strtod(text, NULL) != number) (void)snprintf(text, sizeof text, "%.17g", number);
    return lj_buffer_append_text(out, text);
  }
  /* Whole numbers, nearly all there are, without the C library's way through a locale. */
  int64_t rest = (int64_t)fabs(number);
  char *at = text + sizeof text;
  do {
    *--at = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (number < 0) *--at = '-';
  return lj_buffer_append(out, at, (size_t)(text + sizeof text - at));
}

int lj_json_print(const cJSON *value, lj_buffer *out) {
  if (cJSON_IsString(value)) return lj_json_print_text(value->valuestring, out);
  if (cJSON_IsNumber(value)) return lj_json_print_number(value->valuedouble, out);
  if (cJSON_IsBool(value)) return lj_buffer_append_text(out, cJSON_IsTrue(value) ? "true" : "false");
  if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) return lj_buffer_append_text(out, cJSON_IsRaw(value) ? value->valuestring : "null");
  bool object = cJSON_IsObject(value);
  int code = lj_buffer_append_char(out, object ? '{' : '[');
  for (const cJSON *child = value->child; code == LJ_OK && child != NULL; child = child->next) {
    if (child != value->child) code = lj_buffer_append_char(out, ',');
    if (code == LJ_OK && object) code = lj_json_print_text(child->string, out);
    if (code == LJ_OK && object) code = lj_buffer_append_char(out, ':');
    if (code == LJ_OK) code = lj_json_print(child, out);
  }
  return code == LJ_OK ? lj_buffer_append_char(out, object ? '}' : ']') : code;
}

const cJSON *lj_json_get(const cJSON *object, const char *key) {
  /* Most members differ in their first letter, so the loop is here and not behind two calls for each of them. */
  const cJSON *member = cJSON_IsObject(object) ? object->child : NULL;
  while (member != NULL && (member->string == NULL || member->string[0] != key[0] || strcmp(member->string, key) != 0))
    member = member->next;
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
  if (!(fabs(number) <= MAX_WHOLE) || floor(number) < number) {
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
