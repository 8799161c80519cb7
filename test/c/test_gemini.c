/* SPDX-License-Identifier: MIT
 *
 * Gemini's own API: the requests, and what its answers mean. Its recorded streams are in test_wire_examples.c, its errors in
 * test_error.c.
 */
#include "base/clock.h"
#include "provider/gemini.h"
#include "support/build.h"
#include "support/exchange.h"
#include "support/fixture.h"

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
#define TEXT(words) "{\"text\":\"" words "\"}"
#define CALL(inside) "{\"functionCall\":{" inside "}}"
#define SAID(parts) "\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":\"model\"},\"index\":0}]"
#define ENDED(parts, reason) \
  "\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":\"model\"},\"finishReason\":\"" reason "\",\"index\":0}]"
#define USAGE(counts) ",\"usageMetadata\":{" counts "}"
#define EVENT(members) "data: {" members "}\r\n\r\n"
#define BROKEN(code, reason) code " The provider broke the answer off with finishReason " reason

static const struct {
  const char *name;
  const char *body;
  const char *told;
} streams[] = {
    {"text in pieces", EVENT(SAID(TEXT("Gr\\u00fc"))) EVENT(SAID(TEXT("\xC3\x9F" "e"))) EVENT(ENDED(TEXT(""), "STOP")),
     "text Gr\xC3\xBC\xC3\x9F" "e\nfinish stop\nOK\n"},
    {"thoughts are no text", EVENT(SAID("{\"text\":\"Hm\",\"thought\":true}," TEXT("a"))) EVENT(ENDED(TEXT("b"), "STOP")),
     "text ab\nfinish stop\nOK\n"},
    {"calls without ids", EVENT(SAID(CALL("\"name\":\"f\",\"args\":{\"x\":[1,{}]}") "," CALL("\"name\":\"g\""))) EVENT(ENDED("", "STOP")),
     "call call_0 f {\"x\":[1,{}]}\ncall call_1 g \nfinish tool\nOK\n"},
    {"calls with ids, after text", EVENT(SAID(TEXT("t"))) EVENT(ENDED(CALL("\"id\":\"a1\",\"name\":\"f\",\"args\":{}"), "STOP")),
     "text t\ncall a1 f {}\nfinish tool\nOK\n"},
    {"a reason in each chunk, and counts behind it", EVENT(ENDED(TEXT("a"), "STOP")) EVENT(ENDED(TEXT("b"), "STOP")) EVENT("\"x\":1" USAGE("\"promptTokenCount\":3,\"candidatesTokenCount\":2")),
     "text ab\nfinish stop\nusage 3 2 - -\nOK\n"},
    {"totals replace each other",
     EVENT(SAID(TEXT("a")) USAGE("\"promptTokenCount\":9,\"thoughtsTokenCount\":20"))
         EVENT(SAID(TEXT("b")) USAGE("\"promptTokenCount\":9,\"candidatesTokenCount\":2,\"thoughtsTokenCount\":21"))
             EVENT(ENDED("", "STOP") USAGE("\"promptTokenCount\":9,\"toolUsePromptTokenCount\":5,\"candidatesTokenCount\":14,\"thoughtsTokenCount\":21,\"cachedContentTokenCount\":0")),
     "text ab\nfinish stop\nusage 14 35 0 21\nOK\n"},
    {"counts that come alone", EVENT(SAID(TEXT("a")) USAGE("\"thoughtsTokenCount\":4")) EVENT(ENDED("", "STOP") USAGE("\"candidatesTokenCount\":3")),
     "text a\nfinish stop\nusage - 7 - 4\nOK\n"},
    {"nothing but thoughts", EVENT("\"candidates\":[{\"content\":{\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\"}]" USAGE("\"promptTokenCount\":9,\"thoughtsTokenCount\":8")),
     "finish length\nusage 9 8 - 8\nOK\n"},
    {"counts of other types", EVENT(ENDED(TEXT("a"), "STOP") USAGE("\"promptTokenCount\":null,\"candidatesTokenCount\":\"7\",\"thoughtsTokenCount\":-1")),
     "text a\nfinish stop\nOK\n"},
    {"the first candidate", EVENT("\"candidates\":[{\"index\":1,\"content\":{\"parts\":[" TEXT("no") "]},\"finishReason\":\"SAFETY\"},{\"content\":{\"parts\":[" TEXT("yes") "]},\"finishReason\":\"STOP\"}]"),
     "text yes\nfinish stop\nOK\n"},
    {"CONTINUATION", EVENT(ENDED(TEXT("a"), "CONTINUATION")), "text a\nfinish length\nOK\n"},
    {"SAFETY without content", EVENT("\"candidates\":[{\"finishReason\":\"SAFETY\",\"safetyRatings\":[]}]"), "finish filter\nOK\n"},
    {"RECITATION", EVENT(ENDED(TEXT("a"), "RECITATION")), "text a\nfinish filter\nOK\n"},
    {"LANGUAGE", EVENT(ENDED("", "LANGUAGE")), "finish filter\nOK\n"},
    {"BLOCKLIST", EVENT(ENDED("", "BLOCKLIST")), "finish filter\nOK\n"},
    {"PROHIBITED_CONTENT", EVENT(ENDED("", "PROHIBITED_CONTENT")), "finish filter\nOK\n"},
    {"SPII", EVENT(ENDED("", "SPII")), "finish filter\nOK\n"},
    {"IMAGE_SAFETY", EVENT(ENDED("", "IMAGE_SAFETY")), "finish filter\nOK\n"},
    {"IMAGE_PROHIBITED_CONTENT", EVENT(ENDED("", "IMAGE_PROHIBITED_CONTENT")), "finish filter\nOK\n"},
    {"IMAGE_RECITATION", EVENT(ENDED("", "IMAGE_RECITATION")), "finish filter\nOK\n"},
    {"MALFORMED_FUNCTION_CALL", EVENT(SAID(TEXT("a"))) EVENT("\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":\"SECRET\"}]"),
     "text a\n" BROKEN("SERVER_ERROR", "MALFORMED_FUNCTION_CALL") "\n"},
    {"MALFORMED_RESPONSE", EVENT(ENDED("", "MALFORMED_RESPONSE")), BROKEN("SERVER_ERROR", "MALFORMED_RESPONSE") "\n"},
    {"UNEXPECTED_TOOL_CALL", EVENT(ENDED("", "UNEXPECTED_TOOL_CALL")), BROKEN("SERVER_ERROR", "UNEXPECTED_TOOL_CALL") "\n"},
    {"TOO_MANY_TOOL_CALLS", EVENT(ENDED("", "TOO_MANY_TOOL_CALLS")), BROKEN("SERVER_ERROR", "TOO_MANY_TOOL_CALLS") "\n"},
    {"MISSING_THOUGHT_SIGNATURE", EVENT(ENDED("", "MISSING_THOUGHT_SIGNATURE")),
     BROKEN("BAD_REQUEST", "MISSING_THOUGHT_SIGNATURE") "; send tool calls back with the signature that they came with\n"},
    {"OTHER with an answer", EVENT(ENDED(TEXT("a"), "OTHER")), "text a\nfinish stop\nOK\n"},
    {"OTHER without", EVENT(ENDED("", "OTHER")), BROKEN("SERVER_ERROR", "OTHER") "\n"},
    {"a reason of tomorrow", EVENT(ENDED(CALL("\"name\":\"f\""), "DREAM")), "call call_0 f \nfinish tool\nOK\n"},
    {"no reason", EVENT(ENDED(TEXT("a"), "FINISH_REASON_UNSPECIFIED")),
     "text a\nPROTOCOL The answer ended before it was complete: no finishReason came\n"},
    {"a refused prompt", EVENT("\"promptFeedback\":{\"blockReason\":\"SAFETY\"}" USAGE("\"promptTokenCount\":4")),
     "usage 4 - - -\nCONTENT_FILTERED The provider's filter refused the prompt (blockReason SAFETY)\n"},
    {"feedback that refuses nothing", EVENT("\"promptFeedback\":{\"safetyRatings\":[]}," ENDED(TEXT("a"), "STOP")), "text a\nfinish stop\nOK\n"},
    {"a call without a name", EVENT(ENDED(CALL(""), "STOP")), "PROTOCOL The provider sent a function call without a name\n"},
    {"parts of other kinds", EVENT(ENDED("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA\"}},7,null,{\"executableCode\":{}}," TEXT("a"), "STOP")),
     "text a\nfinish stop\nOK\n"},
    {"an error as an event", EVENT(SAID(TEXT("a"))) EVENT("\"error\":{\"code\":500,\"message\":\"m\",\"status\":\"INTERNAL\"}"),
     "text a\nSERVER_ERROR The provider reported an error inside its answer (INTERNAL): m\n"},
    {"an error as an array behind the events", EVENT(SAID(TEXT("a"))) "[{\r\n  \"error\": {\r\n    \"code\": 429,\r\n    \"status\": \"RESOURCE_EXHAUSTED\"\r\n  }\r\n}]\r\n",
     "text a\nRATE_LIMITED The provider reported an error inside its answer (RESOURCE_EXHAUSTED)\n"},
    {"an error instead of events", "{\n  \"error\": {\n    \"code\": 404,\n    \"message\": \"m\",\n    \"status\": \"NOT_FOUND\"\n  }\n}\n",
     "MODEL_NOT_FOUND The provider reported an error inside its answer (NOT_FOUND); check the model's name and baseUrl: m\n"},
    {"an event that is no object", "data: 7\n\n", "PROTOCOL The provider sent an event that is no JSON object\n"},
    {"an event that is no JSON", "data: {\"candidates\n\n", "PROTOCOL The provider sent a line of 12 bytes that is no JSON\n"},
    {"a stream as an array", "[{" SAID(TEXT("a")) "}\r\n,\r\n{" ENDED(TEXT("b"), "STOP") "}]", "text ab\nfinish stop\nOK\n"},
    {"an array that ends in an error", "[{" SAID(TEXT("a")) "},{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}]",
     "text a\nOVERLOADED The provider reported an error inside its answer (UNAVAILABLE): m\n"},
    {"an empty array", "[]", "PROTOCOL The answer ended before it was complete: no finishReason came\n"},
    {"whole", "\r\n{" ENDED(TEXT("a") "," CALL("\"name\":\"f\""), "STOP") USAGE("\"promptTokenCount\":1,\"candidatesTokenCount\":2") ",\"modelVersion\":\"v\"}",
     "text a\ncall call_0 f \nfinish tool\nusage 1 2 - -\nOK\n"},
    {"whole, cut short", "{" SAID(TEXT("a")) "}", "text a\nPROTOCOL The answer ended before it was complete: no finishReason came\n"},
    {"whole, refused", "{\"promptFeedback\":{\"blockReason\":\"OTHER\"}}",
     "CONTENT_FILTERED The provider's filter refused the prompt (blockReason OTHER)\n"},
    {"another API's answer", "{\"choices\":[]}",
     "PROTOCOL The provider's answer has no candidates; is baseUrl that of the Gemini API, with its version?\n"},
    {"a message alone", "{\"message\":\"m\"}", "SERVER_ERROR The provider reported an error inside its answer: m\n"},
};

static void answers_are_understood_in_any_pieces(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(streams); at++) {
    exchange run = {0};
    lj_buffer log;
    run.provider = &lj_gemini;
    run.stream = true;
    run.body = streams[at].body;
    (void)run_exchange(&run, 0, &log, NULL);
    if (strcmp(log.data, streams[at].told) != 0) {
      fail_msg("%s: %s", streams[at].name, log.data);
    }
    lj_buffer_free(&log);
    expect_exchange(&run, streams[at].told);
  }
}

static void read_json(const char *headers, const char *body, const char *expected) {
  lj_response *response = NULL;
  cJSON *json = NULL;
  lj_fault fault;
  assert_code(lj_response_open(&lj_gemini, &(lj_wire){.stream = true}, 100000, NULL, &response), LJ_OK);
  lj_response_status(response, 200);
  give_headers(response, headers);
  assert_code(lj_response_feed(response, body, strlen(body)), LJ_OK);
  assert_code(lj_response_end(response, &fault), LJ_OK);
  assert_code(lj_answer_json(lj_response_answer(response), 0, &json), LJ_OK);
  assert_json(json, expected);
  cJSON_Delete(json);
  lj_response_free(response);
}

#define NAMES ",\"modelVersion\":\"gemini-x-001\",\"responseId\":\"rEx1\""

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

static void the_result_has_signatures_and_names(void **state) {
  (void)state;
  read_json(NULL,
            EVENT(ENDED("{\"functionCall\":{\"name\":\"f\"},\"thoughtSignature\":\"c2ln\"},{\"functionCall\":{\"name\":\"g\"},\"thoughtSignature\":\"\"}", "STOP") NAMES),
            "{\"toolCalls\":[{\"id\":\"call_0\",\"name\":\"f\",\"arguments\":{},\"signature\":\"c2ln\"},{\"id\":\"call_1\",\"name\":\"g\",\"arguments\":{}}],"
            "\"finishReason\":\"tool\",\"model\":\"gemini-x-001\",\"requestId\":\"rEx1\"}");
  read_json("x-request-id: proxy\n", EVENT(ENDED(TEXT("a"), "STOP") NAMES),
            "{\"text\":\"a\",\"finishReason\":\"stop\",\"model\":\"gemini-x-001\",\"requestId\":\"proxy\"}");
}

static void an_error_in_a_stream_says_how_long_to_wait(void **state) {
  exchange run = {0};
  lj_buffer log;
  lj_fault fault;
  (void)state;
  run.provider = &lj_gemini;
  run.stream = true;
  run.body = EVENT("\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[{\"@type\":"
                   "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"12s\"}]}");
  assert_code(run_exchange(&run, 0, &log, &fault), LJ_RATE_LIMITED);
  assert_int_equal(fault.retry_after_ms, 12000);
  lj_buffer_free(&log);
}

/* As recorded, and with the quota of a day in it. */
static void the_recorded_limit_says_how_long_to_wait(void **state) {
  static const char minute[] = "PerMinute";
  exchange run = {0};
  lj_buffer bytes;
  lj_buffer log;
  lj_fault fault;
  char *quota;
  (void)state;
  read_fixture("gemini-429.json", &bytes);
  lj_clock_virtual(1782907200000, 0); /* 2026-07-01, five in the morning in California */
  run.provider = &lj_gemini;
  run.stream = true;
  run.status = 429;
  run.body = bytes.data;
  assert_code(run_exchange(&run, 0, &log, &fault), LJ_RATE_LIMITED);
  assert_string_equal(fault.message, "The provider answered with status 429 (RESOURCE_EXHAUSTED): Quota exceeded.");
  assert_int_equal(fault.retry_after_ms, 34400);
  lj_buffer_free(&log);
  quota = strstr(bytes.data, minute);
  assert_non_null(quota);
  memcpy(quota, "PerDayAll", sizeof minute - 1);
  assert_code(run_exchange(&run, 0, &log, &fault), LJ_RATE_LIMITED);
  assert_int_equal(fault.retry_after_ms, 19 * 3600 * 1000);
  lj_clock_real();
  lj_buffer_free(&log);
  lj_buffer_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(bodies),
      tidy_test(what_gemini_lacks_is_said),
      tidy_test(the_model_stands_in_the_path_whatever_it_holds),
      tidy_test(a_name_too_long_for_an_address_is_refused),
      tidy_test(the_key_goes_into_its_header_and_nowhere_else),
      tidy_test(answers_are_understood_in_any_pieces),
      tidy_test(the_result_has_signatures_and_names),
      tidy_test(inputs_become_one_request_each),
      tidy_test(a_batch_has_at_most_100_texts),
      tidy_test(vectors_are_read_in_their_order),
      tidy_test(an_error_in_a_stream_says_how_long_to_wait),
      tidy_test(the_recorded_limit_says_how_long_to_wait),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
