/* SPDX-License-Identifier: MIT */
#include "provider/object_check.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/json.h"

int lj_check_breaks(lj_checking *work, const lj_spot *at, const char *rule) {
  char place[LJ_SPOT_SIZE];
  if (work->quiet == 0)
    lj_fault_set(work->fault, LJ_PROTOCOL, "The answer does not satisfy responseFormat.schema: at %s it breaks the rule %.40s",
                 lj_spot_text(at, place), rule);
  return LJ_INVALID;
}

int lj_check_pattern(lj_checking *work, const cJSON *rule, const char *text, bool *found) {
  *found = false;
  for (size_t i = 0; i < work->schema->pattern_count; i++) {
    if (work->schema->patterns[i].rule != rule) continue;
    int code = lj_pattern_find(work->schema->patterns[i].pattern, text, strlen(text), &work->steps, found);
    return code == LJ_INVALID ? LJ_OK : code; /* a text that is no UTF-8 holds nothing that could be looked for */
  }
  return LJ_OK;
}

static bool same_text(lj_checking *work, const char *one, const char *other) {
  size_t at = 0;
  while (one[at] != '\0' && one[at] == other[at]) at++;
  return lj_spend(&work->steps, at / 64) && one[at] == other[at];
}

static bool same_number(double one, double other) { return one <= other && one >= other; }

bool lj_check_equal(lj_checking *work, const cJSON *one, const cJSON *other) {
  const cJSON *member;
  if (!lj_spend(&work->steps, 1) || (one->type & 0xff) != (other->type & 0xff)) return false;
  if (cJSON_IsString(one)) return same_text(work, one->valuestring, other->valuestring);
  if (cJSON_IsNumber(one)) return same_number(one->valuedouble, other->valuedouble);
  if (!cJSON_IsArray(one) && !cJSON_IsObject(one)) return true;
  const cJSON *twin = other->child;
  for (member = one->child; member != NULL && twin != NULL; member = member->next, twin = twin->next) {
    const cJSON *match = cJSON_IsArray(one) ? twin : lj_schema_member(other, member->string, &work->steps);
    if (match == NULL || !lj_check_equal(work, member, match)) return false;
  }
  return member == NULL && twin == NULL; /* as many members, and each has its like */
}

/* --- Rules about the value itself --- */

static bool is_whole(const cJSON *value) {
  return cJSON_IsNumber(value) && isfinite(value->valuedouble) && floor(value->valuedouble) >= value->valuedouble;
}

static bool is_of(const cJSON *value, const char *type) {
  if (strcmp(type, "null") == 0) return cJSON_IsNull(value);
  if (strcmp(type, "boolean") == 0) return cJSON_IsBool(value);
  if (strcmp(type, "object") == 0) return cJSON_IsObject(value);
  if (strcmp(type, "array") == 0) return cJSON_IsArray(value);
  if (strcmp(type, "number") == 0) return cJSON_IsNumber(value);
  if (strcmp(type, "integer") == 0) return is_whole(value);
  return cJSON_IsString(value);
}

static int breaks(const lj_visit *visit, bool broken) {
  return broken ? lj_check_breaks(visit->work, visit->at, visit->rule->string) : LJ_OK;
}

static int rule_type(const lj_visit *visit) {
  const cJSON *type;
  if (cJSON_IsString(visit->rule)) return breaks(visit, !is_of(visit->value, visit->rule->valuestring));
  cJSON_ArrayForEach(type, visit->rule) if (is_of(visit->value, type->valuestring)) return LJ_OK;
  return breaks(visit, true);
}

static int rule_enum(const lj_visit *visit) {
  const cJSON *allowed;
  cJSON_ArrayForEach(allowed, visit->rule) {
    if (lj_check_equal(visit->work, visit->value, allowed)) return LJ_OK;
    if (visit->work->steps < 0) return LJ_TOO_BIG;
  }
  return breaks(visit, true);
}

static int rule_const(const lj_visit *visit) {
  bool same = lj_check_equal(visit->work, visit->value, visit->rule);
  return visit->work->steps < 0 ? LJ_TOO_BIG : breaks(visit, !same);
}

static int rule_number(const lj_visit *visit) {
  const char *rule = visit->rule->string;
  double limit = visit->rule->valuedouble;
  double number = visit->value->valuedouble;
  if (!cJSON_IsNumber(visit->value)) return LJ_OK;
  if (strcmp(rule, "minimum") == 0) return breaks(visit, number < limit);
  if (strcmp(rule, "maximum") == 0) return breaks(visit, number > limit);
  return breaks(visit, strcmp(rule, "exclusiveMinimum") == 0 ? number <= limit : number >= limit);
}

/* Numbers are binary fractions, so 0.3 is no exact multiple of 0.1; the quotient may miss a whole number by its rounding. */
static int rule_multiple(const lj_visit *visit) {
  double quotient = visit->value->valuedouble / visit->rule->valuedouble;
  if (!cJSON_IsNumber(visit->value)) return LJ_OK;
  if (!isfinite(quotient)) return breaks(visit, fabs(fmod(visit->value->valuedouble, visit->rule->valuedouble)) > 0);
  return breaks(visit, fabs(quotient - round(quotient)) > fabs(quotient) * 4 * DBL_EPSILON);
}

/* Characters, not bytes: every byte but those that continue one. */
static double characters(const char *text) {
  size_t count = 0;
  for (; *text != '\0'; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
  return (double)count;
}

static int rule_size(const lj_visit *visit) {
  const char *rule = visit->rule->string;
  const char *what = rule + 3; /* behind min or max */
  double size;
  if (strcmp(what, "Length") == 0 && cJSON_IsString(visit->value))
    size = characters(visit->value->valuestring);
  else if ((strcmp(what, "Items") == 0 && cJSON_IsArray(visit->value)) ||
           (strcmp(what, "Properties") == 0 && cJSON_IsObject(visit->value)))
    size = cJSON_GetArraySize(visit->value);
  else
    return LJ_OK;
  return breaks(visit, rule[1] == 'i' ? size < visit->rule->valuedouble : size > visit->rule->valuedouble);
}

static int rule_pattern(const lj_visit *visit) {
  bool found = false;
  if (!cJSON_IsString(visit->value)) return LJ_OK;
  int code = lj_check_pattern(visit->work, visit->rule, visit->value->valuestring, &found);
  return code == LJ_OK ? breaks(visit, !found) : code;
}

/* --- Rules made of schemas for the same value --- */

static int check_here(const lj_visit *visit, const cJSON *schema) {
  return lj_check_value(visit->work, schema, visit->rule->string, visit->value, visit->at, visit->depth);
}

static int check_quietly(const lj_visit *visit, const cJSON *schema) {
  visit->work->quiet++;
  int code = check_here(visit, schema);
  visit->work->quiet--;
  return code;
}

static int rule_reference(const lj_visit *visit) {
  const cJSON *target = lj_schema_resolve(visit->work->schema->root, visit->rule->valuestring, &visit->work->steps);
  if (visit->work->steps < 0) return LJ_TOO_BIG;
  return target != NULL ? check_here(visit, target) : LJ_OK;
}

static int rule_all_of(const lj_visit *visit) {
  const cJSON *schema;
  cJSON_ArrayForEach(schema, visit->rule) {
    int code = check_here(visit, schema);
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

/* anyOf wants one at least, oneOf one exactly. */
static int rule_some_of(const lj_visit *visit) {
  int most = strcmp(visit->rule->string, "oneOf") == 0 ? 1 : 0;
  int satisfied = 0;
  const cJSON *schema;
  cJSON_ArrayForEach(schema, visit->rule) {
    int code = check_quietly(visit, schema);
    if (code != LJ_OK && code != LJ_INVALID) return code;
    if (code == LJ_OK && most == 0) return LJ_OK;
    if (code == LJ_OK && ++satisfied > most) break;
  }
  return breaks(visit, satisfied != 1);
}

static int rule_not(const lj_visit *visit) {
  int code = check_quietly(visit, visit->rule);
  return code == LJ_INVALID ? LJ_OK : code == LJ_OK ? breaks(visit, true) : code;
}

static int rule_if(const lj_visit *visit) {
  int code = check_quietly(visit, visit->rule);
  if (code != LJ_OK && code != LJ_INVALID) return code;
  const cJSON *branch = lj_schema_member(visit->schema, code == LJ_OK ? "then" : "else", &visit->work->steps);
  return branch != NULL ? check_here(visit, branch) : LJ_OK;
}

static const struct {
  const char *keyword;
  lj_rule rule;
} rules[] = {
    {"type", rule_type},
    {"properties", lj_rule_properties},
    {"required", lj_rule_required},
    {"additionalProperties", lj_rule_additional_properties},
    {"patternProperties", lj_rule_pattern_properties},
    {"items", lj_rule_items},
    {"prefixItems", lj_rule_items},
    {"additionalItems", lj_rule_additional_items},
    {"uniqueItems", lj_rule_unique_items},
    {"enum", rule_enum},
    {"const", rule_const},
    {"minimum", rule_number},
    {"maximum", rule_number},
    {"exclusiveMinimum", rule_number},
    {"exclusiveMaximum", rule_number},
    {"multipleOf", rule_multiple},
    {"minLength", rule_size},
    {"maxLength", rule_size},
    {"minItems", rule_size},
    {"maxItems", rule_size},
    {"minProperties", rule_size},
    {"maxProperties", rule_size},
    {"pattern", rule_pattern},
    {"$ref", rule_reference},
    {"allOf", rule_all_of},
    {"anyOf", rule_some_of},
    {"oneOf", rule_some_of},
    {"not", rule_not},
    {"if", rule_if},
};

lj_rule lj_check_rule(const char *keyword) {
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    if (strcmp(rules[i].keyword, keyword) == 0) return rules[i].rule;
  return NULL;
}

/* --- The walk --- */

int lj_check_value(lj_checking *work, const cJSON *schema, const char *rule, const cJSON *value, const lj_spot *at, int depth) {
  if (depth > LJ_MAX_SCHEMA_DEPTH || !lj_spend(&work->steps, 1)) return LJ_TOO_BIG;
  if (cJSON_IsBool(schema)) return cJSON_IsTrue(schema) ? LJ_OK : lj_check_breaks(work, at, rule);
  /* OpenAPI's way to say that null is fine as well. */
  if (cJSON_IsNull(value) && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(schema, "nullable"))) return LJ_OK;
  lj_visit visit = {work, schema, NULL, value, at, depth + 1};
  cJSON_ArrayForEach(visit.rule, schema) {
    lj_rule check = lj_check_rule(visit.rule->string);
    int code = check != NULL ? check(&visit) : LJ_OK;
    if (code == LJ_OK && !lj_spend(&work->steps, 1)) code = LJ_TOO_BIG;
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

int lj_schema_check(const lj_schema *schema, const cJSON *value, lj_fault *fault) {
  lj_checking work = {schema, LJ_MAX_SCHEMA_STEPS, 0, fault};
  lj_spot root = {NULL, NULL, 0};
  int code = lj_check_value(&work, schema->root, "false", value, &root, 0);
  if (code == LJ_INVALID) return LJ_PROTOCOL;
  if (code == LJ_TOO_BIG)
    return lj_fault_set(fault, LJ_RESPONSE_TOO_LARGE,
                        "The answer cannot be checked against responseFormat.schema within %d steps and %d levels; ask for less, or "
                        "use a simpler schema",
                        LJ_MAX_SCHEMA_STEPS, LJ_MAX_SCHEMA_DEPTH);
  return code;
}
