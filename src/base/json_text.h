/* SPDX-License-Identifier: MIT
 *
 * JSON appended to a buffer member by member, without a tree in between: for what each job writes in the same form.
 *
 *     lj_json_text_open(out, NULL, '{'); lj_json_text_string(out, "id", id); lj_json_text_close(out, '}');
 *
 * Commas are set by what the buffer ends with, so values that follow one another at the top are separated too. A key is written
 * as it is: it must need no escapes. NULL: none, as in a list. All return LJ_OK, LJ_NOMEM or LJ_TOO_BIG; after the last two the
 * buffer holds a part, which the caller cuts off.
 */
#ifndef LJ_BASE_JSON_TEXT_H
#define LJ_BASE_JSON_TEXT_H

#include "base/json.h"

/* '{' or '[' */
int lj_json_text_open(lj_buffer *out, const char *key, char bracket) LJ_MUST_CHECK;
/* '}' or ']' */
int lj_json_text_close(lj_buffer *out, char bracket) LJ_MUST_CHECK;
int lj_json_text_string(lj_buffer *out, const char *key, const char *text) LJ_MUST_CHECK;
int lj_json_text_number(lj_buffer *out, const char *key, int64_t number) LJ_MUST_CHECK;
int lj_json_text_bool(lj_buffer *out, const char *key, bool flag) LJ_MUST_CHECK;
int lj_json_text_value(lj_buffer *out, const char *key, const cJSON *value) LJ_MUST_CHECK;

#endif
