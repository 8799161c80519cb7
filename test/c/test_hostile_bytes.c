/* SPDX-License-Identifier: MIT
 *
 * Recorded answers with bytes changed, dropped, doubled and moved: every one ends in a result or in an error that says why,
 * and the same one however the bytes are cut into pieces. The numbers are the same in every run.
 */
#include "support/exchange.h"
#include "support/fixture.h"
#include "support/kind.h"

static const struct {
  const char *file;
  const char *kind;
  size_t inputs; /* the request asked for embeddings */
} seeds[] = {
    {"openai-chat.sse", "openai", 0},
    {"torture.sse", "openai-compatible", 0},
    {"openrouter-midstream-error.sse", "openai-compatible", 0},
    {"deepseek-chat-nonstream.body", "deepseek", 0},
    {"anthropic-messages.sse", "anthropic", 0},
    {"anthropic-overloaded-in-200.sse", "anthropic", 0},
    {"ollama-chat.ndjson", "ollama", 0},
    {"gemini-429.json", "openai", 0},
    {"gemini-429.json", "gemini", 0},
    {"gemini-stream.sse", "gemini", 0},
    {"gemini-midstream-error.sse", "gemini", 0},
    {"openai-responses-tool.sse", "openai responses", 0},
    {"openai-responses-failed.sse", "openai responses", 0},
    {"openai-embeddings.json", "openai", 2},
    {"openai-embeddings.json", "openai-compatible", 2},
    {"ollama-embed.json", "ollama", 2},
};

/* Bytes that mean something to one of the parsers come more often than others. */
static char some_byte(uint32_t *seed) {
  static const char telling[] = "{}[]\":,\\\n\r \t0-e.ud\xEF\xBB\xBF\xC3\x00";
  uint32_t number = next_random(seed);
  return number % 4 == 0 ? (char)(number >> 8) : telling[(number >> 8) % (sizeof telling - 1)];
}

static void mutate(lj_buffer *bytes, uint32_t *seed) {
  uint32_t changes = 1 + next_random(seed) % 4;
  while (changes-- > 0 && bytes->length > 8) {
    size_t at = next_random(seed) % bytes->length;
    size_t other = next_random(seed) % bytes->length;
    size_t length = next_random(seed) % 40;
    length = length < bytes->length - (at > other ? at : other) ? length : 1;
    switch (next_random(seed) % 4) {
      case 0:
        bytes->data[at] = some_byte(seed);
        break;
      case 1: /* copy a run elsewhere */
        memmove(bytes->data + at, bytes->data + other, length);
        break;
      case 2: /* drop a run */
        memmove(bytes->data + at, bytes->data + at + length, bytes->length - at - length);
        lj_buffer_truncate(bytes, bytes->length - length);
        break;
      default: /* cut */
        if (next_random(seed) % 8 == 0) {
          lj_buffer_truncate(bytes, at + 1);
        }
        break;
    }
  }
}

static void changed_answers_end_in_a_result_or_an_error(void **state) {
  uint32_t seed = 88172645u;
  size_t at;
  int round;
  (void)state;
  for (at = 0; at < COUNT_OF(seeds); at++) {
    lj_buffer original;
    read_fixture(seeds[at].file, &original);
    for (round = 0; round < 400; round++) {
      static const int statuses[] = {200, 200, 200, 429, 500};
      lj_buffer bytes;
      lj_buffer whole;
      lj_buffer pieces;
      exchange run = {0};
      int rc;
      lj_buffer_init(&bytes, 1 << 20);
      assert_code(lj_buffer_append(&bytes, original.data, original.length), LJ_OK);
      mutate(&bytes, &seed);
      run.provider = provider_of(seeds[at].kind);
      run.ask = seeds[at].inputs > 0 ? LJ_ASK_EMBEDDINGS : LJ_ASK_TEXT;
      run.inputs = seeds[at].inputs;
      run.stream = next_random(&seed) % 4 != 0;
      run.status = statuses[next_random(&seed) % COUNT_OF(statuses)];
      run.body = bytes.data;
      run.length = bytes.length;
      rc = run_exchange(&run, 0, &whole, NULL);
      assert_code(run_exchange(&run, 1 + next_random(&seed) % 9, &pieces, NULL), rc);
      assert_string_equal(pieces.data, whole.data);
      lj_buffer_free(&whole);
      lj_buffer_free(&pieces);
      lj_buffer_free(&bytes);
    }
    lj_buffer_free(&original);
  }
}

static void noise_ends_in_an_error(void **state) {
  static const char *const kinds[] = {"openai", "openai-compatible", "deepseek", "anthropic", "ollama", "gemini", "openai responses"};
  uint32_t seed = 123456789u;
  int round;
  (void)state;
  for (round = 0; round < 2000; round++) {
    char bytes[200];
    size_t length = 1 + next_random(&seed) % (sizeof bytes - 1);
    exchange run = {0};
    lj_buffer log;
    size_t at;
    for (at = 0; at < length; at++) {
      bytes[at] = some_byte(&seed);
    }
    run.provider = provider_of(kinds[next_random(&seed) % COUNT_OF(kinds)]);
    run.stream = next_random(&seed) % 2 == 0;
    run.status = next_random(&seed) % 3 == 0 ? 400 : 200;
    run.body = bytes;
    run.length = length;
    assert_int_not_equal(run_exchange(&run, next_random(&seed) % 8, &log, NULL), LJ_OK);
    lj_buffer_free(&log);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(changed_answers_end_in_a_result_or_an_error),
      tidy_test(noise_ends_in_an_error),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
