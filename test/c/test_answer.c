/* SPDX-License-Identifier: MIT
 *
 * An answer as the JSON of a row's result.
 */
#include "provider/answer.h"
#include "support/test.h"

static void expect_json(const lj_answer *answer, int want_object, const char *expected) {
  cJSON *json = NULL;
  assert_code(lj_answer_json(answer, want_object, &json), LJ_OK);
  assert_json(json, expected);
  cJSON_Delete(json);
}

static void say(lj_answer *answer, const char *text) { assert_code(lj_answer_add_text(answer, text, strlen(text)), LJ_OK); }

static void what_is_unknown_is_absent(void **state) {
  lj_answer answer;
  (void)state;
  lj_answer_init(&answer);
  expect_json(&answer, 0, "{\"text\":\"\"}");
  say(&answer, "Hi");
  answer.finish = LJ_FINISH_STOP;
  answer.usage.input_tokens = 0;
  answer.usage.reasoning_tokens = 3;
  (void)snprintf(answer.model, sizeof answer.model, "m");
  (void)snprintf(answer.request_id, sizeof answer.request_id, "r");
  expect_json(&answer, 0,
              "{\"text\":\"Hi\",\"finishReason\":\"stop\",\"usage\":{\"inputTokens\":0,\"reasoningTokens\":3},\"model\":\"m\","
              "\"requestId\":\"r\"}");
  lj_answer_free(&answer);
}

static void an_object_is_there_when_wanted_and_when_the_text_is_json(void **state) {
  lj_answer answer;
  (void)state;
  lj_answer_init(&answer);
  say(&answer, " {\"a\":[1]} ");
  expect_json(&answer, 0, "{\"text\":\" {\\\"a\\\":[1]} \"}");
  expect_json(&answer, 1, "{\"text\":\" {\\\"a\\\":[1]} \",\"object\":{\"a\":[1]}}");
  say(&answer, "x");
  expect_json(&answer, 1, "{\"text\":\" {\\\"a\\\":[1]} x\"}");
  lj_answer_free(&answer);
}

static void calls_carry_parsed_arguments(void **state) {
  static const char *const arguments[] = {"{\"x\":1}", "", "{\"x\":", "7"};
  lj_answer answer;
  lj_tool_call *call = NULL;
  size_t at;
  (void)state;
  lj_answer_init(&answer);
  for (at = 0; at < COUNT_OF(arguments); at++) {
    assert_code(lj_answer_add_call(&answer, at == 0 ? "id0" : at == 1 ? "" : NULL, at == 3 ? NULL : "f", &call), LJ_OK);
    assert_code(lj_buffer_append_text(&call->arguments, arguments[at]), LJ_OK);
  }
  answer.finish = LJ_FINISH_TOOL;
  expect_json(&answer, 0,
              "{\"toolCalls\":[{\"id\":\"id0\",\"name\":\"f\",\"arguments\":{\"x\":1}},{\"id\":\"call_1\",\"name\":\"f\",\"arguments\":{}},"
              "{\"id\":\"call_2\",\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"},{\"id\":\"call_3\",\"name\":\"\",\"arguments\":\"7\"}],"
              "\"finishReason\":\"tool\"}");
  lj_answer_free(&answer);
}

static void a_call_keeps_what_must_go_back_with_it(void **state) {
  lj_answer answer;
  lj_tool_call *call = NULL;
  (void)state;
  lj_answer_init(&answer);
  assert_code(lj_answer_add_call(&answer, "a", "f", &call), LJ_OK);
  call->signature = lj_strdup("c2ln");
  assert_non_null(call->signature);
  assert_code(lj_answer_add_call(&answer, "b", "g", &call), LJ_OK);
  expect_json(&answer, 0,
              "{\"toolCalls\":[{\"id\":\"a\",\"name\":\"f\",\"arguments\":{},\"signature\":\"c2ln\"},"
              "{\"id\":\"b\",\"name\":\"g\",\"arguments\":{}}]}");
  lj_answer_free(&answer);
}

static void ceilings_hold(void **state) {
  lj_answer answer;
  lj_tool_call *call = NULL;
  int at;
  (void)state;
  lj_answer_init(&answer);
  for (at = 0; at < LJ_MAX_TOOL_CALLS; at++) {
    assert_code(lj_answer_add_call(&answer, NULL, NULL, &call), LJ_OK);
  }
  assert_code(lj_answer_add_call(&answer, NULL, NULL, &call), LJ_TOO_BIG);
  assert_null(call);
  assert_int_equal(answer.call_count, LJ_MAX_TOOL_CALLS);
  answer.text.ceiling = 3;
  say(&answer, "abc");
  assert_code(lj_answer_add_text(&answer, "d", 1), LJ_TOO_BIG);
  lj_answer_free(&answer);
}

static void rows_get_well_formed_utf8(void **state) {
  lj_answer answer;
  lj_tool_call *call = NULL;
  (void)state;
  lj_answer_init(&answer);
  say(&answer, "\xE2\x82");
  say(&answer, "\xAC\xFF"); /* the first two bytes are a character together with the third */
  assert_code(lj_answer_add_call(&answer, "\xC3", "\xC3\xBC", &call), LJ_OK);
  assert_code(lj_buffer_append_text(&call->arguments, "{\"\xFF\":\"\xC3\"}"), LJ_OK);
  expect_json(&answer, 0,
              "{\"text\":\"\xE2\x82\xAC?\",\"toolCalls\":[{\"id\":\"?\",\"name\":\"\xC3\xBC\",\"arguments\":{\"?\":\"?\"}}]}");
  lj_answer_free(&answer);
}

static void finishes_have_names(void **state) {
  (void)state;
  assert_null(lj_finish_name(LJ_FINISH_NONE));
  assert_string_equal(lj_finish_name(LJ_FINISH_STOP), "stop");
  assert_string_equal(lj_finish_name(LJ_FINISH_LENGTH), "length");
  assert_string_equal(lj_finish_name(LJ_FINISH_TOOL), "tool");
  assert_string_equal(lj_finish_name(LJ_FINISH_FILTER), "filter");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(what_is_unknown_is_absent),
      tidy_test(an_object_is_there_when_wanted_and_when_the_text_is_json),
      tidy_test(calls_carry_parsed_arguments),
      tidy_test(a_call_keeps_what_must_go_back_with_it),
      tidy_test(ceilings_hold),
      tidy_test(rows_get_well_formed_utf8),
      tidy_test(finishes_have_names),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
