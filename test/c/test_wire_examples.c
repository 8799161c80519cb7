/* SPDX-License-Identifier: MIT
 *
 * Every recorded stream of the formats: whole, in pieces, with other line ends, and cut at every byte.
 */
#include "support/exchange.h"
#include "support/fixture.h"
#include "support/kind.h"

typedef struct example {
  const char *file;
  const char *kind;
  bool stream;
  int terminator; /* bytes at the end of the file without which the answer may still be complete */
  const char *expected;
} example;

/* `expected` follows test/fixtures/wire-examples/sdk-understood.txt, but for truncated streams, which the SDKs take as complete. */
static const example examples[] = {
    {"openai-chat.sse", "openai", true, 2,
     "text Grüße ☕\ncall call_A1 get_weather {\"city\":\"Köln\"}\nfinish tool\nusage 21 34 16 20\nOK\n"},
    {"openai-chat.sse", "openai-compatible", true, 0,
     "text Grüße ☕\ncall call_A1 get_weather {\"city\":\"Köln\"}\nfinish tool\nusage 21 34 16 20\nOK\n"},
    {"openai-chat-midstream-error.sse", "openai", true, 0,
     "text Half\nSERVER_ERROR The provider reported an error inside its answer (server_error): The server had an error "
     "processing your request.\n"},
    {"openai-chat-truncated.sse", "openai", true, 0,
     "text Half a sen\nPROTOCOL The stream ended before the answer was complete: no finish_reason came\n"},
    {"openai-chat-truncated.sse", "openai-compatible", true, 0,
     "text Half a sen\nPROTOCOL The stream ended before the answer was complete: no finish_reason came\n"},
    {"torture.sse", "openai", true, 52, "text A€BC\nfinish stop\nOK\n"},
    {"deepseek-chat.sse", "deepseek", true, 2, "text Ja.\nfinish stop\nusage 18 7 10 5\nOK\n"},
    {"deepseek-chat-nonstream.body", "deepseek", false, 0, "text Ja.\nfinish stop\nusage 18 7 - -\nOK\n"},
    {"deepseek-chat-nonstream.body", "deepseek", true, 0, "text Ja.\nfinish stop\nusage 18 7 - -\nOK\n"},
    {"llamacpp-chat.sse", "openai-compatible", true, 0, "text Ja.\nfinish stop\nusage 30 4 20 -\nOK\n"},
    {"vllm-midstream-error.sse", "openai-compatible", true, 0,
     "SERVER_ERROR The provider reported an error inside its answer (InternalServerError): EngineCore encountered an issue.\n"},
    {"openrouter-midstream-error.sse", "openai-compatible", true, 0,
     "text Half\nSERVER_ERROR The provider reported an error inside its answer (provider_unavailable): Provider "
     "disconnected\n"},
    {"anthropic-messages.sse", "anthropic", true, 2,
     "text Einen Moment ☕\ncall toolu_1 get_weather {\"city\": \"Köln\"}\nfinish tool\nusage 2073 61 2048 18\nOK\n"},
    {"anthropic-overloaded-in-200.sse", "anthropic", true, 0,
     "text Half\nusage 2073 1 2048 -\nOVERLOADED The provider reported an error inside its answer (overloaded_error): Overloaded\n"},
    {"openai-responses.sse", "openai responses", true, 2, "text Hi\nfinish stop\nusage 12 5 0 2\nOK\n"},
    {"openai-responses.sse", "openai-compatible responses", true, 2, "text Hi\nfinish stop\nusage 12 5 0 2\nOK\n"},
    {"openai-responses-tool.sse", "openai responses", true, 2,
     "text Grüße ☕\ncall call_A1 get_weather {\"city\":\"Köln\"}\nfinish tool\nusage 21 34 16 20\nOK\n"},
    {"openai-responses-failed.sse", "openai responses", true, 0,
     "QUOTA_EXCEEDED The provider reported an error inside its answer (insufficient_quota); check the account's balance and "
     "limits: No credit left on this account.\n"},
    {"ollama-chat.ndjson", "ollama", true, 1,
     "text Grüße\ncall call_1 get_weather {\"city\":\"Köln\"}\nfinish tool\nusage 26 14 - -\nOK\n"},
    {"ollama-midstream-error.ndjson", "ollama", true, 0,
     "text Half\nSERVER_ERROR The provider reported an error inside its answer: an error was encountered while running the "
     "model: CUDA error\n"},
    {"gemini-stream.sse", "gemini", true, 4,
     "text Grüße \ncall call_0 get_weather {\"city\":\"Köln\"}\nfinish tool\nusage 9 35 0 21\nOK\n"},
    {"gemini-blocked.sse", "gemini", true, 0,
     "usage 9 - - -\nCONTENT_FILTERED The provider's filter refused the prompt (blockReason PROHIBITED_CONTENT)\n"},
    {"gemini-midstream-error.sse", "gemini", true, 0,
     "text Half\nusage 9 1 - -\nOVERLOADED The provider reported an error inside its answer (UNAVAILABLE): The model is overloaded. "
     "Please try again later.\n"},
};

static exchange exchange_of(const example *sample, const lj_buffer *bytes) {
  exchange run = {0};
  run.provider = provider_of(sample->kind);
  assert_non_null(run.provider);
  run.stream = sample->stream;
  run.body = bytes->data;
  run.length = bytes->length;
  return run;
}

static void every_file_is_understood_in_any_pieces(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(examples); at++) {
    lj_buffer bytes;
    exchange run;
    read_fixture(examples[at].file, &bytes);
    run = exchange_of(&examples[at], &bytes);
    expect_exchange(&run, examples[at].expected);
    lj_buffer_free(&bytes);
  }
}

/* The same bytes with every line end rewritten. */
static void with_line_ends(const lj_buffer *bytes, const char *end, lj_buffer *out) {
  size_t at;
  lj_buffer_init(out, 1 << 24);
  for (at = 0; at < bytes->length; at++) {
    if (bytes->data[at] == '\r' && at + 1 < bytes->length && bytes->data[at + 1] == '\n') {
      continue; /* the LF of a CRLF stands for both */
    }
    if (bytes->data[at] == '\n' || bytes->data[at] == '\r') {
      assert_code(lj_buffer_append_text(out, end), LJ_OK);
    } else {
      assert_code(lj_buffer_append_char(out, bytes->data[at]), LJ_OK);
    }
  }
}

static void line_ends_make_no_difference(void **state) {
  static const char *const ends[] = {"\r\n", "\r", "\n"};
  size_t at;
  size_t end;
  (void)state;
  for (at = 0; at < COUNT_OF(examples); at++) {
    for (end = 0; end < COUNT_OF(ends); end++) {
      lj_buffer bytes;
      lj_buffer rewritten;
      exchange run;
      read_fixture(examples[at].file, &bytes);
      with_line_ends(&bytes, ends[end], &rewritten);
      run = exchange_of(&examples[at], &rewritten);
      expect_exchange(&run, examples[at].expected);
      lj_buffer_free(&rewritten);
      lj_buffer_free(&bytes);
    }
  }
}

/* The text line of a log, without its end. */
static size_t told_text(const char *log, const char **text) {
  *text = log + 5;
  return strncmp(log, "text ", 5) == 0 ? strcspn(*text, "\n") : 0;
}

static bool is_complete(const char *log) {
  size_t length = strlen(log);
  return length >= 3 && strcmp(log + length - 3, "OK\n") == 0;
}

/* A cut answer is an error, and what it brought is the beginning of the whole answer. Only what ends in the format's own
 * terminator may be complete: for most, a cut that takes away no more than the last line's end. */
static void a_cut_at_any_byte_is_a_clean_error(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(examples); at++) {
    const example *sample = &examples[at];
    bool lenient = strcmp(sample->kind, "openai-compatible") == 0;
    const char *whole;
    size_t whole_length = told_text(sample->expected, &whole);
    lj_buffer bytes;
    size_t cut;
    read_fixture(sample->file, &bytes);
    for (cut = 1; cut < bytes.length; cut++) {
      exchange run = exchange_of(sample, &bytes);
      lj_buffer log;
      const char *text;
      size_t length;
      int rc;
      run.length = cut;
      rc = run_exchange(&run, cut % 2 == 0 ? 0 : 5, &log, NULL);
      length = told_text(log.data, &text);
      if (length > whole_length || memcmp(text, whole, length) != 0) {
        fail_msg("%s cut at %zu of %zu invents text: %s", sample->file, cut, bytes.length, log.data);
      }
      if (rc == LJ_OK) {
        bool has_finish = strstr(log.data, "finish ") != NULL;
        if (!is_complete(sample->expected) || !has_finish || length != whole_length ||
            (!lenient && cut + (size_t)sample->terminator < bytes.length)) {
          fail_msg("%s (%s) cut at %zu of %zu counts as complete: %s", sample->file, sample->kind, cut, bytes.length, log.data);
        }
      } else if (rc != LJ_PROTOCOL && strstr(sample->expected, lj_code_name(rc)) == NULL &&
                 !(rc == LJ_SERVER_ERROR && strstr(sample->expected, "reported an error") != NULL)) { /* of a cut error */
        fail_msg("%s cut at %zu of %zu: %s", sample->file, cut, bytes.length, log.data);
      }
      lj_buffer_free(&log);
    }
    lj_buffer_free(&bytes);
  }
}

static void only_a_compatible_server_may_leave_out_done(void **state) {
  lj_buffer bytes;
  exchange run = {0};
  char *done;
  (void)state;
  read_fixture("llamacpp-chat.sse", &bytes);
  done = strstr(bytes.data, "data: [DONE]");
  assert_non_null(done);
  lj_buffer_truncate(&bytes, (size_t)(done - bytes.data));
  run.stream = true;
  run.body = bytes.data;
  run.length = bytes.length;
  run.provider = lj_provider_find("openai-compatible");
  expect_exchange(&run, "text Ja.\nfinish stop\nusage 30 4 20 -\nOK\n");
  run.provider = lj_provider_find("openai");
  expect_exchange(&run, "text Ja.\nfinish stop\nusage 30 4 20 -\n"
                        "PROTOCOL The stream ended before the answer was complete: no [DONE] came\n");
  run.provider = lj_provider_find("deepseek");
  expect_exchange(&run, "text Ja.\nfinish stop\nusage 30 4 20 -\n"
                        "PROTOCOL The stream ended before the answer was complete: no [DONE] came\n");
  lj_buffer_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(every_file_is_understood_in_any_pieces),
      tidy_test(line_ends_make_no_difference),
      tidy_test(a_cut_at_any_byte_is_a_clean_error),
      tidy_test(only_a_compatible_server_may_leave_out_done),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
