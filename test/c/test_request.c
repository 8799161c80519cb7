/* SPDX-License-Identifier: MIT
 *
 * From a row's data and its job type to a checked request.
 */
#include "provider/request.h"
#include "support/test.h"

static int prepare(const char *type, const char *data, cJSON **out, lj_fault *fault) {
  cJSON *type_json = type != NULL ? json_of(type) : NULL;
  cJSON *data_json = json_of(data);
  int rc = lj_request_prepare(type_json, data_json, out, fault);
  cJSON_Delete(type_json);
  cJSON_Delete(data_json);
  return rc;
}

static const struct {
  const char *type;
  const char *data;
  const char *request;
} good[] = {
    {NULL, "{\"prompt\":\"Hi\",\"topic\":1}", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":true}"},
    {NULL, "{\"prompt\":\"{{topic}}\",\"topic\":1}", "{\"messages\":[{\"role\":\"user\",\"content\":\"{{topic}}\"}],\"stream\":true}"},
    {"{\"prompt\":\"About {{topic}}: {{ a.b.1 }} {{children.0.result.text}}{{n}}{{o}}\"}",
     "{\"topic\":\"Köln\",\"a\":{\"b\":[1,\"two\"]},\"children\":[{\"result\":{\"text\":\"T\"}}],\"n\":1.5,\"o\":{\"x\":[true]}}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"About Köln: two T1.5{\\\"x\\\":[true]}\"}],\"stream\":true}"},
    {"{\"prompt\":\"{{x}} {{ }} {{a b}} {{\\\"x\\\":1}} {{x.}} }} {x} {{x\"}", "{\"x\":\"{{y}}\"}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"{{y}} {{ }} {{a b}} {{\\\"x\\\":1}} {{x.}} }} {x} {{x\"}],\"stream\":true}"},
    {"{\"system\":\"Be {{mood}}\",\"maxTokens\":10,\"stream\":false}", "{\"prompt\":\"Hi\",\"mood\":\"kind\",\"maxTokens\":20}",
     "{\"system\":\"Be kind\",\"maxTokens\":20,\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"},
    {"{\"system\":\"Be kind\"}", "{\"prompt\":\"Hi\",\"system\":\"\"}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":true}"},
    {"{\"system\":\"Be kind\"}", "{\"prompt\":\"Hi\",\"system\":null,\"maxTokens\":null}",
     "{\"system\":\"Be kind\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":true}"},
    {"{\"prompt\":\"Not {{this}}\"}", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":true}"},
    {NULL, "{\"prompt\":\"Hi\",\"stop\":\"END\",\"seed\":-7,\"temperature\":0,\"topP\":1}",
     "{\"temperature\":0,\"topP\":1,\"stop\":[\"END\"],\"seed\":-7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":true}"},
    {"{\"prompt\":\"p\"}", "{\"input\":\"a\",\"stream\":false,\"providerOptions\":{}}",
     "{\"input\":\"a\",\"stream\":false,\"providerOptions\":{},\"messages\":[]}"},
    {NULL, "{\"input\":[\"a\",\"b\"]}", "{\"input\":[\"a\",\"b\"],\"messages\":[],\"stream\":true}"},
    {NULL,
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"AAAA\",\"mediaType\":\"image/png\"},"
     "{\"type\":\"image\",\"url\":\"https://x/y.png\"}]},{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":{}}]},"
     "{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"42\"}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"AAAA\",\"mediaType\":\"image/png\"},"
     "{\"type\":\"image\",\"url\":\"https://x/y.png\"}]},{\"role\":\"assistant\",\"content\":null,\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":{}}]},"
     "{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"42\"}],\"stream\":true}"},
    {NULL,
     "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"parameters\":{}}],\"toolChoice\":{\"name\":\"f\"},\"responseFormat\":{\"schema\":{}},"
     "\"reasoning\":{\"effort\":\"high\"},\"providerOptions\":{\"openai\":{\"x\":1}}}",
     "{\"tools\":[{\"name\":\"f\",\"parameters\":{}}],\"toolChoice\":{\"name\":\"f\"},\"responseFormat\":{\"schema\":{}},"
     "\"reasoning\":{\"effort\":\"high\"},\"providerOptions\":{\"openai\":{\"x\":1}},\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stream\":true}"},
};

static void good_requests_are_normalised(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(good); at++) {
    cJSON *request = NULL;
    lj_fault fault;
    lj_fault_clear(&fault);
    if (prepare(good[at].type, good[at].data, &request, &fault) != LJ_OK) {
      fail_msg("%s: %s", good[at].data, fault.message);
    }
    assert_json(request, good[at].request);
    cJSON_Delete(request);
  }
}

#define PROMPT "{\"prompt\":\"SECRET\","
#define MESSAGE(rest) "{\"messages\":[{\"role\":\"user\",\"content\":\"SECRET\"},{" rest "}]}"

static const struct {
  const char *type;
  const char *data;
  const char *message;
} bad[] = {
    {NULL, "[]", "data is an empty array, but must be an object"},
    {NULL, "{}", "The job says nothing to the model: data needs prompt, messages or input, or a job type of this name in the "
                 "configuration that has a prompt"},
    {NULL, "{\"prompt\":\"\"}", "data.prompt is an empty string, but must be a string that is not empty"},
    {NULL, "{\"prompt\":7}", "data.prompt is 7, but must be a string that is not empty"},
    {"{\"prompt\":true}", "{}", "the job type's prompt is a boolean, but must be a string that is not empty"},
    {NULL, "{\"prompt\":\"SECRET\",\"messages\":[]}", "data has both prompt and messages; give one of them"},
    {"{\"prompt\":\"{{a.b}}\"}", "{\"a\":{}}", "the job type's prompt asks for {{a.b}}, but the job's data has no such value"},
    {"{\"prompt\":\"{{a.1}}\"}", "{\"a\":[0]}", "the job type's prompt asks for {{a.1}}, but the job's data has no such value"},
    {"{\"prompt\":\"x\",\"system\":\"{{a}}\"}", "{}", "the job type's system asks for {{a}}, but the job's data has no such value"},
    {NULL, PROMPT "\"maxTokens\":\"SECRET\"}", "data.maxTokens is a string, but must be a whole number of at least 1"},
    {NULL, PROMPT "\"maxTokens\":0}", "data.maxTokens is 0, but must be a whole number of at least 1"},
    {NULL, PROMPT "\"maxTokens\":1.5}", "data.maxTokens is 1.5, but must be a whole number of at least 1"},
    {NULL, PROMPT "\"maxTokens\":1e999}", "data.maxTokens is inf, but must be a whole number of at least 1"},
    {NULL, PROMPT "\"temperature\":3}", "data.temperature is 3, but must be a number from 0 to 2"},
    {NULL, PROMPT "\"topP\":-1}", "data.topP is -1, but must be a number from 0 to 1"},
    {NULL, PROMPT "\"seed\":\"x\"}", "data.seed is a string, but must be a whole number"},
    {NULL, PROMPT "\"stream\":1}", "data.stream is 1, but must be true or false"},
    {NULL, PROMPT "\"system\":[]}", "data.system is an empty array, but must be a string"},
    {NULL, PROMPT "\"stop\":[\"a\",\"\"]}", "data.stop[1] is an empty string, but must be a string that is not empty"},
    {NULL, "{\"input\":\"a\",\"prompt\":\"b\"}", "data has both input, which is for embeddings, and prompt; give one of them"},
    {NULL, "{\"input\":\"a\",\"messages\":[]}", "data has both input, which is for embeddings, and messages; give one of them"},
    {"{\"input\":\"a\",\"prompt\":\"b\"}", "{}", "The job type has both input, which is for embeddings, and prompt; give one of them"},
    {"{\"temperature\":0}", "{\"input\":\"a\"}", "temperature has no meaning beside input, which is for embeddings; leave it out"},
    {NULL, "{\"input\":\"a\",\"tools\":[],\"toolChoice\":\"required\"}",
     "tools has no meaning beside input, which is for embeddings; leave it out"},
    {NULL, "{\"input\":[]}", "data.input is an empty array, but must be a string or an array of strings, none of them empty"},
    {NULL, PROMPT "\"tools\":[{\"type\":\"function\"}]}",
     "data.tools[0] has the key type, which is not known; allowed are name, description, parameters, strict"},
    {NULL, PROMPT "\"tools\":[{\"name\":\"a b\"}]}",
     "data.tools[0].name is a string, but must be 1 to 64 letters, digits, underscores and hyphens"},
    {NULL, PROMPT "\"tools\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", "data.tools[1] has the same name as an earlier tool"},
    {NULL, PROMPT "\"tools\":[{\"name\":\"a\",\"parameters\":[]}]}",
     "data.tools[0].parameters is an empty array, but must be an object: a JSON schema"},
    {NULL, PROMPT "\"toolChoice\":\"any\"}", "data.toolChoice is another word, but must be one of auto, none, required"},
    {NULL, PROMPT "\"toolChoice\":\"required\"}", "toolChoice is \"required\", but there are no tools"},
    {NULL, PROMPT "\"toolChoice\":{\"name\":\"f\"}}", "toolChoice names the tool f, which is not among the tools"},
    {NULL, PROMPT "\"responseFormat\":\"xml\"}", "data.responseFormat is another word, but must be one of text, json"},
    {NULL, PROMPT "\"responseFormat\":{}}", "data.responseFormat.schema is missing, but must be an object: a JSON schema"},
    {NULL, PROMPT "\"reasoning\":{\"effort\":\"huge\"}}",
     "data.reasoning.effort is another word, but must be one of none, minimal, low, medium, high, xhigh, max"},
    {NULL, PROMPT "\"providerOptions\":{\"openai\":1}}", "data.providerOptions.openai is 1, but must be an object"},
    {NULL, "{\"messages\":{}}", "data.messages is an object, but must be an array of messages"},
    {NULL, "{\"messages\":[]}", "data.messages is an empty array, but must be an array of messages"},
    {NULL, "{\"messages\":[\"SECRET\"]}", "data.messages[0] is a string, but must be an object {role, content}"},
    {NULL, MESSAGE("\"role\":\"bot\""), "data.messages[1].role is another word, but must be one of system, developer, user, assistant, tool"},
    {NULL, MESSAGE("\"role\":\"user\""), "data.messages[1].content is missing, but must be a string or an array of parts"},
    {NULL, MESSAGE("\"role\":\"assistant\",\"tool_calls\":[]"),
     "data.messages[1] has the key tool_calls, which is not known; allowed are role, content, toolCalls, toolCallId"},
    {NULL, MESSAGE("\"role\":\"user\",\"content\":\"SECRET\",\"toolCalls\":[]"),
     "data.messages[1].toolCalls stands in a message whose role is not assistant"},
    {NULL, MESSAGE("\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"a\",\"name\":\"f\",\"signature\":1}]"),
     "data.messages[1].toolCalls[0].signature is 1, but must be a string that is not empty"},
    {NULL, MESSAGE("\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"a\",\"name\":\"f\",\"arguments\":1}]"),
     "data.messages[1].toolCalls[0].arguments is 1, but must be an object, or its JSON text"},
    {NULL, MESSAGE("\"role\":\"tool\",\"content\":\"SECRET\""),
     "data.messages[1].toolCallId is missing, but must be the id of the call that this message answers"},
    {NULL, MESSAGE("\"role\":\"user\",\"content\":[{\"type\":\"audio\"}]"),
     "data.messages[1].content[0].type is another word, but must be one of text, image"},
    {NULL, MESSAGE("\"role\":\"user\",\"content\":[{\"type\":\"image\"}]"),
     "data.messages[1].content[0] must have either url, or data (base64) with mediaType"},
    {NULL, MESSAGE("\"role\":\"user\",\"content\":[{\"type\":\"image\",\"data\":\"AAAA\"}]"),
     "data.messages[1].content[0].mediaType is missing, but must be a string such as \"image/png\""},
};

static void bad_requests_are_named_without_their_text(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(bad); at++) {
    cJSON *request = (cJSON *)&at;
    lj_fault fault;
    int rc = prepare(bad[at].type, bad[at].data, &request, &fault);
    if (rc != LJ_BAD_JOB || strcmp(fault.message, bad[at].message) != 0) {
      fail_msg("%s: %s %s", bad[at].data, lj_code_name(rc), rc == LJ_OK ? "" : fault.message);
    }
    assert_null(request);
    assert_code(fault.code, LJ_BAD_JOB);
    assert_null(strstr(fault.message, "SECRET"));
  }
}

static void tools_are_limited_in_number(void **state) {
  lj_buffer data;
  cJSON *request = NULL;
  lj_fault fault;
  int at;
  (void)state;
  lj_buffer_init(&data, 1 << 20);
  assert_code(lj_buffer_append_text(&data, "{\"prompt\":\"Hi\",\"tools\":["), LJ_OK);
  for (at = 0; at < 129; at++) {
    assert_code(lj_buffer_printf(&data, "%s{\"name\":\"f%d\"}", at > 0 ? "," : "", at), LJ_OK);
  }
  assert_code(lj_buffer_append_text(&data, "]}"), LJ_OK);
  assert_code(prepare(NULL, data.data, &request, &fault), LJ_BAD_JOB);
  assert_string_equal(fault.message, "data.tools is an array, but must be an array of at most 128 tools");
  lj_buffer_free(&data);
}

static void an_object_is_wanted_for_json_and_for_a_schema(void **state) {
  static const struct {
    const char *request;
    bool wanted;
  } cases[] = {{"{}", false},
               {"{\"responseFormat\":\"text\"}", false},
               {"{\"responseFormat\":\"json\"}", true},
               {"{\"responseFormat\":{\"schema\":{}}}", true}};
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    cJSON *request = json_of(cases[at].request);
    assert_int_equal(lj_request_wants_object(request), cases[at].wanted);
    cJSON_Delete(request);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(good_requests_are_normalised),
      tidy_test(bad_requests_are_named_without_their_text),
      tidy_test(tools_are_limited_in_number),
      tidy_test(an_object_is_wanted_for_json_and_for_a_schema),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
