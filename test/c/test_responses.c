/* SPDX-License-Identifier: MIT
 *
 * The requests of OpenAI's Responses API.
 */
#include "support/build.h"

#define KIND "openai responses"
#define HI "\"input\":[{\"role\":\"user\",\"content\":\"Hi\"}]"
#define END "\"stream\":true,\"store\":false}"

static void bodies(void **state) {
  static const build_case list[] = {
      {KIND, "{\"prompt\":\"Hi\"}", "{\"model\":\"m\"," HI "," END, NULL},
      {"openai-compatible responses", "{\"prompt\":\"Hi\",\"stream\":false}", "{\"model\":\"m\"," HI ",\"stream\":false,\"store\":false}", NULL},
      {KIND, "{\"prompt\":\"Hi\",\"system\":\"Be\",\"maxTokens\":16,\"temperature\":0.5,\"topP\":0.9,\"reasoning\":{\"effort\":\"low\"}}",
       "{\"model\":\"m\",\"instructions\":\"Be\"," HI ",\"max_output_tokens\":16,\"temperature\":0.5,\"top_p\":0.9,\"reasoning\":{\"effort\":\"low\"}," END,
       NULL},
      {KIND,
       "{\"messages\":[{\"role\":\"developer\",\"content\":\"D\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":"
       "\"AAAA\",\"mediaType\":\"image/gif\"},{\"type\":\"image\",\"url\":\"https://h/i.png\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":"
       "\"y\"}]}]}",
       "{\"model\":\"m\",\"input\":[{\"role\":\"developer\",\"content\":\"D\"},{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"x\"},{\"type\":"
       "\"input_image\",\"image_url\":\"data:image/gif;base64,AAAA\",\"detail\":\"auto\"},{\"type\":\"input_image\",\"image_url\":\"https://h/i.png\",\"detail\":"
       "\"auto\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"y\"}]}]," END,
       NULL},
      {KIND,
       "{\"messages\":[{\"role\":\"assistant\",\"content\":\"Wait\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":{\"x\":1}},{\"id\":\"d\",\"name\":\"g\"}]},"
       "{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"42\"},{\"role\":\"tool\",\"toolCallId\":\"d\",\"content\":[{\"type\":\"text\",\"text\":\"t\"}]},"
       "{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"e\",\"name\":\"f\",\"arguments\":\"{}\"}]}]}",
       "{\"model\":\"m\",\"input\":[{\"role\":\"assistant\",\"content\":\"Wait\"},{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":"
       "\"{\\\"x\\\":1}\"},{\"type\":\"function_call\",\"call_id\":\"d\",\"name\":\"g\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"c\","
       "\"output\":\"42\"},{\"type\":\"function_call_output\",\"call_id\":\"d\",\"output\":[{\"type\":\"input_text\",\"text\":\"t\"}]},{\"type\":\"function_call\","
       "\"call_id\":\"e\",\"name\":\"f\",\"arguments\":\"{}\"}]," END,
       NULL},
      {KIND,
       "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true},{\"name\":\"g\"}],\"toolChoice\":"
       "{\"name\":\"f\"}}",
       "{\"model\":\"m\"," HI ",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true},{\"type\":"
       "\"function\",\"name\":\"g\",\"parameters\":null,\"strict\":false}],\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}," END,
       NULL},
      {KIND, "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"parameters\":{}}],\"toolChoice\":\"required\"}",
       "{\"model\":\"m\"," HI ",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{},\"strict\":false}],\"tool_choice\":\"required\"," END, NULL},
      {KIND, "{\"prompt\":\"Hi\",\"toolChoice\":\"auto\",\"responseFormat\":\"text\"}", "{\"model\":\"m\"," HI "," END, NULL},
      {KIND, "{\"prompt\":\"Hi\",\"responseFormat\":\"json\"}",
       "{\"model\":\"m\"," HI ",\"text\":{\"format\":{\"type\":\"json_object\"}}," END, NULL},
      {KIND,
       "{\"prompt\":\"Hi\",\"responseFormat\":{\"schema\":{\"type\":\"object\"},\"strict\":true},\"reasoning\":{\"effort\":\"high\"},\"providerOptions\":{\"openai\":"
       "{\"text\":{\"verbosity\":\"low\"},\"reasoning\":{\"summary\":\"auto\"}},\"mine\":{\"include\":[\"a\"],\"text\":{\"verbosity\":\"high\"}}}}",
       "{\"model\":\"m\"," HI ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"response\",\"schema\":{\"type\":\"object\"},\"strict\":true},\"verbosity\":"
       "\"high\"},\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"},\"stream\":true,\"include\":[\"a\"],\"store\":false}",
       NULL},
      {KIND, "{\"input\":\"x\"}", "{\"model\":\"m\",\"input\":\"x\",\"encoding_format\":\"base64\"}", NULL},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void an_answer_is_stored_only_when_asked_for_or_needed(void **state) {
  static const build_case list[] = {
      {KIND, "{\"prompt\":\"Hi\",\"providerOptions\":{\"mine\":{\"store\":true}}}", "{\"model\":\"m\"," HI ",\"stream\":true,\"store\":true}", NULL},
      {KIND, "{\"prompt\":\"Hi\",\"providerOptions\":{\"mine\":{\"background\":true}}}", "{\"model\":\"m\"," HI ",\"stream\":true,\"background\":true,\"store\":true}",
       NULL},
      {KIND, "{\"prompt\":\"Hi\",\"providerOptions\":{\"mine\":{\"background\":false}}}",
       "{\"model\":\"m\"," HI ",\"stream\":true,\"background\":false,\"store\":false}", NULL},
      {KIND, "{\"prompt\":\"Hi\",\"stream\":false,\"providerOptions\":{\"mine\":{\"background\":true}}}",
       "{\"model\":\"m\"," HI ",\"stream\":false,\"background\":true,\"store\":true}", NULL},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void what_the_api_lacks_is_said(void **state) {
  static const build_case list[] = {
      {KIND, "{\"prompt\":\"Hi\",\"stop\":\"x\"}", NULL,
       "stop is not supported by OpenAI's Responses API; leave it out, or set the provider's api to \"chat\""},
      {KIND, "{\"prompt\":\"Hi\",\"seed\":1}", NULL,
       "seed is not supported by OpenAI's Responses API; leave it out, or set the provider's api to \"chat\""},
      {KIND, "{\"prompt\":\"Hi\",\"reasoning\":{\"budgetTokens\":5}}", NULL,
       "reasoning.budgetTokens is not supported by OpenAI's Responses API; use reasoning.effort"},
      {KIND, "{\"prompt\":\"Hi\",\"maxTokens\":15}", NULL, "maxTokens is 15, but OpenAI's Responses API takes at least 16"},
      {KIND, "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"image\",\"url\":\"https://h/i.png\"}]}]}", NULL,
       "An image stands in a message of the assistant, where OpenAI takes only text"},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void the_address_is_that_of_the_api(void **state) {
  lj_endpoint endpoint = {.provider = "p", .base_url = NULL, .api_key = "k", .headers = NULL};
  lj_wire wire;
  lj_fault fault;
  (void)state;
  assert_code(build_data(KIND, &endpoint, "{\"prompt\":\"Hi\"}", &wire, &fault), LJ_OK);
  assert_string_equal(wire.method, "POST");
  assert_string_equal(wire.url.data, "https://api.openai.com/v1/responses");
  assert_string_equal(wire.headers.data,
                      "Content-Type: application/json\nAccept: text/event-stream\nAccept-Encoding: identity\nAuthorization: Bearer k\n");
  assert_true(wire.stream);
  assert_int_equal(wire.ask, LJ_ASK_TEXT);
  lj_wire_free(&wire);
  assert_null(lj_provider_by_api(lj_provider_find("openai"), "assistants"));
  assert_null(lj_provider_by_api(lj_provider_find("ollama"), "responses"));
  assert_ptr_equal(lj_provider_by_api(lj_provider_find("openai"), "chat"), lj_provider_find("openai"));
}

static void an_answer_is_fetched_and_cancelled_by_its_id(void **state) {
  const lj_provider *provider = provider_of("openai-compatible responses");
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h/v1", .api_key = NULL, .headers = NULL};
  lj_wire wire;
  lj_fault fault;
  (void)state;
  lj_wire_init(&wire);
  assert_code(provider->build_fetch(&endpoint, "resp_1-A", &wire, &fault), LJ_OK);
  assert_string_equal(wire.method, "GET");
  assert_string_equal(wire.url.data, "http://h/v1/responses/resp_1-A");
  assert_true(wire.background);
  assert_false(wire.stream);
  lj_wire_free(&wire);
  lj_wire_init(&wire);
  assert_code(provider->build_cancel(&endpoint, "resp_1-A", &wire, &fault), LJ_OK);
  assert_string_equal(wire.method, "POST");
  assert_string_equal(wire.url.data, "http://h/v1/responses/resp_1-A/cancel");
  assert_int_equal(wire.body.length, 0);
  lj_wire_free(&wire);
}

static void an_id_that_would_change_the_address_is_refused(void **state) {
  static const char *const ids[] = {"", "../files", "a/b", "a?b", "a b", "\xC3\xBC"};
  const lj_provider *provider = provider_of(KIND);
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h/v1", .api_key = NULL, .headers = NULL};
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(ids); at++) {
    lj_wire wire;
    lj_fault fault;
    lj_wire_init(&wire);
    assert_code(provider->build_fetch(&endpoint, ids[at], &wire, &fault), LJ_PROTOCOL);
    assert_code(provider->build_cancel(&endpoint, ids[at], &wire, &fault), LJ_PROTOCOL);
    lj_wire_free(&wire);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(bodies),
      tidy_test(an_answer_is_stored_only_when_asked_for_or_needed),
      tidy_test(what_the_api_lacks_is_said),
      tidy_test(the_address_is_that_of_the_api),
      tidy_test(an_answer_is_fetched_and_cancelled_by_its_id),
      tidy_test(an_id_that_would_change_the_address_is_refused),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
