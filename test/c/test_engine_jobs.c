/* SPDX-License-Identifier: MIT
 *
 * Jobs that go well: what becomes of the rows, in which order they run, and how many at a time.
 */
#include "support/engine_fixture.h"

static void job_of_plain_sql_is_completed(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/model-x", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_string_equal(job_events(fixture, "a"), "active/1 completed/1");
  assert_rows(&fixture->queue, "p|req-1|p/model-x|1|1|p|model-x|-|2",
              "SELECT json_extract(result, '$.provider'), json_extract(result, '$.requestId'), lane, json_array_length(history), "
              "json_extract(history, '$[0].attempt'), json_extract(history, '$[0].provider'), json_extract(history, '$[0].model'), "
              "json_extract(history, '$[0].code'), json_extract(history, '$[0].usage.outputTokens') FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 1);
  char *request = loopback_request(fixture->server, 0);
  assert_memory_equal(request, "POST /v1/chat/completions HTTP/1.1\r\n", 36);
  cJSON *body = json_of(strstr(request, "\r\n\r\n") + 4);
  assert_string_equal(lj_json_string(body, "model"), "model-x");
  assert_true(lj_json_bool(body, "stream", false));
  assert_json(lj_json_get(body, "messages"), "[{\"role\":\"user\",\"content\":\"Hello\"}]");
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
  app_run(&fixture->queue, "INSERT INTO llm_jobs (id, name, model, data, status, run_at) VALUES ('due', 'n', 'p/x', '{\"prompt\":\"x\"}', "
                           "'delayed', CAST(strftime('%%s', 'now') AS INTEGER) * 1000 + 50)");
  wait_job(fixture, "due", "completed");
  assert_int_equal(stat_of(fixture, "completed"), 3);
}

static void one_at_a_time_keeps_strict_order(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(&fixture->queue,
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
  assert_rows(&fixture->queue, "3", "SELECT count(*) FROM llm_jobs WHERE status = 'active'");
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
  assert_rows(&fixture->queue, "1", "SELECT count(*) FROM llm_jobs WHERE status = 'active'");
  loopback_open_gate(fixture->server);
  wait_job(fixture, "e", "completed");
}

static void groups_that_share_a_full_lane_hold_up_no_other(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "/chat/completions", .bytes = sse_reply(fixture), .gate = 30});
  script_for(fixture, "/api/chat", ollama_reply(fixture));
  /* With two slots the claim chooses a and b, but only one of them finds room in their lane. */
  app_run(&fixture->queue, "INSERT INTO llm_jobs (id, queue, name, model, data, priority) VALUES ('a', 'q1', 'n', 'p/x', '{\"prompt\":\"x\"}', 9), "
                           "('b', 'q2', 'n', 'p/x', '{\"prompt\":\"x\"}', 9), ('c', 'q3', 'n', 'o/y', '{\"prompt\":\"x\"}', 0)");
  engine_start(fixture, ",\"concurrency\":2", ",\"maxConcurrent\":1");
  wait_job(fixture, "c", "completed");
  assert_rows(&fixture->queue, "active waiting completed", "SELECT status FROM llm_jobs ORDER BY id");
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
}

static void only_named_queues_are_served(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(&fixture->queue, "INSERT INTO llm_jobs (id, queue, name, model, data) VALUES ('no', 'other', 'n', 'p/x', '{\"prompt\":\"x\"}'), "
                           "('yes', 'mine', 'n', 'p/x', '{\"prompt\":\"x\"}')");
  engine_start(fixture, ",\"queues\":[\"mine\"]", "");
  wait_job(fixture, "yes", "completed");
  (void)ask(fixture, "worker:drain", NULL);
  assert_rows(&fixture->queue, "waiting|0", "SELECT status, attempts FROM llm_jobs WHERE id = 'no'");
}

int main(void) {
  const struct CMUnitTest tests[] = {
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
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: jobs", tests, NULL, NULL);
}
