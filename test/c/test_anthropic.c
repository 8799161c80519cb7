/* SPDX-License-Identifier: MIT
 *
 * Anthropic's Messages API: the requests.
 */
#include "provider/anthropic.h"
#include "support/build.h"

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]"
#define MODEL "{\"model\":\"m\",\"max_tokens\":16384,"
#define END "\"stream\":true}"

static void bodies(void **state) {
  static const build_case list[] = {
      {"anthropic", "{\"prompt\":\"Hi\"}", MODEL HI "," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"system\":\"Be\",\"maxTokens\":5,\"stream\":false}",
       "{\"model\":\"m\",\"max_tokens\":5,\"system\":\"Be\"," HI ",\"stream\":false}", NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"temperature\":0.5,\"topP\":0.9,\"stop\":\"X\"}",
       MODEL HI ",\"temperature\":0.5,\"top_p\":0.9,\"stop_sequences\":[\"X\"]," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\",\"x\":1},\"strict\":true},{\"name\":\"g\"}]}",
       MODEL HI ",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\",\"x\":1},\"strict\":true},"
       "{\"name\":\"g\",\"input_schema\":{\"type\":\"object\"}}]," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\"}],\"toolChoice\":\"required\"}",
       MODEL HI ",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"any\"}," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\"}],\"toolChoice\":\"none\"}",
       MODEL HI ",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"none\"}," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\"}],\"toolChoice\":{\"name\":\"f\"}}",
       MODEL HI ",\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"toolChoice\":\"auto\"}", MODEL HI "," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"responseFormat\":\"text\"}", MODEL HI "," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"responseFormat\":{\"schema\":{\"type\":\"object\"},\"name\":\"n\",\"strict\":true}}",
       MODEL HI ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}," END, NULL},
      {"anthropic", "{\"prompt\":\"Hi\",\"responseFormat\":{\"schema\":{}},\"reasoning\":{\"effort\":\"high\"},\"providerOptions\":{\"anthropic\":"
                    "{\"output_config\":{\"effort\":\"max\"},\"metadata\":{\"user_id\":\"u\"},\"max_tokens\":9},\"mine\":{\"metadata\":null}}}",
       "{\"model\":\"m\",\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{}},\"effort\":\"max\"}," HI
       ",\"stream\":true,\"max_tokens\":9}", NULL},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void messages(void **state) {
  static const build_case list[] = {
      /* the system's words stand apart, as one text or as blocks */
      {"anthropic", "{\"messages\":[{\"role\":\"developer\",\"content\":\"D\"},{\"role\":\"user\",\"content\":\"Hi\"}]}", MODEL "\"system\":\"D\"," HI "," END, NULL},
      {"anthropic", "{\"system\":\"S\",\"messages\":[{\"role\":\"system\",\"content\":\"D\"},{\"role\":\"user\",\"content\":\"Hi\"}]}",
       MODEL "\"system\":[{\"type\":\"text\",\"text\":\"S\"},{\"type\":\"text\",\"text\":\"D\"}]," HI "," END, NULL},
      {"anthropic", "{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"D\"}]},{\"role\":\"user\",\"content\":\"Hi\"}]}",
       MODEL "\"system\":\"D\"," HI "," END, NULL},
      /* neighbours of one role are one message */
      {"anthropic", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"c\"},"
                    "{\"role\":\"user\",\"content\":\"d\"}]}",
       MODEL "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]},"
       "{\"role\":\"assistant\",\"content\":\"c\"},{\"role\":\"user\",\"content\":\"d\"}]," END, NULL},
      {"anthropic", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"AAAA\",\"mediaType\":\"image/gif\"},"
                    "{\"type\":\"image\",\"url\":\"https://h/i.png\"},{\"type\":\"image\",\"url\":\"data:image/png;base64,BBBB\"}]}]}",
       MODEL "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
       "\"image/gif\",\"data\":\"AAAA\"}},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://h/i.png\"}},{\"type\":\"image\",\"source\":{\"type\":"
       "\"base64\",\"media_type\":\"image/png\",\"data\":\"BBBB\"}}]}]," END, NULL},
      /* results of tools come first in the user's message, whatever the user says beside them */
      {"anthropic", "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":"
                    "{\"x\":1}},{\"id\":\"d\",\"name\":\"g\",\"arguments\":\"{\\\"y\\\":12345678901234567890}\"},{\"id\":\"e\",\"name\":\"h\"}]},{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":"
                    "\"42\"},{\"role\":\"user\",\"content\":\"also\"},{\"role\":\"tool\",\"toolCallId\":\"d\",\"content\":[{\"type\":\"text\",\"text\":\"43\"}]}]}",
       MODEL "\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":"
       "{\"x\":1}},{\"type\":\"tool_use\",\"id\":\"d\",\"name\":\"g\",\"input\":{\"y\":12345678901234567890}},{\"type\":\"tool_use\",\"id\":\"e\",\"name\":\"h\",\"input\":{}}]},"
       "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":\"42\"},{\"type\":\"tool_result\",\"tool_use_id\":\"d\",\"content\":"
       "[{\"type\":\"text\",\"text\":\"43\"}]},{\"type\":\"text\",\"text\":\"also\"}]}]," END, NULL},
      /* what the model thought goes back before its words and its calls */
      {"anthropic", "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"w\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"signature\":"
                    "\"[{\\\"type\\\":\\\"thinking\\\",\\\"thinking\\\":\\\"t\\\",\\\"signature\\\":\\\"s\\\"},{\\\"type\\\":\\\"text\\\"}]\"},{\"id\":\"d\",\"name\":\"g\","
                    "\"signature\":\"[{\\\"type\\\":\\\"redacted_thinking\\\",\\\"data\\\":\\\"r\\\"}]\"}]},{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"\"}]}",
       MODEL "\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},"
       "{\"type\":\"text\",\"text\":\"w\"},{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}},{\"type\":\"redacted_thinking\",\"data\":\"r\"},"
       "{\"type\":\"tool_use\",\"id\":\"d\",\"name\":\"g\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":\"\"}]}]," END,
       NULL},
      /* a signature of another provider is its own affair */
      {"anthropic", "{\"messages\":[{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"signature\":\"c2ln\"},{\"id\":\"d\",\"name\":\"f\",\"signature\":\"[x\"}]}]}",
       MODEL "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}},{\"type\":\"tool_use\",\"id\":\"d\","
       "\"name\":\"f\",\"input\":{}}]}]," END, NULL},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void what_anthropic_lacks_is_said(void **state) {
  static const build_case list[] = {
      {"anthropic", "{\"input\":\"x\"}", NULL,
       "The job has an input for embeddings, which anthropic does not have; use prompt or messages, or another provider"},
      {"anthropic", "{\"prompt\":\"Hi\",\"seed\":7}", NULL, "seed is not supported by anthropic; leave it out"},
      {"anthropic", "{\"prompt\":\"Hi\",\"responseFormat\":\"json\"}", NULL,
       "responseFormat \"json\" is not supported by anthropic, which needs a schema; give {schema}"},
      {"anthropic", "{\"prompt\":\"Hi\",\"temperature\":1.5}", NULL, "temperature is 1.5, but anthropic takes no more than 1"},
      {"anthropic", "{\"prompt\":\"Hi\",\"reasoning\":{\"budgetTokens\":1023}}", NULL,
       "reasoning.budgetTokens is 1023, but anthropic takes no less than 1024"},
      {"anthropic", "{\"prompt\":\"Hi\",\"maxTokens\":2000,\"reasoning\":{\"budgetTokens\":2000}}", NULL,
       "reasoning.budgetTokens is 2000, but must be less than maxTokens (2000), which it is a part of"},
      {"anthropic", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"none\",\"budgetTokens\":2000}}", NULL,
       "reasoning.effort is \"none\", which contradicts reasoning.budgetTokens; give one of them"},
      {"anthropic", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"developer\",\"content\":\"c\"}]}", NULL,
       "messages[2] has the role developer behind messages of others, which anthropic takes from anthropic-version 2026-10-21 on; put it first, or set that header"},
      {"anthropic", "{\"messages\":[{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":\"[1]\"}]}]}", NULL,
       "The arguments of a tool call in messages are text that is no JSON object; anthropic takes only objects"},
      {"anthropic", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"url\":\"data:image/png,x\"}]}]}", NULL,
       "An image is given as a data URL that is not \"data:<media type>;base64,…\"; give the image as data (base64) with mediaType"},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void a_model_name_tells_its_generation(void **state) {
  static const struct {
    const char *model;
    int generation;
  } cases[] = {
      {"claude-3-opus-20240229", 300}, {"claude-3-7-sonnet-latest", 307}, {"claude-opus-4-20250514", 400}, {"claude-opus-4@20250514", 400},
      {"claude-opus-4-1-20250805", 401}, {"claude-haiku-4-5-20251001", 405}, {"anthropic.claude-opus-4-6-v1", 406}, {"anthropic/claude-opus-4.6", 406},
      {"anthropic/claude-4.6-opus", 406}, {"claude-fable-5", 500}, {"claude-sonnet-5-5", 505}, {"claude-opus-12-34", 1234}, {"claude-mythos-preview", 0},
      {"claude", 0}, {"qwen3-32b", 0}, {"", 0},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    if (lj_anthropic_generation(cases[at].model) != cases[at].generation) {
      fail_msg("%s: %d", cases[at].model, lj_anthropic_generation(cases[at].model));
    }
  }
}

/* "thinking output_config max_tokens" of the body, or the fault's message. */
static void reasoning_is_asked_for_as_the_model_wants_it(void **state) {
  static const struct {
    const char *model;
    const char *reasoning;
    const char *told;
  } cases[] = {
      {"claude-sonnet-4-5", "{\"budgetTokens\":2000}", "{\"type\":\"enabled\",\"budget_tokens\":2000} - 18384"},
      {"claude-sonnet-4-5", "{\"effort\":\"none\"}", "{\"type\":\"disabled\"} - 16384"},
      {"claude-sonnet-4-5", "{\"effort\":\"low\"}", "reasoning.effort is not supported by claude-sonnet-4-5; use reasoning.budgetTokens"},
      {"claude-sonnet-4-5", "{}", "reasoning without budgetTokens is not supported by claude-sonnet-4-5"},
      {"claude-opus-4-5", "{\"effort\":\"low\"}", "- {\"effort\":\"low\"} 16384"},
      {"claude-opus-4-5", "{\"effort\":\"low\",\"budgetTokens\":2000}", "{\"type\":\"enabled\",\"budget_tokens\":2000} {\"effort\":\"low\"} 18384"},
      {"claude-opus-4-6", "{\"effort\":\"high\"}", "{\"type\":\"adaptive\"} {\"effort\":\"high\"} 16384"},
      {"claude-opus-4-6", "{\"budgetTokens\":2000}", "{\"type\":\"enabled\",\"budget_tokens\":2000} - 18384"},
      {"claude-opus-4-7", "{\"effort\":\"xhigh\"}", "{\"type\":\"adaptive\"} {\"effort\":\"xhigh\"} 16384"},
      {"claude-opus-4-7", "{\"budgetTokens\":2000}", "reasoning.budgetTokens is not supported by claude-opus-4-7; use reasoning.effort"},
      {"claude-fable-5", "{\"effort\":\"minimal\"}", "{\"type\":\"adaptive\"} {\"effort\":\"low\"} 16384"},
      {"claude-fable-5", "{}", "{\"type\":\"adaptive\"} - 16384"},
      {"claude-fable-5", "{\"effort\":\"none\"}", "{\"type\":\"disabled\"} - 16384"},
      {"other", "{\"effort\":\"max\"}", "{\"type\":\"adaptive\"} {\"effort\":\"max\"} 16384"},
      {"other", "{\"budgetTokens\":2000}", "{\"type\":\"enabled\",\"budget_tokens\":2000} - 18384"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    cJSON *reasoning = json_of(cases[at].reasoning);
    cJSON *request = cJSON_CreateObject();
    cJSON *body = cJSON_CreateObject();
    lj_buffer told;
    lj_fault fault;
    lj_buffer_init(&told, 4096);
    assert_code(lj_json_put_value(request, "reasoning", reasoning), LJ_OK);
    if (lj_anthropic_add_limits(body, cases[at].model, request, &fault) == LJ_OK) {
      static const char *const members[] = {"thinking", "output_config", "max_tokens"};
      size_t member;
      for (member = 0; member < COUNT_OF(members); member++) {
        const cJSON *value = lj_json_get(body, members[member]);
        assert_code(lj_buffer_append_text(&told, member > 0 ? " " : ""), LJ_OK);
        assert_code(value != NULL ? lj_json_print(value, &told) : lj_buffer_append_text(&told, "-"), LJ_OK);
      }
    } else {
      assert_code(fault.code, LJ_BAD_REQUEST);
      assert_code(lj_buffer_append_text(&told, fault.message), LJ_OK);
    }
    if (strcmp(told.data, cases[at].told) != 0) {
      fail_msg("%s %s: %s", cases[at].model, cases[at].reasoning, told.data);
    }
    lj_buffer_free(&told);
    cJSON_Delete(body);
    cJSON_Delete(request);
  }
}

#define COMMON "Content-Type: application/json\nAccept: text/event-stream\nAccept-Encoding: identity\n"

static void urls_and_headers(void **state) {
  static const struct {
    const char *base_url;
    const char *headers;
    const char *url;
    const char *sent;
  } cases[] = {
      {NULL, NULL, "https://api.anthropic.com/v1/messages", COMMON "x-api-key: k\nanthropic-version: 2023-06-01\n"},
      {"http://h:1/", NULL, "http://h:1/v1/messages", COMMON "x-api-key: k\nanthropic-version: 2023-06-01\n"},
      {"http://h", "{\"Anthropic-Version\":\"2026-10-21\",\"anthropic-beta\":\"a,b\"}", "http://h/v1/messages",
       COMMON "x-api-key: k\nAnthropic-Version: 2026-10-21\nanthropic-beta: a,b\n"},
      {"http://h", "{\"authorization\":\"Bearer t\"}", "http://h/v1/messages",
       COMMON "authorization: Bearer t\nanthropic-version: 2023-06-01\n"},
      {"http://h", "{\"X-Api-Key\":\"other\"}", "http://h/v1/messages", COMMON "X-Api-Key: other\nanthropic-version: 2023-06-01\n"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    cJSON *headers = cases[at].headers != NULL ? json_of(cases[at].headers) : NULL;
    lj_endpoint endpoint = {.provider = "p", .base_url = cases[at].base_url, .api_key = "k", .headers = headers};
    lj_wire wire;
    lj_fault fault;
    assert_code(build_data("anthropic", &endpoint, "{\"prompt\":\"Hi\"}", &wire, &fault), LJ_OK);
    assert_string_equal(wire.method, "POST");
    assert_string_equal(wire.url.data, cases[at].url);
    assert_string_equal(wire.headers.data, cases[at].sent);
    assert_true(wire.stream);
    lj_wire_free(&wire);
    cJSON_Delete(headers);
  }
}

static void the_newer_version_knows_no_sampling_and_system_messages_anywhere(void **state) {
  static const struct {
    const char *version;
    const char *data;
    const char *told; /* the body, or the message */
  } cases[] = {
      {"2026-10-21", "{\"prompt\":\"Hi\",\"temperature\":1}",
       "temperature is not supported by the configured anthropic-version; leave it out, or set the header to 2023-06-01"},
      {"2027-01-01", "{\"prompt\":\"Hi\",\"topP\":1}",
       "topP is not supported by the configured anthropic-version; leave it out, or set the header to 2023-06-01"},
      {"2023-06-01", "{\"prompt\":\"Hi\",\"topP\":1}", MODEL HI ",\"top_p\":1," END},
      {"2026-10-21", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"developer\",\"content\":\"b\"}]}",
       MODEL "\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"system\",\"content\":\"b\"}]," END},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    cJSON *headers = cJSON_CreateObject();
    lj_endpoint endpoint = {.provider = "p", .base_url = "http://h", .api_key = "k", .headers = headers};
    lj_wire wire;
    lj_fault fault;
    assert_code(lj_json_put_string(headers, "anthropic-version", cases[at].version), LJ_OK);
    if (build_data("anthropic", &endpoint, cases[at].data, &wire, &fault) == LJ_OK) {
      assert_string_equal(wire.body.data, cases[at].told);
    } else {
      assert_code(fault.code, LJ_BAD_REQUEST);
      assert_string_equal(fault.message, cases[at].told);
    }
    lj_wire_free(&wire);
    cJSON_Delete(headers);
  }
}

static void the_list_of_models_is_the_probe(void **state) {
  lj_endpoint endpoint = {.provider = "p", .base_url = NULL, .api_key = "k", .headers = NULL};
  cJSON *names = cJSON_CreateArray();
  cJSON *body = json_of("{\"data\":[{\"type\":\"model\",\"id\":\"claude-a\"},{\"type\":\"model\",\"id\":\"claude-b\"}],\"has_more\":false}");
  lj_wire wire;
  lj_fault fault;
  (void)state;
  lj_wire_init(&wire);
  assert_code(lj_anthropic.build_models(&endpoint, &wire, &fault), LJ_OK);
  assert_string_equal(wire.method, "GET");
  assert_string_equal(wire.url.data, "https://api.anthropic.com/v1/models?limit=1000");
  assert_string_equal(wire.headers.data,
                      "Accept: application/json\nAccept-Encoding: identity\nx-api-key: k\nanthropic-version: 2023-06-01\n");
  assert_int_equal(wire.ask, LJ_ASK_MODELS);
  lj_wire_free(&wire);
  assert_code(lj_anthropic.read_models(body, names, &fault), LJ_OK);
  assert_json(names, "[\"claude-a\",\"claude-b\"]");
  cJSON_Delete(body);
  cJSON_Delete(names);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(bodies),
      tidy_test(messages),
      tidy_test(what_anthropic_lacks_is_said),
      tidy_test(a_model_name_tells_its_generation),
      tidy_test(reasoning_is_asked_for_as_the_model_wants_it),
      tidy_test(urls_and_headers),
      tidy_test(the_newer_version_knows_no_sampling_and_system_messages_anywhere),
      tidy_test(the_list_of_models_is_the_probe),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
