/* SPDX-License-Identifier: MIT
 *
 * Events that are like the one before but for their text are not read as JSON. Whatever a stream brings, the answer is the one
 * that reading each event gives.
 */
#include <stdio.h>

#include "provider/json_repair.h"
#include "provider/response.h"
#include "provider/twin.h"
#include "support/test.h"

enum { STREAMS = 3000, EVENTS = 12 };

static bool match(lj_twin *twin, const char *data) { return lj_twin_match(twin, "", data, strlen(data)); }

static void learn(lj_twin *twin, const char *data, const char *text) {
  lj_twin_learn(twin, "", data, strlen(data), text, strlen(text));
}

static void twin_is_like_the_event_before_but_for_its_text(void **state) {
  static const char *const none[] = {
      "{\"m\":\"x\",\"t\":1}",          "{\"m\":\"x\",\"t\":\"a\"} ",    "{\"m\":\"y\",\"t\":\"a\"}",         "{\"m\":\"x\",\"t\":\"a}",
      "{\"m\":\"x\",\"t\":\"\\u0041\"}", "{\"m\":\"x\",\"t\":\"a\nb\"}",  "{\"m\":\"x\",\"t\":\"\xff\"}",       "{\"m\":\"x\",\"t\":\"a\\\"}",
      "{\"m\":\"x\",\"t\":\"a\\x\"}",    "{\"m\":\"x\",\"t\":\"a\",\"u\":1}", "{\"m\":\"x\",\"t\":\"a\"",        "",
      "{\"m\":\"x\",\"t\":\"",          "{\"m\":\"x\",\"t\":\"a\\",     "{\"m\":\"x\"}",
  };
  static const char *const twins[][2] = {
      {"{\"m\":\"x\",\"t\":\"b\"}", "b"},
      {"{\"m\":\"x\",\"t\":\"\"}", ""},
      {"{\"m\":\"x\",\"t\":\"say \\\"}\\\" \\\\ \\/ \\n\\t\\r\\b\\f\"}", "say \"}\" \\ / \n\t\r\b\f"},
      {"{\"m\":\"x\",\"t\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\"}", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
      {"{\"m\":\"x\",\"t\":\"x\"}", "x"},
  };
  lj_twin twin;
  (void)state;
  lj_twin_init(&twin);
  assert_false(match(&twin, "{\"m\":\"x\",\"t\":\"a\"}"));
  learn(&twin, "{\"m\":\"x\",\"t\":\"a\"}", "a");
  for (size_t i = 0; i < COUNT_OF(twins); i++) {
    if (!match(&twin, twins[i][0])) fail_msg("no twin: %s", twins[i][0]);
    assert_string_equal(twin.text.data, twins[i][1]);
  }
  for (size_t i = 0; i < COUNT_OF(none); i++)
    if (match(&twin, none[i])) fail_msg("a twin: %s", none[i]);
  assert_false(lj_twin_match(&twin, "error", "{\"m\":\"x\",\"t\":\"b\"}", 17));
  lj_twin_forget(&twin);
  assert_false(match(&twin, "{\"m\":\"x\",\"t\":\"b\"}"));
  lj_twin_free(&twin);
}

static void what_is_not_surely_the_text_is_not_learned(void **state) {
  static const char *const unsure[] = {
      "{\"m\":\"a\",\"t\":\"a\"}", "{\"a\":1,\"t\":\"a\"}", "{\"t\":\"\\u0061\"}", "{\"t\":\"b\"}", "{\"t\":[1]}", "{\"t\":\"a",
      "{\"a\" :\"a\"}",
  };
  lj_twin twin;
  (void)state;
  lj_twin_init(&twin);
  for (size_t i = 0; i < COUNT_OF(unsure); i++) {
    learn(&twin, unsure[i], "a");
    if (twin.known) fail_msg("learned: %s", unsure[i]);
  }
  learn(&twin, "{\"t\":\"\"}", "");
  assert_false(twin.known);
  lj_twin_free(&twin);
}

static void times_and_padding_may_differ(void **state) {
  lj_twin twin;
  (void)state;
  lj_twin_init(&twin);
  learn(&twin, "{\"created_at\":\"12:00\",\"t\":\"a\",\"done\":false}", "a");
  assert_true(match(&twin, "{\"created_at\":\"12:01:30\",\"t\":\"bc\",\"done\":false}"));
  assert_string_equal(twin.text.data, "bc");
  assert_false(match(&twin, "{\"created_at\":\"12:01\",\"t\":\"bc\",\"done\":true}"));
  learn(&twin, "{\"t\":\"a\",\"obfuscation\":\"xyz\"}", "a");
  assert_true(match(&twin, "{\"t\":\"b\",\"obfuscation\":\"\"}"));
  learn(&twin, "{\"t\":\"a\",\"created_at\":5,\"m\" :\"x\"}", "a");
  assert_false(match(&twin, "{\"t\":\"a\",\"created_at\":5,\"n\" :\"x\"}"));
  lj_twin_free(&twin);
}

typedef struct format {
  const char *kind;
  const char *before; /* of an event on the wire */
  const char *after;
  const char *events[8]; /* %s: a piece of text, as JSON writes it */
} format;

static const format formats[] = {
    {"openai", "data: ", "\n\n",
     {"{\"id\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"finish_reason\":null}],\"obfuscation\":\"q\"}",
      "{\"id\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"finish_reason\":null}],\"obfuscation\":\"q\"}",
      "{\"id\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"finish_reason\":null}],\"obfuscation\":\"zz\"}",
      "{\"id\":\"m\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"%s\"},\"finish_reason\":null}],\"obfuscation\":\"q\"}",
      "{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"%s\"},{\"type\":\"text\",\"text\":\"+\"}]}}]}",
      "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"%s\"}}]}}]}",
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}",
      "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},\"finish_reason\":\"length\"}]}"}},
    {"anthropic", "event: content_block_delta\ndata: ", "\n\n",
     {"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}",
      "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}",
      "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}",
      "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"%s\"}}",
      "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"%s\",\"name\":\"f\",\"input\":{}}}",
      "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"%s\"}}",
      "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"%s\"}}",
      "{\"type\":\"content_block_stop\",\"index\":0,\"note\":\"%s\"}"}},
    {"ollama", "", "\n",
     {"{\"model\":\"m\",\"created_at\":\"1\",\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"done\":false}",
      "{\"model\":\"m\",\"created_at\":\"2\",\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"done\":false}",
      "{\"model\":\"m\",\"created_at\":\"345\",\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"done\":false}",
      "{\"model\":\"n\",\"created_at\":\"2\",\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},\"done\":false}",
      "{\"model\":\"m\",\"created_at\":\"2\",\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"%s\",\"arguments\":{}}}]}}",
      "{\"model\":\"m\",\"message\":{\"content\":\"%s\"},\"done\":false}",
      "{\"model\":\"m\",\"message\":{\"content\":\"%s\", \"thinking\":\"t\"},\"done\":false}",
      "{\"model\":\"%s\",\"message\":{\"content\":\"c\"},\"done\":false}"}},
};

static const char *const pieces[] = {
    "word", " and", "", "m", "a\\nb", "\\\"}", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "caf\xc3\xa9", "\xc3", "\\\\", "assistant", "tab\there", "{\"a\":[", "text",
};

/* Reads an event as the engine would without twins. */
static int read_alone(const lj_provider *provider, lj_reading *reading, const char *name, const char *data) {
  cJSON *json = NULL;
  int code = lj_json_parse_repaired(data, strlen(data), &json);
  if (code == LJ_OK) code = provider->read_event(reading, name, json);
  cJSON_Delete(json);
  return code;
}

static void expect_same(const lj_answer *told, const lj_answer *alone, const char *stream) {
  if (told->text.length != alone->text.length || memcmp(told->text.data, alone->text.data, told->text.length) != 0)
    fail_msg("the text differs after\n%s\n%s\n%s", stream, told->text.data, alone->text.data);
  assert_int_equal(lj_answer_rest(told), lj_answer_rest(alone));
  assert_int_equal(told->finish, alone->finish);
  assert_int_equal(told->usage.output_tokens, alone->usage.output_tokens);
  assert_string_equal(told->model, alone->model);
}

static void run_stream(const format *of, uint32_t *seed) {
  const lj_provider *provider = lj_provider_find(of->kind);
  lj_wire wire = {.stream = true, .ask = LJ_ASK_TEXT};
  lj_response *response = NULL;
  lj_answer answer;
  lj_reading alone = {.answer = &answer};
  lj_buffer stream;
  const char *name = provider->framing == LJ_FRAMING_SSE && of->before[0] == 'e' ? "content_block_delta" : "";
  lj_buffer_init(&stream, 1 << 16);
  lj_answer_init(&answer);
  assert_code(lj_response_open(provider, &wire, 1 << 20, NULL, &response), LJ_OK);
  lj_response_status(response, 200);
  for (int i = 0; i < EVENTS; i++) {
    char data[512];
    const char *event = of->events[next_random(seed) % COUNT_OF(of->events)];
    (void)snprintf(data, sizeof data, event, pieces[next_random(seed) % COUNT_OF(pieces)]);
    size_t from = stream.length;
    assert_code(lj_buffer_printf(&stream, "%s%s%s", of->before, data, of->after), LJ_OK);
    int expected = read_alone(provider, &alone, name, data);
    int told = lj_response_feed(response, stream.data + from, stream.length - from);
    if (told != expected && !(expected == LJ_INVALID && told == LJ_PROTOCOL)) fail_msg("%d, not %d, after\n%s", told, expected, stream.data);
    if (told != LJ_OK) break;
    expect_same(lj_response_answer(response), &answer, stream.data);
  }
  lj_response_free(response);
  lj_answer_free(&answer);
  lj_buffer_free(&stream);
}

static void answer_is_the_one_that_reading_each_event_gives(void **state) {
  uint32_t seed = 20261121;
  (void)state;
  for (int i = 0; i < STREAMS; i++)
    for (size_t at = 0; at < COUNT_OF(formats); at++) run_stream(&formats[at], &seed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(twin_is_like_the_event_before_but_for_its_text),
      tidy_test(what_is_not_surely_the_text_is_not_learned),
      tidy_test(times_and_padding_may_differ),
      tidy_test(answer_is_the_one_that_reading_each_event_gives),
  };
  return cmocka_run_group_tests_name("twin", tests, NULL, NULL);
}
