/* SPDX-License-Identifier: MIT */
#include "http/ndjson.h"

#include <stdbool.h>

#include "http/line_ends.h"

void lj_ndjson_init(lj_ndjson *parser, size_t ceiling, lj_ndjson_line_cb on_line, void *owner) {
  parser->on_line = on_line;
  parser->owner = owner;
  lj_buffer_init(&parser->line, ceiling);
}

void lj_ndjson_free(lj_ndjson *parser) { lj_buffer_free(&parser->line); }

static bool is_blank(char byte) { return byte == ' ' || byte == '\t'; }

/* A CRLF ends a line and then an empty one, which is skipped like every blank line; so no state is needed for it. */
static int end_line(lj_ndjson *parser) {
  lj_buffer *line = &parser->line;
  size_t from = 0;
  int rc = LJ_OK;
  while (line->length > 0 && is_blank(line->data[line->length - 1])) {
    lj_buffer_truncate(line, line->length - 1);
  }
  while (from < line->length && is_blank(line->data[from])) {
    from++;
  }
  if (from < line->length) {
    rc = parser->on_line(parser->owner, line->data + from, line->length - from);
  }
  lj_buffer_clear(line);
  return rc;
}

int lj_ndjson_feed(lj_ndjson *parser, const char *bytes, size_t length) {
  size_t at = 0;
  int rc = LJ_OK;
  lj_line_ends ends;
  if (length == 0) {
    return LJ_OK;
  }
  ends = lj_line_ends_first(bytes, at, length);
  while (rc == LJ_OK && at < length) {
    size_t end = lj_line_ends_next(&ends, bytes, at, length);
    rc = lj_buffer_append(&parser->line, bytes + at, end - at);
    if (rc == LJ_OK && end < length) {
      rc = end_line(parser);
    }
    at = end + 1;
  }
  return rc;
}

int lj_ndjson_end(lj_ndjson *parser) { return end_line(parser); }
