/* SPDX-License-Identifier: MIT */
#include "base/json_text.h"
#include "base/limits.h"
#include "provider/json_repair.h"
#include "support/test.h"

static void only_one_whole_value_is_json(void **state) {
  static const struct {
    const char *text;
    size_t length; /* 0: that of the text */
    int code;
  } cases[] = {
      {"{}", 0, LJ_OK},          {" \r\n\t[1] \n", 0, LJ_OK}, {"null", 0, LJ_OK},        {"\"a\"", 0, LJ_OK},
      {"{} x", 0, LJ_INVALID},   {"{}{}", 0, LJ_INVALID},     {"", 0, LJ_INVALID},       {"   ", 0, LJ_INVALID},
      {"{", 0, LJ_INVALID},      {"[1,]", 0, LJ_INVALID},     {"{\"a\":}", 0, LJ_INVALID}, {"nul", 0, LJ_INVALID},
      {"\"a", 0, LJ_INVALID},    {"{\"a\":1}", 6, LJ_INVALID}, {"[1]]", 3, LJ_OK},       {"\"\\u0000\"", 0, LJ_INVALID},
      {"\"\\\\u0000\"", 0, LJ_OK}, {"\"a\0b\"", 5, LJ_INVALID}, {"[]\0", 3, LJ_INVALID}, {"\"\\\0\"", 4, LJ_INVALID},
      {"\"\\ud83d\"", 0, LJ_INVALID}, {"\"a\\\"b\"", 0, LJ_OK}, {"\"a\\", 0, LJ_INVALID},        {"\"a\\\\\"", 0, LJ_OK},
      {"\"a\\\"", 0, LJ_INVALID}, {"[\"{\",\"[[[\"]", 0, LJ_OK}, {"{\"a\\\"{\":[]}", 0, LJ_OK},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    size_t length = cases[at].length > 0 ? cases[at].length : strlen(cases[at].text);
    char *exact = malloc(length + 1);
    cJSON *json = NULL;
    int rc;
    assert_non_null(exact);
    memcpy(exact, cases[at].text, length); /* no NUL behind it: the length is the only end */
    rc = lj_json_parse(exact, length, &json);
    if (rc != cases[at].code || (json != NULL) != (rc == LJ_OK)) {
      fail_msg("case %zu, %s: %s", at, cases[at].text, lj_code_name(rc));
    }
    cJSON_Delete(json);
    free(exact);
  }
}

static int parse_nested(int depth) {
  char text[2 * 1000 + 1];
  cJSON *json = NULL;
  int rc;
  memset(text, '[', (size_t)depth);
  memset(text + depth, ']', (size_t)depth);
  rc = lj_json_parse(text, (size_t)depth * 2, &json);
  cJSON_Delete(json);
  return rc;
}

static void depth_is_limited(void **state) {
  static const char brackets_in_text[] = "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"";
  cJSON *json = NULL;
  (void)state;
  assert_code(parse_nested(LJ_MAX_JSON_DEPTH), LJ_OK);
  assert_code(parse_nested(LJ_MAX_JSON_DEPTH + 1), LJ_INVALID);
  assert_code(parse_nested(1000), LJ_INVALID);
  assert_code(lj_json_parse(brackets_in_text, strlen(brackets_in_text), &json), LJ_OK);
  cJSON_Delete(json);
}

static void look_ups_tolerate_any_type(void **state) {
  cJSON *json = json_of("{\"s\":\"t\",\"n\":2,\"f\":1.5,\"b\":true,\"o\":{},\"a\":[],\"z\":null,\"S\":\"other\",\"big\":1e300,\"max\":9007199254740992}");
  (void)state;
  assert_null(lj_json_get(NULL, "s"));
  assert_null(lj_json_get(lj_json_get(json, "a"), "s"));
  assert_null(lj_json_get(json, "z"));
  assert_null(lj_json_get(json, "missing"));
  assert_string_equal(lj_json_string(json, "s"), "t");
  assert_null(lj_json_string(json, "n"));
  assert_non_null(lj_json_object(json, "o"));
  assert_null(lj_json_object(json, "a"));
  assert_non_null(lj_json_array(json, "a"));
  assert_null(lj_json_array(json, "o"));
  assert_true(lj_json_bool(json, "b", false));
  assert_true(lj_json_bool(json, "n", true));
  assert_true(lj_json_number(json, "f", 0) > 1.4);
  assert_int_equal(lj_json_int(json, "n", -1), 2);
  assert_int_equal(lj_json_int(json, "f", -1), -1);
  assert_int_equal(lj_json_int(json, "big", -1), -1);
  assert_int_equal(lj_json_int(json, "max", -1), 9007199254740992);
  assert_int_equal(lj_json_int(json, "s", -1), -1);
  cJSON_Delete(json);
}

static void printing_obeys_the_ceiling(void **state) {
  cJSON *json = json_of("{\"a\":[1,\"x\"]}");
  lj_buffer buffer;
  (void)state;
  lj_buffer_init(&buffer, 13);
  assert_code(lj_json_print(json, &buffer), LJ_OK);
  assert_string_equal(buffer.data, "{\"a\":[1,\"x\"]}");
  assert_code(lj_json_print(json, &buffer), LJ_TOO_BIG);
  lj_buffer_free(&buffer);
  cJSON_Delete(json);
}

static void printing_is_compact_and_exact(void **state) {
  static const char *const same[] = {
      "{\"a\":[1,-2,0,null,true,false,{}],\"b\":[]}",
      "[1790000000000,9007199254740991,-9007199254740991,0.1,-2.5,1e+300,3.0000000000000004]",
      "\"quote \\\" back \\\\ bell \\u0007 \\b\\f\\n\\r\\t slash / \\u001f and Ã© \"",
      "\"\"",
      "{\"\":\"\",\"a\\nb\":1}",
  };
  (void)state;
  for (size_t at = 0; at < COUNT_OF(same); at++) {
    lj_buffer buffer;
    cJSON *json = NULL;
    lj_buffer_init(&buffer, 1000);
    assert_code(lj_json_parse(same[at], strlen(same[at]), &json), LJ_OK);
    assert_code(lj_json_print(json, &buffer), LJ_OK);
    assert_string_equal(buffer.data, same[at]);
    cJSON_Delete(json);
    lj_buffer_free(&buffer);
  }
  lj_buffer buffer;
  cJSON *list = cJSON_CreateArray();
  lj_buffer_init(&buffer, 1000);
  assert_code(lj_json_push_value(list, cJSON_CreateNumber(1.0 / 0.0)), LJ_OK);
  assert_code(lj_json_push_value(list, cJSON_CreateNumber(-0.0)), LJ_OK);
  assert_code(lj_json_push_value(list, cJSON_CreateRaw("[1, 2]")), LJ_OK);
  assert_code(lj_json_print(list, &buffer), LJ_OK);
  assert_string_equal(buffer.data, "[null,0,[1, 2]]");
  cJSON_Delete(list);
  lj_buffer_free(&buffer);
}

static void text_is_written_member_by_member(void **state) {
  lj_buffer buffer;
  cJSON *tree = json_of("{\"a\":[]}");
  (void)state;
  lj_buffer_init(&buffer, 1000);
  for (int i = 0; i < 2; i++) {
    assert_code(lj_json_text_open(&buffer, NULL, '{'), LJ_OK);
    assert_code(lj_json_text_string(&buffer, "text", "\"{["), LJ_OK);
    assert_code(lj_json_text_open(&buffer, "list", '['), LJ_OK);
    assert_code(lj_json_text_number(&buffer, NULL, -7), LJ_OK);
    assert_code(lj_json_text_bool(&buffer, NULL, i == 1), LJ_OK);
    assert_code(lj_json_text_open(&buffer, NULL, '['), LJ_OK);
    assert_code(lj_json_text_close(&buffer, ']'), LJ_OK);
    assert_code(lj_json_text_close(&buffer, ']'), LJ_OK);
    assert_code(lj_json_text_value(&buffer, "tree", tree), LJ_OK);
    assert_code(lj_json_text_close(&buffer, '}'), LJ_OK);
  }
  assert_string_equal(buffer.data, "{\"text\":\"\\\"{[\",\"list\":[-7,false,[]],\"tree\":{\"a\":[]}},"
                                   "{\"text\":\"\\\"{[\",\"list\":[-7,true,[]],\"tree\":{\"a\":[]}}");
  lj_buffer_free(&buffer);
  lj_buffer_init(&buffer, 5);
  assert_code(lj_json_text_open(&buffer, NULL, '{'), LJ_OK);
  assert_code(lj_json_text_string(&buffer, "text", "long"), LJ_TOO_BIG);
  lj_buffer_free(&buffer);
  cJSON_Delete(tree);
}

static void shortage_is_not_taken_for_bad_text(void **state) {
  cJSON *json = NULL;
  (void)state;
  lj_memory_fail_at(2, 0);
  assert_code(lj_json_parse("[1]", 3, &json), LJ_NOMEM);
  assert_null(json);
  lj_memory_fail_at(0, 0);
  assert_code(lj_json_parse("[1", 2, &json), LJ_INVALID);
}

static void builders_own_what_they_are_given(void **state) {
  cJSON *object = cJSON_CreateObject();
  (void)state;
  assert_code(lj_json_put_string(object, "s", "t"), LJ_OK);
  assert_code(lj_json_put_number(object, "n", 1.5), LJ_OK);
  assert_code(lj_json_put_bool(object, "b", true), LJ_OK);
  assert_code(lj_json_put_value(object, "x", NULL), LJ_NOMEM);
  assert_code(lj_json_push_value(object, NULL), LJ_NOMEM);
  assert_json(object, "{\"s\":\"t\",\"n\":1.5,\"b\":true}");
  lj_memory_fail_at(3, 0); /* the item and its text succeed, the key does not */
  assert_code(lj_json_put_string(object, "y", "z"), LJ_NOMEM);
  lj_memory_fail_at(0, 0);
  assert_json(object, "{\"s\":\"t\",\"n\":1.5,\"b\":true}");
  cJSON_Delete(object);
}

static void what_no_string_can_hold_is_replaced(void **state) {
  static const struct {
    const char *text;
    const char *read;
  } cases[] = {
      {"[\"a\\u0000b\"]", "[\"a\xEF\xBF\xBD" "b\"]"},
      {"[\"\\ud83d\"]", "[\"\xEF\xBF\xBD\"]"},
      {"[\"\\ude00\\ud83d\\ude00\"]", "[\"\xEF\xBF\xBD\xF0\x9F\x98\x80\"]"},
      {"[\"\\ud83d\\ud83d\\ude00\"]", "[\"\xEF\xBF\xBD\xF0\x9F\x98\x80\"]"},
      {"[\"\\\\u0000\\ud83dx\"]", "[\"\\\\u0000\xEF\xBF\xBDx\"]"},
  };
  size_t at;
  cJSON *json = NULL;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    assert_code(lj_json_parse_repaired(cases[at].text, strlen(cases[at].text), &json), LJ_OK);
    assert_json(json, cases[at].read);
    cJSON_Delete(json);
  }
  assert_code(lj_json_parse_repaired("[\"\\u00", 6, &json), LJ_INVALID);
  assert_code(lj_json_parse_repaired("[\\", 2, &json), LJ_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(only_one_whole_value_is_json),
      tidy_test(depth_is_limited),
      tidy_test(look_ups_tolerate_any_type),
      tidy_test(printing_obeys_the_ceiling),
      tidy_test(printing_is_compact_and_exact),
      tidy_test(text_is_written_member_by_member),
      tidy_test(shortage_is_not_taken_for_bad_text),
      tidy_test(builders_own_what_they_are_given),
      tidy_test(what_no_string_can_hold_is_replaced),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
