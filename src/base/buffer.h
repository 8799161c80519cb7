/* SPDX-License-Identifier: MIT
 *
 * A growing byte buffer with a ceiling. The bytes are always followed by a NUL that is not counted in `length`, so
 * `data` can be read as text; `data` is "" (never NULL) for an empty buffer. After a failed append the buffer holds
 * what it held before.
 */
#ifndef LJ_BASE_BUFFER_H
#define LJ_BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

#include "base/result.h"

typedef struct lj_buffer {
  char *data;
  size_t length;
  size_t capacity; /* 0: nothing allocated yet, data is a static "" */
  size_t ceiling;  /* the most that length may become */
} lj_buffer;

/* Allocates nothing. `ceiling` in bytes, without the NUL. */
void lj_buffer_init(lj_buffer *buffer, size_t ceiling);
/* Frees the bytes; the buffer is as after init and may be used again. */
void lj_buffer_free(lj_buffer *buffer);
/* Empties without freeing. */
void lj_buffer_clear(lj_buffer *buffer);
/* Drops the first `count` bytes (all when there are fewer). */
void lj_buffer_shift(lj_buffer *buffer, size_t count);
/* Cuts to the first `length` bytes; does nothing when it is shorter already. */
void lj_buffer_truncate(lj_buffer *buffer, size_t length);

/* LJ_OK, LJ_NOMEM, or LJ_TOO_BIG when the ceiling would be passed. */
int lj_buffer_append(lj_buffer *buffer, const void *bytes, size_t length) LJ_MUST_CHECK;
int lj_buffer_append_text(lj_buffer *buffer, const char *text) LJ_MUST_CHECK;
int lj_buffer_append_char(lj_buffer *buffer, char byte) LJ_MUST_CHECK;
int lj_buffer_printf(lj_buffer *buffer, const char *format, ...) LJ_MUST_CHECK LJ_PRINTF(2, 3);

/* Caller has ownership of the NUL-terminated bytes and frees with lj_free; the buffer is as after init.
 * NULL only when memory is short (the empty buffer yields an allocated ""); the buffer then stays as it was. */
char *lj_buffer_take(lj_buffer *buffer) LJ_MUST_CHECK;

#endif
