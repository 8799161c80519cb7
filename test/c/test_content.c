/* SPDX-License-Identifier: MIT
 *
 * What the configuration wants of content: filters on prompts and answers, the size of a prompt, lists of models.
 */
#include "policy/content.h"
#include "support/test.h"

static void read_content(const char *config, lj_content *content) {
  cJSON *tree = json_of(config);
  lj_fault fault;
  lj_fault_clear(&fault);
  if (lj_content_parse(tree, content, &fault) != LJ_OK) fail_msg("%s: %s", config, fault.message);
  cJSON_Delete(tree); /* nothing is borrowed from it */
}

#define PROMPT(pattern, action) "{\"on\":\"prompt\",\"pattern\":\"" pattern "\",\"action\":\"" action "\"}"
#define ANSWER(pattern, action) "{\"on\":\"answer\",\"pattern\":\"" pattern "\",\"action\":\"" action "\"}"
#define FILTERS(list) "{\"filters\":[" list "]}"

static const struct {
  const char *config;
  const char *request;
  int code;
  const char *after; /* the request, or the message of the fault */
} prompts[] = {
    {"{}", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", LJ_OK, "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"},
    {FILTERS(PROMPT("x+", "redact")), "{\"system\":\"axxb\",\"messages\":[{\"role\":\"user\",\"content\":\"x x\"}]}", LJ_OK,
     "{\"system\":\"a[redacted]b\",\"messages\":[{\"role\":\"user\",\"content\":\"[redacted] [redacted]\"}]}"},
    {FILTERS(PROMPT("x", "redact")),
     "{\"messages\":[{\"role\":\"x\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"xxxx\",\"mediaType\":\"x\"},{\"type\":\"image\",\"url\":\"x\"}],"
     "\"toolCalls\":[{\"id\":\"x\",\"name\":\"x\",\"arguments\":{\"x\":[\"x\",1]}},{\"id\":\"x\",\"name\":\"x\",\"arguments\":\"x\"}],\"toolCallId\":\"x\"}]}",
     LJ_OK,
     "{\"messages\":[{\"role\":\"x\",\"content\":[{\"type\":\"text\",\"text\":\"[redacted]\"},{\"type\":\"image\",\"data\":\"xxxx\",\"mediaType\":\"x\"},{\"type\":\"image\",\"url\":\"x\"}],"
     "\"toolCalls\":[{\"id\":\"x\",\"name\":\"x\",\"arguments\":{\"[redacted]\":[\"[redacted]\",1]}},{\"id\":\"x\",\"name\":\"x\",\"arguments\":\"[redacted]\"}],\"toolCallId\":\"x\"}]}"},
    {FILTERS(PROMPT("x", "redact")), "{\"messages\":[],\"input\":[\"a\",\"x\"]}", LJ_OK, "{\"messages\":[],\"input\":[\"a\",\"[redacted]\"]}"},
    {FILTERS(PROMPT("x", "redact")), "{\"messages\":[],\"input\":\"x\"}", LJ_OK, "{\"messages\":[],\"input\":\"[redacted]\"}"},
    {FILTERS(PROMPT("x", "redact") "," PROMPT("x", "refuse")), "{\"system\":\"x\"}", LJ_OK, "{\"system\":\"[redacted]\"}"}, /* in order */
    {FILTERS(PROMPT("x", "refuse") "," PROMPT("x", "redact")), "{\"system\":\"x\"}", LJ_CONTENT_FILTERED,
     "filters[0] of the configuration refuses the prompt; no call was made"},
    {FILTERS(PROMPT("y", "refuse") "," PROMPT("SECRET", "refuse")), "{\"messages\":[{\"role\":\"user\",\"content\":\"SECRET\"}]}", LJ_CONTENT_FILTERED,
     "filters[1] of the configuration refuses the prompt; no call was made"},
    {FILTERS(ANSWER("x", "refuse")), "{\"system\":\"x\"}", LJ_OK, "{\"system\":\"x\"}"},
    {FILTERS(PROMPT("^.$", "redact")), "{\"system\":\"\xff\"}", LJ_OK, "{\"system\":\"[redacted]\"}"}, /* a byte that is no character */
    {"{\"maxPromptBytes\":6}", "{\"system\":\"ab\",\"messages\":[{\"role\":\"user\",\"content\":\"é\"}],\"input\":[\"yz\"]}", LJ_OK,
     "{\"system\":\"ab\",\"messages\":[{\"role\":\"user\",\"content\":\"é\"}],\"input\":[\"yz\"]}"},
    {"{\"maxPromptBytes\":5}", "{\"system\":\"ab\",\"messages\":[{\"role\":\"user\",\"content\":\"é\"}],\"input\":[\"yz\"]}", LJ_BAD_JOB,
     "the prompt has 6 bytes of text, but maxPromptBytes allows 5; shorten or split it"},
    {"{\"maxPromptBytes\":1}", "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"data\":\"AAAAAAAA\"}]}]}", LJ_OK,
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"data\":\"AAAAAAAA\"}]}]}"},
};

static const struct {
  const char *config;
  const char *result;
  int code;
  const char *after;
} answers[] = {
    {FILTERS(ANSWER("x", "redact")), "{\"text\":\"x\",\"object\":{\"x\":[{\"a\":\"x\"}]},\"finishReason\":\"x\",\"model\":\"x\"}", LJ_OK,
     "{\"text\":\"[redacted]\",\"object\":{\"[redacted]\":[{\"a\":\"[redacted]\"}]},\"finishReason\":\"x\",\"model\":\"x\"}"},
    {FILTERS(ANSWER("x", "redact")), "{\"toolCalls\":[{\"id\":\"x\",\"name\":\"x\",\"arguments\":{\"a\":\"x\"}}]}", LJ_OK,
     "{\"toolCalls\":[{\"id\":\"x\",\"name\":\"x\",\"arguments\":{\"a\":\"[redacted]\"}}]}"},
    {FILTERS(ANSWER("x", "refuse")), "{\"text\":\"a\",\"object\":{\"x\":1}}", LJ_CONTENT_FILTERED, "filters[0] of the configuration refuses the answer"},
    {FILTERS(ANSWER("x", "refuse")), "{\"object\":\"x\"}", LJ_CONTENT_FILTERED, "filters[0] of the configuration refuses the answer"},
    {FILTERS(PROMPT("x", "refuse")), "{\"text\":\"x\"}", LJ_OK, "{\"text\":\"x\"}"},
};

static void expect(int code, int expected, const cJSON *json, const char *after, const lj_fault *fault, const char *what) {
  if (code != expected) fail_msg("%s: %s %s", what, lj_code_name(code), fault->message);
  if (code == LJ_OK) {
    assert_json(json, after);
  } else {
    assert_code(fault->code, code);
    assert_string_equal(fault->message, after);
  }
}

static void prompts_are_looked_at_before_they_are_sent(void **state) {
  (void)state;
  for (size_t at = 0; at < COUNT_OF(prompts); at++) {
    lj_content content;
    lj_fault fault;
    cJSON *request = json_of(prompts[at].request);
    read_content(prompts[at].config, &content);
    lj_fault_clear(&fault);
    int code = lj_content_prompt(&content, request, &fault);
    expect(code, prompts[at].code, request, prompts[at].after, &fault, prompts[at].request);
    cJSON_Delete(request);
    lj_content_free(&content);
  }
}

static void answers_are_looked_at_before_they_are_stored(void **state) {
  (void)state;
  for (size_t at = 0; at < COUNT_OF(answers); at++) {
    lj_content content;
    lj_fault fault;
    cJSON *result = json_of(answers[at].result);
    read_content(answers[at].config, &content);
    lj_fault_clear(&fault);
    int code = lj_content_answer(&content, result, &fault);
    expect(code, answers[at].code, result, answers[at].after, &fault, answers[at].result);
    cJSON_Delete(result);
    lj_content_free(&content);
  }
}

static void a_pattern_that_takes_too_long_refuses(void **state) {
  static const char *const configs[] = {FILTERS(PROMPT("^(a+)+$", "refuse")), FILTERS(PROMPT("^(a+)+$", "redact"))};
  char *text = lj_malloc(50001);
  (void)state;
  memset(text, 'a', 49999);
  memcpy(text + 49999, "!", 2);
  for (size_t at = 0; at < COUNT_OF(configs); at++) {
    lj_content content;
    lj_fault fault;
    cJSON *request = cJSON_CreateObject();
    assert_non_null(cJSON_AddStringToObject(request, "system", text));
    read_content(configs[at], &content);
    lj_fault_clear(&fault);
    assert_code(lj_content_prompt(&content, request, &fault), LJ_CONTENT_FILTERED);
    assert_string_equal(fault.message, "filters[0] of the configuration takes too many steps, and so refuses the prompt; no call was made");
    cJSON_Delete(request);
    lj_content_free(&content);
  }
  lj_free(text);
}

static const struct {
  const char *config;
  const char *message;
} wrong[] = {
    {"{\"filters\":{}}", "filters: must be an array of at most 64 objects"},
    {"{\"filters\":[1]}", "filters[0]: must be an object"},
    {FILTERS(PROMPT("a", "refuse") ",{\"on\":\"prompt\",\"pattern\":\"a\"}"), "filters[1].action: is required"},
    {FILTERS("{\"on\":\"both\",\"pattern\":\"a\",\"action\":\"refuse\"}"), "filters[0].on: must be \"prompt\" or \"answer\""},
    {FILTERS(PROMPT("a", "hide")), "filters[0].action: must be \"refuse\" or \"redact\""},
    {FILTERS(PROMPT("", "refuse")), "filters[0].pattern: must be a string that is not empty"},
    {FILTERS(PROMPT("a{2,1}", "refuse")), "filters[0].pattern: numbers out of order in {} quantifier, found after 5 bytes of it"},
    {FILTERS("{\"on\":\"prompt\",\"pattern\":\"a\",\"action\":\"refuse\",\"flags\":\"i\"}"), "filters[0].flags: unknown key; known here are on, pattern, action"},
};

static void a_wrong_filter_is_refused_with_its_path(void **state) {
  (void)state;
  for (size_t at = 0; at < COUNT_OF(wrong); at++) {
    cJSON *tree = json_of(wrong[at].config);
    lj_content content;
    lj_fault fault;
    lj_fault_clear(&fault);
    int code = lj_content_parse(tree, &content, &fault);
    if (code != LJ_BAD_CONFIG || strncmp(fault.message, wrong[at].message, strlen(wrong[at].message)) != 0)
      fail_msg("%s: %s %s", wrong[at].config, lj_code_name(code), fault.message);
    lj_content_free(&content);
    cJSON_Delete(tree);
  }
}

static void every_allocation_may_fail(void **state) {
  cJSON *tree = json_of(FILTERS(PROMPT("x", "redact") "," PROMPT("y", "refuse")));
  long before = lj_memory_live();
  (void)state;
  for (int sticky = 0; sticky <= 1; sticky++) {
    int code = LJ_NOMEM;
    long nth;
    for (nth = 1; nth < 200 && code == LJ_NOMEM; nth++) {
      lj_content content;
      lj_fault fault;
      cJSON *request = json_of("{\"system\":\"axb\"}");
      lj_fault_clear(&fault);
      lj_memory_fail_at(nth, sticky);
      code = lj_content_parse(tree, &content, &fault);
      if (code == LJ_OK) code = lj_content_prompt(&content, request, &fault);
      lj_memory_fail_at(0, 0);
      assert_true(code == LJ_OK || code == LJ_NOMEM);
      if (code == LJ_OK) assert_json(request, "{\"system\":\"a[redacted]b\"}");
      cJSON_Delete(request);
      lj_content_free(&content);
      assert_int_equal(lj_memory_live(), before);
    }
    assert_true(nth > 10 && nth < 200);
  }
  cJSON_Delete(tree);
}

static void an_asterisk_stands_for_any_end_of_a_name(void **state) {
  static const struct {
    const char *list;
    const char *model;
    bool listed;
  } cases[] = {
      {"[\"a/b\"]", "a/b", true},   {"[\"a/b\"]", "a/bc", false}, {"[\"a/*\"]", "a/b", true},        {"[\"a/*\"]", "a", false},
      {"[\"a/b*\"]", "a/b", true},  {"[\"*\"]", "anything", true}, {"[\"x\",\"a*\"]", "ab", true},    {"[]", "a", false},
  };
  lj_fault fault;
  (void)state;
  assert_false(lj_content_lists(NULL, "a"));
  for (size_t at = 0; at < COUNT_OF(cases); at++) {
    cJSON *list = json_of(cases[at].list);
    if (lj_content_lists(list, cases[at].model) != cases[at].listed) fail_msg("%s in %s", cases[at].model, cases[at].list);
    assert_code(lj_content_check_list(list, "refusedModels", &fault), LJ_OK);
    cJSON_Delete(list);
  }
  cJSON *list = json_of("[\"a\",\"a*b\"]");
  assert_code(lj_content_check_list(list, "refusedModels", &fault), LJ_BAD_CONFIG);
  assert_string_equal(fault.message, "refusedModels[1]: an asterisk may only be the last character");
  cJSON_Delete(list);
}

static int set_up(void **state) {
  (void)state;
  lj_memory_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prompts_are_looked_at_before_they_are_sent),
      cmocka_unit_test(answers_are_looked_at_before_they_are_stored),
      cmocka_unit_test(a_pattern_that_takes_too_long_refuses),
      cmocka_unit_test(a_wrong_filter_is_refused_with_its_path),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(an_asterisk_stands_for_any_end_of_a_name),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
