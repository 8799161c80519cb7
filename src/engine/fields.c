/* SPDX-License-Identifier: MIT */
#include "engine/fields.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"

enum { MAX_LIST_BYTES = 1024 };

static const char *type_name(const cJSON *value) {
  if (cJSON_IsString(value)) return "a string";
  if (cJSON_IsNumber(value)) return "a number";
  if (cJSON_IsBool(value)) return "true or false";
  if (cJSON_IsArray(value)) return "an array";
  if (cJSON_IsObject(value)) return "an object";
  return "null";
}

static int refuse_unknown(const char *path, const char *key, const lj_field *fields, size_t count, lj_fault *fault) {
  lj_buffer known;
  lj_buffer_init(&known, MAX_LIST_BYTES);
  int code = LJ_OK;
  for (size_t i = 0; code == LJ_OK && i < count; i++) code = lj_buffer_printf(&known, "%s%s", i > 0 ? ", " : "", fields[i].name);
  lj_fault_set(fault, LJ_BAD_CONFIG, "%s%s%.100s: unknown key; known here are %s", path, *path != '\0' ? "." : "", key,
               code == LJ_OK ? known.data : "others");
  lj_buffer_free(&known);
  return LJ_BAD_CONFIG;
}

static bool is_text(const cJSON *value) { return cJSON_IsString(value) && value->valuestring[0] != '\0'; }

static int check_value(const cJSON *value, const char *path, const lj_field *field, lj_fault *fault) {
  const char *dot = *path != '\0' ? "." : "";
  const char *wanted = NULL;
  switch (field->kind) {
    case LJ_FIELD_TEXT:
      if (!is_text(value)) wanted = "a string that is not empty";
      break;
    case LJ_FIELD_FLAG:
      if (!cJSON_IsBool(value)) wanted = "true or false";
      break;
    case LJ_FIELD_OBJECT:
      if (!cJSON_IsObject(value)) wanted = "an object";
      break;
    case LJ_FIELD_KEYS:
      if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) wanted = "an object or an array of objects";
      break;
    case LJ_FIELD_LIST:
      if (!cJSON_IsArray(value)) wanted = "an array";
      break;
    case LJ_FIELD_TEXTS: {
      const cJSON *item = NULL;
      if (!cJSON_IsArray(value)) wanted = "an array of strings";
      if (wanted == NULL) cJSON_ArrayForEach(item, value) if (!is_text(item)) wanted = "an array of strings that are not empty";
      break;
    }
    case LJ_FIELD_NUMBER: {
      double number = cJSON_IsNumber(value) ? value->valuedouble : field->min - 1;
      if (!(number >= field->min && number <= field->max))
        return lj_fault_set(fault, LJ_BAD_CONFIG, "%s%s%s: must be a number from %.15g to %.15g, not %s", path, dot, field->name,
                            field->min, field->max, cJSON_IsNumber(value) ? "this one" : type_name(value));
      break;
    }
    case LJ_FIELD_WHOLE: {
      double number = cJSON_IsNumber(value) ? value->valuedouble : field->min - 1;
      if (number < field->min || number > field->max || number != (double)(long long)number)
        return lj_fault_set(fault, LJ_BAD_CONFIG, "%s%s%s: must be a whole number from %.0f to %.0f, not %s", path, dot,
                            field->name, field->min, field->max,
                            cJSON_IsNumber(value) ? "this one" : type_name(value));
      break;
    }
  }
  if (wanted == NULL) return LJ_OK;
  return lj_fault_set(fault, LJ_BAD_CONFIG, "%s%s%s: must be %s, not %s", path, dot, field->name, wanted,
                      cJSON_IsString(value) && !is_text(value) ? "an empty one" : type_name(value));
}

int lj_fields_check(const cJSON *object, const char *path, const lj_field *fields, size_t count, lj_fault *fault) {
  const cJSON *item = NULL;
  if (!cJSON_IsObject(object))
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s: must be an object, not %s", *path != '\0' ? path : "the configuration",
                        type_name(object));
  cJSON_ArrayForEach(item, object) {
    const lj_field *field = NULL;
    for (size_t i = 0; i < count && field == NULL; i++)
      if (strcmp(fields[i].name, item->string) == 0) field = &fields[i];
    if (field == NULL) return refuse_unknown(path, item->string, fields, count, fault);
    if (cJSON_IsNull(item)) continue;
    int code = check_value(item, path, field, fault);
    if (code != LJ_OK) return code;
  }
  for (size_t i = 0; i < count; i++)
    if (fields[i].required && lj_json_get(object, fields[i].name) == NULL)
      return lj_fault_set(fault, LJ_BAD_CONFIG, "%s%s%s: is required", path, *path != '\0' ? "." : "", fields[i].name);
  return LJ_OK;
}
