/* SPDX-License-Identifier: MIT */
#ifndef LJ_PROVIDER_JSON_REPAIR_H
#define LJ_PROVIDER_JSON_REPAIR_H

#include "base/json.h"

/* As lj_json_parse, but escapes that no C string or no UTF-8 can hold become U+FFFD: \u0000, and a surrogate without its
 * other half, which servers produce that cut a model's text into pieces between the two. One lost character is better than
 * a lost answer. */
int lj_json_parse_repaired(const char *text, size_t length, cJSON **out) LJ_MUST_CHECK;

#endif
