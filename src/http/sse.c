/* SPDX-License-Identifier: MIT */
#include "http/sse.h"

#include <stdbool.h>
#include <string.h>

#include "http/line_ends.h"

enum {
  PAST_BOM = -1,
  BOM_BYTES = 3,
  FIELD_BYTES = 16 /* "data: " and what may stand around it in a line, on top of the event's ceiling */
};

static const char bom[BOM_BYTES] = {'\xEF', '\xBB', '\xBF'};

void lj_sse_init(lj_sse *parser, size_t ceiling, lj_sse_event_cb on_event, void *owner) {
  parser->on_event = on_event;
  parser->on_stray = NULL;
  parser->owner = owner;
  lj_buffer_init(&parser->line, ceiling + FIELD_BYTES);
  lj_buffer_init(&parser->data, ceiling);
  lj_buffer_init(&parser->event, ceiling);
  parser->has_data = 0;
  parser->stray = 0;
  parser->after_cr = 0;
  parser->bom_seen = 0;
}

void lj_sse_free(lj_sse *parser) {
  lj_buffer_free(&parser->line);
  lj_buffer_free(&parser->data);
  lj_buffer_free(&parser->event);
}

/* An event without data is no event, by the rules; its name goes with it. */
static int dispatch(lj_sse *parser) {
  int rc = LJ_OK;
  if (parser->stray) {
    rc = parser->on_stray(parser->owner, "", parser->data.data, parser->data.length);
  } else if (parser->has_data) {
    rc = parser->on_event(parser->owner, parser->event.data, parser->data.data, parser->data.length);
  }
  lj_buffer_clear(&parser->data);
  lj_buffer_clear(&parser->event);
  parser->has_data = 0;
  parser->stray = 0;
  return rc;
}

/* Whether this line begins or continues stray JSON, no line of which begins with an unquoted word. */
static bool is_stray(const lj_sse *parser, const char *line, size_t length) {
  static const char data[] = "data:";
  if (parser->stray) {
    return length < sizeof data - 1 || memcmp(line, data, sizeof data - 1) != 0;
  }
  return parser->on_stray != NULL && !parser->has_data && (line[0] == '{' || line[0] == '[');
}

static int take_stray(lj_sse *parser, const char *line, size_t length) {
  int rc = parser->stray ? lj_buffer_append_char(&parser->data, '\n') : LJ_OK;
  parser->stray = 1;
  return rc == LJ_OK ? lj_buffer_append(&parser->data, line, length) : rc;
}

static bool is_field(const char *line, size_t name_length, const char *name) {
  return name_length == strlen(name) && memcmp(line, name, name_length) == 0;
}

static int take_field(lj_sse *parser, const char *line, size_t name_length, const char *value, size_t value_length) {
  int rc = LJ_OK;
  if (is_field(line, name_length, "data")) {
    if (parser->has_data) {
      rc = lj_buffer_append_char(&parser->data, '\n');
    }
    if (rc == LJ_OK) {
      rc = lj_buffer_append(&parser->data, value, value_length);
    }
    parser->has_data = 1;
  } else if (is_field(line, name_length, "event")) {
    lj_buffer_clear(&parser->event);
    rc = lj_buffer_append(&parser->event, value, value_length);
  }
  return rc; /* id, retry and unknown fields mean nothing here */
}

static int take_line(lj_sse *parser, const char *line, size_t length) {
  const char *colon;
  size_t name_length;
  size_t value_at;
  if (length == 0) {
    return dispatch(parser);
  }
  if (is_stray(parser, line, length)) {
    return take_stray(parser, line, length);
  }
  if (parser->stray) {
    int rc = dispatch(parser);
    if (rc != LJ_OK) {
      return rc;
    }
  }
  colon = memchr(line, ':', length);
  if (colon == line) {
    return LJ_OK; /* a comment */
  }
  name_length = colon == NULL ? length : (size_t)(colon - line);
  value_at = colon == NULL ? length : name_length + 1;
  if (value_at < length && line[value_at] == ' ') {
    value_at++;
  }
  return take_field(parser, line, name_length, line + value_at, length - value_at);
}

/* A line has ended. What came of it in earlier pieces is in `line`; a line that is whole in this piece is never copied. */
static int end_line(lj_sse *parser, const char *rest, size_t length) {
  int rc;
  if (parser->line.length == 0) { /* the ceiling must not depend on how the bytes were cut */
    return length <= parser->line.ceiling ? take_line(parser, rest, length) : LJ_TOO_BIG;
  }
  rc = lj_buffer_append(&parser->line, rest, length);
  if (rc == LJ_OK) {
    rc = take_line(parser, parser->line.data, parser->line.length);
    lj_buffer_clear(&parser->line);
  }
  return rc;
}

/* Skips a byte order mark, which may be split too. Bytes that only began like one belong to the first line. */
static int skip_bom(lj_sse *parser, const char *bytes, size_t length, size_t *at) {
  while (*at < length && parser->bom_seen < BOM_BYTES && bytes[*at] == bom[parser->bom_seen]) {
    parser->bom_seen++;
    (*at)++;
  }
  if (parser->bom_seen < BOM_BYTES) {
    int matched = parser->bom_seen;
    if (*at == length) {
      return LJ_OK;
    }
    parser->bom_seen = PAST_BOM;
    return lj_buffer_append(&parser->line, bom, (size_t)matched);
  }
  parser->bom_seen = PAST_BOM;
  return LJ_OK;
}

int lj_sse_feed(lj_sse *parser, const char *bytes, size_t length) {
  size_t at = 0;
  int rc = LJ_OK;
  lj_line_ends ends;
  if (parser->bom_seen != PAST_BOM) {
    rc = skip_bom(parser, bytes, length, &at);
  }
  if (at == length) {
    return rc;
  }
  ends = lj_line_ends_first(bytes, at, length);
  while (rc == LJ_OK && at < length) {
    size_t end;
    if (parser->after_cr) {
      parser->after_cr = 0;
      if (bytes[at] == '\n') {
        at++;
        continue;
      }
    }
    end = lj_line_ends_next(&ends, bytes, at, length);
    if (end == length) {
      return lj_buffer_append(&parser->line, bytes + at, length - at);
    }
    parser->after_cr = bytes[end] == '\r';
    rc = end_line(parser, bytes + at, end - at);
    at = end + 1;
  }
  return rc;
}

int lj_sse_end(lj_sse *parser) {
  int rc = LJ_OK;
  if (parser->line.length > 0) {
    rc = end_line(parser, "", 0);
  }
  return rc == LJ_OK ? dispatch(parser) : rc;
}
