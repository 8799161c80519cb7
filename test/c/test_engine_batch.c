/* SPDX-License-Identifier: MIT
 *
 * Batches as the provider may really answer: in pieces, broken off, with nonsense in them, or not at all.
 */
#include "support/engine_fixture.h"

#define MARK "0123456789abcdef0123456789abcdef"
#define BATCH ",\"batch\":{\"pollMs\":100,\"maxWaitMs\":0}"
#define ANSWER(seq, text)                                                                                                      \
  "{\"custom_id\":\"" MARK "-" seq "\",\"response\":{\"status_code\":200,\"body\":{\"choices\":[{\"index\":0,\"message\":{\"role\":" \
  "\"assistant\",\"content\":\"" text "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}}}\n"
#define RESULTS "SELECT status, attempts, json_extract(result, '$.text'), json_array_length(history), remote, lease_token FROM llm_jobs ORDER BY seq"

/* Two jobs in a batch that a dead worker has left behind. */
static void add_batch(engine_fixture *fixture) {
  add_job(fixture, "a", "p/m", HELLO);
  add_job(fixture, "b", "p/m", HELLO);
  app_run(&fixture->queue,
          "UPDATE llm_jobs SET status = 'delayed', run_at = 9000000000000, batch = '" MARK "', remote = '{\"kind\":\"batch\",\"id\":\"batch_1\","
          "\"provider\":\"p\",\"key\":0,\"model\":\"m\",\"at\":1,\"jobs\":2,\"owner\":\"x\",\"until\":1}'");
}

static void script_end(engine_fixture *fixture) {
  script_for(fixture, "GET /v1/batches/batch_1 ",
             http_reply(fixture, 200, "application/json", "", "{\"id\":\"batch_1\",\"status\":\"completed\",\"output_file_id\":\"out\"}"));
}

static const char *both(engine_fixture *fixture) {
  return http_reply(fixture, 200, "application/jsonl", "", ANSWER("2", "Zwei") ANSWER("1", "Eins"));
}

static void wait_both(engine_fixture *fixture) {
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_rows(&fixture->queue, "completed|1|Eins|1|-|- completed|1|Zwei|1|-|-", RESULTS);
}

static void results_that_come_byte_by_byte(void **state) {
  engine_fixture *fixture = *state;
  script_end(fixture);
  loopback_script(fixture->server, (loopback_reply){.when = "/files/out/content", .bytes = both(fixture), .piece = 1});
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_both(fixture);
}

static void results_that_break_off_are_read_again_and_settle_each_job_once(void **state) {
  engine_fixture *fixture = *state;
  const char *bytes = both(fixture);
  script_end(fixture);
  loopback_script(fixture->server,
                  (loopback_reply){.when = "/files/out/content", .times = 1, .bytes = bytes, .length = strlen(bytes) - 20, .then = LOOPBACK_RESET});
  loopback_script(fixture->server, (loopback_reply){.when = "/files/out/content", .bytes = bytes});
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_both(fixture);
  assert_int_equal(loopback_count(fixture->server, "/files/out/content"), 2);
}

static void lines_of_nobody_and_twice_the_same_change_nothing(void **state) {
  engine_fixture *fixture = *state;
  script_end(fixture);
  script_for(fixture, "/files/out/content",
             http_reply(fixture, 200, "application/jsonl", "",
                        "{\"custom_id\":\"" MARK "-77\",\"response\":{\"status_code\":200,\"body\":{}}}\n{\"custom_id\":\"stranger\",\"response\":null}\n\n" ANSWER(
                            "1", "Eins") ANSWER("1", "Noch eins") "{\"custom_id\":\"" MARK "-2\",\"response\":{\"status_code\":200,\"body\":null}}\n" ANSWER("2", "Zwei")));
  add_batch(fixture);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 1");
  engine_start(fixture, "", BATCH);
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "failed");
  assert_rows(&fixture->queue, "completed|Eins|- failed|-|PROTOCOL", "SELECT status, json_extract(result, '$.text'), json_extract(error, '$.code') FROM llm_jobs ORDER BY seq");
}

static void nonsense_is_asked_for_again(void **state) {
  engine_fixture *fixture = *state;
  script_end(fixture);
  loopback_script(fixture->server, (loopback_reply){.when = "/files/out/content",
                                                    .times = 1,
                                                    .bytes = http_reply(fixture, 200, "text/html", "", "<html>a proxy</html>")});
  loopback_script(fixture->server, (loopback_reply){.when = "/files/out/content", .bytes = both(fixture)});
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_both(fixture);
}

static void a_batch_that_is_gone_leaves_its_jobs_to_calls(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "GET /v1/batches/batch_1 ", http_reply(fixture, 404, "application/json", "", "{\"error\":{\"message\":\"gone\"}}"));
  script_for(fixture, "/chat/completions", sse_reply(fixture));
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_rows(&fixture->queue, "completed|1|Hello world|1|-|- completed|1|Hello world|1|-|-", RESULTS);
}

static void a_worker_that_stops_while_it_creates_leaves_it_to_the_next(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "POST /v1/files", .then = LOOPBACK_SILENT});
  add_job(fixture, "a", "p/m", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET opts = '{\"batch\":true}'");
  engine_start(fixture, "", BATCH);
  assert_true(loopback_wait_requests(fixture->server, 1));
  engine_stop(fixture);
  assert_rows(&fixture->queue, "delayed|creating|0|-", "SELECT status, json_extract(remote, '$.state'), attempts, lease_token FROM llm_jobs");
}

static void an_answer_in_the_background_is_left_to_the_next_run(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server,
                  (loopback_reply){.when = "POST /v1/responses",
                                   .bytes = http_reply(fixture, 200, "text/event-stream", "",
                                                       "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
                                                       "\"status\":\"in_progress\"}}\n\n"),
                                   .then = LOOPBACK_RESET});
  script_for(fixture, "GET /v1/responses/resp_1 ",
             http_reply(fixture, 200, "application/json", "", "{\"id\":\"resp_1\",\"status\":\"in_progress\"}"));
  add_job(fixture, "a", "p/m", HELLO);
  engine_start(fixture, "", ",\"api\":\"responses\",\"background\":true");
  assert_true(loopback_wait_requests(fixture->server, 3));
  engine_stop(fixture);
  assert_rows(&fixture->queue, "waiting|0|resp_1", "SELECT status, attempts, json_extract(remote, '$.id') FROM llm_jobs");
  assert_int_equal(loopback_count(fixture->server, "POST /v1/responses"), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(results_that_come_byte_by_byte),
      engine_test(results_that_break_off_are_read_again_and_settle_each_job_once),
      engine_test(lines_of_nobody_and_twice_the_same_change_nothing),
      engine_test(nonsense_is_asked_for_again),
      engine_test(a_batch_that_is_gone_leaves_its_jobs_to_calls),
      engine_test(a_worker_that_stops_while_it_creates_leaves_it_to_the_next),
      engine_test(an_answer_in_the_background_is_left_to_the_next_run),
  };
  return cmocka_run_group_tests_name("engine: batches", tests, NULL, NULL);
}
