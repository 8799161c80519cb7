/* SPDX-License-Identifier: MIT
 *
 * Structured answers: the JSON in an answer's text, and whether it satisfies the schema that the job asked for.
 *
 * The schema is JSON Schema 2020-12 as far as apps use it, with what draft 7 and OpenAPI 3.0 write differently: type, enum,
 * const, properties, required, additionalProperties, patternProperties, minProperties, maxProperties, items (also as an
 * array, with additionalItems), prefixItems, minItems, maxItems, uniqueItems, minLength, maxLength, pattern, minimum,
 * maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, anyOf, oneOf, allOf, not, if/then/else, $ref into the schema
 * itself, nullable. Every other keyword is ignored, as the specification wants it; `format` is one of them.
 *
 * Messages name places and rules, never a value of the answer. A property's name is shown only where the schema has it too.
 */
#ifndef LJ_PROVIDER_OBJECT_H
#define LJ_PROVIDER_OBJECT_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/fault.h"

/* The JSON value that the text is, with white space or one Markdown fence (```json … ```) around it. LJ_OK, LJ_NOMEM, or
 * LJ_INVALID: there is none. Caller deletes *out. */
int lj_object_parse(const char *text, size_t length, cJSON **out) LJ_MUST_CHECK;

/* A schema that has been found well-formed, with its regular expressions compiled. */
typedef struct lj_schema lj_schema;

/* Borrows `json` until lj_schema_close. LJ_OK, LJ_NOMEM, or LJ_BAD_JOB with `fault` saying where it is malformed: a keyword of
 * the wrong type, a $ref that leads nowhere, outside, or in a circle, more than LJ_MAX_SCHEMA_STEPS of work. */
int lj_schema_open(const cJSON *json, lj_schema **out, lj_fault *fault) LJ_MUST_CHECK;
void lj_schema_close(lj_schema *schema);

/* LJ_OK: the value satisfies the schema. LJ_PROTOCOL: it does not, and `fault` says where (a JSON pointer into the value)
 * and which rule. LJ_RESPONSE_TOO_LARGE: LJ_MAX_SCHEMA_STEPS or LJ_MAX_SCHEMA_DEPTH did not suffice to tell. LJ_NOMEM. */
int lj_schema_check(const lj_schema *schema, const cJSON *value, lj_fault *fault) LJ_MUST_CHECK;

/* Whether a row's `result` (lj_answer_json) holds the object that the schema asks for. An answer that calls tools instead is
 * not held to it. As lj_schema_check, and LJ_CONTENT_FILTERED when there is no such object because the provider's filter
 * ended the answer: another try would end so too. */
int lj_object_expect(const lj_schema *schema, const cJSON *result, lj_fault *fault) LJ_MUST_CHECK;

#endif
