/* SPDX-License-Identifier: MIT
 *
 * What the fuzz targets share. The first byte of an input says how the rest is cut into pieces; what a parser tells must be
 * the same for the whole and for the pieces. A difference aborts, which the fuzzer keeps as a finding.
 */
#ifndef LJ_FUZZ_PIECES_H
#define LJ_FUZZ_PIECES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/result.h"

/* The ceiling of bodies, lines and events here: low, so that inputs reach it. */
enum { CEILING = 4096, MAX_TOLD = 1 << 22 };

/* Feeds exact copies, so that reading past the end is seen; `piece` 0 is whole. Returns the first code that is not LJ_OK. */
static inline int feed_in_pieces(int (*feed)(void *parser, const char *bytes, size_t length), void *parser,
                                 const uint8_t *data, size_t size, size_t piece) {
  int code = LJ_OK;
  for (size_t at = 0; code == LJ_OK && at < size;) {
    size_t length = piece == 0 || piece > size - at ? size - at : piece;
    char *copy = malloc(length);
    if (copy == NULL) abort();
    memcpy(copy, data + at, length);
    code = feed(parser, copy, length);
    free(copy);
    at += length;
  }
  return code;
}

static inline void tell(lj_buffer *told, const char *bytes, size_t length) {
  if (lj_buffer_append(told, bytes, length) != LJ_OK || lj_buffer_append(told, "\n", 1) != LJ_OK) abort();
}

static inline void must_be_equal(const lj_buffer *whole, const lj_buffer *pieces, int code, int code_of_pieces) {
  if (code == code_of_pieces && whole->length == pieces->length &&
      (whole->length == 0 || memcmp(whole->data, pieces->data, whole->length) == 0))
    return;
  (void)fprintf(stderr, "whole (%s):\n%.*s\npieces (%s):\n%.*s\n", lj_code_name(code), (int)whole->length,
                whole->length > 0 ? whole->data : "", lj_code_name(code_of_pieces), (int)pieces->length,
                pieces->length > 0 ? pieces->data : "");
  abort();
}

/* Runs a parser over an input in both ways. `run` tells what it reads to `told`, which it initializes, and returns its code. */
static inline void compare_pieces(int (*run)(const uint8_t *data, size_t size, size_t piece, lj_buffer *told), const uint8_t *data,
                                  size_t size) {
  lj_buffer whole;
  lj_buffer pieces;
  if (size == 0) return;
  int code = run(data + 1, size - 1, 0, &whole);
  int code_of_pieces = run(data + 1, size - 1, 1 + data[0] % 16, &pieces);
  must_be_equal(&whole, &pieces, code, code_of_pieces);
  lj_buffer_free(&whole);
  lj_buffer_free(&pieces);
}

#endif
