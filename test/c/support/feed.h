/* SPDX-License-Identifier: MIT
 *
 * Feeding bytes in pieces. Each piece is copied into a block of exactly its size, so that a parser that reads past the end
 * is caught by the address sanitizer.
 */
#ifndef LJ_TEST_SUPPORT_FEED_H
#define LJ_TEST_SUPPORT_FEED_H

#include "support/test.h"

/* The ways in which every transcript is fed; 0 is whole. */
static const size_t piece_sizes[] = {0, 1, 2, 3, 7, 4093};

typedef int (*feed_fn)(void *parser, const char *bytes, size_t length);

static inline int feed_pieces(feed_fn feed, void *parser, const char *bytes, size_t length, size_t piece) {
  size_t at = 0;
  int rc = LJ_OK;
  piece = piece == 0 ? length : piece;
  while (rc == LJ_OK && at < length) {
    size_t size = length - at < piece ? length - at : piece;
    char *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes + at, size);
    rc = feed(parser, copy, size);
    free(copy);
    at += size;
  }
  return rc;
}

#endif
