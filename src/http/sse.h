/* SPDX-License-Identifier: MIT
 *
 * Server-sent events, push-style: bytes in, events out, resumable at any byte. Follows the WHATWG rules (LF, CR, CRLF
 * mixed, BOM, comments, several data lines joined by LF) with one leniency: an event that the end of the body cuts off
 * is dispatched by lj_sse_end, because sloppy servers send their usage so; what is in it decides whether it counts.
 *
 * Some servers break a stream off with their error as plain JSON, printed over several lines, which by the rules are fields of
 * unknown names. When on_stray is set, the lines from one that begins with '{' or '[' outside of an event to the next blank
 * line, data line or the end of the body are told to it, joined by LF.
 */
#ifndef LJ_HTTP_SSE_H
#define LJ_HTTP_SSE_H

#include <stddef.h>

#include "base/buffer.h"

/* One event: `event` is "" when the server named none; `data` is NUL-terminated, `length` bytes, only valid during the
 * call. Return LJ_OK to go on; anything else ends the feed, which returns it. */
typedef int (*lj_sse_event_cb)(void *owner, const char *event, const char *data, size_t length);

typedef struct lj_sse {
  lj_sse_event_cb on_event;
  lj_sse_event_cb on_stray; /* NULL after init; see above */
  void *owner;
  lj_buffer line;  /* the unfinished line */
  lj_buffer data;  /* data lines of the unfinished event */
  lj_buffer event; /* its name */
  int has_data;
  int stray;       /* `data` holds stray lines */
  int after_cr;    /* the last byte was a CR: a LF now belongs to it */
  int bom_seen;    /* bytes of a leading BOM matched so far; −1: past the start */
} lj_sse;

/* `ceiling`: the most bytes of one event. Allocates nothing. */
void lj_sse_init(lj_sse *parser, size_t ceiling, lj_sse_event_cb on_event, void *owner);
void lj_sse_free(lj_sse *parser);

/* LJ_OK, LJ_NOMEM, LJ_TOO_BIG, or what the callback returned. After an error the parser may only be freed. */
int lj_sse_feed(lj_sse *parser, const char *bytes, size_t length) LJ_MUST_CHECK;
/* The body has ended. */
int lj_sse_end(lj_sse *parser) LJ_MUST_CHECK;

#endif
