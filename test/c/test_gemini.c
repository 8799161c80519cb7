/* SPDX-License-Identifier: MIT
 *
 * Gemini's own API: the requests, and embeddings.
 */
#include "provider/gemini.h"
#include "support/build.h"
#include "support/exchange.h"

static void bodies(void **state) {
  static const build_case list[] = {
      {"gemini", "{\"prompt\":\"Hi\"}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}]}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"maxTokens\":5,\"temperature\":0.5,\"topP\":0.9,\"stop\":\"X\",\"seed\":7}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"maxOutputTokens\":5,\"temperature\":0.5,\"topP\":0.9,\"seed\":7,\"stopSequences\":[\"X\"]}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"system\":\"Be\",\"responseFormat\":\"json\"}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"systemInstruction\":{\"parts\":[{\"text\":\"Be\"}]},\"generationConfig\":{\"responseMimeType\":\"application/json\"}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"responseFormat\":{\"schema\":{\"type\":\"object\"},\"name\":\"n\",\"strict\":true}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"object\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"responseFormat\":\"text\",\"reasoning\":{}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}]}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"none\"}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":0}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"minimal\"}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"MINIMAL\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"low\"}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"medium\"}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"MEDIUM\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"high\"}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"xhigh\"}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"max\"}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"budgetTokens\":512}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":512}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}},{\"name\":\"g\"}]}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\",\"parametersJsonSchema\":{\"type\":\"object\"}},{\"name\":\"g\"}]}]}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}},{\"name\":\"g\"}],\"toolChoice\":\"auto\"}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\",\"parametersJsonSchema\":{\"type\":\"object\"}},{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}},{\"name\":\"g\"}],\"toolChoice\":\"none\"}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\",\"parametersJsonSchema\":{\"type\":\"object\"}},{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"NONE\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}},{\"name\":\"g\"}],\"toolChoice\":\"required\"}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\",\"parametersJsonSchema\":{\"type\":\"object\"}},{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}},{\"name\":\"g\"}],\"toolChoice\":{\"name\":\"g\"}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\",\"parametersJsonSchema\":{\"type\":\"object\"}},{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"g\"]}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"strict\":true},{\"name\":\"g\",\"strict\":false}]}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"},{\"name\":\"g\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"VALIDATED\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"tools\":[{\"name\":\"f\",\"strict\":true}],\"toolChoice\":\"none\"}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"NONE\"}}}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"tools\":[],\"toolChoice\":\"auto\"}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}]}", NULL},
      {"gemini", "{\"system\":\"A\",\"messages\":[{\"role\":\"system\",\"content\":\"B\"},{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"C\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"AAAA\",\"mediaType\":\"image/png\"},{\"type\":\"image\",\"url\":\"data:image/webp;base64,BBBB\"},{\"type\":\"image\",\"url\":\"https://h/i.png\"},{\"type\":\"image\",\"url\":\"https://h/i\",\"mediaType\":\"image/jpeg\"}]},{\"role\":\"assistant\",\"content\":\"y\"},{\"role\":\"user\",\"content\":\"z\"}]}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\"},{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},{\"inlineData\":{\"mimeType\":\"image/webp\",\"data\":\"BBBB\"}},{\"fileData\":{\"fileUri\":\"https://h/i.png\"}},{\"fileData\":{\"mimeType\":\"image/jpeg\",\"fileUri\":\"https://h/i\"}}]},{\"role\":\"model\",\"parts\":[{\"text\":\"y\"}]},{\"role\":\"user\",\"parts\":[{\"text\":\"z\"}]}],\"systemInstruction\":{\"parts\":[{\"text\":\"A\"},{\"text\":\"B\"},{\"text\":\"C\"}]}}", NULL},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"\"}]}]}", NULL},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":\"w\"},{\"role\":\"assistant\",\"content\":\"\",\"toolCalls\":[{\"id\":\"call_0\",\"name\":\"f\",\"arguments\":{\"x\":1},\"signature\":\"c2ln\"},{\"id\":\"fc-9\",\"name\":\"g\"}]},{\"role\":\"tool\",\"toolCallId\":\"fc-9\",\"content\":\"42\"},{\"role\":\"tool\",\"toolCallId\":\"call_0\",\"content\":\"{\\\"n\\\": 12345678901234567890}\"},{\"role\":\"assistant\",\"content\":\"Hm\",\"toolCalls\":[{\"id\":\"call_0\",\"name\":\"h\",\"arguments\":\"{\\\"big\\\":12345678901234567890}\"}]},{\"role\":\"tool\",\"toolCallId\":\"call_0\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}]}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"w\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"x\":1}},\"thoughtSignature\":\"c2ln\"},{\"functionCall\":{\"id\":\"fc-9\",\"name\":\"g\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"fc-9\",\"name\":\"g\",\"response\":{\"output\":\"42\"}}},{\"functionResponse\":{\"name\":\"f\",\"response\":{\"n\": 12345678901234567890}}}]},{\"role\":\"model\",\"parts\":[{\"text\":\"Hm\"},{\"functionCall\":{\"name\":\"h\",\"args\":{\"big\":12345678901234567890}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"h\",\"response\":{\"output\":\"a\\n\\nb\"}}}]}]}", NULL},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":\"w\"},{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"call_1x\",\"name\":\"f\",\"signature\":\"[{}]\"}]},{\"role\":\"tool\",\"toolCallId\":\"call_1x\",\"content\":\"[1]\"}]}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"w\"}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"call_1x\",\"name\":\"f\",\"args\":{}}}]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":\"call_1x\",\"name\":\"f\",\"response\":{\"output\":\"[1]\"}}}]}]}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"temperature\":1,\"maxTokens\":9,\"providerOptions\":{\"gemini\":{\"safetySettings\":[{\"category\":\"C\",\"threshold\":\"OFF\"}],\"generationConfig\":{\"topK\":3,\"temperature\":0}},\"mine\":{\"generationConfig\":{\"topK\":4,\"maxOutputTokens\":null},\"cachedContent\":\"cachedContents/x\"}}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"temperature\":0,\"topK\":4},\"safetySettings\":[{\"category\":\"C\",\"threshold\":\"OFF\"}],\"cachedContent\":\"cachedContents/x\"}", NULL},
      {"gemini", "{\"prompt\":\"Hi\",\"providerOptions\":{\"gemini\":{\"generationConfig\":{\"responseModalities\":[\"TEXT\"]}}}}",
       "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}],\"generationConfig\":{\"responseModalities\":[\"TEXT\"]}}", NULL},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void what_gemini_lacks_is_said(void **state) {
  static const build_case list[] = {
      {"gemini", "{\"prompt\":\"Hi\",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}", NULL,
       "stop has 6 entries, but gemini takes at most 5"},
      {"gemini", "{\"prompt\":\"Hi\",\"seed\":2147483648}", NULL,
       "seed is 2147483648, but gemini takes whole numbers from -2147483648 to 2147483647"},
      {"gemini", "{\"prompt\":\"Hi\",\"maxTokens\":4294967296}", NULL,
       "maxTokens is 4294967296, but gemini takes whole numbers from -2147483648 to 2147483647"},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"budgetTokens\":4294967296}}", NULL,
       "reasoning.budgetTokens is 4294967296, but gemini takes whole numbers from -2147483648 to 2147483647"},
      {"gemini", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"low\",\"budgetTokens\":5}}", NULL,
       "reasoning has both effort and budgetTokens; gemini takes one of them"},
      {"gemini", "{\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}", NULL,
       "messages has nothing but instructions; gemini needs a message of the user too"},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"developer\",\"content\":\"y\"}]}", NULL,
       "messages[1] has the role developer behind other messages; gemini takes instructions only before them"},
      {"gemini", "{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"image\",\"url\":\"https://h/i\"}]},{\"role\":\"user\",\"content\":\"x\"}]}", NULL,
       "messages[0] has an image among the instructions, which gemini does not take there; send it in a message of the user"},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"tool\",\"toolCallId\":\"a\",\"content\":\"x\"}]}", NULL,
       "messages[1].toolCallId names no tool call of an earlier message, by which gemini would know the tool"},
      {"gemini", "{\"messages\":[{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"a\",\"name\":\"f\"}]},{\"role\":\"tool\",\"toolCallId\":\"a\",\"content\":[{\"type\":\"image\",\"url\":\"https://h/i\"}]}]}", NULL,
       "messages[1] of a tool has an image, which gemini does not take there; send it in a message of the user"},
      {"gemini", "{\"messages\":[{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"a\",\"name\":\"f\",\"arguments\":\"[1]\"}]}]}", NULL,
       "The arguments of a tool call in messages[0] are text that is no JSON object; gemini takes only objects"},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"url\":\"http://h/i.png\"}]}]}", NULL,
       "messages[0] has an image by an address that gemini does not fetch; give one that begins with https://, or the image itself as data (base64) with mediaType"},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"url\":\"gs://b/i.png\"}]}]}", NULL,
       "messages[0] has an image by an address that gemini does not fetch; give one that begins with https://, or the image itself as data (base64) with mediaType"},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"url\":\"data:image/png,xx\"}]}]}", NULL,
       "messages[0] has an image by an address that gemini does not fetch; give one that begins with https://, or the image itself as data (base64) with mediaType"},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"url\":\"data:;base64,AAAA\"}]}]}", NULL,
       "messages[0] has an image by an address that gemini does not fetch; give one that begins with https://, or the image itself as data (base64) with mediaType"},
      {"gemini", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"url\":\"data:base64,AAAA\"}]}]}", NULL,
       "messages[0] has an image by an address that gemini does not fetch; give one that begins with https://, or the image itself as data (base64) with mediaType"},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

static void build(const lj_endpoint *endpoint, const char *model, const char *data, lj_wire *wire) {
  cJSON *json = json_of(data);
  cJSON *request = NULL;
  lj_fault fault;
  lj_wire_init(wire);
  assert_code(lj_request_prepare(NULL, json, &request, &fault), LJ_OK);
  assert_code(lj_gemini.build(endpoint, model, request, wire, &fault), LJ_OK);
  cJSON_Delete(request);
  cJSON_Delete(json);
}

static void the_model_stands_in_the_path_whatever_it_holds(void **state) {
  static const struct {
    const char *model;
    const char *data;
    const char *url;
  } cases[] = {
      {"gemini-x", "{\"prompt\":\"Hi\"}", "http://h/v1beta/models/gemini-x:streamGenerateContent?alt=sse"},
      {"gemini-x", "{\"prompt\":\"Hi\",\"stream\":false}", "http://h/v1beta/models/gemini-x:generateContent"},
      {"models/gemini-2.5_a~b", "{\"prompt\":\"Hi\",\"stream\":false}", "http://h/v1beta/models/gemini-2.5_a~b:generateContent"},
      {"tunedModels/mine", "{\"prompt\":\"Hi\",\"stream\":false}", "http://h/v1beta/tunedModels/mine:generateContent"},
      {"../a/b?key=x#y:z %\xC3\xBC", "{\"prompt\":\"Hi\",\"stream\":false}",
       "http://h/v1beta/models/..%2Fa%2Fb%3Fkey%3Dx%23y%3Az%20%25%C3%BC:generateContent"},
  };
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h/v1beta/"};
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    lj_wire wire;
    build(&endpoint, cases[at].model, cases[at].data, &wire);
    assert_string_equal(wire.url.data, cases[at].url);
    assert_string_equal(wire.method, "POST");
    assert_int_equal(wire.stream, strstr(cases[at].url, "alt=sse") != NULL);
    lj_wire_free(&wire);
  }
}

static void a_name_too_long_for_an_address_is_refused(void **state) {
  lj_endpoint endpoint = {.provider = "p", .base_url = NULL};
  cJSON *request = json_of("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
  char model[5000];
  lj_wire wire;
  lj_fault fault;
  (void)state;
  memset(model, 'm', sizeof model - 1);
  model[sizeof model - 1] = '\0';
  lj_wire_init(&wire);
  assert_code(lj_gemini.build(&endpoint, model, request, &wire, &fault), LJ_BAD_REQUEST);
  assert_string_equal(fault.message, "The model's name is longer than 4096 bytes when it is escaped");
  lj_wire_free(&wire);
  cJSON_Delete(request);
}

static void the_key_goes_into_its_header_and_nowhere_else(void **state) {
  lj_endpoint endpoint = {.provider = "p", .base_url = NULL, .api_key = "AIzaSecret"};
  cJSON *headers = json_of("{\"X-Goog-Api-Key\":\"other\"}");
  lj_wire wire;
  (void)state;
  build(&endpoint, "m", "{\"prompt\":\"Hi\"}", &wire);
  assert_string_equal(wire.url.data, "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse");
  assert_string_equal(wire.headers.data, "Content-Type: application/json\nAccept: text/event-stream\nAccept-Encoding: identity\n"
                                         "x-goog-api-key: AIzaSecret\n");
  assert_null(strstr(wire.body.data, "AIza"));
  lj_wire_free(&wire);
  endpoint.headers = headers;
  build(&endpoint, "m", "{\"prompt\":\"Hi\",\"stream\":false}", &wire);
  assert_string_equal(wire.headers.data, "Content-Type: application/json\nAccept: application/json\nAccept-Encoding: identity\n"
                                         "X-Goog-Api-Key: other\n");
  lj_wire_free(&wire);
  cJSON_Delete(headers);
}

/* One candidate of a chunk, and chunks as events. */
#define ENTRY(text, more) "{\"model\":\"models/m\",\"content\":{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}" more "}"

static void inputs_become_one_request_each(void **state) {
  static const build_case list[] = {
      {"gemini", "{\"input\":\"x\"}", "{\"requests\":[" ENTRY("x", "") "]}", NULL},
      {"gemini", "{\"input\":[\"x\",\"y\"],\"providerOptions\":{\"gemini\":{\"taskType\":\"CLUSTERING\"},\"mine\":{\"outputDimensionality\":8}}}",
       "{\"requests\":[" ENTRY("x", ",\"taskType\":\"CLUSTERING\",\"outputDimensionality\":8") ","
       ENTRY("y", ",\"taskType\":\"CLUSTERING\",\"outputDimensionality\":8") "]}", NULL},
  };
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h/v1beta", .api_key = "k"};
  lj_wire wire;
  (void)state;
  expect_builds(list, COUNT_OF(list));
  build(&endpoint, "models/e", "{\"input\":[\"x\",\"y\"]}", &wire);
  assert_string_equal(wire.url.data, "http://h/v1beta/models/e:batchEmbedContents");
  assert_non_null(strstr(wire.body.data, "{\"model\":\"models/e\","));
  assert_non_null(strstr(wire.headers.data, "\nx-goog-api-key: k\n"));
  assert_false(wire.stream);
  assert_int_equal(wire.ask, LJ_ASK_EMBEDDINGS);
  assert_int_equal(wire.inputs, 2);
  lj_wire_free(&wire);
}

static void a_batch_has_at_most_100_texts(void **state) {
  int count;
  (void)state;
  for (count = 100; count <= 101; count++) {
    build_case one = {"gemini", NULL, NULL, NULL};
    lj_endpoint endpoint = {.provider = "p", .base_url = "http://h"};
    lj_buffer data;
    lj_wire wire;
    lj_fault fault;
    int at;
    lj_buffer_init(&data, 4096);
    for (at = 0; at < count; at++) {
      assert_code(lj_buffer_printf(&data, "%s\"t%d\"", at == 0 ? "{\"input\":[" : ",", at), LJ_OK);
    }
    assert_code(lj_buffer_append_text(&data, "]}"), LJ_OK);
    one.data = data.data;
    if (count == 100) {
      assert_code(build_data("gemini", &endpoint, data.data, &wire, &fault), LJ_OK);
      assert_int_equal(wire.inputs, 100);
      lj_wire_free(&wire);
    } else {
      one.message = "input has 101 texts, but gemini takes at most 100 in one request; make several jobs of it";
      expect_builds(&one, 1);
    }
    lj_buffer_free(&data);
  }
}

static void vectors_are_read_in_their_order(void **state) {
  static const struct {
    size_t inputs;
    const char *body;
    const char *told;
  } cases[] = {
      {2, "{\"embeddings\":[{\"values\":[0.013168523,-0.5]},{\"values\":[1,2e-7]}],\"usageMetadata\":{\"promptTokenCount\":6}}",
       "vectors [[0.013168523,-0.5],[1,2e-7]]\nusage 6 - - -\nOK\n"},
      {1, "{\n  \"embeddings\": [\n    {\n      \"values\": [\n        1\n      ]\n    }\n  ]\n}\n", "vectors [[1]]\nOK\n"},
      {2, "{\"embeddings\":[{\"values\":[1]}]}", "vectors [[1],[]]\nPROTOCOL The provider's answer has no embedding for the input of index 1\n"},
      {1, "{\"embeddings\":[{\"values\":[1]},{\"values\":[2]}]}",
       "vectors [[1]]\nPROTOCOL The provider's answer has an embedding for an input that was not sent, of index 1\n"},
      {1, "{\"embeddings\":[{}]}",
       "vectors [[]]\nPROTOCOL The provider's answer has an embedding that is neither numbers nor base64 of them for the input of index 0\n"},
      {1, "{\"candidates\":[]}",
       "PROTOCOL The provider's answer has no embeddings; is baseUrl that of the Gemini API, with its version?\n"},
      {1, "{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
       "RATE_LIMITED The provider reported an error inside its answer (RESOURCE_EXHAUSTED): m\n"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    exchange run = {0};
    run.provider = &lj_gemini;
    run.ask = LJ_ASK_EMBEDDINGS;
    run.inputs = cases[at].inputs;
    run.body = cases[at].body;
    expect_exchange(&run, cases[at].told);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(bodies),
      tidy_test(what_gemini_lacks_is_said),
      tidy_test(the_model_stands_in_the_path_whatever_it_holds),
      tidy_test(a_name_too_long_for_an_address_is_refused),
      tidy_test(the_key_goes_into_its_header_and_nowhere_else),
      tidy_test(inputs_become_one_request_each),
      tidy_test(a_batch_has_at_most_100_texts),
      tidy_test(vectors_are_read_in_their_order),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
