/* SPDX-License-Identifier: MIT
 *
 * What the engine needs beyond cJSON: parsing with a depth limit and a length, typed look-ups that never crash on a
 * wrong type, and printing into a buffer. Keys compare case-sensitively.
 */
#ifndef LJ_BASE_JSON_H
#define LJ_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "base/result.h"

/* Parses exactly one JSON value with white space around it. LJ_OK, LJ_NOMEM, or LJ_INVALID (no JSON, rest behind the
 * value, deeper than LJ_MAX_JSON_DEPTH, or a NUL byte inside, the escape \u0000 too). Caller frees *out with cJSON_Delete. */
int lj_json_parse(const char *text, size_t length, cJSON **out) LJ_MUST_CHECK;

/* Compact JSON appended to `out`. LJ_OK, LJ_NOMEM, LJ_TOO_BIG. */
int lj_json_print(const cJSON *value, lj_buffer *out) LJ_MUST_CHECK;
/* The same of a string with its quotes, and of a number: null when it is not finite. */
int lj_json_print_text(const char *text, lj_buffer *out) LJ_MUST_CHECK;
int lj_json_print_number(double number, lj_buffer *out) LJ_MUST_CHECK;

/* The member `key` of an object, or NULL when `object` is NULL, is no object, has no such member, or it is null. */
const cJSON *lj_json_get(const cJSON *object, const char *key);

/* As lj_json_get, and NULL / `otherwise` also when the type is another. Strings are borrowed from the tree. */
const char *lj_json_string(const cJSON *object, const char *key);
const cJSON *lj_json_object(const cJSON *object, const char *key);
const cJSON *lj_json_array(const cJSON *object, const char *key);
bool lj_json_bool(const cJSON *object, const char *key, bool otherwise);
double lj_json_number(const cJSON *object, const char *key, double otherwise);
/* A whole number within ±2^53; anything else, a fraction too, gives `otherwise`. */
int64_t lj_json_int(const cJSON *object, const char *key, int64_t otherwise);

/* Whether a text, which may be NULL as lj_json_string returns it, is this word. */
static inline bool lj_text_is(const char *text, const char *word) { return text != NULL && strcmp(text, word) == 0; }

/* Builders that check memory: LJ_OK or LJ_NOMEM. put_value takes ownership of `value` in either case (NULL: NOMEM). */
int lj_json_put_string(cJSON *object, const char *key, const char *text) LJ_MUST_CHECK;
int lj_json_put_number(cJSON *object, const char *key, double number) LJ_MUST_CHECK;
int lj_json_put_bool(cJSON *object, const char *key, bool flag) LJ_MUST_CHECK;
int lj_json_put_value(cJSON *object, const char *key, cJSON *value) LJ_MUST_CHECK;
int lj_json_push_value(cJSON *array, cJSON *value) LJ_MUST_CHECK;

#endif
