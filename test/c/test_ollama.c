/* SPDX-License-Identifier: MIT
 *
 * The requests to Ollama's own API. Its answers are in test_response_transcripts.c and test_wire_examples.c.
 */
#include "support/build.h"

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]"

static void bodies(void **state) {
  static const build_case list[] = {
      {"ollama", "{\"prompt\":\"Hi\"}", "{\"model\":\"m\"," HI ",\"stream\":true}", NULL},
      {"ollama", "{\"prompt\":\"Hi\",\"stream\":false,\"maxTokens\":5,\"temperature\":0.5,\"topP\":0.9,\"stop\":\"X\",\"seed\":7}",
       "{\"model\":\"m\"," HI ",\"options\":{\"num_predict\":5,\"temperature\":0.5,\"top_p\":0.9,\"stop\":[\"X\"],\"seed\":7},\"stream\":false}", NULL},
      {"ollama", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\"}],\"toolChoice\":\"auto\"}",
       "{\"model\":\"m\"," HI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"stream\":true}", NULL},
      {"ollama", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\"}],\"toolChoice\":\"none\"}",
       "{\"model\":\"m\"," HI ",\"stream\":true}", NULL},
      {"ollama", "{\"prompt\":\"Hi\",\"responseFormat\":\"json\",\"reasoning\":{\"effort\":\"low\"}}",
       "{\"model\":\"m\"," HI ",\"format\":\"json\",\"think\":\"low\",\"stream\":true}", NULL},
      {"ollama", "{\"prompt\":\"Hi\",\"responseFormat\":{\"schema\":{\"type\":\"object\"},\"name\":\"n\"},\"reasoning\":{}}",
       "{\"model\":\"m\"," HI ",\"format\":{\"type\":\"object\"},\"think\":true,\"stream\":true}", NULL},
      {"ollama", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"none\"}}",
       "{\"model\":\"m\"," HI ",\"think\":false,\"stream\":true}", NULL},
      {"ollama", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"minimal\"}}",
       "{\"model\":\"m\"," HI ",\"think\":\"low\",\"stream\":true}", NULL},
      {"ollama", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"max\"}}",
       "{\"model\":\"m\"," HI ",\"think\":\"high\",\"stream\":true}", NULL},
      {"ollama",
       "{\"system\":\"Be\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"AAAA\",\"mediaType\":"
       "\"image/png\"},{\"type\":\"image\",\"url\":\"data:image/png;base64,BBBB\"},{\"type\":\"text\",\"text\":\"y\"}]},{\"role\":\"assistant\",\"toolCalls\":["
       "{\"id\":\"c\",\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"},{\"id\":\"d\",\"name\":\"g\",\"arguments\":{\"y\":2}}]},{\"role\":\"tool\",\"toolCallId\":\"d\","
       "\"content\":\"42\"}]}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be\"},{\"role\":\"user\",\"content\":\"x\\n\\ny\",\"images\":[\"AAAA\",\"BBBB\"]},"
       "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},{\"id\":\"d\",\"function\":"
       "{\"name\":\"g\",\"arguments\":{\"y\":2}}}]},{\"role\":\"tool\",\"content\":\"42\",\"tool_call_id\":\"d\",\"tool_name\":\"g\"}],\"stream\":true}",
       NULL},
      /* Ids that were made up begin anew in each answer: a result belongs to the last call before it. */
      {"ollama",
       "{\"messages\":[{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"call_0\",\"name\":\"f\",\"arguments\":{}}]},{\"role\":\"tool\",\"toolCallId\":\"call_0\","
       "\"content\":\"1\"},{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"call_0\",\"name\":\"g\",\"arguments\":{}}]}]}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"call_0\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]},"
       "{\"role\":\"tool\",\"content\":\"1\",\"tool_call_id\":\"call_0\",\"tool_name\":\"f\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":"
       "\"call_0\",\"function\":{\"name\":\"g\",\"arguments\":{}}}]}],\"stream\":true}",
       NULL},
      {"ollama",
       "{\"prompt\":\"Hi\",\"temperature\":1,\"maxTokens\":9,\"providerOptions\":{\"ollama\":{\"keep_alive\":\"10m\",\"options\":{\"num_ctx\":8192,\"temperature\":0}},"
       "\"mine\":{\"options\":{\"num_ctx\":4096,\"num_predict\":null}}}}",
       "{\"model\":\"m\"," HI ",\"options\":{\"temperature\":0,\"num_ctx\":4096},\"stream\":true,\"keep_alive\":\"10m\"}", NULL},
      {"ollama",
       "{\"prompt\":\"Hi\",\"providerOptions\":{\"ollama\":{\"options\":null},\"mine\":{\"options\":{\"num_ctx\":1}}}}",
       "{\"model\":\"m\"," HI ",\"stream\":true,\"options\":{\"num_ctx\":1}}", NULL},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void embeddings(void **state) {
  static const build_case list[] = {
      {"ollama", "{\"input\":\"x\"}", "{\"model\":\"m\",\"input\":\"x\"}", NULL},
      {"ollama", "{\"input\":[\"x\",\"y\"],\"providerOptions\":{\"ollama\":{\"truncate\":false,\"options\":{\"num_ctx\":512}}}}",
       "{\"model\":\"m\",\"input\":[\"x\",\"y\"],\"truncate\":false,\"options\":{\"num_ctx\":512}}", NULL},
  };
  lj_endpoint endpoint = {.provider = "p", .base_url = NULL, .api_key = NULL, .headers = NULL};
  lj_wire wire;
  lj_fault fault;
  (void)state;
  expect_builds(list, COUNT_OF(list));
  assert_code(build_data("ollama", &endpoint, "{\"input\":\"x\"}", &wire, &fault), LJ_OK);
  assert_string_equal(wire.url.data, "http://127.0.0.1:11434/api/embed");
  assert_false(wire.stream);
  assert_int_equal(wire.ask, LJ_ASK_EMBEDDINGS);
  assert_int_equal(wire.inputs, 1);
  lj_wire_free(&wire);
}

static void what_ollama_lacks_is_said(void **state) {
  static const build_case list[] = {
      {"ollama", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\"}],\"toolChoice\":\"required\"}", NULL,
       "toolChoice is not supported by ollama, except for \"auto\" and \"none\""},
      {"ollama", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\"}],\"toolChoice\":{\"name\":\"f\"}}", NULL,
       "toolChoice is not supported by ollama, except for \"auto\" and \"none\""},
      {"ollama", "{\"prompt\":\"Hi\",\"reasoning\":{\"budgetTokens\":5}}", NULL,
       "reasoning.budgetTokens is not supported by ollama; use reasoning.effort"},
      {"ollama", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"url\":\"https://h/i.png\"}]}]}", NULL,
       "An image is given by its address, which ollama does not fetch; give the image itself as data (base64) with mediaType"},
      {"ollama", "{\"messages\":[{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":\"x\"}]}]}", NULL,
       "The arguments of a tool call in messages are text that is no JSON object; ollama takes only objects"},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

int main(void) {
  const struct CMUnitTest tests[] = {tidy_test(bodies), tidy_test(embeddings), tidy_test(what_ollama_lacks_is_said)};
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
