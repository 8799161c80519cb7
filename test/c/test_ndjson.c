/* SPDX-License-Identifier: MIT
 *
 * Lines of JSON: bytes in, lines out, the same for every way of cutting the bytes into pieces.
 */
#include "http/ndjson.h"
#include "support/feed.h"

typedef struct recorder {
  lj_buffer log; /* each line in brackets */
  int answer;
} recorder;

static int record(void *owner, const char *line, size_t length) {
  recorder *tape = owner;
  assert_int_equal(strlen(line), length);
  assert_true(length > 0);
  assert_code(lj_buffer_printf(&tape->log, "[%s]", line), LJ_OK);
  return tape->answer;
}

static int feed_lines(void *parser, const char *bytes, size_t length) { return lj_ndjson_feed(parser, bytes, length); }

static int run(const char *bytes, size_t piece, size_t ceiling, recorder *tape) {
  lj_ndjson parser;
  int rc;
  lj_buffer_init(&tape->log, 1 << 20);
  lj_ndjson_init(&parser, ceiling, record, tape);
  rc = feed_pieces(feed_lines, &parser, bytes, strlen(bytes), piece);
  if (rc == LJ_OK) {
    rc = lj_ndjson_end(&parser);
  }
  lj_ndjson_free(&parser);
  return rc;
}

static const struct {
  const char *input;
  const char *lines;
} transcripts[] = {
    {"{}\n", "[{}]"},
    {"a\nb\n", "[a][b]"},
    {"a\r\nb\r\n", "[a][b]"},
    {"a\rb\r", "[a][b]"},
    {"a\n\n\n \n\t\nb\n", "[a][b]"},
    {"  a b \t\n", "[a b]"},
    {"a\nb", "[a][b]"},
    {"a\n  ", "[a]"},
    {"\n", ""},
    {"Gr\xC3\xBC\xC3\x9F" "e\n", "[Gr\xC3\xBC\xC3\x9F" "e]"},
};

static void transcripts_are_the_same_in_any_pieces(void **state) {
  size_t at;
  size_t size;
  (void)state;
  for (at = 0; at < COUNT_OF(transcripts); at++) {
    for (size = 0; size < COUNT_OF(piece_sizes); size++) {
      recorder tape = {.answer = LJ_OK};
      assert_code(run(transcripts[at].input, piece_sizes[size], 100, &tape), LJ_OK);
      assert_string_equal(tape.log.data, transcripts[at].lines);
      lj_buffer_free(&tape.log);
    }
  }
}

static void a_line_as_large_as_the_ceiling_passes_and_a_larger_one_does_not(void **state) {
  size_t size;
  (void)state;
  for (size = 0; size < COUNT_OF(piece_sizes); size++) {
    recorder tape = {.answer = LJ_OK};
    assert_code(run("12345678\n", piece_sizes[size], 8, &tape), LJ_OK);
    assert_string_equal(tape.log.data, "[12345678]");
    lj_buffer_free(&tape.log);
    assert_code(run("ok\n123456789\n", piece_sizes[size], 8, &tape), LJ_TOO_BIG);
    assert_string_equal(tape.log.data, "[ok]");
    lj_buffer_free(&tape.log);
  }
}

static void what_the_callback_returns_ends_the_feed(void **state) {
  size_t size;
  (void)state;
  for (size = 0; size < COUNT_OF(piece_sizes); size++) {
    recorder tape = {.answer = LJ_CLOSED};
    assert_code(run("a\nb\n", piece_sizes[size], 8, &tape), LJ_CLOSED);
    assert_string_equal(tape.log.data, "[a]");
    lj_buffer_free(&tape.log);
    assert_code(run("last", piece_sizes[size], 8, &tape), LJ_CLOSED);
    lj_buffer_free(&tape.log);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(transcripts_are_the_same_in_any_pieces),
      tidy_test(a_line_as_large_as_the_ceiling_passes_and_a_larger_one_does_not),
      tidy_test(what_the_callback_returns_ends_the_feed),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
