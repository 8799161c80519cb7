/* SPDX-License-Identifier: MIT
 *
 * Lines of JSON (application/x-ndjson), push-style, resumable at any byte. LF, CRLF and CR end a line; blank lines are
 * skipped; a last line without an end is dispatched by lj_ndjson_end.
 */
#ifndef LJ_HTTP_NDJSON_H
#define LJ_HTTP_NDJSON_H

#include <stddef.h>

#include "base/buffer.h"

/* One line, trimmed, NUL-terminated, only valid during the call. Other than LJ_OK ends the feed, which returns it. */
typedef int (*lj_ndjson_line_cb)(void *owner, const char *line, size_t length);

typedef struct lj_ndjson {
  lj_ndjson_line_cb on_line;
  void *owner;
  lj_buffer line;
} lj_ndjson;

/* `ceiling`: the most bytes of one line. Allocates nothing. */
void lj_ndjson_init(lj_ndjson *parser, size_t ceiling, lj_ndjson_line_cb on_line, void *owner);
void lj_ndjson_free(lj_ndjson *parser);

/* LJ_OK, LJ_NOMEM, LJ_TOO_BIG, or what the callback returned. After an error the parser may only be freed. */
int lj_ndjson_feed(lj_ndjson *parser, const char *bytes, size_t length) LJ_MUST_CHECK;
int lj_ndjson_end(lj_ndjson *parser) LJ_MUST_CHECK;

#endif
