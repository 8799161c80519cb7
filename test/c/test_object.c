/* SPDX-License-Identifier: MIT
 *
 * Structured answers: the JSON in a text, and JSON Schema. The tables follow the form of the official test suite: a schema,
 * values that satisfy it and values that do not.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "provider/object.h"
#include "support/test.h"

/* --- The JSON in a text --- */

static const struct {
  const char *text;
  const char *json; /* NULL: there is none */
} texts[] = {
    {"{\"a\":1}", "{\"a\":1}"},
    {" \n[1] \n", "[1]"},
    {"null", "null"},
    {"```json\n{\"a\":1}\n```", "{\"a\":1}"},
    {"\n```JSON\r\n{\"a\":1}\r\n```\n", "{\"a\":1}"},
    {"```\n{\"a\":\"```\"}\n```", "{\"a\":\"```\"}"},
    {"```json {\"a\":1}```", "{\"a\":1}"},
    {"``````", NULL},
    {"```json\n```", NULL},
    {"```json\n{\"a\":1}", NULL},
    {"```", NULL},
    {"`````", NULL},
    {"", NULL},
    {" ", NULL},
    {"Here it is: {\"a\":1}", NULL},
    {"{\"a\":1} {\"a\":1}", NULL},
    {"{\"a\":", NULL},
    {"{\"a\":\"\\ud83d\"}", "{\"a\":\"\xef\xbf\xbd\"}"}, /* half an emoji */
};

static void json_is_found_with_and_without_a_fence(void **state) {
  (void)state;
  for (size_t at = 0; at < COUNT_OF(texts); at++) {
    cJSON *json = NULL;
    int code = lj_object_parse(texts[at].text, strlen(texts[at].text), &json);
    if (code != (texts[at].json != NULL ? LJ_OK : LJ_INVALID)) fail_msg("%s: %s", texts[at].text, lj_code_name(code));
    if (json != NULL) assert_json(json, texts[at].json);
    cJSON_Delete(json);
  }
}

/* --- The rules --- */

static const struct {
  const char *schema;
  const char *good[6];
  const char *bad[6];
} rules[] = {
    {"{}", {"1", "null", "{}", "[]", "\"\"", "false"}, {NULL}},
    {"{\"type\":\"integer\"}", {"1", "1.0", "-7", "1e3"}, {"1.5", "\"1\"", "null", "true", "[]"}},
    {"{\"type\":\"number\"}", {"1", "1.5"}, {"\"1\"", "null"}},
    {"{\"type\":\"string\"}", {"\"\""}, {"1", "{}"}},
    {"{\"type\":\"object\"}", {"{}"}, {"[]", "null"}},
    {"{\"type\":\"array\"}", {"[]"}, {"{}"}},
    {"{\"type\":\"boolean\"}", {"true", "false"}, {"0", "\"\"", "null"}},
    {"{\"type\":\"null\"}", {"null"}, {"false", "0"}},
    {"{\"type\":[\"integer\",\"null\"]}", {"1", "null"}, {"1.5", "\"a\""}},
    {"{\"type\":\"string\",\"nullable\":true}", {"\"a\"", "null"}, {"1"}},
    {"{\"type\":\"string\",\"nullable\":false}", {"\"a\""}, {"null"}},
    {"{\"enum\":[1,\"a\",null,{\"x\":[1,2],\"y\":2}]}", {"1", "1.0", "\"a\"", "null", "{\"y\":2,\"x\":[1,2]}"}, {"2", "\"b\"", "{\"x\":[2,1],\"y\":2}", "{\"x\":[1,2]}", "true", "[]"}},
    {"{\"enum\":[false]}", {"false"}, {"0", "[false]", "null"}},
    {"{\"enum\":[]}", {NULL}, {"1"}},
    {"{\"const\":{\"a\":1}}", {"{\"a\":1}"}, {"{\"a\":2}", "{\"a\":1,\"b\":1}", "{}", "{\"a\":1,\"a\":1}"}},
    {"{\"const\":null}", {"null"}, {"0", "\"\""}},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{}}}", {"{}", "{\"a\":1}", "{\"c\":\"x\"}", "[]", "1"}, {"{\"a\":\"x\"}", "{\"a\":1,\"a\":\"x\"}"}},
    {"{\"properties\":{\"a\":true,\"b\":false}}", {"{}", "{\"a\":1}"}, {"{\"b\":1}"}},
    {"{\"required\":[\"a\",\"b\"]}", {"{\"a\":null,\"b\":1}", "[]", "1"}, {"{}", "{\"a\":1}"}},
    {"{\"required\":[]}", {"{}"}, {NULL}},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", {"{}", "{\"a\":1}", "[1]"}, {"{\"b\":1}", "{\"a\":1,\"b\":1}"}},
    {"{\"additionalProperties\":false,\"properties\":{\"a\":{}}}", {"{\"a\":1}"}, {"{\"b\":1}"}},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"integer\"}}", {"{\"a\":\"x\",\"b\":1}"}, {"{\"b\":\"x\"}"}},
    {"{\"patternProperties\":{\"^x-\":{\"type\":\"integer\"}},\"additionalProperties\":false}", {"{}", "{\"x-a\":1}"}, {"{\"x-a\":\"b\"}", "{\"y\":1}"}},
    {"{\"minProperties\":1,\"maxProperties\":2}", {"{\"a\":1}", "{\"a\":1,\"b\":2}", "[]"}, {"{}", "{\"a\":1,\"b\":2,\"c\":3}"}},
    {"{\"items\":{\"type\":\"integer\"}}", {"[]", "[1,2]", "{}"}, {"[1,\"a\"]"}},
    {"{\"items\":false}", {"[]"}, {"[1]"}},
    {"{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", {"[]", "[1]", "[1,\"a\",null]"}, {"[\"a\"]", "[1,2]"}},
    {"{\"prefixItems\":[{}],\"items\":{\"type\":\"string\"}}", {"[1]", "[1,\"a\"]"}, {"[1,2]"}},
    {"{\"prefixItems\":[{}],\"items\":false}", {"[1]", "[]"}, {"[1,2]"}},
    {"{\"items\":[{\"type\":\"integer\"}],\"additionalItems\":false}", {"[1]", "[]"}, {"[1,2]", "[\"a\"]"}},
    {"{\"items\":[{\"type\":\"integer\"}]}", {"[1,\"a\"]"}, {"[\"a\"]"}},
    {"{\"items\":{},\"additionalItems\":false}", {"[1,2]"}, {NULL}},
    {"{\"minItems\":1,\"maxItems\":2}", {"[1]", "[1,2]", "\"\"", "{}"}, {"[]", "[1,2,3]"}},
    {"{\"uniqueItems\":true}", {"[]", "[1,\"1\",true,null]", "[[1,2],[2,1]]", "[{\"a\":1},{\"a\":2}]"}, {"[1,2,1.0]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", "[null,null]"}},
    {"{\"uniqueItems\":false}", {"[1,1]"}, {NULL}},
    {"{\"minLength\":2,\"maxLength\":3}", {"\"ab\"", "\"äöü\"", "\"😀😀😀\"", "1"}, {"\"a\"", "\"abcd\"", "\"😀\""}},
    {"{\"minLength\":2.0}", {"\"ab\""}, {"\"a\""}},
    {"{\"pattern\":\"^a+$\"}", {"\"aaa\"", "1"}, {"\"b\"", "\"aab\"", "\"\""}},
    {"{\"pattern\":\"a+\"}", {"\"xxaayy\""}, {"\"\""}},
    {"{\"pattern\":\"^\\\\d{4}-\\\\d{2}$\"}", {"\"2024-01\""}, {"\"2024-1\""}},
    {"{\"minimum\":1,\"maximum\":3}", {"1", "3", "1.5", "\"a\""}, {"0.9", "3.1"}},
    {"{\"exclusiveMinimum\":1,\"exclusiveMaximum\":3}", {"1.1", "2"}, {"1", "3"}},
    {"{\"minimum\":-2}", {"-2", "0"}, {"-2.0001"}},
    {"{\"multipleOf\":2}", {"0", "4", "-4", "\"a\""}, {"7"}},
    {"{\"multipleOf\":0.0001}", {"0.0075"}, {"0.00751"}},
    {"{\"multipleOf\":0.1}", {"0.3", "12345678.1"}, {"0.35"}},
    {"{\"multipleOf\":0.5}", {"1e308"}, {"0.25"}},
    {"{\"anyOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", {"1", "2.5", "\"a\""}, {"1.5"}},
    {"{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", {"1", "2.5"}, {"3", "1.5"}},
    {"{\"allOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", {"{\"a\":1,\"b\":1}"}, {"{\"a\":1}", "{\"b\":1}"}},
    {"{\"not\":{\"type\":\"integer\"}}", {"\"a\"", "1.5"}, {"1"}},
    {"{\"not\":{\"not\":{\"type\":\"integer\"}}}", {"1"}, {"\"a\""}},
    {"{\"not\":true}", {NULL}, {"1"}},
    {"{\"anyOf\":[true,false]}", {"1"}, {NULL}},
    {"{\"oneOf\":[true,true]}", {NULL}, {"1"}},
    {"{\"if\":{\"type\":\"integer\"},\"then\":{\"minimum\":1},\"else\":{\"minLength\":1}}", {"1", "\"a\"", "null"}, {"0", "\"\""}},
    {"{\"then\":false,\"else\":false}", {"1"}, {NULL}},
    {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"integer\"}}}", {"1"}, {"\"a\""}},
    {"{\"$ref\":\"#/definitions/a\",\"maximum\":5,\"definitions\":{\"a\":{\"type\":\"integer\"}}}", {"1"}, {"\"a\"", "6"}},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"$ref\":\"#/properties/a\"}}}", {"{\"b\":1}"}, {"{\"b\":\"x\"}"}},
    {"{\"properties\":{\"child\":{\"$ref\":\"#\"}},\"additionalProperties\":false}", {"{\"child\":{\"child\":{}}}"}, {"{\"child\":{\"other\":{}}}"}},
    {"{\"$ref\":\"#/$defs/a~1b%25\",\"$defs\":{\"a/b%\":{\"type\":\"integer\"}}}", {"1"}, {"\"a\""}},
    {"{\"$defs\":{\"a\":{\"prefixItems\":[{\"type\":\"integer\"}]}},\"$ref\":\"#/$defs/a/prefixItems/0\"}", {"1"}, {"\"a\""}},
    {"{\"$defs\":{\"list\":{\"items\":{\"anyOf\":[{\"type\":\"integer\"},{\"$ref\":\"#/$defs/list\"}]},\"type\":\"array\"}},\"$ref\":\"#/$defs/list\"}", {"[]", "[1,[2,[3]]]"}, {"[1,[2,[\"a\"]]]", "{}"}},
    {"{\"format\":\"email\",\"title\":5,\"x-own\":{\"type\":7},\"contentEncoding\":1}", {"\"no address\"", "1"}, {NULL}},
    {"{\"properties\":{\"type\":{\"type\":\"string\"},\"$ref\":{\"type\":\"integer\"}}}", {"{\"type\":\"a\",\"$ref\":1}"}, {"{\"type\":1}", "{\"$ref\":\"#\"}"}},
};

static lj_schema *open_schema(const cJSON *json) {
  lj_schema *schema = NULL;
  lj_fault fault;
  lj_fault_clear(&fault);
  if (lj_schema_open(json, &schema, &fault) != LJ_OK) {
    char *text = text_of(json);
    fail_msg("%s was refused: %s", text, fault.message);
  }
  return schema;
}

static void hold(const char *schema_text, const char *value_text, int expected, char *message, size_t size) {
  cJSON *json = json_of(schema_text);
  cJSON *value = json_of(value_text);
  lj_schema *schema = open_schema(json);
  lj_fault fault;
  lj_fault_clear(&fault);
  int code = lj_schema_check(schema, value, &fault);
  if (code != expected) fail_msg("%s against %s: %s %s", value_text, schema_text, lj_code_name(code), fault.message);
  assert_code(fault.code, expected);
  if (message != NULL) lj_text_copy(message, size, fault.message, strlen(fault.message));
  lj_schema_close(schema);
  cJSON_Delete(value);
  cJSON_Delete(json);
}

static void rules_hold(void **state) {
  (void)state;
  for (size_t at = 0; at < COUNT_OF(rules); at++) {
    for (size_t i = 0; i < COUNT_OF(rules[at].good) && rules[at].good[i] != NULL; i++)
      hold(rules[at].schema, rules[at].good[i], LJ_OK, NULL, 0);
    for (size_t i = 0; i < COUNT_OF(rules[at].bad) && rules[at].bad[i] != NULL; i++)
      hold(rules[at].schema, rules[at].bad[i], LJ_PROTOCOL, NULL, 0);
  }
}

static const struct {
  const char *schema;
  const char *value;
  const char *place;
} places[] = {
    {"{\"type\":\"object\"}", "\"SECRET\"", "at the root it breaks the rule type"},
    {"{\"properties\":{\"a\":{\"items\":{\"properties\":{\"b/c~\":{\"minimum\":5}}}}}}", "{\"a\":[{},{\"b/c~\":1}]}", "at /a/1/b~1c~0 it breaks the rule minimum"},
    {"{\"required\":[\"name\"]}", "{\"SECRET\":1}", "at /name it breaks the rule required"},
    {"{\"additionalProperties\":false}", "{\"SECRET\":1}", "at /* it breaks the rule additionalProperties"},
    {"{\"additionalProperties\":{\"enum\":[1]}}", "{\"SECRET\":\"SECRET\"}", "at /* it breaks the rule enum"},
    {"{\"patternProperties\":{\".\":{\"pattern\":\"x\"}}}", "{\"SECRET\":\"SECRET\"}", "at /* it breaks the rule pattern"},
    {"{\"items\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}}", "[1,\"SECRET\"]", "at /1 it breaks the rule anyOf"},
    {"{\"items\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{\"const\":1}}}", "[\"SECRET\"]", "at /0 it breaks the rule const"},
    {"{\"prefixItems\":[{\"not\":{}}]}", "[\"SECRET\"]", "at /0 it breaks the rule not"},
    {"{\"uniqueItems\":true}", "[\"SECRET\",\"SECRET\"]", "at /1 it breaks the rule uniqueItems"},
};

static void a_violation_names_place_and_rule_and_no_content(void **state) {
  char message[1024];
  (void)state;
  for (size_t at = 0; at < COUNT_OF(places); at++) {
    hold(places[at].schema, places[at].value, LJ_PROTOCOL, message, sizeof message);
    if (strstr(message, places[at].place) == NULL || strstr(message, "SECRET") != NULL) fail_msg("%s: %s", places[at].schema, message);
  }
}

/* --- Schemas that are refused --- */

static const struct {
  const char *schema;
  const char *message;
} malformed[] = {
    {"{\"type\":\"text\"}", "malformed at /type: must be null, boolean"},
    {"{\"type\":[]}", "at /type"},
    {"{\"type\":5}", "at /type"},
    {"{\"properties\":{\"a\":{\"items\":{\"minimum\":\"1\"}}}}", "at /properties/a/items/minimum: must be a number"},
    {"{\"properties\":[]}", "at /properties"},
    {"{\"properties\":{\"a\":5}}", "at /properties"},
    {"{\"required\":true}", "at /required: must be an array of strings"},
    {"{\"required\":[1]}", "at /required"},
    {"{\"additionalProperties\":null}", "at /additionalProperties"},
    {"{\"items\":\"string\"}", "at /items"},
    {"{\"items\":[1]}", "at /items"},
    {"{\"prefixItems\":{}}", "at /prefixItems"},
    {"{\"anyOf\":[]}", "at /anyOf: must be an array of schemas"},
    {"{\"oneOf\":{}}", "at /oneOf"},
    {"{\"allOf\":[1]}", "at /allOf"},
    {"{\"not\":[]}", "at /not"},
    {"{\"enum\":\"a\"}", "at /enum"},
    {"{\"minLength\":-1}", "at /minLength: must be a whole number"},
    {"{\"maxItems\":1.5}", "at /maxItems"},
    {"{\"uniqueItems\":1}", "at /uniqueItems"},
    {"{\"exclusiveMinimum\":true}", "at /exclusiveMinimum: must be a number"},
    {"{\"multipleOf\":0}", "at /multipleOf: must be a number above 0"},
    {"{\"pattern\":\"(\"}", "regular expression that cannot be used at /pattern: "},
    {"{\"pattern\":1}", "at /pattern"},
    {"{\"patternProperties\":{\"[\":{}}}", "at /patternProperties/["},
    {"{\"$ref\":5}", "at /$ref"},
    {"{\"$ref\":\"#/$defs/a\"}", "at /$ref: it leads to no schema in here"},
    {"{\"$ref\":\"https://example.com/schema\"}", "at /$ref"},
    {"{\"$ref\":\"#anchor\"}", "at /$ref"},
    {"{\"$ref\":\"#/$defs\",\"$defs\":{}}", "at /$ref"},
    {"{\"$ref\":\"#/enum/0\",\"enum\":[{\"type\":5}]}", "at /$ref"}, /* a value, not a schema */
    {"{\"$ref\":\"#/x/y\",\"x\":{\"y\":{\"type\":5}}}", "at /$ref"},
    {"{\"$ref\":\"#/items/0\",\"items\":{\"0\":{\"type\":5}}}", "at /$ref"},
    {"{\"$ref\":\"#/$defs/%\",\"$defs\":{\"%\":{}}}", "at /$ref"},
    {"{\"$ref\":\"#/$defs/~2\",\"$defs\":{\"~2\":{}}}", "at /$ref"},
    {"{\"$ref\":\"#/prefixItems/7\",\"prefixItems\":[{}]}", "at /$ref"},
    {"{\"$ref\":\"#\"}", "at /$ref: $ref leads round in a circle"},
    {"{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}}}", "leads round in a circle"},
    {"{\"properties\":{\"a\":{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/properties/a\"}]}}}", "leads round in a circle"},
    {"{\"not\":{\"allOf\":[{\"$ref\":\"#/not\"}]}}", "leads round in a circle"},
};

static int open_text(const char *text, lj_fault *fault) {
  cJSON *json = json_of(text);
  lj_schema *schema = NULL;
  lj_fault_clear(fault);
  int code = lj_schema_open(json, &schema, fault);
  assert_int_equal(schema != NULL, code == LJ_OK);
  lj_schema_close(schema);
  cJSON_Delete(json);
  return code;
}

static void a_malformed_schema_is_the_jobs_fault(void **state) {
  (void)state;
  for (size_t at = 0; at < COUNT_OF(malformed); at++) {
    lj_fault fault;
    int code = open_text(malformed[at].schema, &fault);
    if (code != LJ_BAD_JOB || strstr(fault.message, malformed[at].message) == NULL)
      fail_msg("%s: %s %s", malformed[at].schema, lj_code_name(code), fault.message);
  }
}

/* --- Nesting, hostile schemas, shortage of memory --- */

static char *repeated(const char *head, const char *open, int count, const char *middle, const char *close, const char *tail) {
  lj_buffer text;
  lj_buffer_init(&text, 1 << 24);
  assert_code(lj_buffer_append_text(&text, head), LJ_OK);
  for (int i = 0; i < count; i++) assert_code(lj_buffer_append_text(&text, open), LJ_OK);
  assert_code(lj_buffer_append_text(&text, middle), LJ_OK);
  for (int i = 0; i < count; i++) assert_code(lj_buffer_append_text(&text, close), LJ_OK);
  assert_code(lj_buffer_append_text(&text, tail), LJ_OK);
  char *taken = lj_buffer_take(&text);
  lj_buffer_free(&text);
  assert_non_null(taken);
  return taken;
}

static void nesting_as_deep_as_json_may_be_is_checked(void **state) {
  char *value = repeated("", "[", 99, "1", "]", "");
  char *wrong = repeated("", "[", 99, "\"SECRET\"", "]", "");
  char *schema = repeated("", "{\"items\":", 99, "{\"type\":\"integer\"}", "}", "");
  (void)state;
  hold(schema, value, LJ_OK, NULL, 0);
  hold(schema, wrong, LJ_PROTOCOL, NULL, 0);
  hold("{\"items\":{\"$ref\":\"#\"},\"type\":[\"array\",\"integer\"]}", value, LJ_OK, NULL, 0);
  hold("{\"items\":{\"$ref\":\"#\"},\"type\":[\"array\",\"integer\"]}", wrong, LJ_PROTOCOL, NULL, 0);
  lj_free(value);
  lj_free(wrong);
  lj_free(schema);
}

/* Each level asks the next one twice: 2^depth visits, were there no account of them. */
static char *doubling(int levels, const char *member) {
  lj_buffer text;
  lj_buffer_init(&text, 1 << 20);
  assert_code(lj_buffer_printf(&text, "{\"$ref\":\"#/$defs/0\",\"$defs\":{"), LJ_OK);
  for (int i = 0; i < levels; i++)
    assert_code(lj_buffer_printf(&text, "\"%d\":{\"%s\":[{\"$ref\":\"#/$defs/%d\"},{\"$ref\":\"#/$defs/%d\"}]},", i, member, i + 1, i + 1), LJ_OK);
  assert_code(lj_buffer_printf(&text, "\"%d\":{\"type\":\"integer\"}}}", levels), LJ_OK);
  char *taken = lj_buffer_take(&text);
  lj_buffer_free(&text);
  assert_non_null(taken);
  return taken;
}

static void a_schema_that_explodes_is_refused_before_any_call(void **state) {
  char *small = doubling(8, "allOf");
  char *large = doubling(60, "allOf");
  lj_fault fault;
  (void)state;
  hold(small, "1", LJ_OK, NULL, 0);
  assert_code(open_text(large, &fault), LJ_BAD_JOB);
  assert_non_null(strstr(fault.message, "steps"));
  lj_free(small);
  lj_free(large);
}

static void an_answer_that_takes_too_long_to_check_is_too_large(void **state) {
  static const char explosive[] =
      "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"anyOf\":[{\"items\":{\"$ref\":\"#/$defs/a\"},\"minItems\":2},"
      "{\"items\":{\"$ref\":\"#/$defs/a\"},\"maxItems\":1,\"minItems\":9},{\"items\":{\"$ref\":\"#/$defs/a\"},\"minItems\":3}]}}}";
  char *nested = repeated("", "[", 90, "1", "]", "");
  char *list = repeated("[0", ",[1,2,3]", 9000, "", "", "]");
  char *text = repeated("\"", "a", 50000, "", "", "!\"");
  char message[1024];
  (void)state;
  hold(explosive, nested, LJ_RESPONSE_TOO_LARGE, message, sizeof message);
  assert_non_null(strstr(message, "cannot be checked"));
  hold("{\"uniqueItems\":true,\"items\":{\"type\":[\"array\",\"integer\"]}}", "[0,[1],[2]]", LJ_OK, NULL, 0);
  hold("{\"pattern\":\"^(a+)+$\"}", text, LJ_RESPONSE_TOO_LARGE, NULL, 0);
  hold("{\"not\":{\"uniqueItems\":true}}", list, LJ_OK, NULL, 0); /* the second of them is found at once */
  lj_free(nested);
  lj_free(list);
  lj_free(text);
}

static void every_allocation_may_fail(void **state) {
  cJSON *json = json_of("{\"properties\":{\"a\":{\"pattern\":\"^x(y|z)*\"}},\"patternProperties\":{\"^b\":{}},\"additionalProperties\":false}");
  cJSON *value = json_of("{\"a\":\"xyz\",\"bb\":1}");
  static const char fenced[] = "```json\n{\"a\":\"\\ud800\"}\n```";
  long before = lj_memory_live();
  (void)state;
  for (int sticky = 0; sticky <= 1; sticky++) {
    int code = LJ_NOMEM;
    long nth;
    for (nth = 1; nth < 300 && code == LJ_NOMEM; nth++) {
      lj_schema *schema = NULL;
      cJSON *parsed = NULL;
      lj_fault fault;
      lj_fault_clear(&fault);
      lj_memory_fail_at(nth, sticky);
      code = lj_schema_open(json, &schema, &fault);
      if (code == LJ_OK) code = lj_schema_check(schema, value, &fault);
      if (code == LJ_OK) code = lj_object_parse(fenced, strlen(fenced), &parsed);
      lj_memory_fail_at(0, 0);
      assert_true(code == LJ_OK || code == LJ_NOMEM);
      cJSON_Delete(parsed);
      lj_schema_close(schema);
      assert_int_equal(lj_memory_live(), before);
    }
    assert_true(nth > 10 && nth < 300);
  }
  cJSON_Delete(json);
  cJSON_Delete(value);
}

/* --- What is expected of a result --- */

static const struct {
  const char *result;
  int code;
  const char *message;
} results[] = {
    {"{\"text\":\"{}\",\"object\":{\"a\":1},\"finishReason\":\"stop\"}", LJ_OK, ""},
    {"{\"text\":\"{}\",\"object\":{},\"finishReason\":\"stop\"}", LJ_PROTOCOL, "at /a it breaks the rule required"},
    {"{\"text\":\"null\",\"object\":null}", LJ_PROTOCOL, "at the root it breaks the rule type"},
    {"{\"text\":\"SECRET\",\"finishReason\":\"stop\"}", LJ_PROTOCOL, "is no JSON"},
    {"{\"text\":\"SECRET\",\"finishReason\":\"length\"}", LJ_PROTOCOL, "raise maxTokens"},
    {"{\"text\":\"SECRET\",\"finishReason\":\"filter\"}", LJ_CONTENT_FILTERED, "filter ended the answer"},
    {"{\"text\":\"{}\",\"object\":{},\"finishReason\":\"filter\"}", LJ_CONTENT_FILTERED, "filter ended the answer"},
    {"{\"toolCalls\":[{\"id\":\"c\"}],\"finishReason\":\"tool\"}", LJ_OK, ""},
};

static void a_result_must_hold_the_object_unless_tools_are_called(void **state) {
  cJSON *json = json_of("{\"type\":\"object\",\"required\":[\"a\"]}");
  lj_schema *schema = open_schema(json);
  (void)state;
  for (size_t at = 0; at < COUNT_OF(results); at++) {
    cJSON *result = json_of(results[at].result);
    lj_fault fault;
    lj_fault_clear(&fault);
    assert_code(lj_object_expect(schema, result, &fault), results[at].code);
    assert_code(fault.code, results[at].code);
    if (strstr(fault.message, results[at].message) == NULL || strstr(fault.message, "SECRET") != NULL)
      fail_msg("%s: %s", results[at].result, fault.message);
    cJSON_Delete(result);
  }
  lj_schema_close(schema);
  cJSON_Delete(json);
}

static int set_up(void **state) {
  (void)state;
  lj_memory_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(json_is_found_with_and_without_a_fence),
      cmocka_unit_test(rules_hold),
      cmocka_unit_test(a_violation_names_place_and_rule_and_no_content),
      cmocka_unit_test(a_malformed_schema_is_the_jobs_fault),
      cmocka_unit_test(nesting_as_deep_as_json_may_be_is_checked),
      cmocka_unit_test(a_schema_that_explodes_is_refused_before_any_call),
      cmocka_unit_test(an_answer_that_takes_too_long_to_check_is_too_large),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(a_result_must_hold_the_object_unless_tools_are_called),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
