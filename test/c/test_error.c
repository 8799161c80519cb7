/* SPDX-License-Identifier: MIT
 *
 * Answers that are not 200: their class, the wait they ask for, and what of their words is shown.
 */
#include "base/clock.h"
#include "provider/redact.h"
#include "provider/retry_after.h"
#include "support/exchange.h"

/* google.rpc.Status */
#define GOOGLE(code, message, status, details) \
  "{\"error\":{\"code\":" #code ",\"message\":\"" message "\",\"status\":\"" status "\",\"details\":[" details "]}}"
#define RETRY(delay) "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":" delay "}"
#define QUOTA(id, value) \
  "{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\"" id "\",\"quotaValue\":\"" value "\"}]}"

static const struct {
  int status;
  const char *headers;
  const char *body;
  const char *told;
} answers[] = {
    {400, NULL, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":\"unsupported_value\"}}",
     "BAD_REQUEST The provider answered with status 400 (unsupported_value): m\n"},
    {400, NULL, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}",
     "CONTEXT_LENGTH The provider answered with status 400 (context_length_exceeded); shorten the prompt, or use a model with a larger context: m\n"},
    {400, NULL, "{\"error\":{\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\"}}",
     "CONTEXT_LENGTH The provider answered with status 400 (exceed_context_size_error); shorten the prompt, or use a model with a larger context: m\n"},
    {400, NULL, "{\"object\":\"error\",\"message\":\"the Maximum Context Length is 8\",\"type\":\"BadRequestError\",\"code\":400}",
     "CONTEXT_LENGTH The provider answered with status 400 (BadRequestError); shorten the prompt, or use a model with a larger context: the Maximum Context Length is 8\n"},
    {400, NULL, "{\"error\":{\"message\":\"m\",\"code\":\"content_policy_violation\"}}",
     "CONTENT_FILTERED The provider answered with status 400 (content_policy_violation): m\n"},
    {400, NULL, "{\"error\":{\"message\":\"m\",\"code\":\"content_filter\"}}",
     "CONTENT_FILTERED The provider answered with status 400 (content_filter): m\n"},
    {400, NULL, "{\"error\":{\"message\":\"m\",\"code\":\"model_not_found\"}}",
     "MODEL_NOT_FOUND The provider answered with status 400 (model_not_found); check the model's name and baseUrl: m\n"},
    {401, NULL, "{\"error\":{\"message\":\"Incorrect API key provided: sk-proj-abc***xyz.\",\"code\":\"invalid_api_key\"}}",
     "AUTH The provider answered with status 401 (invalid_api_key); check the provider's apiKey: Incorrect API key provided: [key]\n"},
    {402, NULL, "{\"error\":{\"message\":\"Insufficient Balance\"}}",
     "QUOTA_EXCEEDED The provider answered with status 402; check the account's balance and limits: Insufficient Balance\n"},
    {403, NULL, "{\"error\":{\"message\":\"m\"}}", "AUTH The provider answered with status 403; check the provider's apiKey: m\n"},
    {403, NULL, "{\"error\":{\"message\":\"m\",\"code\":\"content_filter\"}}",
     "CONTENT_FILTERED The provider answered with status 403 (content_filter): m\n"},
    {404, NULL, "{\"error\":\"model 'x' not found\"}", "MODEL_NOT_FOUND The provider answered with status 404; check the model's name and baseUrl: model 'x' not found\n"},
    {404, NULL, "404 page not found", "MODEL_NOT_FOUND The provider answered with status 404; check the model's name and baseUrl: 404 page not found\n"},
    {408, NULL, "{\"error\":{\"message\":\"m\"}}", "SERVER_ERROR The provider answered with status 408: m\n"},
    {409, NULL, "{\"error\":{\"message\":\"m\"}}", "SERVER_ERROR The provider answered with status 409: m\n"},
    {413, NULL, "{\"error\":{\"message\":\"m\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
     "BAD_REQUEST The provider answered with status 413 (rate_limit_exceeded): m\n"},
    {415, NULL, "{}", "BAD_REQUEST The provider answered with status 415: {}\n"},
    {418, NULL, " ", "BAD_REQUEST The provider answered with status 418 and no explanation\n"},
    {422, NULL, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"}]}",
     "BAD_REQUEST The provider answered with status 422: field required\n"},
    {429, NULL, "{\"error\":{\"message\":\"m\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}",
     "RATE_LIMITED The provider answered with status 429 (rate_limit_exceeded): m\n"},
    {429, NULL, "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}",
     "QUOTA_EXCEEDED The provider answered with status 429 (insufficient_quota); check the account's balance and limits: m\n"},
    {429, NULL, "{\"error\":{\"message\":\"m\",\"code\":\"credit_balance_exhausted\"}}",
     "QUOTA_EXCEEDED The provider answered with status 429 (credit_balance_exhausted); check the account's balance and limits: m\n"},
    {429, NULL, "{\"error\":{\"message\":\"m\",\"code\":\"slow_down\"}}",
     "RATE_LIMITED The provider answered with status 429 (slow_down): m\n"},
    {500, NULL, "{\"error\":{\"message\":\"m\",\"type\":\"server_error\"}}",
     "SERVER_ERROR The provider answered with status 500 (server_error): m\n"},
    {502, NULL, "<html><body>Bad Gateway</body></html>",
     "SERVER_ERROR The provider answered with an HTML page (status 502): a proxy's, or baseUrl is wrong\n"},
    {503, NULL, "{\"error\":\"server busy, please try again. maximum pending requests exceeded\"}",
     "OVERLOADED The provider answered with status 503: server busy, please try again. maximum pending requests exceeded\n"},
    {504, NULL, "\"timeout\"", "SERVER_ERROR The provider answered with status 504: timeout\n"},
    {524, NULL, "\n", "SERVER_ERROR The provider answered with status 524 and no explanation\n"},
    {529, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}",
     "OVERLOADED The provider answered with status 529 (overloaded_error): m\n"},
    {529, NULL, "", "OVERLOADED The provider answered with status 529 and no explanation\n"},
    {413, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"request_too_large\",\"message\":\"m\"}}",
     "BAD_REQUEST The provider answered with status 413 (request_too_large): m\n"},
    {429, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\",\"details\":{\"error_code\":\"ramp_limit_exceeded\"}}}",
     "RATE_LIMITED The provider answered with status 429 (ramp_limit_exceeded): m\n"},
    {429, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
     "QUOTA_EXCEEDED The provider answered with status 429 (enforced_spend_limit_reached); check the account's balance and limits: m\n"},
    {400, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low to use it.\"}}",
     "QUOTA_EXCEEDED The provider answered with status 400 (invalid_request_error); check the account's balance and limits: Your credit balance is too low to use it.\n"},
    {402, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"m\"}}",
     "QUOTA_EXCEEDED The provider answered with status 402 (billing_error); check the account's balance and limits: m\n"},
    {400, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 9 tokens > 8 maximum\"}}",
     "CONTEXT_LENGTH The provider answered with status 400 (invalid_request_error); shorten the prompt, or use a model with a larger context: prompt is too long: 9 tokens > 8 maximum\n"},
    {500, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Overloaded\"}}",
     "OVERLOADED The provider answered with status 500 (api_error): Overloaded\n"},
    {504, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":\"m\"}}",
     "SERVER_ERROR The provider answered with status 504 (timeout_error): m\n"},
    {500, "x-should-retry: false\n", "{\"error\":{\"message\":\"m\"}}", "BAD_REQUEST The provider answered with status 500: m\n"},
    {429, "x-should-retry: false\n", "{\"error\":{\"message\":\"m\"}}", "RATE_LIMITED The provider answered with status 429: m\n"},
    {400, "X-Should-Retry: TRUE\n", "{\"error\":{\"message\":\"m\"}}", "SERVER_ERROR The provider answered with status 400: m\n"},
    {400, NULL, GOOGLE(400, "m", "INVALID_ARGUMENT", ""), "BAD_REQUEST The provider answered with status 400 (INVALID_ARGUMENT): m\n"},
    {400, NULL, GOOGLE(400, "API key not valid.", "INVALID_ARGUMENT", "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}"),
     "AUTH The provider answered with status 400 (API_KEY_INVALID); check the provider's apiKey: API key not valid.\n"},
    {400, NULL, GOOGLE(400, "The input token count (9) exceeds the maximum number of tokens allowed (8).", "INVALID_ARGUMENT", ""),
     "CONTEXT_LENGTH The provider answered with status 400 (INVALID_ARGUMENT); shorten the prompt, or use a model with a larger context: "
     "The input token count (9) exceeds the maximum number of tokens allowed (8).\n"},
    {400, NULL, GOOGLE(400, "User location is not supported for the API use.", "FAILED_PRECONDITION", ""),
     "AUTH The provider answered with status 400 (FAILED_PRECONDITION); check the provider's apiKey: User location is not supported for the API use.\n"},
    {400, NULL, GOOGLE(400, "Please enable billing.", "FAILED_PRECONDITION", ""),
     "QUOTA_EXCEEDED The provider answered with status 400 (FAILED_PRECONDITION); check the account's balance and limits: Please enable billing.\n"},
    {400, NULL, GOOGLE(400, "File not active.", "FAILED_PRECONDITION", ""),
     "BAD_REQUEST The provider answered with status 400 (FAILED_PRECONDITION): File not active.\n"},
    {403, NULL, GOOGLE(403, "m", "PERMISSION_DENIED", ""),
     "AUTH The provider answered with status 403 (PERMISSION_DENIED); check the provider's apiKey: m\n"},
    {404, NULL, GOOGLE(404, "m", "NOT_FOUND", ""),
     "MODEL_NOT_FOUND The provider answered with status 404 (NOT_FOUND); check the model's name and baseUrl: m\n"},
    {429, NULL, GOOGLE(429, "m", "RESOURCE_EXHAUSTED", ""), "RATE_LIMITED The provider answered with status 429 (RESOURCE_EXHAUSTED): m\n"},
    {429, NULL, GOOGLE(429, "limit: 0", "RESOURCE_EXHAUSTED", QUOTA("RequestsPerDay", "0")),
     "QUOTA_EXCEEDED The provider answered with status 429 (RESOURCE_EXHAUSTED); check the account's balance and limits: limit: 0\n"},
    {499, NULL, GOOGLE(499, "m", "CANCELLED", ""), "BAD_REQUEST The provider answered with status 499 (CANCELLED): m\n"},
    {500, NULL, GOOGLE(500, "m", "INTERNAL", ""), "SERVER_ERROR The provider answered with status 500 (INTERNAL): m\n"},
    {503, NULL, "[" GOOGLE(503, "m", "UNAVAILABLE", "") "]", "OVERLOADED The provider answered with status 503 (UNAVAILABLE): m\n"},
    {504, NULL, GOOGLE(504, "m", "DEADLINE_EXCEEDED", ""), "SERVER_ERROR The provider answered with status 504 (DEADLINE_EXCEEDED): m\n"},
    {302, NULL, "moved", "PROTOCOL The provider answered with a redirect (status 302), which is not followed because it could carry the key "
                         "elsewhere; set baseUrl to the final address\n"},
};

static void every_status_has_its_class_and_its_words(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(answers); at++) {
    exchange run = {0};
    run.provider = lj_provider_find("openai");
    run.stream = true;
    run.status = answers[at].status;
    run.headers = answers[at].headers;
    run.body = answers[at].body;
    expect_exchange(&run, answers[at].told);
    run.provider = lj_provider_find("ollama");
    expect_exchange(&run, answers[at].told);
  }
}

static const struct {
  const char *headers;
  int64_t wait_ms;
} waits[] = {
    {"retry-after: 7\n", 7000},
    {"Retry-After: 0.5\n", 500},
    {"retry-after: 0\n", 0},
    {"retry-after: 9999999\n", 86400000},
    {"retry-after: 99999999999999999999999999999999999999\n", 86400000},
    {"retry-after-ms: 1500.2\nretry-after: 7\n", 1501},
    {"retry-after-ms: x\nretry-after: 7\n", 7000},
    {"retry-after: Sun, 06 Nov 1994 08:49:37 GMT\n", 7000}, /* the virtual clock stands 7 s before it */
    {"retry-after: Sun, 06 Nov 1994 08:49:00 GMT\n", 0},
    {"retry-after: Thu, 29 Feb 2024 00:00:00 GMT\n", 86400000},
    {"retry-after: Sun, 06 Foo 1994 08:49:37 GMT\n", -1},
    {"retry-after: Sun, 06 anF 1994 08:49:37 GMT\n", -1},
    {"retry-after: soon\n", -1},
    {"retry-after: -5\n", -1},
    {"retry-after: 5 minutes\n", -1},
    {"retry-after:\n", -1},
    {"x: y\n", -1},
};

static void the_wait_is_read_in_every_form(void **state) {
  size_t at;
  (void)state;
  lj_clock_virtual(784111770000, 0);
  for (at = 0; at < COUNT_OF(waits); at++) {
    exchange run = {0};
    lj_buffer log;
    lj_fault fault;
    run.provider = lj_provider_find("openai");
    run.status = 429;
    run.headers = waits[at].headers;
    run.body = "{\"error\":\"m\"}";
    assert_code(run_exchange(&run, 0, &log, &fault), LJ_RATE_LIMITED);
    if (fault.retry_after_ms != waits[at].wait_ms) {
      fail_msg("%s: %lld", waits[at].headers, (long long)fault.retry_after_ms);
    }
    assert_int_equal(fault.http_status, 429);
    lj_buffer_free(&log);
  }
  lj_clock_real();
}

/* Times of 2026 in Unix milliseconds; daylight saving lasts from March 8 to November 1. */
#define PER_DAY QUOTA("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "50")
static const struct {
  int64_t now_ms;
  const char *headers;
  const char *details;
  int64_t wait_ms;
} google_waits[] = {
    {1795000000000, NULL, RETRY("\"34.4s\""), 34400},
    {1795000000000, NULL, RETRY("\"34.074824224s\""), 34075},
    {1795000000000, NULL, RETRY("\"0s\""), 0},
    {1795000000000, NULL, RETRY("\"999999s\""), 86400000},
    {1795000000000, NULL, RETRY("\"s\""), -1},
    {1795000000000, NULL, RETRY("\"34\""), -1},
    {1795000000000, NULL, RETRY("\"-1s\""), -1},
    {1795000000000, NULL, RETRY("34"), -1},
    {1795000000000, "retry-after: 7\n", RETRY("\"34s\""), 7000},
    {1795000000000, NULL, QUOTA("GenerateRequestsPerMinutePerProjectPerModel", "10"), -1},
    {1795000000000, NULL, QUOTA("GenerateRequestsPerMinutePerProjectPerModel", "10") "," RETRY("\"5s\""), 5000},
    {1795247999000, NULL, PER_DAY "," RETRY("\"5s\""), 5000}, /* the longer of the two */
    {1795248000000, NULL, RETRY("\"5s\"") "," PER_DAY, 86400000},
    {1795247999000, NULL, PER_DAY, 1000}, /* a second before it */
    {1782907200000, NULL, PER_DAY, 68400000}, /* summer */
    {1772958600000, NULL, PER_DAY, 81000000}, /* half past midnight before the clocks go forward: a day of 23 hours */
    {1772971200000, NULL, PER_DAY, 68400000}, /* they have */
    {1772884800000, NULL, PER_DAY, 72000000}, /* the day before */
    {1793518200000, NULL, PER_DAY, 88200000}, /* half past midnight before they go back: a day of 25 hours */
    {1793534400000, NULL, PER_DAY, 72000000}, /* they have */
    {1793448000000, NULL, PER_DAY, 68400000}, /* the day before */
    {1798747200000, NULL, PER_DAY, 43200000}, /* New Year's Eve */
};

static void google_says_the_wait_in_the_body(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(google_waits); at++) {
    char body[1024];
    exchange run = {0};
    lj_buffer log;
    lj_fault fault;
    (void)snprintf(body, sizeof body, GOOGLE(429, "m", "RESOURCE_EXHAUSTED", "%s"), google_waits[at].details);
    lj_clock_virtual(google_waits[at].now_ms, 0);
    run.provider = lj_provider_find("openai"); /* as a gateway before Gemini passes it on */
    run.status = 429;
    run.headers = google_waits[at].headers;
    run.body = body;
    assert_code(run_exchange(&run, 0, &log, &fault), LJ_RATE_LIMITED);
    if (fault.retry_after_ms != google_waits[at].wait_ms) {
      fail_msg("at %lld %s: %lld", (long long)google_waits[at].now_ms, google_waits[at].details, (long long)fault.retry_after_ms);
    }
    lj_buffer_free(&log);
  }
  lj_clock_real();
}

static void keys_are_not_repeated(void **state) {
  static const struct {
    const char *words;
    const char *shown;
  } cases[] = {
      {"plain words, model gpt-5-mini", "plain words, model gpt-5-mini"},
      {"key sk-abcdefgh12345 is bad", "key [key] is bad"},
      {"'sk-proj-abc***yz'", "'[key]'"},
      {"Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer [key]"},
      {"Bearer token missing", "Bearer token missing"},
      {"gsk_0123456789abcdef, xai-0123456789", "[key], [key]"},
      {"api_key=sk-abcdefgh12345&x, url/sk-abcdefgh", "api_key=[key]&x, url/[key]"},
      {"risk-free task-0123456789", "risk-free task-0123456789"},
      {"sk-", "sk-"},
      {"", ""},
      {"bell\x07 \xFF gr\xC3\xBC", "bell? ? gr\xC3\xBC"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    char out[128];
    lj_redact(out, sizeof out, cases[at].words, strlen(cases[at].words));
    assert_string_equal(out, cases[at].shown);
  }
}

static void words_are_cut_at_the_ceiling_and_never_inside_a_character(void **state) {
  char body[8000] = "{\"error\":\"";
  size_t length = strlen(body);
  exchange run = {0};
  lj_buffer log;
  lj_fault fault;
  (void)state;
  while (length < 7000) {
    memcpy(body + length, "\xE2\x82\xAC", 3);
    length += 3;
  }
  memcpy(body + length, "\"}", 3);
  run.provider = lj_provider_find("openai");
  run.status = 500;
  run.body = body;
  assert_code(run_exchange(&run, 0, &log, &fault), LJ_SERVER_ERROR);
  length = strlen(fault.message);
  assert_true(length > LJ_MAX_ERROR_TEXT - 3 && length < LJ_MAX_ERROR_TEXT + 64);
  assert_memory_equal(fault.message + length - 3, "\xE2\x82\xAC", 3);
  lj_buffer_free(&log);
}

static void an_error_is_kept_up_to_its_ceiling(void **state) {
  static const char start[] = "{\"error\":{\"message\":\"m\",\"rest\":\"";
  size_t length = 2 * LJ_MAX_ERROR_BODY;
  char *body = malloc(length + 1);
  exchange run = {0};
  size_t size;
  (void)state;
  assert_non_null(body);
  memset(body, 'x', length);
  memcpy(body, start, strlen(start));
  memcpy(body + length - 3, "\"}}", 4);
  run.provider = lj_provider_find("openai");
  run.status = 500;
  run.body = body;
  for (size = 0; size < COUNT_OF(piece_sizes); size++) {
    lj_buffer log;
    assert_code(run_exchange(&run, piece_sizes[size], &log, NULL), LJ_SERVER_ERROR);
    assert_non_null(strstr(log.data, "status 500: {\"error\":{")); /* its end is missing, so it is no JSON any more */
    lj_buffer_free(&log);
  }
  free(body);
}

static void an_endless_error_body_is_read_no_further_than_needed(void **state) {
  char block[4096];
  lj_response *response = NULL;
  lj_fault fault;
  int rounds = 0;
  int rc = LJ_OK;
  (void)state;
  memset(block, 'x', sizeof block);
  assert_code(lj_response_open(lj_provider_find("openai"), &(lj_wire){.stream = true}, 1000, NULL, &response), LJ_OK);
  lj_response_status(response, 500);
  while (rc == LJ_OK && rounds < 100) {
    rc = lj_response_feed(response, block, sizeof block);
    rounds++;
  }
  assert_code(rc, LJ_CLOSED);
  assert_int_equal(rounds, LJ_MAX_ERROR_BODY / 4096);
  assert_code(lj_response_end(response, &fault), LJ_SERVER_ERROR);
  lj_response_free(response);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(every_status_has_its_class_and_its_words),
      tidy_test(the_wait_is_read_in_every_form),
      tidy_test(google_says_the_wait_in_the_body),
      tidy_test(keys_are_not_repeated),
      tidy_test(words_are_cut_at_the_ceiling_and_never_inside_a_character),
      tidy_test(an_error_is_kept_up_to_its_ceiling),
      tidy_test(an_endless_error_body_is_read_no_further_than_needed),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
