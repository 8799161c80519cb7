/* SPDX-License-Identifier: MIT
 *
 * Reading streams, without network, queue or JavaScript: bytes in, the answer's text out.
 *
 *     bench_stream FILE ROUNDS PIECE
 *
 * Reads the bytes of one stream of chat completions from FILE, ROUNDS times, in pieces of PIECE bytes as a socket would give
 * them, and prints {"seconds", "bytes", "characters"}.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "provider/response.h"

enum { MOST = 1 << 24 };

static void die(const char *what) {
  fprintf(stderr, "bench_stream: %s\n", what);
  exit(1);
}

static void read_file(const char *path, lj_buffer *out) {
  char bytes[65536];
  size_t length;
  FILE *file = fopen(path, "rb");
  if (file == NULL) die("the file can't be opened");
  while ((length = fread(bytes, 1, sizeof bytes, file)) > 0)
    if (lj_buffer_append(out, bytes, length) != LJ_OK) die("the file is too large");
  (void)fclose(file);
}

static size_t read_once(const lj_buffer *stream, size_t piece) {
  const lj_wire wire = {.stream = true, .ask = LJ_ASK_TEXT};
  lj_response *response = NULL;
  lj_fault fault;
  if (lj_response_open(lj_provider_find("openai-compatible"), &wire, MOST, NULL, &response) != LJ_OK) die("memory is short");
  lj_response_status(response, 200);
  for (size_t at = 0; at < stream->length; at += piece) {
    size_t length = stream->length - at < piece ? stream->length - at : piece;
    int code = lj_response_feed(response, stream->data + at, length);
    if (code != LJ_OK && code != LJ_CLOSED) die("the stream is not what it should be");
  }
  if (lj_response_end(response, &fault) != LJ_OK) die(fault.message);
  size_t characters = lj_response_answer(response)->text.length;
  lj_response_free(response);
  return characters;
}

int main(int count, char **arguments) {
  lj_buffer stream;
  size_t characters = 0;
  if (count != 4) die("usage: bench_stream FILE ROUNDS PIECE");
  long rounds = strtol(arguments[2], NULL, 10);
  size_t piece = strtoul(arguments[3], NULL, 10);
  if (rounds < 1 || piece < 1) die("ROUNDS and PIECE must be 1 or more");
  lj_buffer_init(&stream, MOST);
  read_file(arguments[1], &stream);
  int64_t begun = lj_mono_us();
  for (long i = 0; i < rounds; i++) characters += read_once(&stream, piece);
  printf("{\"seconds\":%.6f,\"bytes\":%.0f,\"characters\":%zu}\n", (double)(lj_mono_us() - begun) / 1e6,
         (double)stream.length * (double)rounds, characters);
  lj_buffer_free(&stream);
  return 0;
}
