/* SPDX-License-Identifier: MIT
 *
 * Jobs that fail for a while or for good: what is tried again, what fails at once and with which code, and what never reaches a row.
 */
#include <stdlib.h>

#include "support/engine_fixture.h"

static void server_error_is_tried_again(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = http_reply(fixture, 500, "application/json", "", "{\"error\":{\"message\":\"boom\"}}"), .times = 1});
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":5}}'");
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_string_equal(job_events(fixture, "a"), "active/1 delayed/1:SERVER_ERROR active/2 completed/2");
  assert_rows(&fixture->queue, "completed|2|-|2|SERVER_ERROR|-",
              "SELECT status, attempts, error, json_array_length(history), json_extract(history, '$[0].code'), "
              "json_extract(history, '$[1].code') FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 2);
  assert_int_equal(stat_of(fixture, "retried"), 1);
}

static void attempts_run_out(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, http_reply(fixture, 503, "application/json", "", "{\"error\":{\"message\":\"too busy\"}}"));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 4, opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":1}}'");
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "failed");
  assert_int_equal(app_number(&fixture->queue, "SELECT attempts FROM llm_jobs"), 4);
  assert_rows(&fixture->queue, "failed|4|OVERLOADED|503|4", JOB_FAILURE, "a");
  assert_int_equal(loopback_requests(fixture->server), 4);
  assert_non_null(strstr(app_text(&fixture->queue, "SELECT json_extract(error, '$.message') FROM llm_jobs"), "too busy"));
}

static void bad_request_and_bad_key_fail_at_once(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "\"bad\"", http_reply(fixture, 400, "application/json", "", "{\"error\":{\"message\":\"no such field\"}}"));
  script_for(fixture, "\"key\"", http_reply(fixture, 401, "application/json", "", "{\"error\":{\"message\":\"Incorrect API key provided: sk-abcdefghijklmnop1234\"}}"));
  add_job(fixture, "a", "p/bad", HELLO);
  add_job(fixture, "b", "p/key", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "failed");
  wait_job(fixture, "b", "failed");
  assert_rows(&fixture->queue, "failed|1|BAD_REQUEST|400|1", JOB_FAILURE, "a");
  assert_rows(&fixture->queue, "failed|1|AUTH|401|1", JOB_FAILURE, "b");
  assert_int_equal(loopback_requests(fixture->server), 2);
  assert_int_equal(app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE instr(error, 'sk-abc') > 0"), 0);
}

static void rate_limit_pauses_the_lane_and_gives_the_attempt_back(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "\"limited\"", .times = 1, .bytes = http_reply(fixture, 429, "application/json", "Retry-After-Ms: 400\r\n", "{\"error\":{\"message\":\"slow down\"}}")});
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/limited", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "waiting");
  assert_rows(&fixture->queue, "waiting|0|RATE_LIMITED|429|-", JOB_FAILURE, "a");
  add_job(fixture, "b", "p/limited", HELLO); /* the lane is shut for it too … */
  add_job(fixture, "c", "p/open", HELLO);    /* … but another one is not */
  wait_job(fixture, "c", "completed");
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_string_equal(job_events(fixture, "a"), "active/1 waiting/0:RATE_LIMITED active/1 completed/1");
  assert_string_equal(job_events(fixture, "b"), "active/1 completed/1");
  assert_rows(&fixture->queue, "completed|1|-", "SELECT status, attempts, error FROM llm_jobs WHERE id = 'a'");
  assert_int_equal(loopback_requests(fixture->server), 4);
  assert_int_equal(stat_of(fixture, "interrupted"), 1);
}

static void unreachable_provider_counts_no_attempt(void **state) {
  engine_fixture *fixture = *state;
  add_job(fixture, "a", "gone/x", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "waiting");
  assert_rows(&fixture->queue, "waiting|0|UNREACHABLE|-|-", JOB_FAILURE, "a");
  const cJSON *lane = lj_json_array(payload_of(ask(fixture, "worker:stats", NULL)), "lanes")->child;
  assert_string_equal(lj_json_string(lane, "lane"), "gone/x");
  assert_true(lj_json_bool(lane, "paused", false));
}

static void route_goes_on_to_the_next_target(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "/chat/completions", http_reply(fixture, 401, "application/json", "", "{\"error\":{\"message\":\"no\"}}"));
  script_for(fixture, "/api/chat", ollama_reply(fixture));
  add_job(fixture, "a", "both", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_rows(&fixture->queue, "o|1|o/second|1", "SELECT json_extract(result, '$.provider'), json_extract(result, '$.fallbackUsed'), lane, attempts FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 2);
}

static void unreachable_target_falls_through_to_the_next(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "lost", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_int_equal(stat_of(fixture, "calls"), 2);
}

static void jobs_that_cannot_run_fail_with_a_reason(void **state) {
  static const struct {
    const char *id;
    const char *model;
    const char *data;
    const char *opts;
    const char *code;
  } bad[] = {
      {"provider", "nobody/x", HELLO, NULL, "NO_PROVIDER"},
      {"alias", "unknown", HELLO, NULL, "NO_PROVIDER"},
      {"model", NULL, HELLO, NULL, "BAD_JOB"},
      {"empty", "p/x", "{}", NULL, "BAD_JOB"},
      {"number", "p/x", "5", NULL, "BAD_JOB"},
      {"field", "p/x", "{\"prompt\":5}", NULL, "BAD_JOB"},
      {"range", "p/x", "{\"prompt\":\"x\",\"maxTokens\":-1}", NULL, "BAD_JOB"},
      {"opts", "p/x", HELLO, "[]", "BAD_JOB"},
      {"backoff", "p/x", HELLO, "{\"backoff\":1}", "BAD_JOB"},
      {"timeout", "p/x", HELLO, "{\"timeoutMs\":0}", "BAD_JOB"},
  };
  engine_fixture *fixture = *state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    add_job(fixture, bad[i].id, bad[i].model, bad[i].data);
    app_run(&fixture->queue, "UPDATE llm_jobs SET opts = %Q WHERE id = %Q", bad[i].opts, bad[i].id);
  }
  engine_start(fixture, "", "");
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    wait_job(fixture, bad[i].id, "failed");
    assert_rows(&fixture->queue, bad[i].code, "SELECT json_extract(error, '$.code') FROM llm_jobs WHERE id = %Q", bad[i].id);
    assert_true(app_number(&fixture->queue, "SELECT length(json_extract(error, '$.message')) FROM llm_jobs WHERE id = %Q", bad[i].id) > 10);
  }
  assert_int_equal(loopback_requests(fixture->server), 0);
}

static void model_that_is_not_allowed_fails(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/y", HELLO);
  engine_start(fixture, ",\"allowedModels\":[\"p/y\"]", "");
  wait_job(fixture, "a", "failed");
  wait_job(fixture, "b", "completed");
  assert_rows(&fixture->queue, "failed|1|MODEL_NOT_ALLOWED|-|1", JOB_FAILURE, "a");
}

static void broken_answers_are_tried_again_and_never_stored(void **state) {
  static const loopback_reply broken[] = {
      {.bytes = NULL, .then = LOOPBACK_CLOSE, .times = 1},
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n", .then = LOOPBACK_CLOSE, .times = 1},
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", .then = LOOPBACK_CLOSE, .times = 1},
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" SSE_TEXT("Half"), .then = LOOPBACK_CLOSE, .times = 1},
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" SSE_TEXT("Half"), .then = LOOPBACK_RESET, .times = 1},
      {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope", .times = 1},
      {.bytes = "no HTTP\r\n\r\n", .then = LOOPBACK_CLOSE, .times = 1},
  };
  engine_fixture *fixture = *state;
  for (size_t i = 0; i < COUNT_OF(broken); i++) loopback_script(fixture->server, broken[i]);
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 20, opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":0}}'");
  engine_start(fixture, "", ",\"breaker\":{\"threshold\":100}");
  wait_job(fixture, "a", "completed");
  assert_rows(&fixture->queue, "8|Hello world|7",
              "SELECT attempts, json_extract(result, '$.text'), (SELECT count(*) FROM json_each(history) WHERE json_extract(value, '$.code') = 'PROTOCOL') FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 8);
}

static void history_keeps_the_last_ten_tries(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, http_reply(fixture, 500, "text/plain", "", "boom"));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 13, history = 'spoilt', opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":0}}'");
  engine_start(fixture, "", ",\"breaker\":{\"threshold\":100}");
  wait_job(fixture, "a", "failed");
  assert_rows(&fixture->queue, "13|10|4|13", "SELECT attempts, json_array_length(history), json_extract(history, '$[0].attempt'), json_extract(history, '$[9].attempt') FROM llm_jobs");
}

static void error_inside_a_stream_is_named(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, http_reply(fixture, 200, "text/event-stream", "", SSE_TEXT("Hal") "data: {\"error\":{\"message\":\"the model crashed\",\"code\":500}}\n\n"));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 1");
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "failed");
  assert_non_null(strstr(app_text(&fixture->queue, "SELECT json_extract(error, '$.message') FROM llm_jobs"), "the model crashed"));
  assert_rows(&fixture->queue, "-", "SELECT result FROM llm_jobs");
}

static void answer_above_the_ceiling_fails(void **state) {
  engine_fixture *fixture = *state;
  char *body = malloc(20001);
  assert_non_null(body);
  memset(body, 'x', 20000);
  body[20000] = '\0';
  script(fixture, http_reply(fixture, 200, "application/json", "", body));
  free(body);
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", ",\"maxResponseBytes\":5000");
  wait_job(fixture, "a", "failed");
  assert_rows(&fixture->queue, "failed|1|RESPONSE_TOO_LARGE|200|1", JOB_FAILURE, "a");
}

static void silent_providers_run_into_timeouts(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "\"idle\"", .bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" SSE_TEXT("Hel") ": ping\n\n", .then = LOOPBACK_SILENT});
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "first", "p/x", HELLO);
  add_job(fixture, "idle", "p/idle", HELLO);
  add_job(fixture, "total", "o/y", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 1; UPDATE llm_jobs SET opts = '{\"timeoutMs\":40}' WHERE id = 'total'");
  engine_start(fixture, "", ",\"timeouts\":{\"firstByteMs\":2000,\"idleMs\":40}");
  wait_job(fixture, "idle", "failed");
  wait_job(fixture, "total", "failed");
  wait_job(fixture, "first", "failed");
  assert_rows(&fixture->queue, "TIMEOUT_FIRST_BYTE TIMEOUT_IDLE TIMEOUT_TOTAL", "SELECT json_extract(error, '$.code') FROM llm_jobs ORDER BY id");
  assert_true(loopback_wait_open(fixture->server, 0));
}

static void key_goes_to_the_provider_and_nowhere_else(void **state) {
  engine_fixture *fixture = *state;
  (void)setenv("LJ_TEST_KEY", "very-secret-key-0123456789", 1);
  script(fixture, http_reply(fixture, 500, "application/json", "", "{\"error\":{\"message\":\"key very-secret-key-0123456789 is odd\"}}"));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 1");
  engine_start(fixture, "", ",\"apiKey\":{\"env\":\"LJ_TEST_KEY\"}");
  wait_job(fixture, "a", "failed");
  assert_int_equal(loopback_count(fixture->server, "Authorization: Bearer very-secret-key-0123456789\r\n"), 1);
  assert_int_equal(app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE instr(error || history || lane, 'very-secret') > 0"), 0);
  event_log_collect(&fixture->events);
  char *events = text_of(fixture->events.seen);
  assert_null(strstr(events, "very-secret"));
  lj_free(events);
  (void)unsetenv("LJ_TEST_KEY");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(server_error_is_tried_again),
      engine_test(attempts_run_out),
      engine_test(bad_request_and_bad_key_fail_at_once),
      engine_test(rate_limit_pauses_the_lane_and_gives_the_attempt_back),
      engine_test(unreachable_provider_counts_no_attempt),
      engine_test(route_goes_on_to_the_next_target),
      engine_test(unreachable_target_falls_through_to_the_next),
      engine_test(jobs_that_cannot_run_fail_with_a_reason),
      engine_test(model_that_is_not_allowed_fails),
      engine_test(broken_answers_are_tried_again_and_never_stored),
      engine_test(history_keeps_the_last_ten_tries),
      engine_test(error_inside_a_stream_is_named),
      engine_test(answer_above_the_ceiling_fails),
      engine_test(silent_providers_run_into_timeouts),
      engine_test(key_goes_to_the_provider_and_nowhere_else),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: failing jobs", tests, NULL, NULL);
}
