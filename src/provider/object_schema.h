/* SPDX-License-Identifier: MIT
 *
 * What the parts of the schema's checker share: places, references, and the account of work.
 */
#ifndef LJ_PROVIDER_OBJECT_SCHEMA_H
#define LJ_PROVIDER_OBJECT_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/pattern.h"
#include "provider/object.h"

typedef struct lj_schema_pattern {
  const cJSON *rule; /* where the schema has it: the value of `pattern`, or a member of patternProperties */
  lj_pattern *pattern;
} lj_schema_pattern;

struct lj_schema {
  const cJSON *root;
  lj_schema_pattern patterns[LJ_MAX_SCHEMA_PATTERNS];
  size_t pattern_count;
};

/* Where one is inside of a value: a chain of names up to the root, on the stack of who walks there. */
typedef struct lj_spot {
  const struct lj_spot *up; /* NULL: the root itself */
  const char *name;         /* NULL: an entry of an array */
  int index;
} lj_spot;

enum { LJ_SPOT_SIZE = 256 };
/* The JSON pointer, cut when it is long; "the root" for the root. Returns `out`. */
const char *lj_spot_text(const lj_spot *spot, char out[LJ_SPOT_SIZE]);

/* The schema that `ref` ("#", "#/$defs/a", "#/properties/b") leads to, or NULL: nowhere, not into this one, or to a place that
 * holds no schema, or the steps are used up. */
const cJSON *lj_schema_resolve(const cJSON *root, const char *ref, int64_t *steps);

/* Takes `count` from *steps; false when they are used up. */
static inline bool lj_spend(int64_t *steps, size_t count) {
  *steps -= (int64_t)count;
  return *steps >= 0;
}

/* A member by name, null included; a step for each that is looked at. */
const cJSON *lj_schema_member(const cJSON *object, const char *name, int64_t *steps);

#endif
