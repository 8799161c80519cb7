/* SPDX-License-Identifier: MIT
 *
 * Answers of the Responses API: streams, whole ones, and those that are fetched before they are ready.
 */
#include "support/exchange.h"
#include "support/kind.h"

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"," rest "}\n\n"
#define CREATED EVENT("response.created", "\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-x\",\"status\":\"in_progress\",\"output\":[],\"usage\":null}")
#define DELTA(text) EVENT("response.output_text.delta", "\"output_index\":0,\"content_index\":0,\"delta\":\"" text "\"")
#define COMPLETED(output) EVENT("response.completed", "\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[" output "]}")
#define MESSAGE(text) "{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"" text "\"}]}"

typedef struct answer_case {
  const char *body;
  const char *expected;
} answer_case;

static void expect_answers(const answer_case *list, size_t count, bool stream) {
  size_t at;
  for (at = 0; at < count; at++) {
    exchange run = {0};
    run.provider = provider_of("openai responses");
    run.stream = stream;
    run.body = list[at].body;
    expect_exchange(&run, list[at].expected);
  }
}

static void streams(void **state) {
  static const answer_case list[] = {
      /* Reasoning, queues and unknown events are no part of the answer. */
      {CREATED EVENT("response.queued", "\"response\":{}") EVENT("response.output_item.added", "\"output_index\":0,\"item\":{\"type\":\"reasoning\"}")
           EVENT("response.reasoning_summary_text.delta", "\"delta\":\"Hm\"") EVENT("response.reasoning_text.delta", "\"delta\":\"Hm\"")
               EVENT("response.web_search_call.searching", "\"delta\":\"x\"") EVENT("response.new_thing", "\"x\":1") DELTA("H") DELTA("i")
                   EVENT("response.output_text.done", "\"text\":\"Hi\"") COMPLETED(MESSAGE("Hi")),
       "text Hi\nfinish stop\nOK\n"},
      /* A call in pieces, and one that comes whole. */
      {CREATED EVENT("response.output_item.added", "\"output_index\":1,\"item\":{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"call_1\","
                                                   "\"name\":\"f\",\"arguments\":\"\"}")
           EVENT("response.function_call_arguments.delta", "\"item_id\":\"fc_1\",\"output_index\":1,\"delta\":\"{\\\"a\\\":\"")
               EVENT("response.function_call_arguments.delta", "\"item_id\":\"fc_1\",\"output_index\":1,\"delta\":\"1}\"")
                   EVENT("response.function_call_arguments.done", "\"output_index\":1,\"arguments\":\"{\\\"a\\\":1}\"")
                       EVENT("response.output_item.done", "\"output_index\":1,\"item\":{\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"f\","
                                                          "\"arguments\":\"{\\\"a\\\":1}\"}")
                           EVENT("response.output_item.done", "\"output_index\":2,\"item\":{\"type\":\"function_call\",\"call_id\":\"call_2\",\"name\":"
                                                              "\"g\",\"arguments\":\"{}\"}")
                               COMPLETED("{\"type\":\"reasoning\"},{\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"},"
                                         "{\"type\":\"function_call\",\"call_id\":\"call_2\",\"name\":\"g\",\"arguments\":\"{}\"}"),
       "call call_1 f {\"a\":1}\ncall call_2 g {}\nfinish tool\nOK\n"},
      /* Servers that send no pieces, or nothing whole in the end. */
      {CREATED COMPLETED(MESSAGE("Hi") ",{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"}"),
       "text Hi\ncall c f {}\nfinish tool\nOK\n"},
      {CREATED DELTA("Hi") COMPLETED(""), "text Hi\nfinish stop\nOK\n"},
      {CREATED DELTA("Hi") "event: response.completed\ndata: {\"response\":{\"status\":\"completed\"}}\n\n", "text Hi\nfinish stop\nOK\n"},
      {CREATED EVENT("response.refusal.delta", "\"delta\":\"I can't\"") COMPLETED("{\"type\":\"message\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"I can't\"}]}"),
       "text I can't\nfinish filter\nOK\n"},
      {CREATED COMPLETED("{\"type\":\"message\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No\"}]}"), "text No\nfinish filter\nOK\n"},
      {CREATED DELTA("Hi") EVENT("response.incomplete", "\"response\":{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"},"
                                                        "\"output\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":16}}"),
       "text Hi\nfinish length\nusage 3 16 - -\nOK\n"},
      {CREATED DELTA("Hi") EVENT("response.incomplete", "\"response\":{\"incomplete_details\":{\"reason\":\"content_filter\"}}"),
       "text Hi\nfinish filter\nOK\n"},
      {CREATED EVENT("response.output_item.added", "\"output_index\":0,\"item\":{\"type\":\"reasoning\",\"status\":\"in_progress\"}")
           EVENT("response.incomplete", "\"response\":{\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"usage\":{\"output_tokens\":1}}"),
       "finish length\nusage - 1 - -\nOK\n"},
      {CREATED DELTA("Hi") EVENT("response.incomplete", "\"response\":{\"incomplete_details\":null}"), "text Hi\nfinish length\nOK\n"},
      /* Ids that are others in each event, as GitHub's server has them */
      {EVENT("response.created", "\"response\":{\"id\":\"1\"}") EVENT("response.output_item.added", "\"output_index\":0,\"item\":{\"id\":\"2\",\"type\":"
                                                                       "\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"\"}")
           EVENT("response.function_call_arguments.delta", "\"item_id\":\"3\",\"output_index\":0,\"delta\":\"{}\"")
               EVENT("response.output_item.done", "\"output_index\":0,\"item\":{\"id\":\"4\",\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
                                                  "\"arguments\":\"{}\"}") COMPLETED(""),
       "call c f {}\nfinish tool\nOK\n"},
      /* What follows the end is ignored. */
      {CREATED DELTA("Hi") COMPLETED("") "data: [DONE]\n\nevent: error\ndata: {\"message\":\"late\"}\n\n", "text Hi\nfinish stop\nOK\n"},
  };
  (void)state;
  expect_answers(list, COUNT_OF(list), true);
}

static void broken_streams(void **state) {
  static const answer_case list[] = {
      {CREATED DELTA("Hal"), "text Hal\nPROTOCOL The stream ended before the answer was complete: no response.completed came\n"},
      {CREATED DELTA("Hal") "data: [DONE]\n\n",
       "text Hal\nPROTOCOL The stream ended before the answer was complete: no response.completed came\n"},
      {CREATED DELTA("Hal") EVENT("error", "\"sequence_number\":2,\"error\":{\"type\":\"server_error\",\"code\":null,\"message\":\"Broken\"}"),
       "text Hal\nSERVER_ERROR The provider reported an error inside its answer (server_error): Broken\n"},
      {CREATED EVENT("error", "\"code\":\"rate_limit_exceeded\",\"message\":\"Too fast\",\"param\":null"),
       "RATE_LIMITED The provider reported an error inside its answer (rate_limit_exceeded): Too fast\n"},
      {CREATED DELTA("Hal") EVENT("response.failed", "\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"Broken\"}}"),
       "text Hal\nSERVER_ERROR The provider reported an error inside its answer (server_error): Broken\n"},
      {CREATED EVENT("response.failed", "\"response\":{\"status\":\"failed\",\"error\":null}"),
       "SERVER_ERROR The provider broke the answer off and gave no reason (status failed)\n"},
      {CREATED EVENT("response.failed", "\"response\":{\"error\":{\"code\":\"image_content_policy_violation\",\"message\":\"No\"}}"),
       "CONTENT_FILTERED The provider reported an error inside its answer (image_content_policy_violation): No\n"},
      {CREATED EVENT("response.failed", "\"response\":{\"error\":{\"code\":\"invalid_prompt\",\"message\":\"No\"}}"),
       "BAD_REQUEST The provider reported an error inside its answer (invalid_prompt): No\n"},
      {CREATED EVENT("response.failed", "\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Request too large for m on tokens per min (TPM): "
                                        "Limit 30000, Requested 35364.\"}}"),
       "BAD_REQUEST The provider reported an error inside its answer (rate_limit_exceeded): Request too large for m on tokens per min (TPM): "
       "Limit 30000, Requested 35364.\n"},
      {CREATED DELTA("Hal") EVENT("response.incomplete", "\"response\":{\"incomplete_details\":{\"reason\":\"server_timeout\"}}"),
       "text Hal\nSERVER_ERROR The provider broke the answer off (incomplete: server_timeout)\n"},
      {CREATED EVENT("response.cancelled", "\"response\":{\"status\":\"cancelled\"}"),
       "SERVER_ERROR The answer was cancelled at the provider, not by this worker\n"},
      {"data: 7\n\n", "PROTOCOL The provider sent an event that is no JSON object\n"},
      {"data: x\n\n", "PROTOCOL The provider sent an event that is neither JSON nor [DONE]\n"},
  };
  (void)state;
  expect_answers(list, COUNT_OF(list), true);
}

static void whole_answers(void **state) {
  static const answer_case list[] = {
      {"{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\",\"error\":null,\"model\":\"gpt-x\",\"output\":[{\"type\":\"reasoning\",\"summary\":[]}," MESSAGE("Gr\xC3\xBC")
           "," MESSAGE("\xC3\x9F" "e") "],\"usage\":{\"input_tokens\":12,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":5,\"output_tokens_details\":"
                               "{\"reasoning_tokens\":2},\"total_tokens\":17}}",
       "text Gr\xC3\xBC\xC3\x9F" "e\nfinish stop\nusage 12 5 4 2\nOK\n"},
      {"{\"status\":\"completed\",\"output\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}]}",
       "call c f {\"a\":1}\nfinish tool\nOK\n"},
      {"{\"output\":[" MESSAGE("Hi") "]}", "text Hi\nfinish stop\nOK\n"},
      {"{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"output\":[]}", "finish length\nOK\n"},
      {"{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"Broken\"},\"output\":[]}",
       "SERVER_ERROR The provider reported an error inside its answer (server_error): Broken\n"},
      {"{\"status\":\"in_progress\",\"output\":[]}", "PROTOCOL The provider's answer is not complete (status in_progress)\n"},
      {"{\"choices\":[]}", "PROTOCOL The provider's answer has no output; does the server know the Responses API? Set the provider's api to "
                           "\"chat\" if not\n"},
      {"{\"error\":{\"message\":\"Unknown path\",\"code\":404}}",
       "MODEL_NOT_FOUND The provider reported an error inside its answer; check the model's name and baseUrl: Unknown path\n"},
  };
  (void)state;
  expect_answers(list, COUNT_OF(list), false);
  expect_answers(list, COUNT_OF(list), true); /* a server that ignores `stream` */
}

static void the_id_is_known_from_the_first_event_on(void **state) {
  lj_wire wire = {.stream = true};
  lj_response *response = NULL;
  lj_fault fault;
  (void)state;
  assert_code(lj_response_open(provider_of("openai responses"), &wire, 10000, NULL, &response), LJ_OK);
  lj_response_status(response, 200);
  assert_string_equal(lj_response_answer(response)->id, "");
  assert_code(lj_response_feed(response, CREATED, strlen(CREATED)), LJ_OK);
  assert_string_equal(lj_response_answer(response)->id, "resp_1");
  assert_string_equal(lj_response_answer(response)->model, "gpt-x");
  assert_code(lj_response_end(response, &fault), LJ_PROTOCOL);
  lj_response_free(response);
}

static void a_fetched_answer_may_not_be_ready(void **state) {
  static const struct {
    const char *body;
    bool pending;
  } cases[] = {
      {"{\"id\":\"resp_1\",\"status\":\"queued\",\"output\":[]}", true},
      {"{\"id\":\"resp_1\",\"status\":\"in_progress\"}", true},
      {"{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[" MESSAGE("Hi") "]}", false},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    lj_wire wire = {.background = true};
    lj_response *response = NULL;
    lj_fault fault;
    assert_code(lj_response_open(provider_of("openai responses"), &wire, 10000, NULL, &response), LJ_OK);
    lj_response_status(response, 200);
    assert_code(lj_response_feed(response, cases[at].body, strlen(cases[at].body)), LJ_OK);
    assert_code(lj_response_end(response, &fault), LJ_OK);
    assert_string_equal(lj_response_answer(response)->id, "resp_1");
    assert_int_equal(lj_response_answer(response)->pending, cases[at].pending);
    lj_response_free(response);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(streams),
      tidy_test(broken_streams),
      tidy_test(whole_answers),
      tidy_test(the_id_is_known_from_the_first_event_on),
      tidy_test(a_fetched_answer_may_not_be_ready),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
