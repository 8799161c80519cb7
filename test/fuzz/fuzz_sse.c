/* SPDX-License-Identifier: MIT
 *
 * The parser of event streams.
 */
#include "http/sse.h"
#include "pieces.h"

static int on_event(void *owner, const char *event, const char *data, size_t length) {
  tell(owner, event, strlen(event));
  tell(owner, data, length);
  return LJ_OK;
}

static int feed(void *parser, const char *bytes, size_t length) { return lj_sse_feed(parser, bytes, length); }

static int run(const uint8_t *data, size_t size, size_t piece, lj_buffer *told) {
  lj_sse parser;
  lj_buffer_init(told, MAX_TOLD);
  lj_sse_init(&parser, CEILING, on_event, told);
  int code = feed_in_pieces(feed, &parser, data, size, piece);
  if (code == LJ_OK) code = lj_sse_end(&parser);
  lj_sse_free(&parser);
  return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  compare_pieces(run, data, size);
  return 0;
}
