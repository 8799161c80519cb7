/* SPDX-License-Identifier: MIT
 *
 * What every kind of trouble with a provider means for the job: the master table of statuses, codes and broken connections.
 */
#include "http/curl_fault.h"
#include "support/exchange.h"

static const struct {
  int status;
  const char *body;
  int code;
  lj_class class;
} statuses[] = {
    /* bad request: another try would be the same */
    {400, "{\"error\":{\"message\":\"m\"}}", LJ_BAD_REQUEST, LJ_CLASS_JOB},
    {422, "{\"detail\":[{\"msg\":\"m\"}]}", LJ_BAD_REQUEST, LJ_CLASS_JOB},
    {415, "", LJ_BAD_REQUEST, LJ_CLASS_JOB},
    {501, "{\"error\":{\"type\":\"not_supported_error\"}}", LJ_BAD_REQUEST, LJ_CLASS_JOB},
    {400, "{\"error\":{\"code\":\"context_length_exceeded\"}}", LJ_CONTEXT_LENGTH, LJ_CLASS_JOB},
    {422, "{\"error\":{\"message\":\"maximum context length is 8\"}}", LJ_CONTEXT_LENGTH, LJ_CLASS_JOB},
    /* policy */
    {400, "{\"error\":{\"code\":\"content_policy_violation\"}}", LJ_CONTENT_FILTERED, LJ_CLASS_JOB},
    {403, "{\"error\":{\"code\":\"content_filter\"}}", LJ_CONTENT_FILTERED, LJ_CLASS_JOB},
    /* auth: another key or provider */
    {401, "{\"error\":{\"code\":\"invalid_api_key\"}}", LJ_AUTH, LJ_CLASS_TARGET},
    {401, "", LJ_AUTH, LJ_CLASS_TARGET},
    {403, "{\"error\":{\"message\":\"m\"}}", LJ_AUTH, LJ_CLASS_TARGET},
    /* money: no waiting helps */
    {402, "", LJ_QUOTA_EXCEEDED, LJ_CLASS_TARGET},
    {429, "{\"error\":{\"code\":\"insufficient_quota\"}}", LJ_QUOTA_EXCEEDED, LJ_CLASS_TARGET},
    {429, "{\"error\":{\"code\":\"credit_balance_exhausted\"}}", LJ_QUOTA_EXCEEDED, LJ_CLASS_TARGET},
    {429, "{\"error\":{\"type\":\"rate_limit_error\",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}", LJ_QUOTA_EXCEEDED,
     LJ_CLASS_TARGET},
    {429, "{\"error\":{\"type\":\"rate_limit_error\",\"details\":{\"error_code\":\"contract_spend_limit_reached\"}}}", LJ_QUOTA_EXCEEDED,
     LJ_CLASS_TARGET},
    {403, "{\"error\":{\"type\":\"billing_error\"}}", LJ_QUOTA_EXCEEDED, LJ_CLASS_TARGET},
    /* model */
    {404, "{\"error\":{\"code\":\"model_not_found\"}}", LJ_MODEL_NOT_FOUND, LJ_CLASS_TARGET},
    {404, "not found", LJ_MODEL_NOT_FOUND, LJ_CLASS_TARGET},
    /* transient */
    {408, "", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    {409, "", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    /* size */
    {413, "", LJ_BAD_REQUEST, LJ_CLASS_JOB},
    {429, "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Request too large for m: Limit 9, Requested 10\"}}", LJ_BAD_REQUEST,
     LJ_CLASS_JOB},
    {413, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", LJ_BAD_REQUEST, LJ_CLASS_JOB},
    /* rate */
    {429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}", LJ_RATE_LIMITED, LJ_CLASS_LANE},
    {429, "{\"error\":{\"code\":\"slow_down\"}}", LJ_RATE_LIMITED, LJ_CLASS_LANE},
    {429, "", LJ_RATE_LIMITED, LJ_CLASS_LANE},
    /* cancelled by us */
    {499, "{\"error\":\"canceled\"}", LJ_BAD_REQUEST, LJ_CLASS_JOB},
    /* server */
    {500, "{\"error\":{\"type\":\"server_error\"}}", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    {502, "<html>", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    {504, "", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    {520, "", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    {521, "", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    {522, "", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    {523, "", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    {524, "", LJ_SERVER_ERROR, LJ_CLASS_TRANSIENT},
    /* overload and loading */
    {503, "", LJ_OVERLOADED, LJ_CLASS_TRANSIENT},
    {503, "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}", LJ_OVERLOADED, LJ_CLASS_TRANSIENT},
    {529, "{\"error\":{\"type\":\"overloaded_error\"}}", LJ_OVERLOADED, LJ_CLASS_TRANSIENT},
    {200, "{\"error\":{\"type\":\"overloaded_error\"}}", LJ_OVERLOADED, LJ_CLASS_TRANSIENT},
    {200, "data: {\"error\":{\"type\":\"overloaded_error\"}}\n\n", LJ_OVERLOADED, LJ_CLASS_TRANSIENT},
    /* an error, or nothing more, after a part of the answer */
    {200, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"type\":\"server_error\"}}\n\n", LJ_SERVER_ERROR,
     LJ_CLASS_TRANSIENT},
    {200, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n", LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
    {200, "", LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
    {204, "", LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
    {301, "", LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
};

static void every_status_has_its_class(void **state) {
  static const char *const kinds[] = {"openai", "openai-compatible", "deepseek"};
  size_t at;
  size_t kind;
  (void)state;
  for (at = 0; at < COUNT_OF(statuses); at++) {
    for (kind = 0; kind < COUNT_OF(kinds); kind++) {
      exchange run = {0};
      lj_buffer log;
      lj_fault fault;
      int code;
      run.provider = lj_provider_find(kinds[kind]);
      run.stream = true;
      run.status = statuses[at].status;
      run.body = statuses[at].body;
      code = run_exchange(&run, 0, &log, &fault);
      if (code != statuses[at].code || lj_code_class(code) != statuses[at].class) {
        fail_msg("status %d %s: %s", statuses[at].status, statuses[at].body, log.data);
      }
      assert_int_equal(fault.http_status, statuses[at].status);
      lj_buffer_free(&log);
    }
  }
}

/* Refused and filtered answers are a success of the transport: the job is completed, and its finish reason tells. */
static void a_refusal_inside_an_answer_is_no_error(void **state) {
  static const char *const bodies[] = {
      "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No\"},\"finish_reason\":\"stop\"}]}",
      "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"content_filter\"}]}",
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(bodies); at++) {
    exchange run = {0};
    lj_buffer log;
    run.provider = lj_provider_find("openai");
    run.body = bodies[at];
    assert_code(run_exchange(&run, 0, &log, NULL), LJ_OK);
    assert_non_null(strstr(log.data, "finish filter\n"));
    lj_buffer_free(&log);
  }
}

static void every_broken_connection_has_its_class(void **state) {
  static const struct {
    CURLcode result;
    int code;
    lj_class class;
  } cases[] = {
      {CURLE_COULDNT_RESOLVE_HOST, LJ_UNREACHABLE, LJ_CLASS_LANE},
      {CURLE_COULDNT_RESOLVE_PROXY, LJ_UNREACHABLE, LJ_CLASS_LANE},
      {CURLE_COULDNT_CONNECT, LJ_UNREACHABLE, LJ_CLASS_LANE},
      {CURLE_OPERATION_TIMEDOUT, LJ_TIMEOUT_CONNECT, LJ_CLASS_TRANSIENT},
      {CURLE_PEER_FAILED_VERIFICATION, LJ_TLS, LJ_CLASS_TRANSIENT},
      {CURLE_SSL_CONNECT_ERROR, LJ_TLS, LJ_CLASS_TRANSIENT},
      {CURLE_SSL_CACERT_BADFILE, LJ_TLS, LJ_CLASS_TRANSIENT},
      {CURLE_GOT_NOTHING, LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
      {CURLE_PARTIAL_FILE, LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
      {CURLE_RECV_ERROR, LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
      {CURLE_SEND_ERROR, LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
      {CURLE_HTTP2, LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
      {CURLE_HTTP2_STREAM, LJ_PROTOCOL, LJ_CLASS_TRANSIENT},
      {CURLE_URL_MALFORMAT, LJ_BAD_REQUEST, LJ_CLASS_JOB},
      {CURLE_UNSUPPORTED_PROTOCOL, LJ_BAD_REQUEST, LJ_CLASS_JOB},
  };
  CURL *easy = curl_easy_init();
  size_t at;
  (void)state;
  assert_non_null(easy);
  for (at = 0; at < COUNT_OF(cases); at++) {
    lj_fault fault;
    int code = lj_curl_fault(easy, cases[at].result, "provider p", "", &fault);
    if (code != cases[at].code || lj_code_class(code) != cases[at].class) {
      fail_msg("curl's %d: %s", (int)cases[at].result, fault.message);
    }
    assert_memory_equal(fault.message, "provider p", 10);
  }
  curl_easy_cleanup(easy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(every_status_has_its_class),
      tidy_test(a_refusal_inside_an_answer_is_no_error),
      cmocka_unit_test(every_broken_connection_has_its_class), /* curl keeps memory of its own */
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
