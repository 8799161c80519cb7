/* SPDX-License-Identifier: MIT
 *
 * What answers of Gemini's own API mean. Its recorded streams are in test_wire_examples.c, its errors in test_error.c.
 */
#include "base/clock.h"
#include "provider/gemini.h"
#include "support/exchange.h"
#include "support/fixture.h"

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
      tidy_test(answers_are_understood_in_any_pieces),
      tidy_test(the_result_has_signatures_and_names),
      tidy_test(an_error_in_a_stream_says_how_long_to_wait),
      tidy_test(the_recorded_limit_says_how_long_to_wait),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
