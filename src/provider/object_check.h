/* SPDX-License-Identifier: MIT
 *
 * Between the walk over a value and its rules.
 */
#ifndef LJ_PROVIDER_OBJECT_CHECK_H
#define LJ_PROVIDER_OBJECT_CHECK_H

#include "provider/object_schema.h"

/* The work of one lj_schema_check. */
typedef struct lj_checking {
  const lj_schema *schema;
  int64_t steps;
  int quiet; /* above 0: a violation is no failure yet, so nothing is reported */
  lj_fault *fault;
} lj_checking;

/* One keyword and one value that it is about. */
typedef struct lj_visit {
  lj_checking *work;
  const cJSON *schema; /* the object that has the keyword: some depend on their neighbours */
  const cJSON *rule;   /* the keyword with its value */
  const cJSON *value;
  const lj_spot *at;
  int depth;
} lj_visit;

/* Results of all of these: LJ_OK, LJ_INVALID: the value breaks the rule, LJ_TOO_BIG, LJ_NOMEM. */

/* `rule`: the keyword that brought the schema, for the case that it is just `false`. */
int lj_check_value(lj_checking *work, const cJSON *schema, const char *rule, const cJSON *value, const lj_spot *at, int depth)
    LJ_MUST_CHECK;
/* Reports that the value breaks the rule. */
int lj_check_breaks(lj_checking *work, const lj_spot *at, const char *rule);
/* Whether a regular expression of the schema is found in the text. */
int lj_check_pattern(lj_checking *work, const cJSON *rule, const char *text, bool *found) LJ_MUST_CHECK;
/* Deep equality as JSON Schema has it: 1 equals 1.0, members in any order. False when steps run out. */
bool lj_check_equal(lj_checking *work, const cJSON *one, const cJSON *other);

typedef int (*lj_rule)(const lj_visit *visit);

/* The rule of a keyword, or NULL for one that is ignored. */
lj_rule lj_check_rule(const char *keyword);

/* Rules that go into a value: object_inside.c. */
int lj_rule_properties(const lj_visit *visit);
int lj_rule_pattern_properties(const lj_visit *visit);
int lj_rule_additional_properties(const lj_visit *visit);
int lj_rule_required(const lj_visit *visit);
int lj_rule_items(const lj_visit *visit);
int lj_rule_additional_items(const lj_visit *visit);
int lj_rule_unique_items(const lj_visit *visit);

#endif
