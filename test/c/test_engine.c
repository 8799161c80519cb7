/* SPDX-License-Identifier: MIT
 *
 * The whole engine by its public header, against a scripted provider: what becomes of rows, and what is told.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "support/engine_fixture.h"

#define HELLO "{\"prompt\":\"Say hello\"}"
#define ROW "SELECT status, attempts, stalls, progress, lease_owner, lease_token, lease_until FROM llm_jobs WHERE id = %Q"
#define LEFT "-|-|-" /* no lease */

static queue_fixture *queue_of(engine_fixture *fixture) { return &fixture->queue; }

static const cJSON *payload_of(const cJSON *message) { return lj_json_object(message, "payload"); }

/* --- Start --- */

static void start_tells_ready_and_what_it_is(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  const cJSON *ready = wait_event(&fixture->events, "worker:ready");
  assert_string_equal(lj_json_string(ready, "workerId"), "w");
  assert_string_equal(lj_json_string(ready, "database"), fixture->queue.path);
  assert_int_equal(lj_json_int(ready, "pid", -1), getpid());
  assert_int_equal(lj_json_int(ready, "recovered", -1), 0);
  assert_memory_equal(lj_json_string(ready, "owner"), "w@", 2);
  assert_non_null(lj_json_string(lj_json_object(ready, "versions"), "sqlite"));
}

static void start_with_a_bad_configuration_says_why(void **state) {
  static const char *const bad[] = {"", "{", "{}", "{\"database\":\"x\",\"providers\":{}}", "{\"database\":\"x\",\"providers\":{\"p\":{\"kind\":\"y\"}}}"};
  long live = lj_memory_live();
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    lj_engine_options options = {.config = bad[i]};
    lj_engine *engine = (lj_engine *)(void *)&options;
    char *error = NULL;
    int code = lj_engine_start(&options, &engine, &error);
    assert_string_equal(lj_engine_code_name(code), "BAD_CONFIG");
    assert_null(engine);
    assert_non_null(error);
    cJSON *told = json_of(error);
    assert_string_equal(lj_json_string(told, "code"), "BAD_CONFIG");
    assert_true(strlen(lj_json_string(told, "message")) > 10);
    cJSON_Delete(told);
    lj_engine_free_text(error);
    assert_int_equal(lj_engine_start(&options, &engine, NULL), code);
    assert_int_equal(lj_memory_live(), live);
  }
}

static void missing_database_is_told_and_the_engine_waits_for_its_stop(void **state) {
  engine_fixture *fixture = *state;
  (void)strcat(fixture->queue.path, ".none");
  event_log_start(&fixture->events, engine_config(fixture, "w", "", ""));
  fixture->queue.path[strlen(fixture->queue.path) - 5] = '\0';
  const cJSON *failed = wait_event(&fixture->events, "worker:failed");
  assert_string_equal(lj_json_string(failed, "code"), "BAD_CONFIG");
  assert_non_null(strstr(lj_json_string(failed, "message"), "app.db.none"));
  /* It still answers. */
  assert_non_null(payload_of(ask(fixture, "worker:heartbeat", NULL)));
  assert_int_equal(stat_of(fixture, "claimed"), 0);
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:drain", NULL)), "drained", false));
}

static void start_waits_for_the_app_to_let_the_lock_go(void **state) {
  engine_fixture *fixture = *state;
  app_run(queue_of(fixture), "DROP TABLE llm_jobs; BEGIN IMMEDIATE");
  event_log_start(&fixture->events, engine_config(fixture, "w", "", ""));
  assert_non_null(payload_of(ask(fixture, "worker:heartbeat", NULL)));
  const cJSON *message = NULL;
  cJSON_ArrayForEach(message, fixture->events.seen) assert_string_not_equal(lj_json_string(message, "channel"), "worker:ready");
  app_run(queue_of(fixture), "COMMIT");
  (void)wait_event(&fixture->events, "worker:ready");
}

static void database_without_wal_is_refused(void **state) {
  engine_fixture *fixture = *state;
  assert_rows(queue_of(fixture), "delete", "PRAGMA journal_mode = DELETE");
  event_log_start(&fixture->events, engine_config(fixture, "w", "", ""));
  assert_string_equal(lj_json_string(wait_event(&fixture->events, "worker:failed"), "code"), "DB_NOT_WAL");
}

static void versions_and_codes_are_texts(void **state) {
  cJSON *versions = json_of(lj_engine_versions());
  (void)state;
  assert_string_equal(lj_json_string(versions, "version"), "0.1.0");
  assert_non_null(lj_json_string(versions, "curl"));
  assert_non_null(lj_json_string(versions, "tls"));
  assert_non_null(lj_json_string(versions, "http2"));
  assert_string_equal(lj_json_string(versions, "sqlite"), sqlite3_libversion());
  cJSON_Delete(versions);
  assert_string_equal(lj_engine_code_name(0), "OK");
  assert_string_equal(lj_engine_code_name(12345), "UNKNOWN");
  lj_engine_free_text(NULL);
  lj_engine_stop(NULL);
}

/* --- Jobs that go well --- */

static void assert_completed(engine_fixture *fixture, const char *id) {
  assert_rows(queue_of(fixture), "completed|1|0|100|" LEFT, ROW, id);
  assert_rows(queue_of(fixture), "Hello world|stop|served|3|2|-|-|1",
              "SELECT json_extract(result, '$.text'), json_extract(result, '$.finishReason'), json_extract(result, '$.model'), "
              "json_extract(result, '$.usage.inputTokens'), json_extract(result, '$.usage.outputTokens'), error, partial, "
              "finished_on >= processed_on AND processed_on >= created_at FROM llm_jobs WHERE id = %Q",
              id);
}

static void job_of_plain_sql_is_completed(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/model-x", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_string_equal(job_events(fixture, "a"), "active/1 completed/1");
  assert_rows(queue_of(fixture), "p|req-1|p/model-x|1|1|p|model-x|-|2",
              "SELECT json_extract(result, '$.provider'), json_extract(result, '$.requestId'), lane, json_array_length(history), "
              "json_extract(history, '$[0].attempt'), json_extract(history, '$[0].provider'), json_extract(history, '$[0].model'), "
              "json_extract(history, '$[0].code'), json_extract(history, '$[0].usage.outputTokens') FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 1);
  char *request = loopback_request(fixture->server, 0);
  assert_memory_equal(request, "POST /v1/chat/completions HTTP/1.1\r\n", 36);
  cJSON *body = json_of(strstr(request, "\r\n\r\n") + 4);
  assert_string_equal(lj_json_string(body, "model"), "model-x");
  assert_true(lj_json_bool(body, "stream", false));
  assert_json(lj_json_get(body, "messages"), "[{\"role\":\"user\",\"content\":\"Say hello\"}]");
  cJSON_Delete(body);
  free(request);
}

static void answer_is_the_same_byte_by_byte(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "/chat/completions", .bytes = sse_reply(fixture), .piece = 1});
  loopback_script(fixture->server, (loopback_reply){.when = "/api/chat", .bytes = ollama_reply(fixture), .piece = 1});
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "o/y", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_completed(fixture, "a");
  assert_completed(fixture, "b");
}

static void ollama_job_is_completed(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /api/chat ", ollama_reply(fixture));
  add_job(fixture, "a", "o/llama3.2:1b", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_int_equal(loopback_count(fixture->server, "\"model\":\"llama3.2:1b\""), 1);
}

static void answer_that_is_no_stream_is_read_too(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, http_reply(fixture, 200, "application/json", "",
                             "{\"id\":\"c\",\"model\":\"served\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":"
                             "\"assistant\",\"content\":\"Hello world\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}"));
  add_job(fixture, "a", "p/x", "{\"prompt\":\"x\",\"stream\":false}");
  add_job(fixture, "b", "p/x", HELLO); /* a server that does not stream although it was asked to */
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_completed(fixture, "a");
  assert_completed(fixture, "b");
}

static void rows_are_found_by_a_note_and_without_one(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  add_job(fixture, "polled", "p/x", HELLO);
  wait_job(fixture, "polled", "completed");
  add_job(fixture, "noted", "p/x", HELLO);
  lj_engine_notify(fixture->events.engine);
  wait_job(fixture, "noted", "completed");
  assert_code(lj_engine_send(fixture->events.engine, "{\"channel\":\"worker:notify\"}"), LJ_OK);
  app_run(queue_of(fixture), "INSERT INTO llm_jobs (id, name, model, data, status, run_at) VALUES ('due', 'n', 'p/x', '{\"prompt\":\"x\"}', "
                             "'delayed', CAST(strftime('%%s', 'now') AS INTEGER) * 1000 + 50)");
  wait_job(fixture, "due", "completed");
  assert_int_equal(stat_of(fixture, "completed"), 3);
}

static void one_at_a_time_keeps_strict_order(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(queue_of(fixture),
          "INSERT INTO llm_jobs (name, model, data, priority) VALUES ('n', 'p/x', '{\"prompt\":\"third\"}', 0), "
          "('n', 'o/y', '{\"prompt\":\"fifth\"}', -1), ('n', 'p/z', '{\"prompt\":\"first\"}', 5), ('n', 'p/x', '{\"prompt\":\"fourth\"}', 0), "
          "('n', 'p/x', '{\"prompt\":\"second\"}', 5)");
  script_for(fixture, "/api/chat", ollama_reply(fixture));
  engine_start(fixture, ",\"concurrency\":1", "");
  assert_true(loopback_wait_requests(fixture->server, 5));
  static const char *const order[] = {"first", "second", "third", "fourth", "fifth"};
  for (size_t i = 0; i < COUNT_OF(order); i++) {
    char *request = loopback_request(fixture->server, i);
    assert_non_null(strstr(request, order[i]));
    free(request);
  }
  assert_int_equal(loopback_connections(fixture->server), 1);
}

static void never_more_calls_than_concurrency_and_never_fewer(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  for (int i = 0; i < 10; i++) add_job(fixture, (char[]){(char)('a' + i), '\0'}, "p/x", HELLO);
  engine_start(fixture, ",\"concurrency\":3", "");
  assert_true(loopback_wait_requests(fixture->server, 3));
  assert_int_equal(stat_of(fixture, "active"), 3);
  assert_int_equal(stat_of(fixture, "claimed"), 3);
  assert_int_equal(loopback_open(fixture->server), 3);
  assert_rows(queue_of(fixture), "3", "SELECT count(*) FROM llm_jobs WHERE status = 'active'");
  loopback_open_gate(fixture->server);
  for (int i = 0; i < 10; i++) wait_job(fixture, (char[]){(char)('a' + i), '\0'}, "completed");
  assert_int_equal(loopback_requests(fixture->server), 10);
  assert_int_equal(loopback_connections(fixture->server), 3);
}

static void provider_limit_holds_up_no_other_provider(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "/chat/completions", .bytes = sse_reply(fixture), .gate = 30});
  script_for(fixture, "/api/chat", ollama_reply(fixture));
  for (int i = 0; i < 5; i++) add_job(fixture, (char[]){(char)('a' + i), '\0'}, "p/x", HELLO);
  add_job(fixture, "other", "o/y", HELLO);
  engine_start(fixture, "", ",\"maxConcurrent\":1");
  wait_job(fixture, "other", "completed");
  assert_rows(queue_of(fixture), "1", "SELECT count(*) FROM llm_jobs WHERE status = 'active'");
  loopback_open_gate(fixture->server);
  wait_job(fixture, "e", "completed");
}

static void groups_that_share_a_full_lane_hold_up_no_other(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "/chat/completions", .bytes = sse_reply(fixture), .gate = 30});
  script_for(fixture, "/api/chat", ollama_reply(fixture));
  /* With two slots the claim chooses a and b, but only one of them finds room in their lane. */
  app_run(queue_of(fixture), "INSERT INTO llm_jobs (id, queue, name, model, data, priority) VALUES ('a', 'q1', 'n', 'p/x', '{\"prompt\":\"x\"}', 9), "
                             "('b', 'q2', 'n', 'p/x', '{\"prompt\":\"x\"}', 9), ('c', 'q3', 'n', 'o/y', '{\"prompt\":\"x\"}', 0)");
  engine_start(fixture, ",\"concurrency\":2", ",\"maxConcurrent\":1");
  wait_job(fixture, "c", "completed");
  assert_rows(queue_of(fixture), "active waiting completed", "SELECT status FROM llm_jobs ORDER BY id");
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
}

static void only_named_queues_are_served(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(queue_of(fixture), "INSERT INTO llm_jobs (id, queue, name, model, data) VALUES ('no', 'other', 'n', 'p/x', '{\"prompt\":\"x\"}'), "
                             "('yes', 'mine', 'n', 'p/x', '{\"prompt\":\"x\"}')");
  engine_start(fixture, ",\"queues\":[\"mine\"]", "");
  wait_job(fixture, "yes", "completed");
  (void)ask(fixture, "worker:drain", NULL);
  assert_rows(queue_of(fixture), "waiting|0", "SELECT status, attempts FROM llm_jobs WHERE id = 'no'");
}

/* --- Trouble --- */

#define FAILURE "SELECT status, attempts, json_extract(error, '$.code'), json_extract(error, '$.status'), json_array_length(history) FROM llm_jobs WHERE id = %Q"

static void server_error_is_tried_again(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = http_reply(fixture, 500, "application/json", "", "{\"error\":{\"message\":\"boom\"}}"), .times = 1});
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":5}}'");
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_string_equal(job_events(fixture, "a"), "active/1 delayed/1:SERVER_ERROR active/2 completed/2");
  assert_rows(queue_of(fixture), "completed|2|-|2|SERVER_ERROR|-",
              "SELECT status, attempts, error, json_array_length(history), json_extract(history, '$[0].code'), "
              "json_extract(history, '$[1].code') FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 2);
  assert_int_equal(stat_of(fixture, "retried"), 1);
}

static void attempts_run_out(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, http_reply(fixture, 503, "application/json", "", "{\"error\":{\"message\":\"too busy\"}}"));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET max_attempts = 4, opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":1}}'");
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "failed");
  assert_int_equal(app_number(queue_of(fixture), "SELECT attempts FROM llm_jobs"), 4);
  assert_rows(queue_of(fixture), "failed|4|OVERLOADED|503|4", FAILURE, "a");
  assert_int_equal(loopback_requests(fixture->server), 4);
  assert_non_null(strstr(app_text(queue_of(fixture), "SELECT json_extract(error, '$.message') FROM llm_jobs"), "too busy"));
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
  assert_rows(queue_of(fixture), "failed|1|BAD_REQUEST|400|1", FAILURE, "a");
  assert_rows(queue_of(fixture), "failed|1|AUTH|401|1", FAILURE, "b");
  assert_int_equal(loopback_requests(fixture->server), 2);
  assert_int_equal(app_number(queue_of(fixture), "SELECT count(*) FROM llm_jobs WHERE instr(error, 'sk-abc') > 0"), 0);
}

static void rate_limit_pauses_the_lane_and_gives_the_attempt_back(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "\"limited\"", .times = 1, .bytes = http_reply(fixture, 429, "application/json", "Retry-After-Ms: 400\r\n", "{\"error\":{\"message\":\"slow down\"}}")});
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/limited", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "waiting");
  assert_rows(queue_of(fixture), "waiting|0|RATE_LIMITED|429|-", FAILURE, "a");
  add_job(fixture, "b", "p/limited", HELLO); /* the lane is shut for it too … */
  add_job(fixture, "c", "p/open", HELLO);    /* … but another one is not */
  wait_job(fixture, "c", "completed");
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_string_equal(job_events(fixture, "a"), "active/1 waiting/0:RATE_LIMITED active/1 completed/1");
  assert_string_equal(job_events(fixture, "b"), "active/1 completed/1");
  assert_rows(queue_of(fixture), "completed|1|-", "SELECT status, attempts, error FROM llm_jobs WHERE id = 'a'");
  assert_int_equal(loopback_requests(fixture->server), 4);
  assert_int_equal(stat_of(fixture, "interrupted"), 1);
}

static void unreachable_provider_counts_no_attempt(void **state) {
  engine_fixture *fixture = *state;
  add_job(fixture, "a", "gone/x", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "waiting");
  assert_rows(queue_of(fixture), "waiting|0|UNREACHABLE|-|-", FAILURE, "a");
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
  assert_rows(queue_of(fixture), "o|1|o/second|1", "SELECT json_extract(result, '$.provider'), json_extract(result, '$.fallbackUsed'), lane, attempts FROM llm_jobs");
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
    app_run(queue_of(fixture), "UPDATE llm_jobs SET opts = %Q WHERE id = %Q", bad[i].opts, bad[i].id);
  }
  engine_start(fixture, "", "");
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    wait_job(fixture, bad[i].id, "failed");
    assert_rows(queue_of(fixture), bad[i].code, "SELECT json_extract(error, '$.code') FROM llm_jobs WHERE id = %Q", bad[i].id);
    assert_true(app_number(queue_of(fixture), "SELECT length(json_extract(error, '$.message')) FROM llm_jobs WHERE id = %Q", bad[i].id) > 10);
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
  assert_rows(queue_of(fixture), "failed|1|MODEL_NOT_ALLOWED|-|1", FAILURE, "a");
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
  app_run(queue_of(fixture), "UPDATE llm_jobs SET max_attempts = 20, opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":0}}'");
  engine_start(fixture, "", ",\"breaker\":{\"threshold\":100}");
  wait_job(fixture, "a", "completed");
  assert_rows(queue_of(fixture), "8|Hello world|7",
              "SELECT attempts, json_extract(result, '$.text'), (SELECT count(*) FROM json_each(history) WHERE json_extract(value, '$.code') = 'PROTOCOL') FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 8);
}

static void history_keeps_the_last_ten_tries(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, http_reply(fixture, 500, "text/plain", "", "boom"));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET max_attempts = 13, history = 'spoilt', opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":0}}'");
  engine_start(fixture, "", ",\"breaker\":{\"threshold\":100}");
  wait_job(fixture, "a", "failed");
  assert_rows(queue_of(fixture), "13|10|4|13", "SELECT attempts, json_array_length(history), json_extract(history, '$[0].attempt'), json_extract(history, '$[9].attempt') FROM llm_jobs");
}

static void error_inside_a_stream_is_named(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, http_reply(fixture, 200, "text/event-stream", "", SSE_TEXT("Hal") "data: {\"error\":{\"message\":\"the model crashed\",\"code\":500}}\n\n"));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET max_attempts = 1");
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "failed");
  assert_non_null(strstr(app_text(queue_of(fixture), "SELECT json_extract(error, '$.message') FROM llm_jobs"), "the model crashed"));
  assert_rows(queue_of(fixture), "-", "SELECT result FROM llm_jobs");
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
  assert_rows(queue_of(fixture), "failed|1|RESPONSE_TOO_LARGE|200|1", FAILURE, "a");
}

static void silent_providers_run_into_timeouts(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "\"idle\"", .bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" SSE_TEXT("Hel") ": ping\n\n", .then = LOOPBACK_SILENT});
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "first", "p/x", HELLO);
  add_job(fixture, "idle", "p/idle", HELLO);
  add_job(fixture, "total", "o/y", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET max_attempts = 1; UPDATE llm_jobs SET opts = '{\"timeoutMs\":40}' WHERE id = 'total'");
  engine_start(fixture, "", ",\"timeouts\":{\"firstByteMs\":2000,\"idleMs\":40}");
  wait_job(fixture, "idle", "failed");
  wait_job(fixture, "total", "failed");
  wait_job(fixture, "first", "failed");
  assert_rows(queue_of(fixture), "TIMEOUT_FIRST_BYTE TIMEOUT_IDLE TIMEOUT_TOTAL", "SELECT json_extract(error, '$.code') FROM llm_jobs ORDER BY id");
  assert_true(loopback_wait_open(fixture->server, 0));
}

static void key_goes_to_the_provider_and_nowhere_else(void **state) {
  engine_fixture *fixture = *state;
  (void)setenv("LJ_TEST_KEY", "very-secret-key-0123456789", 1);
  script(fixture, http_reply(fixture, 500, "application/json", "", "{\"error\":{\"message\":\"key very-secret-key-0123456789 is odd\"}}"));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET max_attempts = 1");
  engine_start(fixture, "", ",\"apiKey\":{\"env\":\"LJ_TEST_KEY\"}");
  wait_job(fixture, "a", "failed");
  assert_int_equal(loopback_count(fixture->server, "Authorization: Bearer very-secret-key-0123456789\r\n"), 1);
  assert_int_equal(app_number(queue_of(fixture), "SELECT count(*) FROM llm_jobs WHERE instr(error || history || lane, 'very-secret') > 0"), 0);
  event_log_collect(&fixture->events);
  char *events = text_of(fixture->events.seen);
  assert_null(strstr(events, "very-secret"));
  lj_free(events);
  (void)unsetenv("LJ_TEST_KEY");
}

/* --- Messages --- */

static void pause_and_resume(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:pause", NULL)), "paused", false));
  add_job(fixture, "a", "p/x", HELLO);
  lj_engine_notify(fixture->events.engine);
  for (int i = 0; i < 20; i++) assert_true(lj_json_bool(payload_of(ask(fixture, "worker:stats", NULL)), "paused", false));
  assert_rows(queue_of(fixture), "waiting|0", "SELECT status, attempts FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 0);
  assert_false(lj_json_bool(payload_of(ask(fixture, "worker:resume", NULL)), "paused", true));
  wait_job(fixture, "a", "completed");
}

static void drain_lets_running_jobs_end_and_takes_no_new_ones(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, ",\"concurrency\":1", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"d\",\"channel\":\"worker:drain\",\"payload\":{\"deadlineMs\":60000}}"), LJ_OK);
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:stats", NULL)), "draining", false));
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  const cJSON *answer = payload_of(ask(fixture, "worker:drain", NULL));
  assert_true(lj_json_bool(answer, "drained", false));
  assert_int_equal(lj_json_int(answer, "interrupted", -1), 0);
  assert_rows(queue_of(fixture), "waiting|0", "SELECT status, attempts FROM llm_jobs WHERE id = 'b'");
  assert_int_equal(loopback_requests(fixture->server), 1);
}

static void drain_interrupts_what_runs_at_its_deadline(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 2));
  const cJSON *answer = payload_of(ask(fixture, "worker:drain", "{\"deadlineMs\":0}"));
  assert_false(lj_json_bool(answer, "drained", true));
  assert_int_equal(lj_json_int(answer, "interrupted", -1), 2);
  assert_rows(queue_of(fixture), "waiting|0|0|0|" LEFT, ROW, "a");
  assert_rows(queue_of(fixture), "waiting|0|0|0|" LEFT, ROW, "b");
  assert_string_equal(job_events(fixture, "a"), "active/1 waiting/0:INTERRUPTED");
  assert_true(loopback_wait_open(fixture->server, 0));
}

static void second_drain_replaces_the_first(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  const cJSON *bad = ask(fixture, "worker:drain", "{\"deadlineMs\":-1}");
  assert_string_equal(lj_json_string(lj_json_object(bad, "error"), "code"), "INVALID");
  assert_false(lj_json_bool(payload_of(ask(fixture, "worker:stats", NULL)), "draining", true));
  assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"first\",\"channel\":\"worker:drain\",\"payload\":{\"deadlineMs\":60000}}"), LJ_OK);
  const cJSON *second = ask(fixture, "worker:drain", "{\"deadlineMs\":1}");
  assert_int_equal(lj_json_int(payload_of(second), "interrupted", -1), 1);
  const cJSON *first = ask_log(&fixture->events, "first", "worker:heartbeat", NULL); /* its answer is there already */
  assert_string_equal(lj_json_string(lj_json_object(first, "error"), "code"), "INTERRUPTED");
}

static void heartbeat_and_statistics_tell_numbers(void **state) {
  static const char *const beat_keys[] = {"pid", "uptimeMs", "turns", "active", "sinceLastTurnMs"};
  static const char *const stat_keys[] = {"uptimeMs", "active",  "unwritten", "claimed", "completed", "failed",        "retried",      "interrupted", "stale",
                                          "recovered", "calls", "bytesIn",   "turns",   "writes",    "busy", "droppedTokens", "droppedEvents"};
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  const cJSON *beat = payload_of(ask(fixture, "worker:heartbeat", NULL));
  for (size_t i = 0; i < COUNT_OF(beat_keys); i++) assert_true(lj_json_int(beat, beat_keys[i], -1) >= 0);
  assert_int_equal(lj_json_int(beat, "pid", -1), getpid());
  const cJSON *stats = payload_of(ask(fixture, "worker:stats", NULL));
  for (size_t i = 0; i < COUNT_OF(stat_keys); i++)
    if (lj_json_int(stats, stat_keys[i], -1) < 0) fail_msg("no %s", stat_keys[i]);
  assert_int_equal(lj_json_int(stats, "claimed", -1), 1);
  assert_int_equal(lj_json_int(stats, "completed", -1), 1);
  assert_int_equal(lj_json_int(stats, "calls", -1), 1);
  assert_int_equal(lj_json_int(stats, "bytesIn", -1), strlen(SSE_HELLO));
  assert_true(lj_json_int(stats, "writes", -1) >= 2);
  const cJSON *lane = lj_json_array(stats, "lanes")->child;
  assert_string_equal(lj_json_string(lane, "lane"), "p/x");
  assert_int_equal(lj_json_int(lane, "active", -1), 0);
  assert_false(lj_json_bool(lane, "paused", true));
}

static void odd_messages_are_refused_or_ignored(void **state) {
  static const char *const ignored[] = {"", "x", "{", "[]", "5", "null", "\"text\"", "{}", "{\"channel\":\"worker:stats\"}", "{\"channel\":5}",
                                        "{\"channel\":\"worker:unheard\"}", "{\"id\":{},\"channel\":\"worker:stats\"}", "{\"id\":null,\"channel\":\"worker:pause\",\"payload\":7}",
                                        "{\"channel\":\"worker:resume\"}", "{\"channel\":\"worker:subscribe\",\"payload\":[]}"};
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  for (size_t i = 0; i < COUNT_OF(ignored); i++) (void)lj_engine_send(fixture->events.engine, ignored[i]);
  assert_string_equal(lj_json_string(lj_json_object(ask(fixture, "worker:unheard", NULL), "error"), "code"), "NOT_FOUND");
  assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"nochannel\"}"), LJ_OK);
  const cJSON *refused = ask_log(&fixture->events, "nochannel", "worker:stats", NULL);
  assert_string_equal(lj_json_string(lj_json_object(refused, "error"), "code"), "NOT_FOUND");
  char *huge = malloc(LJ_MAX_COMMAND_BYTES + 2);
  assert_non_null(huge);
  memset(huge, ' ', LJ_MAX_COMMAND_BYTES + 1);
  huge[LJ_MAX_COMMAND_BYTES + 1] = '\0';
  assert_string_equal(lj_engine_code_name(lj_engine_send(fixture->events.engine, huge)), "TOO_BIG");
  free(huge);
  add_job(fixture, "a", "p/x", HELLO);
  wait_job(fixture, "a", "completed"); /* and it works as before */
}

static char *token_text(engine_fixture *fixture, const char *id) {
  lj_buffer text;
  const cJSON *message = NULL;
  const cJSON *item = NULL;
  lj_buffer_init(&text, 1 << 20);
  cJSON_ArrayForEach(message, fixture->events.seen) {
    if (strcmp(lj_json_string(message, "channel"), "worker:token") != 0) continue;
    cJSON_ArrayForEach(item, lj_json_array(payload_of(message), "tokens")) {
      if (strcmp(lj_json_string(item, "id"), id) == 0) assert_code(lj_buffer_append_text(&text, lj_json_string(item, "text")), LJ_OK);
    }
  }
  char *out = lj_buffer_take(&text);
  assert_non_null(out);
  return out;
}

static bool token_seen(event_log *log, const void *what) {
  const cJSON *message = NULL;
  (void)what;
  cJSON_ArrayForEach(message, log->seen) if (strcmp(lj_json_string(message, "channel"), "worker:token") == 0) return true;
  return false;
}

static void subscriber_gets_live_text(void **state) {
  engine_fixture *fixture = *state;
  const char *reply = sse_reply(fixture);
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .gate = (size_t)(strstr(reply, " world") - reply) - 30});
  engine_start(fixture, "", "");
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:subscribe", "{\"tokens\":true}")), "tokens", false));
  add_job(fixture, "a", "p/x", HELLO);
  event_log_wait(&fixture->events, token_seen, NULL, "live text while the call still runs");
  char *text = token_text(fixture, "a");
  assert_string_equal(text, "Hello");
  lj_free(text);
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  text = token_text(fixture, "a");
  assert_string_equal(text, "Hello world");
  lj_free(text);
  assert_false(lj_json_bool(payload_of(ask(fixture, "worker:subscribe", "{\"tokens\":false}")), "tokens", true));
  add_job(fixture, "b", "p/x", HELLO);
  wait_job(fixture, "b", "completed");
  text = token_text(fixture, "b");
  assert_string_equal(text, "");
  lj_free(text);
}

/* --- Leases, locks, restarts --- */

static void stop_gives_the_attempts_back(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = "HTTP/1.1 200 OK\r\n\r\n" SSE_TEXT("Half"), .then = LOOPBACK_SILENT});
  for (int i = 0; i < 5; i++) add_job(fixture, (char[]){(char)('a' + i), '\0'}, "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET error = 'old', history = '[7]'");
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 5));
  engine_stop(fixture);
  assert_rows(queue_of(fixture), "waiting|0|0|old|[7]|" LEFT "|5",
              "SELECT DISTINCT status, attempts, stalls, error, history, lease_owner, lease_token, lease_until, (SELECT count(*) FROM llm_jobs) FROM llm_jobs");
  assert_true(loopback_wait_open(fixture->server, 0));
}

static void answer_of_a_lost_lease_is_dropped(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  app_run(queue_of(fixture), "UPDATE llm_jobs SET lease_token = 'somebody-else', lease_owner = 'other@h:1:a'");
  loopback_open_gate(fixture->server);
  while (stat_of(fixture, "stale") == 0) event_log_collect(&fixture->events);
  assert_rows(queue_of(fixture), "active|1|-|-|other@h:1:a|somebody-else", "SELECT status, attempts, result, history, lease_owner, lease_token FROM llm_jobs");
  assert_int_equal(stat_of(fixture, "completed"), 0);
  assert_int_equal(stat_of(fixture, "stale"), 1);
  assert_string_equal(job_events(fixture, "a"), "active/1");
}

static void call_of_a_lost_lease_is_aborted_at_the_next_renewal(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, ",\"leaseMs\":1000", "");
  assert_true(loopback_wait_requests(fixture->server, 2));
  int64_t until = app_number(queue_of(fixture), "SELECT lease_until FROM llm_jobs WHERE id = 'b'");
  app_run(queue_of(fixture), "UPDATE llm_jobs SET status = 'cancelled', lease_token = NULL WHERE id = 'a'");
  assert_true(loopback_wait_open(fixture->server, 1)); /* b goes on, with a longer lease */
  assert_true(app_number(queue_of(fixture), "SELECT lease_until FROM llm_jobs WHERE id = 'b'") > until);
  assert_int_equal(stat_of(fixture, "stale"), 1);
  assert_int_equal(stat_of(fixture, "active"), 1);
  assert_rows(queue_of(fixture), "cancelled", "SELECT status FROM llm_jobs WHERE id = 'a'");
}

static void finished_call_is_written_however_long_the_app_holds_the_lock(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  app_run(queue_of(fixture), "BEGIN IMMEDIATE");
  loopback_open_gate(fixture->server);
  while (stat_of(fixture, "busy") < 5) event_log_collect(&fixture->events);
  assert_int_equal(stat_of(fixture, "unwritten"), 1);
  app_run(queue_of(fixture), "COMMIT");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_int_equal(loopback_requests(fixture->server), 1);
}

static void stop_writes_an_answer_that_was_paid_for(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  app_run(queue_of(fixture), "BEGIN IMMEDIATE");
  loopback_open_gate(fixture->server);
  while (stat_of(fixture, "unwritten") == 0) event_log_collect(&fixture->events);
  app_run(queue_of(fixture), "COMMIT");
  engine_stop(fixture);
  assert_completed(fixture, "a");
}

static void jobs_of_a_dead_predecessor_run_at_once(void **state) {
  engine_fixture *fixture = *state;
  char host[128];
  int status = 0;
  pid_t child = fork();
  if (child == 0) _exit(0);
  assert_int_equal(waitpid(child, &status, 0), child);
  lj_host_name(host, sizeof host);
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET status = 'active', attempts = 1, lease_token = 't', lease_until = 9999999999999, lease_owner = 'w@%s:%d:00000000'",
          host, (int)child);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET stalls = 1 WHERE id = 'b'");
  engine_start(fixture, "", "");
  assert_int_equal(lj_json_int(wait_event(&fixture->events, "worker:ready"), "recovered", -1), 2);
  wait_job(fixture, "a", "completed");
  assert_rows(queue_of(fixture), "completed|1|1|100|" LEFT, ROW, "a");
  assert_string_equal(job_events(fixture, "b"), "failed/0:STALLED");
  assert_rows(queue_of(fixture), "failed|0|STALLED|-|-", FAILURE, "b");
}

static void expired_lease_of_another_worker_is_taken_over(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET status = 'active', attempts = 1, lease_token = 't', lease_owner = 'other@h:1:a', lease_until = "
                             "CAST(strftime('%%s', 'now') AS INTEGER) * 1000 + 1500");
  engine_start(fixture, ",\"leaseMs\":1000", "");
  assert_int_equal(lj_json_int(wait_event(&fixture->events, "worker:ready"), "recovered", -1), 0);
  wait_job(fixture, "a", "completed");
  assert_rows(queue_of(fixture), "completed|1|1|100|" LEFT, ROW, "a");
}

static void two_engines_share_one_file(void **state) {
  enum { JOBS = 60 };
  engine_fixture *fixture = *state;
  event_log other;
  script(fixture, sse_reply(fixture));
  event_log_open(&other);
  event_log_start(&other, engine_config(fixture, "second", "", ""));
  engine_start(fixture, "", "");
  (void)wait_event(&other, "worker:ready");
  app_run(queue_of(fixture), "CREATE TABLE ends (id TEXT); CREATE TRIGGER count_ends AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'completed' "
                             "BEGIN INSERT INTO ends VALUES (new.id); END");
  for (int i = 0; i < JOBS; i++) app_run(queue_of(fixture), "INSERT INTO llm_jobs (name, model, data) VALUES ('n', 'p/x', '{\"prompt\":\"x\"}')");
  for (int i = 0; app_number(queue_of(fixture), "SELECT count(*) FROM llm_jobs WHERE status = 'completed'") < JOBS; i++) {
    assert_true(i < 20000);
    (void)usleep(1000);
  }
  assert_rows(queue_of(fixture), "60|60", "SELECT count(*), count(DISTINCT id) FROM ends");
  int64_t second = lj_json_int(payload_of(ask_log(&other, "s", "worker:stats", NULL)), "completed", -1);
  assert_int_equal(stat_of(fixture, "completed") + second, JOBS);
  assert_int_equal(loopback_requests(fixture->server), JOBS);
  event_log_close(&other);
}

static void trigger_of_the_app_sees_every_change(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(queue_of(fixture), "CREATE TABLE notes (line TEXT); CREATE TRIGGER follow AFTER UPDATE OF status ON llm_jobs BEGIN "
                             "INSERT INTO notes VALUES (old.status || '>' || new.status || '=' || length(ifnull(new.result, ''))); END");
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_true(app_number(queue_of(fixture), "SELECT count(*) FROM notes WHERE line LIKE 'active>completed=%%' AND line <> 'active>completed=0'") == 1);
  assert_rows(queue_of(fixture), "waiting>active=0", "SELECT line FROM notes LIMIT 1");
}

static void end_that_a_trigger_refuses_waits_and_holds_up_no_other(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(queue_of(fixture), "CREATE TRIGGER guard BEFORE UPDATE OF status ON llm_jobs WHEN new.id = 'a' AND new.status = 'completed' BEGIN SELECT raise(ABORT, 'not yet'); END");
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, ",\"concurrency\":2", "");
  for (int i = 0; i < 5; i++) {
    char id[] = {(char)('b' + i), '\0'};
    add_job(fixture, id, "p/x", HELLO);
    wait_job(fixture, id, "completed");
  }
  assert_rows(queue_of(fixture), "active|1", "SELECT status, attempts FROM llm_jobs WHERE id = 'a'");
  app_run(queue_of(fixture), "DROP TRIGGER guard");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_int_equal(loopback_requests(fixture->server), 6); /* it was paid for once */
}

static void claim_that_a_trigger_refuses_holds_up_no_other(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(queue_of(fixture), "CREATE TRIGGER guard BEFORE UPDATE OF status ON llm_jobs WHEN new.id = 'a' AND new.status = 'active' BEGIN SELECT raise(ABORT, 'no'); END");
  add_job(fixture, "a", "p/x", HELLO);
  app_run(queue_of(fixture), "UPDATE llm_jobs SET priority = 9");
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, ",\"concurrency\":1", "");
  wait_job(fixture, "b", "completed");
  assert_rows(queue_of(fixture), "waiting|0", "SELECT status, attempts FROM llm_jobs WHERE id = 'a'");
  app_run(queue_of(fixture), "DROP TRIGGER guard");
  engine_stop(fixture);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
}

static void engine_needs_no_listener(void **state) {
  engine_fixture *fixture = *state;
  lj_engine *engine = NULL;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  lj_engine_options options = {.config = engine_config(fixture, "w", "", "")};
  assert_int_equal(lj_engine_start(&options, &engine, NULL), 0);
  for (int i = 0; app_number(queue_of(fixture), "SELECT count(*) FROM llm_jobs WHERE status = 'completed'") < 1; i++) {
    assert_true(i < 20000);
    (void)usleep(1000);
  }
  lj_engine_stop(engine);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(start_tells_ready_and_what_it_is),
      cmocka_unit_test(start_with_a_bad_configuration_says_why),
      engine_test(missing_database_is_told_and_the_engine_waits_for_its_stop),
      engine_test(start_waits_for_the_app_to_let_the_lock_go),
      engine_test(database_without_wal_is_refused),
      cmocka_unit_test(versions_and_codes_are_texts),
      engine_test(job_of_plain_sql_is_completed),
      engine_test(answer_is_the_same_byte_by_byte),
      engine_test(ollama_job_is_completed),
      engine_test(answer_that_is_no_stream_is_read_too),
      engine_test(rows_are_found_by_a_note_and_without_one),
      engine_test(one_at_a_time_keeps_strict_order),
      engine_test(never_more_calls_than_concurrency_and_never_fewer),
      engine_test(provider_limit_holds_up_no_other_provider),
      engine_test(groups_that_share_a_full_lane_hold_up_no_other),
      engine_test(only_named_queues_are_served),
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
      engine_test(pause_and_resume),
      engine_test(drain_lets_running_jobs_end_and_takes_no_new_ones),
      engine_test(drain_interrupts_what_runs_at_its_deadline),
      engine_test(second_drain_replaces_the_first),
      engine_test(heartbeat_and_statistics_tell_numbers),
      engine_test(odd_messages_are_refused_or_ignored),
      engine_test(subscriber_gets_live_text),
      engine_test(stop_gives_the_attempts_back),
      engine_test(answer_of_a_lost_lease_is_dropped),
      engine_test(call_of_a_lost_lease_is_aborted_at_the_next_renewal),
      engine_test(finished_call_is_written_however_long_the_app_holds_the_lock),
      engine_test(stop_writes_an_answer_that_was_paid_for),
      engine_test(jobs_of_a_dead_predecessor_run_at_once),
      engine_test(expired_lease_of_another_worker_is_taken_over),
      engine_test(two_engines_share_one_file),
      engine_test(trigger_of_the_app_sees_every_change),
      engine_test(end_that_a_trigger_refuses_waits_and_holds_up_no_other),
      engine_test(claim_that_a_trigger_refuses_holds_up_no_other),
      engine_test(engine_needs_no_listener),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
