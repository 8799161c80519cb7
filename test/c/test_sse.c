/* SPDX-License-Identifier: MIT
 *
 * Event streams: bytes in, events out, the same for every way of cutting the bytes into pieces.
 */
#include "http/sse.h"
#include "support/feed.h"

typedef struct recorder {
  lj_buffer log; /* one line per event: its name in brackets, its data with LF shown as '|' */
  int answer;    /* what the callback returns */
} recorder;

static int record(void *owner, const char *event, const char *data, size_t length) {
  recorder *tape = owner;
  size_t at;
  assert_int_equal(strlen(data), length);
  assert_code(lj_buffer_printf(&tape->log, "[%s]", event), LJ_OK);
  for (at = 0; at < length; at++) {
    assert_code(lj_buffer_append_char(&tape->log, data[at] == '\n' ? '|' : data[at]), LJ_OK);
  }
  assert_code(lj_buffer_append_char(&tape->log, '\n'), LJ_OK);
  return tape->answer;
}

static int record_stray(void *owner, const char *event, const char *data, size_t length) {
  assert_string_equal(event, "");
  return record(owner, "stray", data, length);
}

static int feed_sse(void *parser, const char *bytes, size_t length) { return lj_sse_feed(parser, bytes, length); }

static int run(const char *bytes, size_t length, size_t piece, size_t ceiling, recorder *tape) {
  lj_sse parser;
  int rc;
  lj_buffer_init(&tape->log, 1 << 20);
  lj_sse_init(&parser, ceiling, record, tape);
  parser.on_stray = record_stray;
  rc = feed_pieces(feed_sse, &parser, bytes, length, piece);
  if (rc == LJ_OK) {
    rc = lj_sse_end(&parser);
  }
  lj_sse_free(&parser);
  return rc;
}

static const struct {
  const char *name;
  const char *input;
  const char *events;
} transcripts[] = {
    {"one event", "data: a\n\n", "[]a\n"},
    {"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "[]a\n[]b\n"},
    {"CR", "data: a\r\rdata: b\r\r", "[]a\n[]b\n"},
    {"line ends mixed", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", "[]a\n[]b\n[]c\n"},
    {"CR LF is one end, LF CR are two", "data: a\n\rdata: b\r\ndata: c\n\n", "[]a\n[]b|c\n"},
    {"several data lines", "data: a\ndata:\ndata: b\n\n", "[]a||b\n"},
    {"no space, one space, two spaces", "data:a\n\ndata: b\n\ndata:  c\n\n", "[]a\n[]b\n[] c\n"},
    {"empty data is an event", "data\n\ndata:\n\n", "[]\n[]\n"},
    {"name without data is none", "event: x\n\ndata: a\n\n", "[]a\n"},
    {"named", "event: error\ndata: a\n\ndata: b\n\n", "[error]a\n[]b\n"},
    {"the last name counts", "event: x\nevent: y\ndata: a\n\n", "[y]a\n"},
    {"an empty name", "event:\ndata: a\n\n", "[]a\n"},
    {"comments", ": hello\n\n:\n\n: x\ndata: a\n: y\ndata: b\n\n", "[]a|b\n"},
    {"id, retry, unknown", "id: 7\nretry: 10\nfoo: bar\nbaz\ndata: a\n\n", "[]a\n"},
    {"other words that begin with data", "dataset: x\ndat: y\nData: z\n data: w\ndata: a\n\n", "[]a\n"},
    {"stray JSON to the end", "data: a\n\n{\n  \"x\": [\n1]\n}", "[]a\n[stray]{|  \"x\": [|1]|}\n"},
    {"stray JSON to a blank line", "{\"x\":1}\n\ndata: a\n\n[2]\r\n\r\n", "[stray]{\"x\":1}\n[]a\n[stray][2]\n"},
    {"stray JSON to a data line", "{\"x\":1}\ndata: a\n\n", "[stray]{\"x\":1}\n[]a\n"},
    {"braces inside of an event are an unknown field", "data: a\n{\"x\":1}\ndata: b\n\n", "[]a|b\n"},
    {"blank lines", "\n\n\n\ndata: a\n\n\n\n\ndata: b\n\n", "[]a\n[]b\n"},
    {"byte order mark", "\xEF\xBB\xBF" "data: a\n\n", "[]a\n"},
    {"a byte order mark later is text", "data: \xEF\xBB\xBF\n\n", "[]\xEF\xBB\xBF\n"},
    {"half a byte order mark", "\xEF\xBB" "data: a\n\ndata: b\n\n", "[]b\n"},
    {"the end cuts off the blank line", "data: a\n", "[]a\n"},
    {"the end cuts off the line's end", "data: a", "[]a\n"},
    {"the end comes in a name", "data: a\n\neve", "[]a\n"},
    {"the end comes after a CR", "data: a\r", "[]a\n"},
    {"colons and spaces in the value", "data: a: b  \n\n", "[]a: b  \n"},
    {"UTF-8", "data: Gr\xC3\xBC\xC3\x9F" "e \xE2\x98\x95\n\n", "[]Gr\xC3\xBC\xC3\x9F" "e \xE2\x98\x95\n"},
    {"nothing", "\n", ""},
};

static void transcripts_are_the_same_in_any_pieces(void **state) {
  size_t at;
  size_t size;
  (void)state;
  for (at = 0; at < COUNT_OF(transcripts); at++) {
    for (size = 0; size < COUNT_OF(piece_sizes); size++) {
      recorder tape = {.answer = LJ_OK};
      int rc = run(transcripts[at].input, strlen(transcripts[at].input), piece_sizes[size], 1000, &tape);
      if (rc != LJ_OK || strcmp(tape.log.data, transcripts[at].events) != 0) {
        fail_msg("\"%s\" in pieces of %zu: %s, events:\n%s", transcripts[at].name, piece_sizes[size], lj_code_name(rc),
                 tape.log.data);
      }
      lj_buffer_free(&tape.log);
    }
  }
}

static void an_event_as_large_as_the_ceiling_passes_and_a_larger_one_does_not(void **state) {
  static const char fits[] = "data: 12345678\n\n";
  static const char joined[] = "data: 1234\ndata: 678\n\n";
  static const char larger[] = "data: 123456789\n\n";
  static const char comment[] = ": 0123456789012345678901234567890123456789\n\n";
  static const char joined_larger[] = "data: 1234\ndata: 6789\n\n";
  size_t size;
  (void)state;
  for (size = 0; size < COUNT_OF(piece_sizes); size++) {
    recorder tape = {.answer = LJ_OK};
    assert_code(run(fits, strlen(fits), piece_sizes[size], 8, &tape), LJ_OK);
    assert_string_equal(tape.log.data, "[]12345678\n");
    lj_buffer_free(&tape.log);
    assert_code(run(joined, strlen(joined), piece_sizes[size], 8, &tape), LJ_OK);
    lj_buffer_free(&tape.log);
    assert_code(run(larger, strlen(larger), piece_sizes[size], 8, &tape), LJ_TOO_BIG);
    lj_buffer_free(&tape.log);
    assert_code(run(comment, strlen(comment), piece_sizes[size], 8, &tape), LJ_TOO_BIG);
    lj_buffer_free(&tape.log);
    assert_code(run(joined_larger, strlen(joined_larger), piece_sizes[size], 8, &tape), LJ_TOO_BIG);
    lj_buffer_free(&tape.log);
  }
}

static void a_line_without_end_is_bounded(void **state) {
  char block[64];
  lj_sse parser;
  recorder tape = {.answer = LJ_OK};
  int rc = LJ_OK;
  int rounds = 0;
  (void)state;
  memset(block, 'x', sizeof block);
  lj_buffer_init(&tape.log, 100);
  lj_sse_init(&parser, 1024, record, &tape);
  while (rc == LJ_OK && rounds < 1000) {
    rc = lj_sse_feed(&parser, block, sizeof block);
    rounds++;
  }
  assert_code(rc, LJ_TOO_BIG);
  assert_true(rounds <= 17);
  lj_sse_free(&parser);
  lj_buffer_free(&tape.log);
}

static void what_the_callback_returns_ends_the_feed(void **state) {
  static const char two[] = "data: a\n\ndata: b\n\n";
  size_t size;
  (void)state;
  for (size = 0; size < COUNT_OF(piece_sizes); size++) {
    recorder tape = {.answer = LJ_CLOSED};
    assert_code(run(two, strlen(two), piece_sizes[size], 100, &tape), LJ_CLOSED);
    assert_string_equal(tape.log.data, "[]a\n");
    lj_buffer_free(&tape.log);
  }
}

static void random_bytes_end_in_events_or_an_error_whatever_the_pieces(void **state) {
  static const char alphabet[] = "{[data: event:x\n\r\r\n\n:\xEF\xBB\xBF\xC3";
  uint32_t seed = 2463534242u;
  int round;
  (void)state;
  for (round = 0; round < 3000; round++) {
    char bytes[96];
    size_t length = next_random(&seed) % sizeof bytes;
    recorder whole = {.answer = LJ_OK};
    recorder pieces = {.answer = LJ_OK};
    size_t at;
    int rc;
    for (at = 0; at < length; at++) {
      uint32_t number = next_random(&seed);
      bytes[at] = number % 50 == 0 ? (char)(number >> 8) : alphabet[(number >> 8) % (sizeof alphabet - 1)];
      if (bytes[at] == '\0') {
        bytes[at] = 'd';
      }
    }
    rc = run(bytes, length, 0, 40, &whole);
    assert_code(run(bytes, length, 1 + next_random(&seed) % 5, 40, &pieces), rc);
    assert_string_equal(pieces.log.data, whole.log.data);
    lj_buffer_free(&whole.log);
    lj_buffer_free(&pieces.log);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(transcripts_are_the_same_in_any_pieces),
      tidy_test(an_event_as_large_as_the_ceiling_passes_and_a_larger_one_does_not),
      tidy_test(a_line_without_end_is_bounded),
      tidy_test(what_the_callback_returns_ends_the_feed),
      tidy_test(random_bytes_end_in_events_or_an_error_whatever_the_pieces),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
