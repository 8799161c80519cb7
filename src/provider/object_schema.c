/* SPDX-License-Identifier: MIT */
#include "provider/object_schema.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* What a keyword's value must look like. */
typedef enum shape {
  SHAPE_SCHEMA,
  SHAPE_SCHEMAS,
  SHAPE_ITEMS,    /* a schema, or an array of them as in draft 7 */
  SHAPE_MAP,      /* names with schemas */
  SHAPE_PATTERNS, /* regular expressions with schemas */
  SHAPE_PATTERN,
  SHAPE_TYPE,
  SHAPE_VALUES,
  SHAPE_NAMES,
  SHAPE_COUNT,
  SHAPE_NUMBER,
  SHAPE_POSITIVE,
  SHAPE_FLAG,
  SHAPE_REFERENCE
} shape;

static const struct {
  const char *name;
  shape shape;
} keywords[] = {
    {"type", SHAPE_TYPE},
    {"properties", SHAPE_MAP},
    {"required", SHAPE_NAMES},
    {"additionalProperties", SHAPE_SCHEMA},
    {"items", SHAPE_ITEMS},
    {"enum", SHAPE_VALUES},
    {"$ref", SHAPE_REFERENCE},
    {"anyOf", SHAPE_SCHEMAS},
    {"oneOf", SHAPE_SCHEMAS},
    {"allOf", SHAPE_SCHEMAS},
    {"not", SHAPE_SCHEMA},
    {"if", SHAPE_SCHEMA},
    {"then", SHAPE_SCHEMA},
    {"else", SHAPE_SCHEMA},
    {"$defs", SHAPE_MAP},
    {"definitions", SHAPE_MAP},
    {"patternProperties", SHAPE_PATTERNS},
    {"minProperties", SHAPE_COUNT},
    {"maxProperties", SHAPE_COUNT},
    {"additionalItems", SHAPE_SCHEMA},
    {"prefixItems", SHAPE_SCHEMAS},
    {"minItems", SHAPE_COUNT},
    {"maxItems", SHAPE_COUNT},
    {"uniqueItems", SHAPE_FLAG},
    {"minLength", SHAPE_COUNT},
    {"maxLength", SHAPE_COUNT},
    {"pattern", SHAPE_PATTERN},
    {"minimum", SHAPE_NUMBER},
    {"maximum", SHAPE_NUMBER},
    {"exclusiveMinimum", SHAPE_NUMBER},
    {"exclusiveMaximum", SHAPE_NUMBER},
    {"multipleOf", SHAPE_POSITIVE},
    {"nullable", SHAPE_FLAG},
};

/* The work of lj_schema_open. */
typedef struct opening {
  lj_schema *schema;
  int64_t steps;
  lj_fault *fault;
} opening;

static int refuse(const opening *this, const lj_spot *at, const char *why) {
  char place[LJ_SPOT_SIZE];
  return lj_fault_set(this->fault, LJ_BAD_JOB, "responseFormat.schema is malformed at %s: %s", lj_spot_text(at, place), why);
}

static int out_of_steps(const opening *this) {
  return lj_fault_set(this->fault, LJ_BAD_JOB, "responseFormat.schema takes more than %d steps to be looked at; make it smaller",
                      LJ_MAX_SCHEMA_STEPS);
}

static bool is_type(const cJSON *value) {
  static const char *const types[] = {"null", "boolean", "object", "array", "number", "integer", "string"};
  for (size_t i = 0; cJSON_IsString(value) && i < sizeof types / sizeof types[0]; i++)
    if (strcmp(value->valuestring, types[i]) == 0) return true;
  return false;
}

static bool all(const cJSON *array, bool (*is)(const cJSON *)) {
  const cJSON *entry;
  cJSON_ArrayForEach(entry, array) if (!is(entry)) return false;
  return true;
}

static bool is_string(const cJSON *value) { return cJSON_IsString(value) != 0; }

static bool is_schema(const cJSON *value) { return cJSON_IsObject(value) || cJSON_IsBool(value); }

static bool is_filled_array(const cJSON *value) { return cJSON_IsArray(value) && value->child != NULL; }

static bool is_count(const cJSON *value) {
  return cJSON_IsNumber(value) && value->valuedouble >= 0 && floor(value->valuedouble) >= value->valuedouble;
}

/* What the value should have been, or NULL when it is. */
static const char *wanted(shape form, const cJSON *value) {
  switch (form) {
    case SHAPE_SCHEMA: return is_schema(value) ? NULL : "must be a schema: an object, true or false";
    case SHAPE_SCHEMAS: return is_filled_array(value) && all(value, is_schema) ? NULL : "must be an array of schemas";
    case SHAPE_ITEMS:
      return is_schema(value) || (cJSON_IsArray(value) && all(value, is_schema)) ? NULL : "must be a schema or an array of schemas";
    case SHAPE_MAP: return cJSON_IsObject(value) && all(value, is_schema) ? NULL : "must be an object of schemas";
    case SHAPE_PATTERNS: return cJSON_IsObject(value) && all(value, is_schema) ? NULL : "must be an object of schemas";
    case SHAPE_PATTERN: return cJSON_IsString(value) ? NULL : "must be a string with a regular expression";
    case SHAPE_TYPE:
      return is_type(value) || (is_filled_array(value) && all(value, is_type))
                 ? NULL
                 : "must be null, boolean, object, array, number, integer or string, or an array of these";
    case SHAPE_VALUES: return cJSON_IsArray(value) ? NULL : "must be an array of values";
    case SHAPE_NAMES: return cJSON_IsArray(value) && all(value, is_string) ? NULL : "must be an array of strings";
    case SHAPE_COUNT: return is_count(value) ? NULL : "must be a whole number of at least 0";
    case SHAPE_NUMBER: return cJSON_IsNumber(value) ? NULL : "must be a number";
    case SHAPE_POSITIVE: return cJSON_IsNumber(value) && value->valuedouble > 0 ? NULL : "must be a number above 0";
    case SHAPE_FLAG: return cJSON_IsBool(value) ? NULL : "must be true or false";
    case SHAPE_REFERENCE: return cJSON_IsString(value) ? NULL : "must be a string like \"#/$defs/name\"";
  }
  return NULL;
}

static int compile(opening *this, const char *text, const cJSON *rule, const lj_spot *at) {
  lj_schema *schema = this->schema;
  lj_fault cause;
  if (schema->pattern_count == LJ_MAX_SCHEMA_PATTERNS) return refuse(this, at, "more than 64 regular expressions in one schema");
  lj_schema_pattern *place = &schema->patterns[schema->pattern_count];
  int code = lj_pattern_open(text, &place->pattern, &cause);
  if (code == LJ_INVALID) {
    char where[LJ_SPOT_SIZE];
    return lj_fault_set(this->fault, LJ_BAD_JOB, "responseFormat.schema has a regular expression that cannot be used at %s: %s",
                        lj_spot_text(at, where), cause.message);
  }
  if (code != LJ_OK) return code;
  place->rule = rule;
  schema->pattern_count++;
  return LJ_OK;
}

/* Follows what applies to the same value as `node` does. A circle of these would never end; one that goes through a property
 * or an entry ends with the value. */
static int follow(opening *this, const cJSON *node, const lj_spot *at, int depth) {
  static const char *const in_place[] = {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"};
  const cJSON *rule;
  int code = LJ_OK;
  if (depth > LJ_MAX_SCHEMA_DEPTH) return refuse(this, at, "$ref leads round in a circle, or too deep");
  cJSON_ArrayForEach(rule, node) {
    if (!lj_spend(&this->steps, 1)) return out_of_steps(this);
    bool applies = false;
    for (size_t i = 0; !applies && i < sizeof in_place / sizeof in_place[0]; i++) applies = strcmp(rule->string, in_place[i]) == 0;
    if (!applies) continue;
    if (cJSON_IsString(rule)) {
      const cJSON *target = lj_schema_resolve(this->schema->root, rule->valuestring, &this->steps);
      code = target != NULL ? follow(this, target, at, depth + 1) : LJ_OK;
    } else if (cJSON_IsArray(rule)) {
      const cJSON *entry;
      cJSON_ArrayForEach(entry, rule) {
        if (code == LJ_OK && cJSON_IsObject(entry)) code = follow(this, entry, at, depth + 1);
      }
    } else if (cJSON_IsObject(rule)) {
      code = follow(this, rule, at, depth + 1);
    }
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

static int reference(opening *this, const cJSON *rule, const lj_spot *at) {
  const cJSON *target = lj_schema_resolve(this->schema->root, rule->valuestring, &this->steps);
  if (this->steps < 0) return out_of_steps(this);
  if (target == NULL) return refuse(this, at, "it leads to no schema in here; only places like \"#/$defs/name\" can be named");
  return follow(this, target, at, 0);
}

static int look(opening *this, const cJSON *node, const lj_spot *at);

static int look_at_all(opening *this, const cJSON *list, const lj_spot *at, bool patterns) {
  const cJSON *entry;
  lj_spot here = {at, NULL, 0};
  cJSON_ArrayForEach(entry, list) {
    here.name = entry->string;
    int code = patterns ? compile(this, entry->string, entry, &here) : LJ_OK;
    if (code == LJ_OK) code = look(this, entry, &here);
    if (code != LJ_OK) return code;
    here.index++;
  }
  return LJ_OK;
}

static int look_at_keyword(opening *this, shape form, const cJSON *rule, const lj_spot *at) {
  const char *missing = wanted(form, rule);
  if (missing != NULL) return refuse(this, at, missing);
  switch (form) {
    case SHAPE_PATTERN: return compile(this, rule->valuestring, rule, at);
    case SHAPE_REFERENCE: return reference(this, rule, at);
    case SHAPE_SCHEMA: return look(this, rule, at);
    case SHAPE_ITEMS: return cJSON_IsArray(rule) ? look_at_all(this, rule, at, false) : look(this, rule, at);
    case SHAPE_SCHEMAS:
    case SHAPE_MAP: return look_at_all(this, rule, at, false);
    case SHAPE_PATTERNS: return look_at_all(this, rule, at, true);
    default: return LJ_OK;
  }
}

/* Recursion ends with the schema's own nesting, which LJ_MAX_JSON_DEPTH bounds. */
static int look(opening *this, const cJSON *node, const lj_spot *at) {
  const cJSON *rule;
  lj_spot here = {at, NULL, 0};
  if (cJSON_IsBool(node)) return LJ_OK;
  cJSON_ArrayForEach(rule, node) {
    if (!lj_spend(&this->steps, 1)) return out_of_steps(this);
    here.name = rule->string;
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
      if (strcmp(rule->string, keywords[i].name) != 0) continue;
      int code = look_at_keyword(this, keywords[i].shape, rule, &here);
      if (code != LJ_OK) return code;
    }
  }
  return LJ_OK;
}

int lj_schema_open(const cJSON *json, lj_schema **out, lj_fault *fault) {
  lj_spot root = {NULL, NULL, 0};
  lj_schema *schema = lj_calloc(1, sizeof *schema);
  *out = NULL;
  if (schema == NULL) return LJ_NOMEM;
  schema->root = json;
  opening work = {schema, LJ_MAX_SCHEMA_STEPS, fault};
  int code = look(&work, json, &root);
  if (code == LJ_OK)
    *out = schema;
  else
    lj_schema_close(schema);
  return code;
}

void lj_schema_close(lj_schema *schema) {
  if (schema == NULL) return;
  for (size_t i = 0; i < schema->pattern_count; i++) lj_pattern_close(schema->patterns[i].pattern);
  lj_free(schema);
}
