/* SPDX-License-Identifier: MIT
 *
 * One check per field of a request. Each returns LJ_OK, or LJ_BAD_JOB with a fault that says what the value is and what is
 * allowed. A message names places, types, numbers and keys; never text, which may be a prompt.
 */
#ifndef LJ_PROVIDER_REQUEST_CHECK_H
#define LJ_PROVIDER_REQUEST_CHECK_H

#include <cjson/cJSON.h>

#include "base/fault.h"

/* `where` names the value in the message: "data.maxTokens". */
typedef int (*lj_field_check)(const cJSON *value, const char *where, lj_fault *fault);

typedef struct lj_field {
  const char *name;
  lj_field_check check;
} lj_field;

/* Every field but prompt, ended by one with the name NULL. */
extern const lj_field lj_request_fields[];

int lj_check_prompt(const cJSON *value, const char *where, lj_fault *fault) LJ_MUST_CHECK;

/* messages: in request_messages.c */
int lj_check_messages(const cJSON *value, const char *where, lj_fault *fault) LJ_MUST_CHECK;

/* What the checks are made of. */
const char *lj_type_name(const cJSON *value); /* "a string" */
int lj_must_be(const cJSON *value, const char *where, const char *allowed, lj_fault *fault);
/* `keys` are ended by NULL; a member that is null is allowed under any name. */
int lj_check_keys(const cJSON *object, const char *where, const char *const *keys, lj_fault *fault) LJ_MUST_CHECK;
/* A string that is one of `words`, which are ended by NULL. */
int lj_check_word(const cJSON *value, const char *where, const char *const *words, lj_fault *fault) LJ_MUST_CHECK;

/* A place inside of a place: "data.messages" and "[2].role". */
typedef struct lj_place {
  char text[128];
} lj_place;
lj_place lj_place_entry(const char *where, int index);
lj_place lj_place_member(const char *where, const char *key);

#endif
