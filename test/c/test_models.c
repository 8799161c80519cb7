/* SPDX-License-Identifier: MIT
 *
 * The list of models: the request that probes a provider without costing tokens, and its answer.
 */
#include "provider/response.h"
#include "support/test.h"

static void the_request_is_a_get_with_the_key(void **state) {
  static const struct {
    const char *kind;
    const char *url;
    const char *key; /* NULL: Authorization: Bearer k */
  } cases[] = {
      {"openai", "http://h/v1/models", NULL},
      {"openai-compatible", "http://h/v1/models", NULL},
      {"deepseek", "http://h/v1/models", NULL},
      {"ollama", "http://h/v1/api/tags", NULL},
      {"gemini", "http://h/v1/models?pageSize=1000", "x-goog-api-key: k"},
  };
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h/v1", .api_key = "k", .headers = NULL};
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    char headers[200];
    lj_wire wire;
    lj_fault fault;
    lj_wire_init(&wire);
    assert_code(lj_provider_find(cases[at].kind)->build_models(&endpoint, &wire, &fault), LJ_OK);
    assert_string_equal(wire.method, "GET");
    assert_string_equal(wire.url.data, cases[at].url);
    (void)snprintf(headers, sizeof headers, "Accept: application/json\nAccept-Encoding: identity\n%s\n",
                   cases[at].key != NULL ? cases[at].key : "Authorization: Bearer k");
    assert_string_equal(wire.headers.data, headers);
    assert_int_equal(wire.body.length, 0);
    assert_int_equal(wire.ask, LJ_ASK_MODELS);
    assert_false(wire.stream);
    lj_wire_free(&wire);
  }
}

/* "[names]" or the code and message */
static void expect_models(const char *kind, int status, const char *body, const char *expected) {
  lj_wire wire = {.ask = LJ_ASK_MODELS};
  lj_response *response = NULL;
  lj_fault fault;
  int rc;
  assert_code(lj_response_open(lj_provider_find(kind), &wire, 100000, NULL, &response), LJ_OK);
  lj_response_status(response, status);
  rc = lj_response_feed(response, body, strlen(body));
  assert_code(rc, LJ_OK);
  rc = lj_response_end(response, &fault);
  if (rc == LJ_OK) {
    assert_json(lj_response_models(response), expected);
  } else {
    char told[sizeof fault.message + 64];
    (void)snprintf(told, sizeof told, "%s %s", lj_code_name(rc), fault.message);
    assert_string_equal(told, expected);
  }
  lj_response_free(response);
}

static void the_names_are_read(void **state) {
  (void)state;
  expect_models("openai", 200, "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"object\":\"model\"},{\"id\":\"b/c\"}]}", "[\"a\",\"b/c\"]");
  expect_models("openai-compatible", 200, "\n[{\"id\":\"a\"},{\"id\":\"\"},{},7,{\"id\":8}]", "[\"a\"]");
  expect_models("deepseek", 200, "{\"data\":[]}", "[]");
  expect_models("gemini", 200, "{\"models\":[{\"name\":\"models/gemini-x\",\"displayName\":\"X\"},{\"name\":\"tunedModels/t\"}],\"nextPageToken\":\"n\"}",
                "[\"gemini-x\",\"tunedModels/t\"]");
  expect_models("ollama", 200, "{\"models\":[{\"name\":\"llama3.2:1b\",\"model\":\"llama3.2:1b\"}]}", "[\"llama3.2:1b\"]");
}

static void trouble_is_named(void **state) {
  (void)state;
  expect_models("openai", 401, "{\"error\":{\"message\":\"Bad key\",\"code\":\"invalid_api_key\"}}",
                "AUTH The provider answered with status 401 (invalid_api_key); check the provider's apiKey: Bad key");
  expect_models("openai", 200, "{\"models\":[]}",
                "PROTOCOL The provider's list of models has no data; is baseUrl that of a model API?");
  expect_models("openai-compatible", 200, "{\"error\":\"Unauthorized\"}",
                "SERVER_ERROR The provider reported an error inside its answer: Unauthorized");
  expect_models("openai", 200, "OK", "PROTOCOL The provider's answer of 2 bytes is no JSON, or was cut off");
  expect_models("ollama", 200, "{\"models\":", "PROTOCOL The provider's answer of 10 bytes is no JSON, or was cut off");
}

static void names_beyond_the_ceiling_are_left_out(void **state) {
  cJSON *body = cJSON_CreateArray();
  cJSON *names = cJSON_CreateArray();
  lj_fault fault;
  int at;
  (void)state;
  for (at = 0; at < LJ_MAX_MODELS + 10; at++) {
    cJSON *model = cJSON_CreateObject();
    assert_code(lj_json_push_value(body, model), LJ_OK);
    assert_code(lj_json_put_string(model, "id", "m"), LJ_OK);
  }
  assert_code(lj_provider_find("openai")->read_models(body, names, &fault), LJ_OK);
  assert_int_equal(cJSON_GetArraySize(names), LJ_MAX_MODELS);
  cJSON_Delete(body);
  cJSON_Delete(names);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(the_request_is_a_get_with_the_key),
      tidy_test(the_names_are_read),
      tidy_test(trouble_is_named),
      tidy_test(names_beyond_the_ceiling_are_left_out),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
