/* SPDX-License-Identifier: MIT
 *
 * The requests of the OpenAI family.
 */
#include "support/build.h"

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]"
#define END "\"stream\":true,\"stream_options\":{\"include_usage\":true}}"

static void bodies(void **state) {
  static const build_case list[] = {
      {"openai", "{\"prompt\":\"Hi\"}", "{\"model\":\"m\"," HI "," END, NULL},
      {"openai", "{\"prompt\":\"Hi\",\"stream\":false}", "{\"model\":\"m\"," HI ",\"stream\":false}", NULL},
      {"openai", "{\"prompt\":\"Hi\",\"system\":\"Be\",\"maxTokens\":5}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be\"},{\"role\":\"user\",\"content\":\"Hi\"}],"
       "\"max_completion_tokens\":5," END,
       NULL},
      {"openai-compatible", "{\"prompt\":\"Hi\",\"maxTokens\":5}", "{\"model\":\"m\"," HI ",\"max_tokens\":5," END, NULL},
      {"deepseek", "{\"prompt\":\"Hi\",\"maxTokens\":5}", "{\"model\":\"m\"," HI ",\"max_tokens\":5," END, NULL},
      {"openai", "{\"prompt\":\"Hi\",\"temperature\":0.5,\"topP\":0.9,\"seed\":7,\"stop\":\"X\",\"reasoning\":{\"effort\":\"low\"}}",
       "{\"model\":\"m\"," HI ",\"temperature\":0.5,\"top_p\":0.9,\"seed\":7,\"stop\":[\"X\"],\"reasoning_effort\":\"low\"," END, NULL},
      {"openai", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true}],"
                 "\"toolChoice\":{\"name\":\"f\"}}",
       "{\"model\":\"m\"," HI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":"
       "{\"type\":\"object\"},\"strict\":true}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}," END,
       NULL},
      {"openai", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\"}],\"toolChoice\":\"required\"}",
       "{\"model\":\"m\"," HI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"required\"," END, NULL},
      {"openai", "{\"prompt\":\"Hi\",\"toolChoice\":\"auto\"}", "{\"model\":\"m\"," HI "," END, NULL},
      {"openai",
       "{\"messages\":[{\"role\":\"developer\",\"content\":\"D\"},{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":"
       "{\"x\":1}},{\"id\":\"d\",\"name\":\"f\",\"arguments\":\"{}\"},{\"id\":\"e\",\"name\":\"f\"}]},{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"42\"}]}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"D\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\","
       "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}},{\"id\":\"d\",\"type\":\"function\",\"function\":{\"name\":\"f\","
       "\"arguments\":\"{}\"}},{\"id\":\"e\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"content\":\"42\","
       "\"tool_call_id\":\"c\"}]," END,
       NULL},
      {"deepseek", "{\"messages\":[{\"role\":\"developer\",\"content\":\"D\"},{\"role\":\"user\",\"content\":\"Hi\"}]}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"D\"},{\"role\":\"user\",\"content\":\"Hi\"}]," END, NULL},
      {"openai",
       "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"AAAA\",\"mediaType\":\"image/gif\"},"
       "{\"type\":\"image\",\"url\":\"https://h/i.png\"}]}]}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
       "\"data:image/gif;base64,AAAA\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://h/i.png\"}}]}]," END,
       NULL},
      {"openai", "{\"prompt\":\"Hi\",\"responseFormat\":\"text\"}", "{\"model\":\"m\"," HI "," END, NULL},
      {"openai", "{\"prompt\":\"Hi\",\"responseFormat\":\"json\"}",
       "{\"model\":\"m\"," HI ",\"response_format\":{\"type\":\"json_object\"}," END, NULL},
      {"openai-compatible", "{\"prompt\":\"Hi\",\"responseFormat\":{\"schema\":{\"type\":\"object\"},\"strict\":true}}",
       "{\"model\":\"m\"," HI ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"response\",\"schema\":{\"type\":\"object\"},"
       "\"strict\":true}}," END,
       NULL},
      {"openai", "{\"prompt\":\"Hi\",\"temperature\":1,\"providerOptions\":{\"openai\":{\"a\":1,\"temperature\":0},\"mine\":{\"a\":2,\"stream_options\":null},"
                 "\"other\":{\"b\":3}}}",
       "{\"model\":\"m\"," HI ",\"stream\":true,\"temperature\":0,\"a\":2}", NULL},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void embeddings(void **state) {
  static const build_case list[] = {
      {"openai", "{\"input\":\"x\"}", "{\"model\":\"m\",\"input\":\"x\",\"encoding_format\":\"base64\"}", NULL},
      {"openai-compatible", "{\"input\":[\"x\",\"y\"],\"stream\":true}", "{\"model\":\"m\",\"input\":[\"x\",\"y\"]}", NULL},
      {"openai", "{\"input\":[\"x\"],\"providerOptions\":{\"mine\":{\"dimensions\":256,\"encoding_format\":null}}}",
       "{\"model\":\"m\",\"input\":[\"x\"],\"dimensions\":256}", NULL},
  };
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h/v1", .api_key = NULL, .headers = NULL};
  lj_wire wire;
  lj_fault fault;
  (void)state;
  expect_builds(list, COUNT_OF(list));
  assert_code(build_data("openai", &endpoint, "{\"input\":[\"x\",\"y\"]}", &wire, &fault), LJ_OK);
  assert_string_equal(wire.url.data, "http://h/v1/embeddings");
  assert_non_null(strstr(wire.headers.data, "Accept: application/json\n"));
  assert_false(wire.stream);
  assert_int_equal(wire.ask, LJ_ASK_EMBEDDINGS);
  assert_int_equal(wire.inputs, 2);
  lj_wire_free(&wire);
}

static void too_many_inputs_are_said(void **state) {
  static const char *const kinds[] = {"openai", "openai-compatible", "ollama"};
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h", .api_key = NULL, .headers = NULL};
  lj_buffer data;
  size_t at;
  (void)state;
  lj_buffer_init(&data, 1 << 20);
  assert_code(lj_buffer_append_text(&data, "{\"input\":[\"x\""), LJ_OK);
  for (at = 0; at < LJ_MAX_INPUTS; at++) {
    assert_code(lj_buffer_append_text(&data, ",\"x\""), LJ_OK);
  }
  assert_code(lj_buffer_append_text(&data, "]}"), LJ_OK);
  for (at = 0; at < COUNT_OF(kinds); at++) {
    char message[256];
    lj_wire wire;
    lj_fault fault;
    assert_code(build_data(kinds[at], &endpoint, data.data, &wire, &fault), LJ_BAD_REQUEST);
    (void)snprintf(message, sizeof message, "input has 2049 texts, but %s takes at most 2048 in one request; make several jobs of it",
                   kinds[at]);
    assert_string_equal(fault.message, message);
    lj_wire_free(&wire);
  }
  lj_buffer_free(&data);
}

static void what_a_kind_lacks_is_said(void **state) {
  static const build_case list[] = {
      {"deepseek", "{\"input\":\"x\"}", NULL,
       "input is for embeddings, which deepseek does not have; use another provider's model"},
      {"deepseek", "{\"prompt\":\"Hi\",\"responseFormat\":{\"schema\":{}}}", NULL,
       "responseFormat with a schema is not supported by deepseek; use \"json\" and describe the form in the prompt"},
      {"openai", "{\"prompt\":\"Hi\",\"reasoning\":{\"budgetTokens\":5}}", NULL,
       "reasoning.budgetTokens is not supported by openai; use reasoning.effort"},
      {"openai", "{\"prompt\":\"Hi\",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}", NULL, "stop has 5 entries, but openai takes at most 4"},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void urls_and_headers(void **state) {
  static const struct {
    const char *kind;
    const char *base_url;
    const char *key;
    const char *headers;
    const char *url;
    const char *sent;
  } cases[] = {
      {"openai", NULL, "k", NULL, "https://api.openai.com/v1/chat/completions",
       "Content-Type: application/json\nAccept: text/event-stream\nAccept-Encoding: identity\nAuthorization: Bearer k\n"},
      {"deepseek", NULL, "k", NULL, "https://api.deepseek.com/chat/completions",
       "Content-Type: application/json\nAccept: text/event-stream\nAccept-Encoding: identity\nAuthorization: Bearer k\n"},
      {"ollama", NULL, NULL, NULL, "http://127.0.0.1:11434/api/chat",
       "Content-Type: application/json\nAccept: application/x-ndjson\nAccept-Encoding: identity\n"},
      {"openai-compatible", "http://h:1/v1//", NULL, NULL, "http://h:1/v1/chat/completions",
       "Content-Type: application/json\nAccept: text/event-stream\nAccept-Encoding: identity\n"},
      {"openai-compatible", "http://h", "k", "{\"authorization\":\"Basic x\",\"ACCEPT\":\"*/*\",\"X-Team\":\"a\",\"accept-encoding\":null}",
       "http://h/chat/completions", "Content-Type: application/json\nauthorization: Basic x\nACCEPT: */*\nX-Team: a\n"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    cJSON *headers = cases[at].headers != NULL ? json_of(cases[at].headers) : NULL;
    lj_endpoint endpoint = {.provider = "p", .base_url = cases[at].base_url, .api_key = cases[at].key, .headers = headers};
    lj_wire wire;
    lj_fault fault;
    assert_code(build_data(cases[at].kind, &endpoint, "{\"prompt\":\"Hi\"}", &wire, &fault), LJ_OK);
    assert_string_equal(wire.method, "POST");
    assert_string_equal(wire.url.data, cases[at].url);
    assert_string_equal(wire.headers.data, cases[at].sent);
    assert_true(wire.stream);
    lj_wire_free(&wire);
    cJSON_Delete(headers);
  }
}

static void what_can_not_be_sent_is_said_without_the_key(void **state) {
  static const struct {
    const char *base_url;
    const char *key;
    const char *headers;
    const char *message;
  } cases[] = {
      {NULL, NULL, NULL, "Provider p has no baseUrl, and its kind has no default one"},
      {"http://h", "secret\n", NULL, "The apiKey of provider p holds a character that an HTTP header can't carry"},
      {"http://h", NULL, "{\"X\":\"a\\r\\nY: secret\"}", "The configured header X holds a character that an HTTP header can't carry"},
      {"http://h", NULL, "{\"X Y\":\"secret\"}", "The configured header X Y holds a character that an HTTP header can't carry"},
      {"http://h", NULL, "{\"X:\":\"secret\"}", "The configured header X: holds a character that an HTTP header can't carry"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    cJSON *headers = cases[at].headers != NULL ? json_of(cases[at].headers) : NULL;
    lj_endpoint endpoint = {.provider = "p", .base_url = cases[at].base_url, .api_key = cases[at].key, .headers = headers};
    lj_wire wire;
    lj_fault fault;
    assert_code(build_data("openai-compatible", &endpoint, "{\"prompt\":\"Hi\"}", &wire, &fault), LJ_BAD_REQUEST);
    assert_string_equal(fault.message, cases[at].message);
    lj_wire_free(&wire);
    cJSON_Delete(headers);
  }
}

static void the_answer_is_read_as_what_the_options_ask_for(void **state) {
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h", .api_key = NULL, .headers = NULL};
  lj_wire wire;
  lj_fault fault;
  (void)state;
  assert_code(build_data("openai", &endpoint, "{\"prompt\":\"Hi\",\"providerOptions\":{\"p\":{\"stream\":false}}}", &wire, &fault), LJ_OK);
  assert_false(wire.stream);
  assert_non_null(strstr(wire.headers.data, "Accept: application/json\n"));
  lj_wire_free(&wire);
}

static void every_kind_is_found_by_its_name(void **state) {
  char kinds[256];
  const char *kind;
  size_t count = 0;
  (void)state;
  (void)snprintf(kinds, sizeof kinds, "%s", lj_provider_kinds());
  for (kind = kinds; kind != NULL; count++) {
    char *comma = strchr(kind, ',');
    if (comma != NULL) {
      *comma = '\0';
    }
    assert_non_null(lj_provider_find(kind));
    assert_string_equal(lj_provider_find(kind)->kind, kind);
    kind = comma != NULL ? comma + 2 : NULL;
  }
  assert_int_equal(count, 6);
  assert_null(lj_provider_find("OpenAI"));
  assert_null(lj_provider_find(""));
  assert_null(lj_provider_find(NULL));
  assert_true(lj_provider_find("openai")->needs_key);
  assert_true(lj_provider_find("deepseek")->needs_key);
  assert_true(lj_provider_find("gemini")->needs_key);
  assert_false(lj_provider_find("openai-compatible")->needs_key);
  assert_false(lj_provider_find("ollama")->needs_key);
  assert_int_equal(lj_provider_find("ollama")->default_max_concurrent, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(bodies),
      tidy_test(embeddings),
      tidy_test(too_many_inputs_are_said),
      tidy_test(what_a_kind_lacks_is_said),
      tidy_test(urls_and_headers),
      tidy_test(what_can_not_be_sent_is_said_without_the_key),
      tidy_test(the_answer_is_read_as_what_the_options_ask_for),
      tidy_test(every_kind_is_found_by_its_name),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
