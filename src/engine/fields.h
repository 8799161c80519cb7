/* SPDX-License-Identifier: MIT
 *
 * Checks a JSON object against a list of fields, so that a misspelt key or a wrong value is refused with its path and what
 * is allowed instead of being ignored.
 */
#ifndef LJ_ENGINE_FIELDS_H
#define LJ_ENGINE_FIELDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

typedef enum lj_field_kind {
  LJ_FIELD_TEXT,   /* a string that is not empty */
  LJ_FIELD_WHOLE,  /* a whole number from min to max */
  LJ_FIELD_NUMBER, /* any number from min to max */
  LJ_FIELD_FLAG,   /* true or false */
  LJ_FIELD_OBJECT, /* an object; what is in it is checked by the caller */
  LJ_FIELD_TEXTS,  /* an array of strings that are not empty */
  LJ_FIELD_KEYS,   /* an object or an array of objects, checked by the caller */
  LJ_FIELD_LIST    /* an array; what is in it is checked by the caller */
} lj_field_kind;

typedef struct lj_field {
  const char *name;
  lj_field_kind kind;
  bool required;
  double min; /* of WHOLE and NUMBER */
  double max;
} lj_field;

/* `path` names the object in messages ("" for the root). LJ_OK, or LJ_BAD_CONFIG with `fault` set. */
int lj_fields_check(const cJSON *object, const char *path, const lj_field *fields, size_t count, lj_fault *fault) LJ_MUST_CHECK;

#endif
