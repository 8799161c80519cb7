/* SPDX-License-Identifier: MIT */
#include "provider/template.h"

#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"
#include "base/json.h"
#include "base/limits.h"

static bool is_path_byte(char byte) {
  return lj_ascii_is_alphanumeric(byte) || byte == '_' || byte == '-' || byte == '$' || (unsigned char)byte >= 0x80;
}

/* When `text` begins with "{{ path }}": true, the path's place, and where the text goes on. */
static bool find_path(const char *text, const char **path, size_t *length, const char **rest) {
  const char *from = text + 2;
  const char *end;
  if (strncmp(text, "{{", 2) != 0) {
    return false;
  }
  while (*from == ' ') {
    from++;
  }
  end = from;
  while (is_path_byte(*end) || (*end == '.' && end > from && is_path_byte(end[-1]) && is_path_byte(end[1]))) {
    end++;
  }
  *path = from;
  *length = (size_t)(end - from);
  while (*end == ' ') {
    end++;
  }
  *rest = end + 2;
  return *length > 0 && strncmp(end, "}}", 2) == 0;
}

/* The entry of an array by its decimal number, or NULL. */
static const cJSON *entry_of(const cJSON *array, const char *digits, size_t length) {
  const cJSON *entry;
  long number = 0;
  size_t at;
  for (at = 0; at < length; at++) {
    if (digits[at] < '0' || digits[at] > '9' || number > 100000000) {
      return NULL;
    }
    number = number * 10 + (digits[at] - '0');
  }
  entry = array->child;
  while (entry != NULL && number > 0) {
    entry = entry->next;
    number--;
  }
  return entry;
}

static const cJSON *member_of(const cJSON *object, const char *key, size_t length) {
  const cJSON *member;
  cJSON_ArrayForEach(member, object) {
    if (member->string != NULL && strlen(member->string) == length && memcmp(member->string, key, length) == 0) {
      return member;
    }
  }
  return NULL;
}

static const cJSON *walk(const cJSON *value, const char *path, size_t length) {
  const char *end = path + length;
  while (value != NULL && path < end) {
    const char *dot = memchr(path, '.', (size_t)(end - path));
    size_t part = (size_t)((dot != NULL ? dot : end) - path);
    if (cJSON_IsArray(value)) {
      value = entry_of(value, path, part);
    } else {
      value = cJSON_IsObject(value) ? member_of(value, path, part) : NULL;
    }
    path += part + 1;
  }
  return value;
}

static int append_value(const cJSON *value, lj_buffer *out) {
  return cJSON_IsString(value) ? lj_buffer_append_text(out, value->valuestring) : lj_json_print(value, out);
}

/* Whether the path begins with the member `name`. */
static bool leads_into(const char *path, size_t length, const char *name) {
  size_t part = strlen(name);
  return length > part && memcmp(path, name, part) == 0 && path[part] == '.';
}

int lj_template_fill(const char *text, const cJSON *data, const char *only, const char *where, lj_buffer *out, lj_fault *fault) {
  int rc = LJ_OK;
  while (rc == LJ_OK && *text != '\0') {
    const char *path;
    const char *rest;
    size_t length;
    if (find_path(text, &path, &length, &rest) && (only == NULL || leads_into(path, length, only))) {
      const cJSON *value = walk(data, path, length);
      if (value == NULL && leads_into(path, length, LJ_TEMPLATE_CHILDREN) && lj_json_get(data, LJ_TEMPLATE_CHILDREN) != NULL) {
        text = rest;
        continue;
      }
      if (value == NULL) {
        return lj_fault_set(fault, LJ_BAD_JOB, "%s asks for {{%.*s}}, but the job's data has no such value", where,
                            length < 200 ? (int)length : 200, path);
      }
      rc = append_value(value, out);
      text = rest;
    } else {
      const char *next = strstr(text + 1, "{{");
      size_t literal = next != NULL ? (size_t)(next - text) : strlen(text);
      rc = lj_buffer_append(out, text, literal);
      text += literal;
    }
  }
  if (rc == LJ_TOO_BIG) {
    return lj_fault_set(fault, LJ_BAD_JOB, "%s becomes larger than %zu bytes when it is filled", where, out->ceiling);
  }
  return rc;
}
