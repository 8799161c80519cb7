/* SPDX-License-Identifier: MIT
 *
 * The rules about what is inside of an object or an array.
 */
#include "provider/object_check.h"

static const char *const unknown_name = "*"; /* shown for a name that only the answer has: it may be content */

/* Whether the schema's own properties have this name. A member of the answer may come twice; each is looked at. */
static const cJSON *property(const lj_visit *visit, const char *name) {
  const cJSON *properties = lj_schema_member(visit->schema, "properties", &visit->work->steps);
  return properties != NULL ? lj_schema_member(properties, name, &visit->work->steps) : NULL;
}

int lj_rule_properties(const lj_visit *visit) {
  const cJSON *member;
  if (!cJSON_IsObject(visit->value)) return LJ_OK;
  cJSON_ArrayForEach(member, visit->value) {
    const cJSON *schema = lj_schema_member(visit->rule, member->string, &visit->work->steps);
    lj_spot inside = {visit->at, member->string, 0};
    if (visit->work->steps < 0) return LJ_TOO_BIG;
    int code = schema != NULL ? lj_check_value(visit->work, schema, "properties", member, &inside, visit->depth) : LJ_OK;
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

int lj_rule_pattern_properties(const lj_visit *visit) {
  const cJSON *member;
  const cJSON *rule;
  if (!cJSON_IsObject(visit->value)) return LJ_OK;
  cJSON_ArrayForEach(member, visit->value) {
    lj_spot inside = {visit->at, property(visit, member->string) != NULL ? member->string : unknown_name, 0};
    cJSON_ArrayForEach(rule, visit->rule) {
      bool found = false;
      int code = lj_check_pattern(visit->work, rule, member->string, &found);
      if (code == LJ_OK && found) code = lj_check_value(visit->work, rule, "patternProperties", member, &inside, visit->depth);
      if (code != LJ_OK) return code;
    }
  }
  return LJ_OK;
}

int lj_rule_additional_properties(const lj_visit *visit) {
  const cJSON *patterns = lj_schema_member(visit->schema, "patternProperties", &visit->work->steps);
  lj_spot inside = {visit->at, unknown_name, 0};
  const cJSON *member;
  const cJSON *rule;
  if (!cJSON_IsObject(visit->value)) return LJ_OK;
  cJSON_ArrayForEach(member, visit->value) {
    bool known = property(visit, member->string) != NULL;
    int code = visit->work->steps >= 0 ? LJ_OK : LJ_TOO_BIG;
    cJSON_ArrayForEach(rule, patterns) {
      if (code == LJ_OK && !known) code = lj_check_pattern(visit->work, rule, member->string, &known);
    }
    if (code == LJ_OK && !known)
      code = lj_check_value(visit->work, visit->rule, "additionalProperties", member, &inside, visit->depth);
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

int lj_rule_required(const lj_visit *visit) {
  const cJSON *name;
  if (!cJSON_IsObject(visit->value)) return LJ_OK;
  cJSON_ArrayForEach(name, visit->rule) {
    lj_spot missing = {visit->at, name->valuestring, 0};
    bool found = lj_schema_member(visit->value, name->valuestring, &visit->work->steps) != NULL;
    if (visit->work->steps < 0) return LJ_TOO_BIG;
    if (!found) return lj_check_breaks(visit->work, &missing, "required");
  }
  return LJ_OK;
}

/* `prefixItems`, or the array form of `items`: a schema for each of the first entries. */
static int check_first(const lj_visit *visit) {
  const cJSON *schema = visit->rule->child;
  const cJSON *entry;
  lj_spot inside = {visit->at, NULL, 0};
  cJSON_ArrayForEach(entry, visit->value) {
    if (schema == NULL) return LJ_OK;
    int code = lj_check_value(visit->work, schema, visit->rule->string, entry, &inside, visit->depth);
    if (code != LJ_OK) return code;
    schema = schema->next;
    inside.index++;
  }
  return LJ_OK;
}

static int check_rest(const lj_visit *visit, int first) {
  const cJSON *entry;
  lj_spot inside = {visit->at, NULL, 0};
  cJSON_ArrayForEach(entry, visit->value) {
    int code = inside.index < first ? LJ_OK
                                    : lj_check_value(visit->work, visit->rule, visit->rule->string, entry, &inside, visit->depth);
    if (code != LJ_OK) return code;
    inside.index++;
  }
  return LJ_OK;
}

int lj_rule_items(const lj_visit *visit) {
  if (!cJSON_IsArray(visit->value)) return LJ_OK;
  if (cJSON_IsArray(visit->rule)) return check_first(visit); /* prefixItems too */
  const cJSON *first = lj_schema_member(visit->schema, "prefixItems", &visit->work->steps);
  return check_rest(visit, first != NULL ? cJSON_GetArraySize(first) : 0);
}

int lj_rule_additional_items(const lj_visit *visit) {
  const cJSON *items = lj_schema_member(visit->schema, "items", &visit->work->steps);
  if (!cJSON_IsArray(visit->value) || !cJSON_IsArray(items)) return LJ_OK;
  return check_rest(visit, cJSON_GetArraySize(items));
}

int lj_rule_unique_items(const lj_visit *visit) {
  const cJSON *entry;
  const cJSON *other;
  lj_spot inside = {visit->at, NULL, 0};
  if (!cJSON_IsArray(visit->value) || !cJSON_IsTrue(visit->rule)) return LJ_OK;
  cJSON_ArrayForEach(entry, visit->value) {
    for (other = visit->value->child; other != entry; other = other->next) {
      bool same = lj_check_equal(visit->work, entry, other);
      if (visit->work->steps < 0) return LJ_TOO_BIG;
      if (same) return lj_check_breaks(visit->work, &inside, "uniqueItems");
    }
    inside.index++;
  }
  return LJ_OK;
}
