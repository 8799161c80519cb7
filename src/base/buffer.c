/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* What `data` of a buffer without memory points at. It is never written: every writer reserves first. */
static char nothing[1] = "";

enum { FIRST_CAPACITY = 64 };

void lj_buffer_init(lj_buffer *buffer, size_t ceiling) {
  buffer->data = nothing;
  buffer->length = 0;
  buffer->capacity = 0;
  buffer->ceiling = ceiling;
}

void lj_buffer_free(lj_buffer *buffer) {
  if (buffer->capacity > 0) {
    lj_free(buffer->data);
  }
  lj_buffer_init(buffer, buffer->ceiling);
}

void lj_buffer_truncate(lj_buffer *buffer, size_t length) {
  if (length < buffer->length) {
    buffer->length = length;
    buffer->data[length] = '\0';
  }
}

void lj_buffer_clear(lj_buffer *buffer) { lj_buffer_truncate(buffer, 0); }

void lj_buffer_shift(lj_buffer *buffer, size_t count) {
  if (count >= buffer->length) {
    lj_buffer_clear(buffer);
  } else if (count > 0) {
    buffer->length -= count;
    memmove(buffer->data, buffer->data + count, buffer->length + 1);
  }
}

/* Makes room for `more` bytes and a NUL. Doubles, so that a buffer filled byte by byte costs linear time. */
static int reserve(lj_buffer *buffer, size_t more) {
  size_t needed;
  size_t capacity;
  char *grown;
  if (more > buffer->ceiling || buffer->length > buffer->ceiling - more) {
    return LJ_TOO_BIG;
  }
  needed = buffer->length + more + 1;
  if (needed <= buffer->capacity) {
    return LJ_OK;
  }
  capacity = buffer->capacity > SIZE_MAX / 2 ? SIZE_MAX : buffer->capacity * 2;
  if (capacity < needed) {
    capacity = needed < FIRST_CAPACITY ? FIRST_CAPACITY : needed;
  }
  if (capacity - 1 > buffer->ceiling) {
    capacity = buffer->ceiling + 1;
  }
  grown = lj_realloc(buffer->capacity > 0 ? buffer->data : NULL, capacity);
  if (grown == NULL) {
    return LJ_NOMEM;
  }
  grown[buffer->length] = '\0';
  buffer->data = grown;
  buffer->capacity = capacity;
  return LJ_OK;
}

/* Whether `more` bytes and a NUL fit into the memory that is there, which never passes the ceiling: what most appends need to know. */
static bool has_room(const lj_buffer *buffer, size_t more) { return buffer->capacity - buffer->length > more; }

int lj_buffer_append(lj_buffer *buffer, const void *bytes, size_t length) {
  int rc;
  if (length == 0) {
    return LJ_OK;
  }
  rc = has_room(buffer, length) ? LJ_OK : reserve(buffer, length);
  if (rc == LJ_OK) {
    memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
  }
  return rc;
}

int lj_buffer_append_text(lj_buffer *buffer, const char *text) { return lj_buffer_append(buffer, text, strlen(text)); }

int lj_buffer_append_char(lj_buffer *buffer, char byte) {
  int rc = has_room(buffer, 1) ? LJ_OK : reserve(buffer, 1);
  if (rc == LJ_OK) {
    buffer->data[buffer->length++] = byte;
    buffer->data[buffer->length] = '\0';
  }
  return rc;
}

int lj_buffer_printf(lj_buffer *buffer, const char *format, ...) {
  va_list arguments;
  int length;
  int rc;
  va_start(arguments, format);
  length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) {
    return LJ_INVALID;
  }
  rc = reserve(buffer, (size_t)length);
  if (rc == LJ_OK && length > 0) {
    va_start(arguments, format);
    (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->length += (size_t)length;
  }
  return rc;
}

char *lj_buffer_take(lj_buffer *buffer) {
  char *taken;
  if (buffer->capacity == 0) {
    return lj_strdup("");
  }
  taken = buffer->data;
  lj_buffer_init(buffer, buffer->ceiling);
  return taken;
}
