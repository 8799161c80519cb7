/* SPDX-License-Identifier: MIT
 *
 * The parser of lines of JSON.
 */
#include "http/ndjson.h"
#include "pieces.h"

static int on_line(void *owner, const char *line, size_t length) {
  tell(owner, line, length);
  return LJ_OK;
}

static int feed(void *parser, const char *bytes, size_t length) { return lj_ndjson_feed(parser, bytes, length); }

static int run(const uint8_t *data, size_t size, size_t piece, lj_buffer *told) {
  lj_ndjson parser;
  lj_buffer_init(told, MAX_TOLD);
  lj_ndjson_init(&parser, CEILING, on_line, told);
  int code = feed_in_pieces(feed, &parser, data, size, piece);
  if (code == LJ_OK) code = lj_ndjson_end(&parser);
  lj_ndjson_free(&parser);
  return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  compare_pieces(run, data, size);
  return 0;
}
