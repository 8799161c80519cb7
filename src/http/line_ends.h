/* SPDX-License-Identifier: MIT
 *
 * Where lines end in a piece of bytes: at a LF or a CR. Each of the two is looked for again only when it has been passed, so a piece is
 * searched twice as a whole, many bytes at a time, and not once for each of its lines, however they end.
 */
#ifndef LJ_HTTP_LINE_ENDS_H
#define LJ_HTTP_LINE_ENDS_H

#include <stddef.h>
#include <string.h>

typedef struct lj_line_ends {
  size_t lf; /* the next one; the piece's length when there is none */
  size_t cr;
} lj_line_ends;

static inline size_t lj_line_ends_find(const char *bytes, size_t from, size_t length, char byte) {
  const char *found = memchr(bytes + from, byte, length - from);
  return found != NULL ? (size_t)(found - bytes) : length;
}

/* Begins a search at `from`, which is less than `length`. */
static inline lj_line_ends lj_line_ends_first(const char *bytes, size_t from, size_t length) {
  lj_line_ends ends = {lj_line_ends_find(bytes, from, length, '\n'), lj_line_ends_find(bytes, from, length, '\r')};
  return ends;
}

/* The first end at or behind `from`, which never goes back and is less than `length`; `length` when there is none. */
static inline size_t lj_line_ends_next(lj_line_ends *ends, const char *bytes, size_t from, size_t length) {
  if (ends->lf < from) ends->lf = lj_line_ends_find(bytes, from, length, '\n');
  if (ends->cr < from) ends->cr = lj_line_ends_find(bytes, from, length, '\r');
  return ends->lf < ends->cr ? ends->lf : ends->cr;
}

#endif
