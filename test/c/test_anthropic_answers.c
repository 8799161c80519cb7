/* SPDX-License-Identifier: MIT
 *
 * What answers of Anthropic's Messages API, and of servers that copy it, may look like. The recorded streams are in
 * test_wire_examples.c.
 */
#include "provider/anthropic.h"
#include "support/build.h"
#include "support/exchange.h"

#define EVENT(name, rest) "event: " name "\ndata: {\"type\":\"" name "\"" rest "}\n\n"
#define START EVENT("message_start", ",\"message\":{\"model\":\"x\",\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}")
#define TEXT(text) EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define CALL(index, id) \
  EVENT("content_block_start", ",\"index\":" index ",\"content_block\":{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"f\",\"input\":{}}")
#define INPUT(index, piece) \
  EVENT("content_block_delta", ",\"index\":" index ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"" piece "\"}")
#define FINISH(reason) EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" reason "\"},\"usage\":{\"output_tokens\":3}")
#define STOP EVENT("message_stop", "")
#define DONE FINISH("end_turn") STOP

static const struct {
  const char *body;
  const char *told;
} streams[] = {
    {START TEXT("Hi") DONE, "text Hi\nfinish stop\nusage 5 3 - -\nOK\n"},
    /* names of events don't matter, nor what is not known */
    {"data: {\"type\":\"ping\"}\n\n" START "event: odd\ndata: {\"type\":\"odd\",\"index\":-1}\n\n" TEXT("Hi")
     EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"cited_text\":\"x\"}}")
     EVENT("content_block_start", ",\"index\":1,\"content_block\":{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{}}")
     INPUT("1", "{}") EVENT("content_block_start", ",\"index\":2,\"content_block\":{\"type\":\"web_search_tool_result\",\"content\":[]}") DONE,
     "text Hi\nfinish stop\nusage 5 3 - -\nOK\n"},
    {START EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"A\"}") TEXT("B")
     EVENT("content_block_start", ",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}") TEXT("C") DONE,
     "text ABC\nfinish stop\nusage 5 3 - -\nOK\n"},
    /* calls: without pieces, in pieces that come mixed, whole at the begin, and whole and then in pieces */
    {START CALL("0", "a") FINISH("tool_use") STOP, "call a f \nfinish tool\nusage 5 3 - -\nOK\n"},
    {START CALL("0", "a") INPUT("0", "") CALL("1", "b") INPUT("0", "{\\\"x\\\":") INPUT("1", "{}") INPUT("0", "1}") FINISH("end_turn") STOP,
     "call a f {\"x\":1}\ncall b f {}\nfinish tool\nusage 5 3 - -\nOK\n"},
    {START EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{\"x\":1}}") INPUT("0", "")
     FINISH("tool_use") STOP, "call a f {\"x\":1}\nfinish tool\nusage 5 3 - -\nOK\n"},
    {START EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{\"x\":1}}")
     INPUT("0", "{\\\"y\\\":") INPUT("0", "2}") FINISH("tool_use") STOP, "call a f {\"y\":2}\nfinish tool\nusage 5 3 - -\nOK\n"},
    /* counts: the last one told is right, what is null or missing stays, the cache's part belongs to the input */
    {EVENT("message_start", ",\"message\":{\"usage\":{\"input_tokens\":5,\"cache_creation_input_tokens\":10,\"cache_read_input_tokens\":20,\"output_tokens\":1}}") TEXT("Hi")
     EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":7,\"cache_creation_input_tokens\":null,\"output_tokens\":4,"
     "\"output_tokens_details\":{\"thinking_tokens\":2}}") STOP, "text Hi\nfinish stop\nusage 37 4 20 2\nOK\n"},
    {TEXT("Hi") EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\"}") STOP, "text Hi\nfinish stop\nOK\n"},
    {TEXT("Hi") STOP, "text Hi\nOK\n"},
    /* reasons */
    {START TEXT("Hi") FINISH("stop_sequence") STOP, "text Hi\nfinish stop\nusage 5 3 - -\nOK\n"},
    {START TEXT("Hi") FINISH("max_tokens") STOP, "text Hi\nfinish length\nusage 5 3 - -\nOK\n"},
    {START TEXT("Hi") FINISH("model_context_window_exceeded") STOP, "text Hi\nfinish length\nusage 5 3 - -\nOK\n"},
    {START TEXT("Hi") FINISH("pause_turn") STOP, "text Hi\nfinish length\nusage 5 3 - -\nOK\n"},
    {START FINISH("refusal") STOP, "finish filter\nusage 5 3 - -\nOK\n"},
    {START TEXT("Hi") FINISH("something_new") STOP, "text Hi\nfinish stop\nusage 5 3 - -\nOK\n"},
    /* a second begin */
    {START START TEXT("Hi") DONE, "text Hi\nfinish stop\nusage 5 3 - -\nOK\n"},
    {START TEXT("Hi") START TEXT("Hi") DONE,
     "text Hi\nusage 5 1 - -\nPROTOCOL The provider began a second answer in the middle of the first (a second message_start)\n"},
    {START CALL("0", "a") START, "call a f \nusage 5 1 - -\nPROTOCOL The provider began a second answer in the middle of the first (a second message_start)\n"},
    /* what comes behind the end does not count */
    {START TEXT("Hi") DONE TEXT("more") "data: [DONE]\n\n", "text Hi\nfinish stop\nusage 5 3 - -\nOK\n"},
    {START TEXT("Hi") FINISH("end_turn"),
     "text Hi\nfinish stop\nusage 5 3 - -\nPROTOCOL The stream ended before the answer was complete: no message_stop came\n"},
    {START, "usage 5 1 - -\nPROTOCOL The stream ended before the answer was complete: no message_stop came\n"},
    {START "data: [1]\n\n", "usage 5 1 - -\nPROTOCOL The provider sent an event that is no JSON object\n"},
    {START "data: [DONE]\n\n", "usage 5 1 - -\nPROTOCOL The provider sent a line of 6 bytes that is no JSON\n"},
    /* errors inside an answer */
    {"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
     "OVERLOADED The provider reported an error inside its answer (overloaded_error): Overloaded\n"},
    {"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Overloaded\"}}\n\n",
     "OVERLOADED The provider reported an error inside its answer (api_error): Overloaded\n"},
    {START "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n\n",
     "usage 5 1 - -\nSERVER_ERROR The provider reported an error inside its answer (api_error): m\n"},
    {START "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\"}}\n\n",
     "usage 5 1 - -\nRATE_LIMITED The provider reported an error inside its answer (rate_limit_error): m\n"},
    {START "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"m\"}}\n\n",
     "usage 5 1 - -\nBAD_REQUEST The provider reported an error inside its answer (invalid_request_error): m\n"},
    {START "event: error\ndata: broken\n\n", "usage 5 1 - -\nSERVER_ERROR The provider reported an error inside its answer: broken\n"},
};

static void streams_are_understood(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(streams); at++) {
    exchange run = {0};
    run.provider = &lj_anthropic;
    run.stream = true;
    run.body = streams[at].body;
    expect_exchange(&run, streams[at].told);
  }
}

static void whole_answers_are_understood(void **state) {
  static const struct {
    const char *body;
    const char *told;
  } cases[] = {
      {"{\"type\":\"message\",\"model\":\"x\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\"},{\"type\":\"text\",\"text\":\"A\",\"citations\":[]},{\"type\":\"text\",\"text\":"
       "\"B\"},{\"type\":\"server_tool_use\",\"name\":\"s\"},{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{\"x\":1}},{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"g\","
       "\"input\":{}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":5,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":3,\"output_tokens\":2}}",
       "text AB\ncall a f {\"x\":1}\ncall b g \nfinish tool\nusage 8 2 3 -\nOK\n"},
      {"{\"type\":\"message\",\"content\":[],\"stop_reason\":\"end_turn\",\"usage\":{}}", "finish stop\nOK\n"},
      {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}",
       "OVERLOADED The provider reported an error inside its answer (overloaded_error): m\n"},
      {"{\"choices\":[]}", "PROTOCOL The provider's answer has no content; is baseUrl that of a Messages API?\n"},
      {"{\"type\":\"message\",\"content\":[", "PROTOCOL The provider's answer of 29 bytes is no JSON, or was cut off\n"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    exchange run = {0};
    run.provider = &lj_anthropic;
    run.stream = at % 2 == 0; /* a server may ignore that a stream was asked for */
    run.body = cases[at].body;
    expect_exchange(&run, cases[at].told);
  }
}

#define BLOCK(index, block) EVENT("content_block_start", ",\"index\":" index ",\"content_block\":{" block "}")
#define DELTA(index, delta) EVENT("content_block_delta", ",\"index\":" index ",\"delta\":{" delta "}")
#define THINK(index, text) \
  BLOCK(index, "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"") DELTA(index, "\"type\":\"thinking_delta\",\"thinking\":\"" text "\"")
#define SIGN(index, piece) DELTA(index, "\"type\":\"signature_delta\",\"signature\":\"" piece "\"")

/* Whatever the pieces: the result's toolCalls, and that the API gets back what it said. */
static void thoughts_go_back_with_the_call_that_follows_them(void **state) {
  static const struct {
    const char *body;
    const char *calls;
    const char *content;
  } cases[] = {
      {START THINK("0", "Need \\\"it\\\".") SIGN("0", "c2") SIGN("0", "ln") EVENT("content_block_stop", ",\"index\":0")
       BLOCK("1", "\"type\":\"redacted_thinking\",\"data\":\"r\"") BLOCK("2", "\"type\":\"text\",\"text\":\"W\"") CALL("3", "a") CALL("4", "b")
       THINK("5", "more") SIGN("5", "s") CALL("6", "c") FINISH("tool_use") STOP,
       "[{\"id\":\"a\",\"name\":\"f\",\"arguments\":{},\"signature\":\"[{\\\"type\\\":\\\"thinking\\\",\\\"thinking\\\":\\\"Need \\\\\\\"it\\\\\\\".\\\",\\\"signature\\\":"
       "\\\"c2ln\\\"},{\\\"type\\\":\\\"redacted_thinking\\\",\\\"data\\\":\\\"r\\\"}]\"},{\"id\":\"b\",\"name\":\"f\",\"arguments\":{}},{\"id\":\"c\",\"name\":\"f\","
       "\"arguments\":{},\"signature\":\"[{\\\"type\\\":\\\"thinking\\\",\\\"thinking\\\":\\\"more\\\",\\\"signature\\\":\\\"s\\\"}]\"}]",
       "[{\"type\":\"thinking\",\"thinking\":\"Need \\\"it\\\".\",\"signature\":\"c2ln\"},{\"type\":\"redacted_thinking\",\"data\":\"r\"},{\"type\":\"text\",\"text\":\"W\"},"
       "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}},{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"f\",\"input\":{}},{\"type\":\"thinking\",\"thinking\":"
       "\"more\",\"signature\":\"s\"},{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}}]"},
      {"{\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"W\"},{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\"}],"
       "\"stop_reason\":\"tool_use\"}",
       "[{\"id\":\"a\",\"name\":\"f\",\"arguments\":{},\"signature\":\"[{\\\"type\\\":\\\"thinking\\\",\\\"thinking\\\":\\\"t\\\",\\\"signature\\\":\\\"s\\\"}]\"}]",
       "[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"W\"},{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}]"},
      /* what is not signed is not wanted back, and a second begin forgets */
      {START THINK("0", "lost") SIGN("0", "s") EVENT("content_block_stop", ",\"index\":0") START THINK("0", "unsigned")
       BLOCK("1", "\"type\":\"text\",\"text\":\"W\"") CALL("2", "a") FINISH("tool_use") STOP,
       "[{\"id\":\"a\",\"name\":\"f\",\"arguments\":{}}]",
       "[{\"type\":\"text\",\"text\":\"W\"},{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}]"},
  };
  size_t at;
  size_t size;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    for (size = 0; size < COUNT_OF(piece_sizes); size++) {
      lj_endpoint endpoint = {.provider = "p", .base_url = "http://h", .api_key = "k", .headers = NULL};
      lj_response *response = NULL;
      cJSON *result = NULL;
      cJSON *message = cJSON_CreateObject();
      cJSON *data = json_of("{\"messages\":[]}");
      cJSON *body;
      char *text;
      lj_wire wire;
      lj_fault fault;
      int rc;
      assert_code(lj_response_open(&lj_anthropic, &(lj_wire){.stream = true}, 100000, NULL, &response), LJ_OK);
      lj_response_status(response, 200);
      rc = feed_pieces(feed_response, response, cases[at].body, strlen(cases[at].body), piece_sizes[size]);
      assert_true(rc == LJ_OK || rc == LJ_CLOSED);
      assert_code(lj_response_end(response, &fault), LJ_OK);
      assert_code(lj_answer_json(lj_response_answer(response), 0, &result), LJ_OK);
      assert_json(lj_json_get(result, "toolCalls"), cases[at].calls);
      assert_code(lj_json_put_string(message, "role", "assistant"), LJ_OK);
      assert_code(lj_json_put_value(message, "content", cJSON_DetachItemFromObject(result, "text")), LJ_OK);
      assert_code(lj_json_put_value(message, "toolCalls", cJSON_DetachItemFromObject(result, "toolCalls")), LJ_OK);
      assert_code(lj_json_push_value(cJSON_GetObjectItem(data, "messages"), message), LJ_OK);
      text = text_of(data);
      assert_code(build_data("anthropic", &endpoint, text, &wire, &fault), LJ_OK);
      body = json_of(wire.body.data);
      assert_json(lj_json_get(lj_json_get(body, "messages")->child, "content"), cases[at].content);
      cJSON_Delete(body);
      lj_free(text);
      lj_wire_free(&wire);
      cJSON_Delete(data);
      cJSON_Delete(result);
      lj_response_free(response);
    }
  }
}

/* A stream of pings alone is a stream that brings nothing: the idle timer ends it. */
static void a_ping_is_no_data(void **state) {
  static const char pings[] = START EVENT("ping", "") EVENT("ping", "");
  lj_response_listener listener = {NULL, NULL, hear_data};
  lj_response *response = NULL;
  heard ears;
  (void)state;
  ears.events = 0;
  listener.owner = &ears;
  assert_code(lj_response_open(&lj_anthropic, &(lj_wire){.stream = true}, 1000, &listener, &response), LJ_OK);
  lj_response_status(response, 200);
  assert_code(lj_response_feed(response, pings, strlen(pings)), LJ_OK);
  assert_int_equal(ears.events, 1);
  lj_response_free(response);
}

static void the_id_of_an_error_inside_an_answer_is_kept(void **state) {
  static const char body[] = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"},\"request_id\":\"req_1\"}\n\n";
  lj_response *response = NULL;
  lj_fault fault;
  (void)state;
  assert_code(lj_response_open(&lj_anthropic, &(lj_wire){.stream = true}, 1000, NULL, &response), LJ_OK);
  lj_response_status(response, 200);
  assert_code(lj_response_feed(response, body, strlen(body)), LJ_SERVER_ERROR);
  assert_code(lj_response_end(response, &fault), LJ_SERVER_ERROR);
  assert_string_equal(lj_response_answer(response)->request_id, "req_1");
  lj_response_free(response);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(streams_are_understood),
      tidy_test(whole_answers_are_understood),
      tidy_test(thoughts_go_back_with_the_call_that_follows_them),
      tidy_test(a_ping_is_no_data),
      tidy_test(the_id_of_an_error_inside_an_answer_is_kept),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
